"""What a card says that we hold nothing on: also who is on a register only by a doubtful record."""

from datetime import date
from pathlib import Path

import pytest

from features.evidence import not_held
from tests.town import Town, day

AS_OF = date(2026, 6, 29)
FIRE = "Fire: we hold it only from 1 December 2025"
SCHOOLS, RENTS = ("Schools: {} in the last two years", "Rents: {} in the last two years")
NOT, PROBABLY = "not on its register", "on its register"
SURELY = " by no record that is surely theirs"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """People of two records, + and - (only probably theirs): by which are they on the roll, and at home X?"""
    town = Town(Path(tmp_path_factory.mktemp("held")))
    for who, roll, home in (
        ("ann", "", ""),
        ("bea", "-", "-"),
        ("cat", "+", "-"),
        ("dot", "+-", "+-"),
        ("eve", "", "+"),
    ):
        for record, strength in (("+", 1.0), ("-", 0.95)):
            for source in ("schools", "police"):
                link = {"source": source, "subject_key": who + record, "person_id": who, "strength": strength}
                town.said["links"].append(link | {"known_on": date(2018, 1, 1)})
            if record in roll:
                town.registered("schools", who + record, "1 Sep 2025")
            if record in home:
                told = {"subject_key": who + record, "uprn": "X", "start_on": day("1 Jan 2024")}
                town._dated("addresses", "police", "1 Jan 2018", 1, None, told)
        if home:
            town.lives(who, "X", "1 Jan 2024")
    town.registered("rents", None, "1 Jan 2018", place="X")
    return town


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("ann", [RENTS.format(NOT), SCHOOLS.format(NOT)]),
        ("bea", [RENTS.format(PROBABLY) + SURELY, SCHOOLS.format(PROBABLY) + SURELY]),
        ("cat", [RENTS.format(PROBABLY) + SURELY]),
        ("dot", []),
        ("eve", [SCHOOLS.format(NOT)]),
    ],
)
def test_a_register_that_holds_somebody_only_probably_is_told_of(
    town: Town, who: str, said: list[str]
) -> None:
    found = not_held(town.now, town.catalogue, AS_OF, [who, "dot"], link_show=0.99)
    assert found == {who: [FIRE, *said], "dot": [FIRE]}
    held = [one for one in said if not one.endswith(SURELY)]
    assert not_held(town.now, town.catalogue, AS_OF, [who])[who] == [FIRE, *held]
