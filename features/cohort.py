"""Who is asked about on a morning: people the council knows, still here, and not there already.

The model's own sources count, so that a new source never changes who the champion looks at. Each
rule leaves some people out; the flow of those numbers is printed and goes into the model's card.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from features.asof import sql_in_window, sql_known, sql_spell_open
from features.became import became_sql
from features.happenings import SameHappening
from features.marks import OBJECTION, marked_sql
from features.outcomes import Outcome, already_there_sql, open_spell_sql
from features.snapshot import Snapshot
from features.usable import all_usable_rows, sql_in
from features.vital import ages_sql, died_sql, gone_sql, other_age_sql

OBJECTS = "objects to being scored"
HELPED = "already open to early help"


@dataclass(frozen=True)
class Eligibility:
    """Who may be on a list.

    seen_within_days: a usable event of one of `signals` in so many days before the morning.
    held: held by a register of one of `sources`, or living with somebody who is.
    open_spell: signals; one of them must be open on the morning. Empty: no such rule.
    exits: signals that say a person has died or gone.
    not_open: signals; whoever has one open is helped already.
    at_least_age, under_age: in whole years on the morning. Of unknown age nobody is under an age, so that
    `under_age` leaves them out and `at_least_age` does not: who has no birth date is mostly grown up.
    happenings: of an outcome that has to come on several days, which of its signals are one happening; by
    them it is known who is there already.
    """

    signals: tuple[str, ...]
    sources: tuple[str, ...]
    seen_within_days: int = 730
    held: bool = True
    open_spell: tuple[str, ...] = ()
    exits: tuple[str, ...] = ()
    not_open: tuple[str, ...] = ()
    at_least_age: int | None = None
    under_age: int | None = None
    happenings: tuple[SameHappening, ...] = ()


@dataclass(frozen=True)
class Cohort:
    """The people of a morning. person_ids: (n,) str, sorted. flow: (why, left out, left), of which the first
    step leaves out of everybody known that morning."""

    as_of: date
    person_ids: np.ndarray
    flow: tuple[tuple[str, int, int], ...]


def cohort(
    snapshot: Snapshot,
    *,
    eligibility: Eligibility,
    outcome: Outcome,
    as_of: date,
    objections_on: date | None = None,
) -> Cohort:
    """Everyone eligible on the morning of `as_of`, with the numbers each rule left out.

    Whoever objects on that morning is left out before any other rule is asked, and whoever does on
    `objections_on`: an objection stands for all later processing, of past mornings too. The flow says so
    where somebody does.
    """
    con = snapshot.con
    everyone = _everyone(snapshot, as_of)
    queries = [_objecting_sql(snapshot, as_of, on=day) for day in {as_of, objections_on or as_of}]
    objecting = {person for query in queries for (person,) in con.execute(query).fetchall()}
    flow = [(OBJECTS, len(objecting), everyone - len(objecting))] if objecting else []
    seen = f"""
        SELECT DISTINCT person_id FROM {all_usable_rows(snapshot, as_of=as_of)}
        WHERE signal IN {sql_in(eligibility.signals)} AND {sql_in_window(as_of, eligibility.seen_within_days)}
    """
    within = f"no event in the last {eligibility.seen_within_days} days"
    people = {person for (person,) in con.execute(seen).fetchall()} - objecting
    flow.append((within, everyone - len(objecting) - len(people), len(people)))

    def leave_out(why: str, query: str, *, keep: bool = False) -> None:
        nonlocal people
        found = {person for (person,) in con.execute(query).fetchall()}
        stay = people & found if keep else people - found
        flow.append((why, len(people) - len(stay), len(stay)))
        people = stay

    leave_out("known to have died", died_sql(snapshot, known=as_of, before=as_of))
    leave_out("known to have gone", gone_sql(snapshot, eligibility.exits, known=as_of, before=as_of))
    if (least := eligibility.at_least_age) is not None:
        leave_out(f"under {least}", other_age_sql(snapshot, known=as_of, on=as_of, at_least_age=least))
    if (under := eligibility.under_age) is not None:
        leave_out(f"{under} or over", other_age_sql(snapshot, known=as_of, on=as_of, under_age=under))
        of_known_age = f"SELECT person_id FROM ({ages_sql(snapshot, known=as_of, on=as_of)})"
        leave_out("of unknown age", of_known_age, keep=True)
    if eligibility.held:
        leave_out("not on the council's books", _held_sql(eligibility, as_of), keep=True)
    if eligibility.open_spell:
        open_now = open_spell_sql(snapshot, eligibility.open_spell, known=as_of, as_of=as_of)
        leave_out("no open spell", open_now, keep=True)
    if eligibility.not_open:
        leave_out(HELPED, open_spell_sql(snapshot, eligibility.not_open, known=as_of, as_of=as_of))
    there = f"already in the outcome's service, or had it in the last {outcome.horizon_days} days"
    leave_out(there, already_there_sql(snapshot, outcome, known=as_of, as_of=as_of))
    return Cohort(as_of, np.array(sorted(people), dtype=str), tuple(flow))


def _everyone(snapshot: Snapshot, as_of: date) -> int:
    """People known on the morning, whatever is known of them."""
    query = f"SELECT count(DISTINCT person_id) FROM links WHERE {sql_known(as_of)}"
    return int(snapshot.con.execute(query).fetchall()[0][0])


def _objecting_sql(snapshot: Snapshot, as_of: date, *, on: date) -> str:
    """A SELECT of person_id: people of the morning `as_of` any of whose subjects is, on the morning `on`,
    one of somebody's who objects."""
    return f"""
        SELECT DISTINCT was AS person_id FROM ({became_sql(snapshot, stood=as_of, stands=on)})
        WHERE became IN ({marked_sql(OBJECTION, on)})
    """


def _held_sql(eligibility: Eligibility, as_of: date) -> str:
    """SELECT person_id of people on a register of the model's sources, and those who live with them."""
    open_spell = sql_spell_open(as_of, start="start_on", end="end_on")
    return f"""
        WITH held_now AS (
            SELECT DISTINCT person_id FROM held
            WHERE source IN {sql_in(eligibility.sources)} AND {sql_known(as_of)} AND {open_spell}
        ), home AS (
            SELECT DISTINCT person_id, uprn FROM residences WHERE {sql_known(as_of)} AND {open_spell}
        )
        SELECT person_id FROM held_now
        UNION
        SELECT person_id FROM home
        WHERE uprn IN (SELECT uprn FROM home WHERE person_id IN (SELECT person_id FROM held_now))
    """
