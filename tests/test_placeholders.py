"""A number that a system writes where it knows none joins nobody, is told, and stops no training."""

import random

import pytest

from features.blocking import make_comparable
from features.compare import train
from features.declaration import IDENTIFIERS
from features.link import LinkReport
from features.link_model import Model
from features.link_text import little_warnings
from features.probable_people import probable_people
from features.says_little import SaysLittle
from tests.test_compare import stated, town, trained

NOBODYS = "9999999999"


@pytest.fixture(scope="module")
def model() -> Model:
    return trained()


def strangers(many: int) -> list[dict]:
    draw = random.Random(many)
    return [
        {
            "source": "hospital",
            "subject_key": f"{n}",
            "forenames": "".join(draw.choices("abdegilmnorstu", k=6)),
            "surname": "".join(draw.choices("abdegilmnorstuvwz", k=8)),
            "born": f"{draw.randint(1930, 2020)}-{draw.randint(2, 12):02}-{draw.randint(2, 28):02}",
            "uprn": f"9{n}",
            "postcode": f"ZY{n} 1AA",
            "nhs_number": NOBODYS,
        }
        for n in range(many)
    ]


@pytest.mark.parametrize("many", [2, 5, 12, 60])
def test_strangers_with_one_number_stay_strangers(model: Model, many: int) -> None:
    con = stated([*town(150, seed=3), *strangers(many)])
    cluster = probable_people(con, model).clusters.cluster
    theirs = con.execute("SELECT subject FROM identity_records WHERE source = 'hospital'").fetchall()
    assert len({cluster[subject] for (subject,) in theirs}) == many
    told = con.execute("FROM placeholders").fetchall()
    assert told == ([("hospital", "nhs_number", many, many)] if many > 4 else [])


def test_a_persons_own_number_joins_them_through_slips_and_a_marriage(model: Model) -> None:
    ann = {"forenames": "Ann", "surname": "Quill", "born": "1990-05-17", "nhs_number": "9434765919"}
    said = [
        ann,
        {**ann, "born": "1990-05-11"},
        {**ann, "born": "1990-01-01", "surname": "Hart"},
        {**ann, "forenames": "Anne", "surname": "Hart-Quill"},
        {"nhs_number": "9434765919"},
    ]
    others = [
        {"source": "care", "subject_key": f"{n}", **dict.fromkeys(ann), **one} for n, one in enumerate(said)
    ]
    con = stated([*town(150, seed=3), *others])
    cluster = probable_people(con, model).clusters.cluster
    theirs = con.execute("SELECT subject FROM identity_records WHERE source = 'care'").fetchall()
    assert len({cluster[subject] for (subject,) in theirs}) == 1
    assert con.execute("FROM placeholders").fetchall() == []


def test_it_is_said() -> None:
    little = (SaysLittle("hospital", "nhs_number", 40, 1000),)
    assert set(IDENTIFIERS) >= {one.what for one in little}
    report = LinkReport(3, 9, subjects=5000, persons=2000, changed=1, little=little)
    assert little_warnings(report) == [
        "hospital: 40 of the 1,000 subjects with an NHS number have one that many people have: it is taken "
        "for what is written where none is known, and names nobody."
    ]


def test_nothing_that_is_held_stops_training() -> None:
    """A number that nine in ten have: what Splink cannot learn from."""
    rows = town(200, seed=5)
    for row in rows[: 9 * len(rows) // 10]:
        row["nhs_number"] = NOBODYS
    con = stated(rows)
    make_comparable(con)
    assert train(con, chance_pairs=20_000)["subjects"] == 400
