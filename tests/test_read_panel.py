"""`features.read_panel`, the way in for notebooks; the examples of docs/panel.md run."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import features
from features.errors import UserMistake
from features.panel import build_panel
from tests.town import Town

ROOT = Path(__file__).parent.parent
AS_OF = date(2026, 6, 29)
NAME = "police.incident.count_90"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path / "workspace")
    town.person("ann", "bob")
    town.event("ann", "police.incident", "1 Jun")
    town.event("bob", "missing.episode", "1 Jun")
    assert town.snapshot.last_delivery == 1
    return town


@pytest.mark.parametrize("named", ["workspace", "path", "text"])
def test_it_is_the_panel_of_the_newest_state(named: str, town: Town) -> None:
    root = town.workspace.root
    asked: Any = {"workspace": town.workspace, "path": root, "text": str(root)}[named]
    table = features.read_panel(asked, AS_OF)
    built = build_panel(town.snapshot, town.catalogue, AS_OF)
    assert isinstance(table, pa.Table)
    assert table.schema.equals(built.arrow().schema, check_metadata=True)
    pd.testing.assert_frame_equal(table.to_pandas(), built.arrow().to_pandas())  # NaN equals NaN
    town.event("bob", "police.incident", "2 Jun")
    assert town.snapshot.last_delivery == 2
    assert features.read_panel(asked, "2026-06-29")[NAME].to_pylist() == [1, 1]


@pytest.mark.parametrize("day", [datetime(2026, 6, 29, 9), pd.Timestamp("2026-06-29")])
def test_a_moment_is_its_day(day: Any, town: Town) -> None:
    whole = features.read_panel(town.workspace, AS_OF, form="pandas")
    pd.testing.assert_frame_equal(features.read_panel(town.workspace, day, form="pandas"), whole)


def test_columns_may_be_one_name_the_ids_or_named_twice(town: Town) -> None:
    one = features.read_panel(town.workspace, AS_OF, columns=NAME)
    assert one.column_names == ["person_id", NAME]
    assert features.read_panel(town.workspace, AS_OF, columns=["person_id", NAME, NAME]).equals(one)


def test_every_form_has_the_same_people_and_numbers(town: Town) -> None:
    arrow = features.read_panel(town.workspace, AS_OF, columns=[NAME])
    assert arrow.to_pydict() == {"person_id": ["ann", "bob"], NAME: [1, 0]}
    frame = features.read_panel(town.workspace, AS_OF, columns=[NAME], form="pandas")
    pd.testing.assert_frame_equal(
        frame, pd.DataFrame({NAME: [1, 0]}, index=pd.Index(["ann", "bob"], name="person_id"), dtype="float32")
    )
    pytest.importorskip("polars")
    frame = features.read_panel(town.workspace, AS_OF, columns=[NAME], form="polars")
    assert frame.rows() == [("ann", 1.0), ("bob", 0.0)]


def test_a_models_catalogue_gives_its_own_columns(town: Town) -> None:
    few = town.catalogue.select([NAME, "all.count_30"])
    table = features.read_panel(town.workspace, AS_OF, catalogue=few)
    assert table.column_names == ["person_id", *few.names]


def test_mistakes_are_named(town: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for asked, said in (
        ({"columns": ["police.incident.count_9"]}, r"did you mean police\.incident\.count_90"),
        ({"form": "csv"}, "no form 'csv'"),
        ({"as_of": "29/06/2026"}, "not a date"),
        ({"workspace": tmp_path / "nowhere"}, "no workspace"),
    ):
        with pytest.raises(UserMistake, match=said):
            features.read_panel(**{"workspace": town.workspace, "as_of": AS_OF, **asked})  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UserMistake, match="no polars"):
        features.read_panel(town.workspace, AS_OF, form="polars")


def test_the_examples_of_the_page_run(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "panel.md").read_text(encoding="utf-8"), re.S
    )
    assert len(examples) == 2
    monkeypatch.chdir(town.workspace.root.parent)
    seen: dict[str, Any] = {}
    for example in examples:
        exec(example, seen)
    assert seen["panel"].loc["ann", NAME] == 1
    assert seen["some"].num_columns == 3
    assert seen["people"] == 2


def test_importing_features_is_cheap() -> None:
    heavy = "numpy pandas pyarrow duckdb numba pydantic yaml"
    code = f"import sys, features; print([name for name in {heavy.split()} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
