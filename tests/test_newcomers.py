"""A load of past years into a workspace that has told mornings: whose its subjects were on those."""

from collections import Counter
from datetime import date, timedelta

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from features.asof import sql_known
from features.link import link
from features.newcomers import join_the_told
from features.snapshot import open_snapshot
from features.workspace import Workspace
from tests.test_link import append, day, deliver, fact, workspace

__all__ = ["workspace"]

CON = duckdb.connect(config={"threads": 1})
BEGINS, RECEIVED, LAST = 2, 6, 8
"""The days from BEGINS on are told, those from RECEIVED on are not; nothing is looked at from LAST on."""


def test_a_past_that_comes_later_joins_nobody_to_whom_it_was_not_joined_then(workspace: Workspace) -> None:
    """A is known from day 0, and linked. History of day 30 brings three who are one person, and M, who is A
    from day 5 on; on day 40 A turns out to be those three too, who are more, and whose name it would be."""
    a, m, *three = ("police", "A"), ("care", "M"), *(("care", f"N{n}") for n in range(3))
    one, other = {"nhs_number": "9434765919"}, {"upn": "A123456789012"}
    deliver(workspace, 1, 0, identities=[fact(*a, known=0, **other)])
    link(workspace)
    past = [fact(*who, known=-400, **one) for who in three] + [fact(*m, known=5, **other)]
    for row in past:
        append(workspace, "identities", [{**row, "delivery_id": 2, "withdrawn": False}])
    append(workspace, "deliveries", [{"delivery_id": 2, "received_on": day(30), "history": True}])
    deliver(workspace, 3, 40, identities=[fact(*a, known=40, record_key="r/again", **one)])
    link(workspace)
    con = open_snapshot(workspace).con
    for morning in range(1, 60):
        on = f"(FROM links WHERE {sql_known(day(morning))})"
        mine = f"SELECT person_id FROM {on} WHERE subject_key = 'A'"
        found = con.execute(f"SELECT source, subject_key FROM {on} WHERE person_id = ({mine})").fetchall()
        with_a = {a} | ({m} if morning > 5 else set()) | (set(three) if morning > 40 else set())
        assert {*found} == with_a, morning


def timeline(day_by_day: list[str | None]) -> list[tuple[str | None, int, int | None]]:
    """(person, from, until) of runs of equal days; the last has no end."""
    starts = [n for n, who in enumerate(day_by_day) if n == 0 or who != day_by_day[n - 1]]
    return [(day_by_day[n], n, end) for n, end in zip(starts, [*starts[1:], None], strict=True)]


people = st.lists(st.sampled_from("PPPQQR"), min_size=LAST, max_size=LAST)


@settings(max_examples=25, deadline=None)
@given(
    st.fixed_dictionaries({s: st.tuples(people, people) for s in "abc"}),
    st.fixed_dictionaries(dict.fromkeys("xy", people)),
)
def test_newcomers_are_with_whom_they_were_and_never_with_anybody_else(
    old: dict[str, tuple[list[str], list[str]]], new: dict[str, list[str]]
) -> None:
    """old: as told and as replayed, day by day; new: as replayed. P and Q have changed places."""
    start = date(2026, 1, 1)
    columns = (
        "(source TEXT, subject_key TEXT, person_id TEXT, known_on DATE, known_until DATE, strength DOUBLE)"
    )
    replayed = {s: anew for s, (_, anew) in old.items()} | new
    CON.execute("CREATE OR REPLACE TEMP TABLE moves AS FROM (VALUES ('P', 'Q'), ('Q', 'P')) m(was, becomes)")
    for table, told in (
        ("told_links", {s: before for s, (before, _) in old.items()}),
        ("new_timelines", replayed),
    ):
        CON.execute(f"CREATE OR REPLACE TEMP TABLE {table} {columns}")
        rows = [
            ("a", subject, who, start + timedelta(a), b and start + timedelta(b), 1.0)
            for subject, by_day in told.items()
            for who, a, b in timeline(by_day)
        ]
        CON.execute(
            f"INSERT INTO {table} VALUES " + ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(rows)), sum(rows, ())
        )
    join_the_told(CON, start + timedelta(BEGINS), start + timedelta(RECEIVED))
    rows = CON.execute("SELECT subject_key, person_id, known_on, known_until FROM new_timelines").fetchall()
    for n in range(LAST):
        on = start + timedelta(n)
        found = {s: who for s, who, since, until in rows if since <= on and (until is None or on < until)}
        assert found.keys() == replayed.keys()
        assert {s: found[s] for s in old} == {s: replayed[s][n] for s in old}
        if not BEGINS <= n < RECEIVED:
            assert {s: found[s] for s in new} == {s: by_day[n] for s, by_day in new.items()}
            continue
        for subject in new:
            beside = Counter(old[s][0][n] for s in old if old[s][1][n] == new[subject][n])
            if beside:
                assert found[subject] == min(beside, key=lambda who: (-beside[who], who))
            else:
                assert found[subject] not in {before[n] for before, _ in old.values()}
                if all(old[s][1][n] != new[subject][n] for s in old):
                    assert (found["x"] == found["y"]) == (new["x"][n] == new["y"][n])
