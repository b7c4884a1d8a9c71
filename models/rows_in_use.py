"""How many rows of each source stand, as papers tell it: a row that came in ten deliveries is one.

The ledger counts what each delivery used, and a full file that changed nothing is used whole each time. So
the records themselves are counted, by their newest revision.
"""

from __future__ import annotations

from features.tables import DATED, Tables
from features.workspace import Workspace


def rows_in_use(workspace: Workspace, *, last_delivery: int) -> dict[str, int]:
    """Source → its records that deliveries up to `last_delivery` left standing in any table; true counts."""
    tables = Tables(workspace.data)
    con = tables.connect()
    con.execute(f"SET memory_limit = '{workspace.settings.memory}'")
    told = " UNION ALL ".join(
        f"SELECT '{name}' AS told_in, source, record_key, revision, withdrawn FROM {tables.view(con, name)} "
        f"WHERE delivery_id <= {int(last_delivery)}"
        for name in DATED
        if tables.exists(name)
    )
    if not told:
        return {}
    found = con.execute(
        f"""
        SELECT source, count(DISTINCT record_key) FROM (
            SELECT source, record_key, arg_max(withdrawn, revision) AS gone
            FROM ({told}) GROUP BY told_in, source, record_key
        ) WHERE NOT gone GROUP BY source
        """
    ).fetchall()
    return dict(found)
