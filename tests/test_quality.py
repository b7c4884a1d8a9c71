"""The report on data quality: its sums hold, its figures are those of a naive reading, it names nobody."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.check import check
from features.errors import UserMistake
from features.ingest import ingest
from features.link import link
from features.workspace import Workspace
from monitoring.quality import quality
from monitoring.quality_page import MOST_BARS, bars
from tests.deliveries import FIRST, LOGS, VOUCHERS, Agency, agency, write
from tests.outline import Outline

WEEKS = 5
AFTER = FIRST + timedelta(weeks=WEEKS - 1, days=1)
Command = Callable[..., tuple[int, str, str]]


@dataclass(frozen=True)
class Delivered:
    """A workspace after some weeks of logs, and vouchers of which one is placed; the values sent."""

    workspace: Workspace
    rows: list[list[dict[str, str]]]
    personal: set[str]


def day_of(folder: Path, on: date) -> Path:
    """The folder of what came on a day."""
    made = folder / "in" / str(on)
    made.mkdir(parents=True)
    return made


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    folder = tmp_path_factory.mktemp("quality")
    workspace, police, weeks = agency(folder / "w"), Agency(11), []
    for week in range(WEEKS):
        on = FIRST + timedelta(weeks=week)
        weeks.append(police.week(on, new=40 if week == 0 else 8))
        write(day_of(folder, on) / "logs_1.csv", LOGS, weeks[-1])
    ingest(workspace, folder / "in", received=AFTER)
    known = next(row for row in police.logs.values() if row["nhs"] and row["nominal"] and row["kind"] == "A")
    vouchers = [
        {"ref": "V900001", "day": "2024-01-20", "surname": "Somebody", "nhs": known["nhs"]},
        {"ref": "V900002", "day": "2024-01-21", "surname": "Whoever", "nhs": ""},
    ]
    ingest(workspace, write(folder / "vouchers_1.csv", VOUCHERS, vouchers), received=FIRST)
    link(workspace)
    sent = [row for rows in [*weeks, vouchers] for row in rows]
    personal = {
        row[c] for row in sent for c in ("ref", "nominal", "surname", "dob", "nhs", "uprn") if c in row
    }
    return Delivered(workspace, weeks, {value for value in personal if len(value) > 4})


@pytest.fixture(scope="module")
def source(delivered: Delivered) -> dict[str, Any]:
    report = quality(delivered.workspace)
    assert report.as_of == AFTER
    return json.loads((report.folder / "police.json").read_text(encoding="utf-8"))


def test_every_row_of_every_delivery_is_accounted_for(delivered: Delivered, source: dict[str, Any]) -> None:
    logs = next(extract for extract in source["extracts"] if extract["extract"] == "logs")
    assert [d["rows"] for d in logs["deliveries"]] == [len(rows) for rows in delivered.rows]
    for d in logs["deliveries"]:
        assert d["rows"] == d["used"] + d["quarantined"] + d["ignored"] and d["adds_up"]
    assert sum(reason["ever"] for reason in logs["quarantined"]) == sum(
        d["quarantined"] for d in logs["deliveries"]
    )
    assert sum(rule["newest"] for rule in logs["ignored"]) == logs["deliveries"][-1]["ignored"] > 0
    total = sum(d["rows"] for extract in source["extracts"] for d in extract["deliveries"])
    assert source["totals"]["rows"] == total == sum(map(len, delivered.rows)) + 2


def test_what_is_nobodys_and_what_is_marked_is_counted(delivered: Delivered, source: dict[str, Any]) -> None:
    assert (source["unidentified"], source["placed"]) == (2, 1)
    stands = set()
    places = set()
    for week in delivered.rows:
        now = {row["ref"]: row for row in week if row["kind"] in ("A", "M", "U", "")}
        stands |= {row["nominal"] for row in now.values() if row["objects"]}
        places |= {row["ref"] for row in now.values() if not row["nominal"]}
    assert 0 < source["marks"]["objection"] <= len(stands)
    assert source["unmatched"] == source["marks"]["objection"], "nobody else is held who could be they"
    assert 0 < source["by_place"] <= len(places)
    rows = [row["ref"] for row in delivered.rows[-1] if row["ref"] in places]
    repeated = source["extracts"][0]["deliveries"][-1]["repeated"]
    assert source["by_place"] >= source["extracts"][0]["deliveries"][-1]["by_place"] - repeated > 0
    assert source["by_place"] >= len(set(rows)) - 3  # some of them are spoilt


def test_nothing_personal_is_on_the_pages(delivered: Delivered, source: dict[str, Any]) -> None:
    folder = delivered.workspace.report_folder(AFTER) / "quality"
    assert {path.name for path in folder.iterdir()} == {
        "index.html",
        "index.json",
        "police.html",
        "police.json",
    }
    assert len(delivered.personal) > 100
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not [value for value in delivered.personal if value in text], path.name
        assert not re.search(r"\bP[0-9a-f]{11}\b", text)  # a person's id
        assert "(row)" not in text
    page = (folder / "police.html").read_text(encoding="utf-8")
    assert "href" not in page.replace('href="#', "")  # it is sent alone


@pytest.mark.parametrize("name", ["index.html", "police.html"])
def test_the_pages_are_well_formed(delivered: Delivered, source: dict[str, Any], name: str) -> None:
    text = (delivered.workspace.report_folder(AFTER) / "quality" / name).read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(text)
    assert outline.open == [] and len(set(outline.ids)) == len(outline.ids)
    assert outline.headings[0] == 1 and outline.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(outline.headings, outline.headings[1:], strict=False))
    assert '<html lang="en-GB">' in text and "<script" not in text and "http" not in text


def test_what_quality_finds_is_what_check_found(tmp_path: Path) -> None:
    workspace, police = agency(tmp_path / "w"), Agency(12)
    for week in range(4):
        on = FIRST + timedelta(weeks=week)
        rows = police.week(on, new=60 if week == 0 else 5)
        if week == 3:
            rows = [{**row, "surname": "", "call": ""} for row in rows]
        write(day_of(tmp_path, on) / "logs_1.csv", LOGS, rows)
    ingest(workspace, tmp_path / "in", received=on, before=on)
    last = tmp_path / "in" / str(on) / "logs_1.csv"
    [said] = check(workspace, last, received=on)
    ingest(workspace, last, received=on)
    report = quality(workspace)
    [found] = report.sources
    assert list(said.findings) == list(found.extracts[0].findings)
    assert {(f.about, f.severity) for f in said.findings} >= {("completeness", "critical")}
    assert "surname" in report.text() and "Information manager" in report.text()
    page = (report.folder / "police.html").read_text(encoding="utf-8")
    assert page.count('<li class="critical">') == found.severities["critical"] == 2
    earlier = quality(workspace, FIRST + timedelta(days=1))
    assert len(earlier.sources[0].extracts[0].deliveries) == 1
    assert earlier.sources[0].severities["critical"] == 0 and not earlier.sources[0].overdue
    assert quality(workspace, date(2024, 3, 1)).sources[0].overdue


def test_bars_are_drawn_to_scale() -> None:
    deliveries = [
        {"history": i == 0, "rows": 10 * i, "used": 7 * i, "quarantined": i, "ignored": 2 * i}
        for i in range(40)
    ]
    drawn = bars(deliveries)
    assert len(drawn["deliveries"]) == MOST_BARS
    tallest = [part for part in drawn["parts"] if part["x"] == max(p["x"] for p in drawn["parts"])]
    assert sum(part["height"] for part in tallest) == pytest.approx(drawn["high"], abs=0.2)
    assert {part["kind"]: part["height"] for part in tallest}["used"] == pytest.approx(
        0.7 * drawn["high"], abs=0.1
    )
    assert all(part["x"] + part["width"] <= 640 and part["y"] >= -0.1 for part in drawn["parts"])


def test_the_command_answers(earlyhelp_command: Command, delivered: Delivered, tmp_path: Path) -> None:
    code, text, _ = earlyhelp_command("--workspace", delivered.workspace.root, "quality")
    assert code == 0 and "index.html" in text
    code, text, _ = earlyhelp_command(
        "--workspace", delivered.workspace.root, "--json", "quality", "--as-of", str(AFTER)
    )
    assert code == 0 and json.loads(text)["sources"][0]["title"] == "Police"
    empty = agency(tmp_path / "empty")
    with pytest.raises(UserMistake, match="Nothing has been taken in"):
        quality(empty)
    assert earlyhelp_command("--workspace", empty.root, "quality")[0] == 2


def test_every_source_of_the_county_has_its_sum(county: Any, tmp_path: Path) -> None:
    class Elsewhere(Workspace):
        def report_folder(self, as_of: object) -> Path:
            return tmp_path / str(as_of)

    report = quality(Elsewhere(county.root), county.as_of)
    assert {source.source for source in report.sources} == set(county.workspace.sources)
    for source in report.sources:
        t = source.totals
        assert t["rows"] == t["used"] + t["quarantined"] + t["ignored"] > 0, source.source
        assert source.severities["critical"] == 0, source.findings
        assert (report.folder / f"{source.source}.html").is_file()
