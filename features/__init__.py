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
from datetime import date
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
    columns: Sequence[str] | None = None,
    form: Literal["arrow", "pandas", "polars"] = "arrow",
) -> Any:
    """The panel of a morning: one row per person, from what was known then of the newest state.

    workspace: or its folder. as_of: a date, or '2026-06-29'. catalogue: the features; by default all
    that the workspace's sources give. columns: names of those that are wanted; all by default.
    form: 'arrow' gives a pyarrow.Table and 'polars' a polars.DataFrame with person_id as a column,
    'pandas' a pandas.DataFrame with person_id as its index; features are float32 with NaN.

    Raises UserMistake naming what is not there: the workspace, a column, a signal, polars.
    """
    from features.catalogue import derive_catalogue
    from features.errors import UserMistake
    from features.panel import read_panel as read_whole
    from features.snapshot import open_snapshot
    from features.workspace import Workspace, open_workspace

    if form not in ("arrow", "pandas", "polars"):
        raise UserMistake(f"A panel has no form {form!r}.", problems=["choose arrow, pandas or polars"])
    if not isinstance(workspace, Workspace):
        workspace = open_workspace(Path(workspace))
    try:
        morning = date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError:
        raise UserMistake(f"{as_of!r} is not a date.", problems=["write it as 2026-06-29"]) from None
    asked = catalogue or derive_catalogue(workspace.sources)
    return getattr(read_whole(open_snapshot(workspace), asked, morning, columns=columns), form)()
