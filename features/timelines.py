"""When each subject belonged to whom: the link rows that follow from who held which key when."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from features.asof import OPEN, sql_day_number
from features.clusters import Holdings, timelines
from features.intervals import FOREVER
from features.person_ids import name_people


def make_timelines(con: duckdb.DuckDBPyConnection, *, nobody: str, given: str | None = None) -> None:
    """Make temporary table new_timelines from `subjects` and `holdings`.

    Columns source, subject_key, person_id, known_on, known_until (NULL = standing): for each subject a row
    from every day on which its person changed; person_id is NULL while it is nobody's. nobody: SQL over a
    row of subjects, whether it names nobody. given: see `features.person_ids`.
    """
    first = con.execute(
        f"SELECT {sql_day_number('known_on')} AS day, {nobody} AS nobody FROM subjects ORDER BY subject"
    ).fetchnumpy()
    held = con.execute(
        f"SELECT subject, key, {sql_day_number('known_on')} AS from_day, "
        f"if(known_until = {FOREVER}, {OPEN}, {sql_day_number('known_until')}) AS to_day "
        "FROM holdings ORDER BY subject, key, known_on"
    ).fetchnumpy()
    found = timelines(
        np.asarray(first["day"]),
        Holdings(**{name: np.asarray(column) for name, column in held.items()}),
        nobody=np.asarray(first["nobody"]),
    )
    con.register("found_rows", pa.table(vars(found)))
    name_people(con, given=given)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE new_timelines AS
        WITH found AS (
            SELECT *, DATE '1970-01-01' + from_day::INTEGER AS day FROM found_rows
        )
        SELECT s.source, s.subject_key, n.person_id, found.day AS known_on,
               lead(found.day) OVER (PARTITION BY found.subject ORDER BY found.day) AS known_until
        FROM found JOIN subjects s ON s.subject = found.subject
        LEFT JOIN person_names n USING (founder, number)
        """
    )
    con.unregister("found_rows")
