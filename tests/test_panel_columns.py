"""A panel is read by name and by person, and says what it does not have."""

from __future__ import annotations

import sys
from datetime import date

import numpy as np
import pytest

from features.errors import UserMistake
from features.panel import Panel

AS_OF = date(2026, 3, 1)


@pytest.fixture
def panel() -> Panel:
    values = np.array([[1, 2], [3, np.nan], [5, 6]], np.float32)
    return Panel(AS_OF, np.array(["a", "b", "c"]), values, ("x", "y"), "hash", 1, 1)


def test_columns_are_taken_by_name(panel: Panel) -> None:
    np.testing.assert_array_equal(panel.columns(["y", "x"])[0], [2, 1])
    np.testing.assert_array_equal(panel.column("y"), np.array([2, np.nan, 6], np.float32))
    with pytest.raises(KeyError, match="no column z"):
        panel.columns(["x", "z"])


def test_a_panel_is_given_as_a_table_of_any_kind(panel: Panel) -> None:
    frame = panel.pandas()
    assert (frame.index.name, list(frame.columns), frame.loc["c", "y"]) == ("person_id", ["x", "y"], 6)
    table = panel.arrow()
    assert table.column_names == ["person_id", "x", "y"]
    assert [str(field.type) for field in table.schema] == ["string", "float", "float"]
    assert table.schema.metadata == {b"as_of": b"2026-03-01", b"catalogue": b"hash"}
    rows = [("a", 1.0, 2.0), ("b", 3.0, None), ("c", 5.0, 6.0)]
    assert [tuple(None if v != v else v for v in row.values()) for row in table.to_pylist()] == rows
    pytest.importorskip("polars")
    assert [tuple(None if v != v else v for v in row) for row in panel.polars().rows()] == rows


def test_without_polars_it_says_what_to_do(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UserMistake, match="no polars"):
        panel.polars()


def test_rows_are_found_by_person(panel: Panel) -> None:
    assert panel.rows_of(np.array(["c", "a"])).tolist() == [2, 0]
    with pytest.raises(KeyError, match="2 of 3 people have no row on 2026-03-01"):
        panel.rows_of(["a", "nobody", "someone"])
