"""Rows of a snapshot written by hand or at random, what `features.reach` makes of them, and the same
asked naively: of every event, whom does it reach on this morning?"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random

import duckdb
import pyarrow as pa

from features.asof import sql_known, sql_usable
from features.association import Association, by_association
from features.reach import reach
from features.tables import PAYLOAD

D0 = date(2026, 1, 1)
CON = duckdb.connect(config={"threads": 1})  # one for all: opening one costs more than a small case
SHARED = "rents.notice"
PERSONAL = "police.incident"
QUIET = "police.note"  # reaches nobody by association
MORNINGS = range(11)
WORLDS, PEOPLE = 40, "pqrst"

World = dict[str, list[dict]]

DATES = [("known_on", pa.date32()), ("known_until", pa.date32())]
TABLES = {
    **{
        name: pa.schema(
            [
                *[("source", pa.string()), ("record_key", pa.string())],
                *[("revision", pa.int32()), ("delivery_id", pa.int64()), *DATES],
                *[(f.name, f.type) for f in PAYLOAD[name]],
                *([("occurred_on", pa.date32())] if name == "events" else []),
            ]
        )
        for name in ("events", "identities", "addresses", "registers", "marks", "paired_keys")
    },
    "links": pa.schema([*[(name, pa.string()) for name in ("source", "subject_key", "person_id")], *DATES]),
    "residences": pa.schema(
        [
            *[(name, pa.string()) for name in ("person_id", "uprn", "postcode", "area")],
            *[("start_on", pa.date32()), ("end_on", pa.date32()), *DATES],
        ]
    ),
}


def day(number: int | None) -> date | None:
    """Days are counted from 1 January 2026."""
    return None if number is None else D0 + timedelta(days=number)


def known(on: int, until: int | None) -> dict:
    return {"known_on": day(on), "known_until": day(until)}


def event(
    record: str,
    occurred: int,
    *,
    known_on: int,
    until: int | None = None,
    subject: str | None = None,
    place: str | None = None,
    signal: str = SHARED,
    revision: int = 1,
    **values: object,
) -> dict:
    at = datetime.combine(day(occurred), time())
    return {
        "source": signal.split(".")[0],
        "record_key": record,
        "revision": revision,
        "delivery_id": 1,
        "event_id": f"{record}-{revision}-{subject}",
        "subject_key": subject,
        "signal": signal,
        "occurred_at": at,
        "occurred_on": at.date(),
        "has_time": False,
        "place": place,
        **known(known_on, until),
        **values,
    }


def link(subject: str, person: str, on: int = 0, until: int | None = None, source: str = "rents") -> dict:
    return {"source": source, "subject_key": subject, "person_id": person, **known(on, until)}


def lives(
    person: str, uprn: str, start: int = -90, end: int | None = None, on: int = 0, until: int | None = None
) -> dict:
    spell = {"start_on": day(start), "end_on": day(end), **known(on, until)}
    return {"person_id": person, "uprn": uprn, **spell}


def holds(
    record: str,
    start: int,
    end: int | None = None,
    *,
    known_on: int,
    until: int | None = None,
    subject: str | None = None,
    place: str | None = None,
) -> dict:
    """A register's row."""
    spell = {"start_on": day(start), "end_on": day(end), **known(known_on, until)}
    said = {"source": "rents", "record_key": record, "revision": 1, "delivery_id": 1}
    return {**said, "subject_key": subject, "place": place, **spell}


def load(**tables: list[dict]) -> None:
    for name, schema in TABLES.items():
        CON.register("rows_to_load", pa.Table.from_pylist(tables.get(name, []), schema=schema))
        CON.execute(f"CREATE OR REPLACE TABLE {name} AS FROM rows_to_load")


def make(
    guard: int = 10,
    association: Association | None = None,
    people: list[str] | None = None,
    **tables: list[dict],
) -> None:
    """Load the tables, where there are any, and find whom they reach."""
    if tables:
        load(**tables)
    if people is not None:
        CON.register("asked_for", pa.table({"person_id": pa.array(people, pa.string())}))
    reach(
        CON,
        shared=[SHARED],
        household_max=guard,
        association=association,
        people=None if people is None else "asked_for",
    )


def reached(as_of: int) -> list[tuple[str, str, str]]:
    """(person, record and revision, signal) of every row that counts on a morning."""
    rows = CON.execute(
        "SELECT person_id, event_id, signal FROM reached_rows JOIN reached_people USING (person) "
        f"WHERE {sql_usable(day(as_of))}"
    ).fetchall()
    return sorted((person, event_id.rsplit("-", 1)[0], signal) for person, event_id, signal in rows)


def held(as_of: int) -> list[tuple]:
    """What registers are known on a morning to have held."""
    return CON.execute(
        "SELECT person_id, source, household, start_on, end_on FROM reached_held "
        f"JOIN reached_people USING (person) WHERE {sql_known(day(as_of))} ORDER BY ALL"
    ).fetchall()


# --- asked naively ----------------------------------------------------------------------------------


def stands(row: dict, morning: date) -> bool:
    return row["known_on"] < morning and (row["known_until"] is None or morning <= row["known_until"])


