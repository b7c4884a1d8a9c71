"""What a full delivery says by leaving records out, and when it is not believed."""

from __future__ import annotations

from datetime import date

import duckdb

from features.asof import sql_date
from features.errors import DataRefused
from features.workspace import Settings

TOLD = """
    SELECT record_key FROM rows WHERE copy = 0 AND problem IS NULL AND record_key IS NOT NULL
    UNION ALL SELECT record_key FROM rows WHERE copy > 0 GROUP BY record_key HAVING count(problem) = 0
"""


def refuse_older(file: str, received: date, last: date | None) -> None:
    """Raises DataRefused if a full or window file comes after a newer one of its extract."""
    if last is not None and received < last:
        raise DataRefused(
            f"{file} is older than what has been taken in.",
            problems=[
                f"it was received on {received}, the last of its kind on {last}; a full or window delivery "
                "says how things stood on its day and cannot come after a newer one"
            ],
        )


def make_told(con: duckdb.DuckDBPyConnection) -> None:
    """Make `told`, the records a delivery speaks of: used, or ignored though once taken.

    A record that stands and whose row is now ignored by a rule is left with nothing. What is in
    quarantine is not spoken of: it stands as it stood.
    """
    con.execute(f"CREATE OR REPLACE VIEW told AS {TOLD}")


def tell_left_out(
    con: duckdb.DuckDBPyConnection, file: str, concerned: list[str], covers_from: date, settings: Settings
) -> int:
    """Add to `told` the standing records that a full delivery does not hold; returns how many are
    withdrawn, those included whose rows are now ignored by a rule.

    concerned: the dated tables whose `standing_<table>` is there. Records whose events all lie
    before the source's coverage are not expected in the file.
    Raises DataRefused if suspiciously many would go, or if the file has no row at all.
    """
    standing = " UNION ALL ".join(
        f"SELECT record_key, {'CAST(occurred_at AS DATE)' if table == 'events' else 'NULL'} AS day "
        f"FROM standing_{table} WHERE NOT withdrawn"
        for table in concerned
    )
    con.execute(
        f"""
        CREATE OR REPLACE TABLE expected AS
        SELECT record_key FROM ({standing}) GROUP BY record_key
        HAVING max(day) IS NULL OR max(day) >= {sql_date(covers_from)};
        CREATE OR REPLACE TABLE left_out AS SELECT record_key FROM expected ANTI JOIN rows USING (record_key);
        CREATE OR REPLACE VIEW told AS {TOLD} UNION ALL FROM left_out
        """
    )
    ignored = "SELECT record_key FROM rows GROUP BY record_key HAVING count(ignored) = count(*)"
    counts = f"""SELECT (SELECT count(*) FROM expected), (SELECT count(*) FROM left_out)
        + (SELECT count(*) FROM expected SEMI JOIN ({ignored}) USING (record_key)), count(*) FROM rows"""
    stood, gone, rows = con.execute(counts).fetchall()[0]
    many = gone > settings.withdrawal_rows and gone > settings.withdrawal_share * stood
    if many or (stood and not rows):
        raise DataRefused(
            f"{file} leaves out too many records.",
            problems=[
                f"{gone:,} of the {stood:,} records that stand are not in this full delivery, or are ignored "
                f"by a rule now, and would be withdrawn; over {settings.withdrawal_share:.0%} and "
                f"{settings.withdrawal_rows} at once are refused. Ask the sender for a whole file; if it is "
                "right as it is, raise `withdrawal_share` in settings.yaml for this once"
            ],
        )
    return int(gone)
