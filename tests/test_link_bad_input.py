"""Bad input to linkage, each kind from a source of its own: it is told, and neither joined nor lost."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from features.blocking import MOST
from features.link import LinkReport, link
from features.link_model import choose_model, keep_model
from features.link_text import link_text
from features.snapshot import Snapshot, open_snapshot
from features.workspace import Workspace, init_workspace, open_workspace
from tests.test_compare import GIVEN, SURNAMES, trained
from tests.test_link import SOURCE, day, deliver, fact

MANY, SAME_SURNAME, FIRST_OF_JANUARY, NOBODY, SIGNS = 4_000, 1_000, 300, 120, 60
SOURCES = ("register", "hostel", "clan", "january", "nameless", "signs")


def person(source: str, n: int, draw: random.Random, **said: Any) -> tuple[dict, dict]:
    """An identity and an address of somebody who is nobody else of the test."""
    identity = {
        "forenames": draw.choice(GIVEN),
        "surname": draw.choice(SURNAMES),
        "birth_date": date(draw.randint(1940, 2015), draw.randint(2, 12), draw.randint(1, 28)),
    }
    place = {"uprn": f"{source}{n}", "postcode": f"AB{n % 89} {n % 9}CD", "start_on": day(-900)}
    for name, value in said.items():
        (place if name in place else identity)[name] = value
    return (
        fact(source, f"{n}", known=0, **identity),
        fact(source, f"{n}", known=0, **place),
    )


def bad_people() -> Iterator[tuple[dict, dict]]:
    draw = random.Random(11)
    yield from (person("register", n, draw) for n in range(SIGNS))
    for n in range(MANY):
        yield person("hostel", n, draw, uprn="H", postcode="ZZ1 1ZZ")
    for n in range(SAME_SURNAME):
        yield person("clan", n, draw, surname="Quill")
    for n in range(FIRST_OF_JANUARY):
        yield person("january", n, draw, birth_date=date(draw.randint(1940, 2015), 1, 1))
    for n in range(NOBODY):
        nothing = dict.fromkeys(("forenames", "surname", "birth_date", "uprn", "postcode"))
        yield person(
            "nameless", n, draw, **nothing | {"surname": draw.choice(["", "???", "\x00", "😀", None])}
        )


def with_signs(of: list[tuple[dict, dict]]) -> Iterator[tuple[dict, dict]]:
    """The people of the register once more, their names with null bytes and emoji in them."""
    for identity, address in of:
        said = {
            "forenames": f"{identity['forenames'][:2]}\x00{identity['forenames'][2:]} 🙂",
            "surname": f"\x00{identity['surname']}👩‍👧",
        }
        yield {**identity, "source": "signs", **said}, {**address, "source": "signs"}


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> tuple[LinkReport, Snapshot]:
    root = tmp_path_factory.mktemp("bad") / "w"
    init_workspace(root, sources=None)
    for name in SOURCES:
        (root / "sources" / f"{name}.yaml").write_text(SOURCE.format(name=name), encoding="utf-8")
    workspace: Workspace = open_workspace(root)
    choose_model(workspace, keep_model(workspace, trained()))
    everybody = list(bad_people())
    everybody += with_signs(everybody[:SIGNS])
    identities, addresses = zip(*everybody, strict=True)
    deliver(workspace, 1, 0, identities=list(identities), addresses=list(addresses))
    return link(workspace), open_snapshot(workspace)


def test_nobody_is_dropped(linked: tuple[LinkReport, Snapshot]) -> None:
    report, snapshot = linked
    links = snapshot.con.sql("FROM links WHERE known_until IS NULL").to_arrow_table().to_pylist()
    expected = {
        "register": SIGNS,
        "hostel": MANY,
        "clan": SAME_SURNAME,
        "january": FIRST_OF_JANUARY,
        "nameless": NOBODY,
        "signs": SIGNS,
    }
    assert Counter(row["source"] for row in links) == expected
    assert report.subjects == len(links) == len({(row["source"], row["subject_key"]) for row in links})


def test_there_is_no_giant_and_hardly_anybody_is_taken_for_another(
    linked: tuple[LinkReport, Snapshot],
) -> None:
    rows = linked[1].con.execute(
        "SELECT source, person_id, count(*) FROM links WHERE known_until IS NULL GROUP BY ALL"
    ).fetchall()  # fmt: skip
    people = Counter(source for source, *_ in rows)
    assert max(count for *_, count in rows) <= 3  # namesakes by chance, born on one day
    assert people["hostel"] > 0.99 * MANY and people["clan"] > 0.99 * SAME_SURNAME
    assert people["january"] > 0.95 * FIRST_OF_JANUARY
    assert people["nameless"] == NOBODY
    assert len({person_id for _, person_id, _ in rows}) > 0.98 * (sum(people.values()) - SIGNS)


def test_null_bytes_and_emoji_in_names_hide_nobody(linked: tuple[LinkReport, Snapshot]) -> None:
    (together,) = linked[1].con.execute(
        """
        SELECT count(*) FROM links a JOIN links b USING (subject_key, person_id)
        WHERE a.source = 'register' AND b.source = 'signs'
          AND a.known_until IS NULL AND b.known_until IS NULL
        """
    ).fetchall()[0]  # fmt: skip
    assert together == SIGNS


def test_each_source_and_the_effect_are_told(linked: tuple[LinkReport, Snapshot]) -> None:
    said = link_text(linked[0]).splitlines()
    dwelling = [line for line in said if "share a dwelling" in line]
    assert len(dwelling) == 1 and f"hostel {MANY:,}" in dwelling[0] and f"over {MOST} others" in dwelling[0]
    assert (
        f"nameless: {NOBODY} of its {NOBODY} subjects have nothing to be compared by; each stays a person of "
        "its own, and what is known of it reaches nobody else."
    ) in said
    assert (
        f"clan: {SAME_SURNAME:,} of the {SAME_SURNAME:,} subjects with a surname have the same: it hardly "
        "counts for them, and more of their records may stay apart."
    ) in said
    assert (
        f"january: {FIRST_OF_JANUARY} of the {FIRST_OF_JANUARY} subjects with a birth date are born on 1 "
        "January: it is taken for a day that nobody knows, and they are compared by the year alone."
    ) in said
    assert not [line for line in said if line.startswith(("register: ", "signs: "))]


def test_a_warning_holds_no_value_of_anybody(linked: tuple[LinkReport, Snapshot]) -> None:
    text = link_text(linked[0])
    assert not [value for value in (*GIVEN, *SURNAMES, "ZZ1", "H ") if f" {value} " in text]