def covers(spell: dict, on: date) -> bool:
    return spell["start_on"] <= on and (spell["end_on"] is None or on < spell["end_on"])


def named(e: dict, links: list[dict], morning: date) -> set[str]:
    """Who an event's subject is on a morning."""
    subject = (e["source"], e["subject_key"])
    return {
        r["person_id"] for r in links if stands(r, morning) and (r["source"], r["subject_key"]) == subject
    }


def naive(world: World, as_of: int, guard: int, association: Association | None = None) -> list[tuple]:
    """What `reached` should say of a world."""
    morning, links = day(as_of), world["links"]
    homes = [home for home in world["residences"] if stands(home, morning)]
    events = [e for e in world["events"] if stands(e, morning) and e["occurred_on"] < morning]
    found: dict[tuple[str, str], set[str]] = {}
    others: set[tuple[str, str, str]] = set()
    for e in events:
        at = (f"{e['record_key']}-{e['revision']}", e["signal"])
        people = found.setdefault(at, set())
        people |= named(e, links, morning)
        if e["signal"] == SHARED:
            people |= {
                h["person_id"] for h in homes if h["uprn"] == e["place"] and covers(h, e["occurred_on"])
            }
        elif (
            association
            and e["signal"] in association.signals
            and morning <= e["occurred_on"] + timedelta(days=association.within_days)
        ):
            theirs = _ever_named(world, e, morning)
            for owner in named(e, links, morning):
                for person in _lived_with(owner, homes, e["occurred_on"], guard) - theirs:
                    others.add((person, at[0], by_association(e["signal"])))
    return sorted(
        [
            (person, record, signal)
            for (record, signal), people in found.items()
            if signal != SHARED or len(people) <= guard
            for person in people
        ]
        + list(others)
    )


def _lived_with(owner: str, homes: list[dict], on: date, guard: int) -> set[str]:
    """Who lived on a day where somebody lived, in households."""
    lived = [(h["uprn"], h["person_id"]) for h in homes if covers(h, on)]
    places = [{who for there, who in lived if there == place} for place, who in lived if who == owner]
    return set().union(*(people for people in places if len(people) <= guard)) - {owner}


def _ever_named(world: World, e: dict, morning: date) -> set[str]:
    """Whom an event's happening names itself, on this morning or one before."""
    same = [x for x in world["events"] if (x["record_key"], x["signal"]) == (e["record_key"], e["signal"])]
    mornings = [D0 + timedelta(days=n) for n in MORNINGS if D0 + timedelta(days=n) <= morning]
    return {who for m in mornings for x in same if stands(x, m) for who in named(x, world["links"], m)}


# --- any world --------------------------------------------------------------------------------------


def any_span(random: Random) -> tuple[int, int | None]:
    on = random.choice([0, 0, 1, 2, 4])
    return on, random.choice(range(on, 8)) if random.random() < 0.3 else None


def any_world(random: Random, prefix: str) -> World:
    """A few events, people, homes and registers, told and corrected within a week or so.

    prefix: stands before every name, so that many worlds fit into one database.
    """
    people, places = [f"{prefix}{who}" for who in PEOPLE], [f"{prefix}{place}" for place in "XXY"]
    subjects = [f"{prefix}{subject}" for subject in "ABC"]
    events, links, homes, registers = [], [], [], []
    for n in range(random.randint(1, 5)):
        signal = random.choice([SHARED, SHARED, PERSONAL, PERSONAL, PERSONAL, QUIET])
        on, until = any_span(random)
        occurred, place = random.randint(0, 4), random.choice([*places, None])
        for subject in random.sample([*subjects, None], random.choice([1, 1, 2])):
            events.append(
                event(
                    f"{prefix}e{n}",
                    occurred,
                    known_on=on,
                    until=until,
                    subject=subject,
                    place=place,
                    signal=signal,
                )
            )
    for source in ("rents", "police"):
        for subject in subjects:
            days = sorted(random.sample(range(5), random.choice([0, 1, 1, 2])))
            for on, until in zip(days, [*days[1:], None], strict=False):
                links.append(link(subject, random.choice(people), on, until, source))
    for who in people + random.choices(people, k=random.randint(0, 3)):
        start = random.choice([-2, -2, -2, 0, 2, 4])
        end = random.choice(range(start, 8)) if random.random() < 0.3 else None
        homes.append(lives(who, random.choice(places), start, end, *any_span(random)))
    for n in range(random.randint(0, 2)):
        start = random.randint(-2, 6)
        (on, until), end = any_span(random), random.choice([None, *range(start + 1, 9)])
        subject, place = random.choice([*subjects, None]), random.choice([*places, None])
        registers.append(
            holds(f"{prefix}r{n}", start, end, known_on=on, until=until, subject=subject, place=place)
        )
    links += [link(f"for {person}", person) for person in people]
    return {"events": events, "links": links, "residences": homes, "registers": registers}


def many_worlds(random: Random) -> list[World]:
    """Worlds that have nothing to do with one another; `together` puts them into one database."""
    return [any_world(random, f"{n}.") for n in range(WORLDS)]


def together(worlds: list[World]) -> World:
    return {name: [row for world in worlds for row in world[name]] for name in worlds[0]}
