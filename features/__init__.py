"""From an agency's extract to one row per person per as-of date.

Reading order: `declaration` (what a source is) → `ingest` (rows become events) →
`link`, `residences` (whose they are) → `reach`, `shards` (what reaches whom, sorted) →
`catalogue`, `kernel`, `panel` (numbers about a person on a morning) → `cohort`, `outcomes`
(who is asked about, and what followed). Nothing here imports from any other of the project's packages.

`features.read_panel` is the way in for notebooks and other programs; what it needs is imported when it
is called, so that importing `features` costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from features.catalogue import Catalogue
    from features.workspace import Workspace


def read_panel(
    workspace: Workspace | Path | str,
    as_of: date | str,
    *,
    catalogue: Catalogue | None = None,
    columns: Sequence[str] | str | None = None,
    form: Literal["arrow", "pandas", "polars"] = "arrow",
) -> Any:
    """The panel of a morning: one row per person, from what was known then of the newest state.

    workspace: or its folder. as_of: a date, or '2026-06-29'. catalogue: the features; by default all
    that the workspace's sources give. columns: names of those that are wanted, or one; all by default.
    form: 'arrow' gives a pyarrow.Table and 'polars' a polars.DataFrame with person_id as a column,
    'pandas' a pandas.DataFrame with person_id as its index; features are float32 with NaN.

    Raises UserMistake naming what is not there: the workspace, a column, a signal, polars.
    """
    from features.catalogue import Catalogue, derive_catalogue
    from features.errors import UserMistake
    from features.panel import read_panel as read_whole
    from features.snapshot import open_snapshot
    from features.workspace import Workspace, open_workspace

    if form not in ("arrow", "pandas", "polars"):
        raise UserMistake(f"A panel has no form {form!r}.", problems=["choose arrow, pandas or polars"])
    if not isinstance(workspace, Workspace):
        workspace = open_workspace(Path(workspace))
    if catalogue is not None and not isinstance(catalogue, Catalogue):
        raise UserMistake(
            f"A catalogue is no {type(catalogue).__name__}.",
            problems=["a specification's is catalogue_of(workspace, read_spec(workspace, 'escalation'))"],
        )
    wanted = None
    if columns is not None:
        names = [columns] if isinstance(columns, str) else columns
        wanted = [name for name in dict.fromkeys(names) if name != "person_id"]  # which is always there
    asked = catalogue or derive_catalogue(workspace.sources)
    return getattr(read_whole(open_snapshot(workspace), asked, _day(as_of), columns=wanted), form)()


def _day(given: date | str) -> date:
    """The day of a date, of a moment, or of a text. Raises UserMistake on anything else."""
    from features.errors import UserMistake

    try:
        if isinstance(given, datetime):
            return given.date()
        return date.fromisoformat(given) if isinstance(given, str) else date.fromisoformat(given.isoformat())
    except (ValueError, AttributeError):
        raise UserMistake(f"{given!r} is not a date.", problems=["write it as 2026-06-29"]) from None
