"""What is said of what was seen: findings from reports made by hand, and the session's county watched."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from markupsafe import escape

from models.candidate import load_candidate
from models.disclosure import STAR
from models.fairness import SELECTION, Audit, audit
from monitoring.drift import SCORE, ColumnDrift, Drift
from monitoring.findings import (
    Finding,
    drift_findings,
    fairness_findings,
    ordered,
    realised_findings,
    shift_findings,
)
from monitoring.report import Realised
from monitoring.shifts import Shift

TITLES = {SCORE: "the score", "a": "police calls", "b": "absences", "c": "letters"}


def drifted(*columns: ColumnDrift) -> Drift:
    return Drift(
        as_of=date(2026, 6, 29),
        people=900,
        reference_people=1000,
        method="wasserstein",
        threshold=0.1,
        chosen_by="hand",
        columns=(column(SCORE), *columns) if columns[0].name != SCORE else columns,
        failed=(),
        not_measured=(),
        evidently={},
    )


def column(name: str, *, moved: bool = False, before: float = 0.1, now: float = 0.1) -> ColumnDrift:
    return ColumnDrift(name, 0.3 if moved else 0.02, moved, before, now)


def realised(**other: Any) -> Realised:
    return replace(
        Realised(
            dates=(date(2025, 11, 3), date(2025, 12, 1)),
            people={"n": 2000, "selected": 60, "positives": 100, "found": 20},
            precision=20 / 60,
            interval=(0.23, 0.46),
            recall=0.2,
            base_rate=0.05,
            per_list=0.3,
            per_list_interval=(0.2, 0.4),
            promised=0.35,
            promised_interval=(0.25, 0.47),
            auc=0.8,
            calibration_slope=1.0,
            calibration_intercept=0.0,
        ),
        **other,
    )


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([column("a")], []),
        ([column("a", before=0.1, now=0.31)], ["warning"]),
        ([column("a", before=0.1, now=0.61)], ["critical"]),
        ([column("a", before=0.6, now=0.1)], []),  # a feed that began says nothing bad
        ([column("a", before=0.1, now=0.9), column("b", before=0.0, now=0.3)], ["critical", "warning"]),
        ([column(SCORE, moved=True), column("a")], ["warning"]),
        ([column("a", moved=True), column("b"), column("c")], ["note"]),
        ([column("a", moved=True), column("b", moved=True), column("c")], ["warning"]),
    ],
)
def test_what_drift_is_worth(columns: list[ColumnDrift], expected: list[str]) -> None:
    found = drift_findings(drifted(*columns), TITLES)
    assert [finding.severity for finding in found] == expected
    assert all(finding.what.endswith(".") and finding.do.endswith(".") for finding in found)
    named = {c.name for c in columns if c.drifted or c.empty_now - c.empty_before >= 0.2}
    assert all(TITLES[name] in " ".join(f.what for f in found).lower() for name in named)


@pytest.mark.parametrize(
    ("distance", "said"),
    [(0.3, "0.30"), (0.101, "0.101"), (0.10004, "0.10004"), (0.1 + 1e-9, "0.1"), (0.1096, "0.11")],
)
def test_a_distance_is_said_so_finely_that_it_is_above_what_is_allowed(distance: float, said: str) -> None:
    moved = ColumnDrift(SCORE, distance, True, 0.1, 0.1)
    (found,) = drift_findings(drifted(moved, column("a")), TITLES)
    assert f"moved {said} standard deviations" in found.what and found.what.endswith("under 0.1 is allowed.")


def test_what_scores_of_other_things_are_worth() -> None:
    steady = Shift("police", "police incidents", 0.10, 0.14, 0.3)
    assert shift_findings([steady]) == []
    (found,) = shift_findings([Shift("rents", "rent letters", 0.30, 0.21, 0.0), steady])
    assert found.severity == "warning"
    assert "rent letters 21%, before 30%" in found.what
    assert "police" not in found.what


@pytest.mark.parametrize(
    ("told", "seen", "expected"),
    [
        (None, 0, ["What followed the lists is not yet known"]),
        (realised(), 0, []),
        (realised(), 2, ["2 past lists of the 2 judged here came before 3 October 2025"]),
        (realised(interval=(0.04, 0.3)), 0, ["chance alone could do that"]),
        (realised(per_list=0.1, per_list_interval=(0.05, 0.2)), 0, ["promised 35% (25% to 47%)"]),
        (realised(precision=None, interval=None, per_list=None, per_list_interval=None), 0, []),
    ],
)
def test_what_past_lists_are_worth(told: Realised | None, seen: int, expected: list[str]) -> None:
    found = realised_findings(told, date(2025, 10, 3) if seen else None, seen)
    assert len(found) == len(expected)
    assert all(words in finding.what for words, finding in zip(expected, found, strict=True))


def selection(**counts: tuple[int, int]) -> Audit:
    return audit("sex", {name: {"n": n, "selected": k} for name, (n, k) in counts.items()}, [SELECTION])


def test_what_this_weeks_shares_are_worth() -> None:
    assert [f.severity for f in fairness_findings([], [])] == ["warning"]  # nothing to audit by
    assert fairness_findings([selection(f=(1000, 15), m=(1000, 15))], []) == []
    (apart,) = fairness_findings([selection(f=(1000, 40), m=(1000, 10))], [])
    assert (apart.severity, "f: higher; m: lower" in apart.what) == ("note", True)
    (unseen,) = fairness_findings([selection(f=(500, 15), unknown=(500, 15))], [])
    assert unseen.what == "Not known of the people scored: sex of 50%."


def test_the_gravest_comes_first() -> None:
    told = [Finding("note", "c", ""), Finding("critical", "a", ""), Finding("warning", "b", "")]
    assert [finding.what for finding in ordered(told)] == ["a", "b", "c"]


def counts_in(told: Any) -> list[Any]:
    """Every `counts` and `people` map in a report."""
    if isinstance(told, dict):
        return [v for k, v in told.items() if k in ("counts", "people")] + [
            found for v in told.values() for found in counts_in(v)
        ]
    return [found for each in told for found in counts_in(each)] if isinstance(told, list) else []


def test_the_countys_report_shows_only_counts_that_may_leave(county: Any) -> None:
    folder = county.root / "reports" / str(county.as_of)
    told = json.loads((folder / "fairness.json").read_text(encoding="utf-8"))
    shown = counts_in(told)
    assert len(shown) > 20
    numbers = [n for counts in shown for n in counts.values() if n != STAR]
    assert [n for n in numbers if n % 5 or 0 < n < 8] == []
    assert {audit["characteristic"] for audit in told["this_week"]} >= {
        "age_band",
        "deprivation_fifth",
        "disability",
        "ethnicity",
        "sex",
    }
    assert all(audit["groups"][-1]["name"] == "unknown" for audit in told["this_week"])
    assert {past["what_followed"] for past in told["past_lists"]} == {"known"}


def test_the_countys_report_measures_the_score_and_the_weightiest_features(county: Any) -> None:
    folder = county.root / "reports" / str(county.as_of)
    told = json.loads((folder / "drift.json").read_text(encoding="utf-8"))
    assert told["columns"][0]["name"] == SCORE
    assert 2 <= len(told["columns"]) <= 41
    assert len(told["evidently"]["tests"]) == len(told["columns"]) - len(told["not_measured"])
    failed = {c["name"] for c in told["columns"] if c["drifted"]}
    assert len(told["failed"]) == len(failed)


def test_the_countys_report_says_what_the_scores_are_made_of(county: Any) -> None:
    folder = county.root / "reports" / str(county.as_of)
    told = json.loads((folder / "drift.json").read_text(encoding="utf-8"))
    made_of = told["made_of"]
    assert sum(shift["share_now"] for shift in made_of) == pytest.approx(1)
    assert sum(shift["share_then"] for shift in made_of) == pytest.approx(1)
    assert [s["share_now"] for s in made_of[:-1]] == sorted(
        (s["share_now"] for s in made_of[:-1]), reverse=True
    )
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert all(escape(shift["label"])[1:] in page for shift in made_of)
    card = load_candidate(county.root / "models" / told["model"]).card["made_of"]
    heaviest = max(made_of, key=lambda shift: shift["share_then"] if shift["channel"] else 0)
    assert heaviest["channel"] == next(iter(card))


def test_there_is_nothing_to_watch_without_a_list(
    county: Any, earlyhelp_command: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, err = earlyhelp_command("monitor", "--as-of", "2020-01-06", "--workspace", county.root)
    assert code == 2
    assert "no list of 2020-01-06" in out + err
