"""Nothing is taken in without an agreement that stands on the day it reaches us."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

import earlyhelp
from features.agreement import reviews_due
from features.deliveries import read_ledger
from features.errors import DataRefused
from features.ingest import ingest
from features.link import LinkReport
from features.tables import Tables
from features.workspace import Workspace, init_workspace
from tests.test_list_page import WEEKLY
from tests.town import declaration

REVIEW = date(2026, 6, 30)
STANDS = {"reference": "ISA-2", "review_by": "2030-01-01"}
NONE_SUCH: list[dict | None] = [None, {}, {**STANDS, "reference": " "}, {"reference": "ISA-1"}]


def workspace_of(root: Path, agreement: dict | None, *more: str) -> Workspace:
    init_workspace(root, sources=None)
    for name, agreed in {"police": agreement, **dict.fromkeys(more, STANDS)}.items():
        source = declaration(name, incident={}) | {"agreement": agreed}
        if agreed is None:
            del source["agreement"]
        source["extracts"]["rows"] |= {"files": f"{name}*.csv", "delivery": "changes"}
        (root / "sources" / f"{name}.yaml").write_text(yaml.safe_dump(source), encoding="utf-8")
    return Workspace(root)


def send(workspace: Workspace, name: str) -> Path:
    path = workspace.root / "sent" / f"{name}.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"key,day,uprn\n{name},2026,1\n", encoding="utf-8")
    return path


def taken_in(workspace: Workspace) -> list[str]:
    return [delivery.file for delivery in read_ledger(Tables(workspace.data))]


@pytest.mark.parametrize("agreement", NONE_SUCH)
def test_without_an_agreement_that_is_named_and_reviewed(tmp_path: Path, agreement: dict | None) -> None:
    workspace = workspace_of(tmp_path, agreement)
    with pytest.raises(DataRefused, match="agreement") as refused:
        ingest(workspace, send(workspace, "police"), received=date(2020, 1, 1))
    assert "somebody" in str(refused.value), "who is to be asked"
    assert refused.value.exit_code == 3 and taken_in(workspace) == []
    (said,) = reviews_due(workspace.sources.values(), date(2020, 1, 1))
    assert "refused" in said


def test_it_is_judged_on_the_day_the_delivery_was_received(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, {"reference": "ISA-1", "review_by": str(REVIEW)})
    first = send(workspace, "police")
    ingest(workspace, first, received=REVIEW)
    with pytest.raises(DataRefused, match="ISA-1 was to be reviewed by 2026-06-30"):
        ingest(workspace, send(workspace, "police2"), received=REVIEW + timedelta(days=1))
    with pytest.raises(DataRefused, match="was to be reviewed"):
        ingest(workspace, first, received=REVIEW + timedelta(days=1), history=True)
    (again,) = ingest(workspace, first, received=REVIEW)
    assert again.unchanged and taken_in(workspace) == ["police.csv"]


def test_the_other_sources_are_taken_in_all_the_same(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, None, "fire", "rents")
    for name in ("fire", "police", "rents"):
        send(workspace, name)
    with pytest.raises(DataRefused, match="2 of 3 files were taken in"):
        ingest(workspace, workspace.root / "sent", received=REVIEW)
    assert taken_in(workspace) == ["fire.csv", "rents.csv"]


@pytest.mark.parametrize(
    ("days_before", "said"),
    [(61, ""), (60, "(60 days from now)"), (1, "(1 day from now)"), (0, "(0 days"), (-1, "is refused")],
)
def test_a_review_is_announced_sixty_days_ahead(tmp_path: Path, days_before: int, said: str) -> None:
    workspace = workspace_of(tmp_path, {"reference": "ISA-1", "review_by": str(REVIEW)}, "fire")
    found = list(reviews_due(workspace.sources.values(), REVIEW - timedelta(days=days_before)))
    assert len(found) == bool(said)
    assert all(said in sentence and "Police" in sentence for sentence in found)


def test_it_is_said_with_the_list() -> None:
    said = "The agreement of Police (ISA-1) is to be reviewed."
    links = LinkReport(1, 2, subjects=3, persons=2, changed=0)
    watched = SimpleNamespace(text=lambda: "watched")
    week = earlyhelp.Week([], links, WEEKLY, watched, (said,))  # type: ignore[arg-type]
    text = earlyhelp._week_text(week)
    assert text.index(said) < text.index(WEEKLY.title) < text.index("watched")
