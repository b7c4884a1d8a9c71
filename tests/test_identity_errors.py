"""What the county gets wrong about who somebody is: at the rates that are fixed, and nowhere else."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from datetime import date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from features.declaration import IDENTIFIERS, UNIDENTIFIED, Extract, SubjectRule
from features.read_declaration import read_sources
from simulation import areas, clerks, names, people, world
from simulation.calendar import Calendar
from simulation.county import simulate
from simulation.identity_errors import BIRTH_KINDS, ERRORS, RATES

Row = dict[str, str]
NAMES_AT = ("forenames", "surname")
NAME_ERRORS = ("typo", "nickname", "spelled_otherwise", "former_surname", "names_swapped")


def rows_of(path: Path, *, encoding: str = "utf-8", delimiter: str = ",") -> list[Row]:
    """As csv.DictReader reads them, in half the time."""
    with path.open(encoding=encoding, newline="") as stream:
        lines = csv.reader(stream, delimiter=delimiter)
        header = next(lines)
        return [dict(zip(header, line, strict=True)) for line in lines if line]


def truth(extracts: Path, name: str) -> list[Row]:
    return rows_of(extracts / "truth" / f"{name}.csv")


@cache
def day_of(cell: str, form: str) -> str | None:
    """YYYY-MM-DD, None of what is no date (a planted fault)."""
    try:
        return str(datetime.strptime(cell, form).date())
    except ValueError:
        return None


def files(extracts: Path) -> list[tuple[Path, str, Extract, list[Row]]]:
    """Every file that was sent: its path, source and extract, and its rows."""
    declared = [
        (s.source, e) for s in read_sources(extracts / "sources").values() for e in s.extracts.values()
    ]
    found = []
    for path in sorted([*extracts.glob("history/*"), *extracts.glob("deliveries/*/*")]):
        ((source, extract),) = [(s, e) for s, e in declared if path.match(e.files)]
        rows = rows_of(path, encoding=extract.encoding, delimiter=extract.delimiter)
        found.append((path, source, extract, rows))
    return found


@pytest.fixture(scope="module")
def sent(extracts: Path) -> list[tuple[Path, str, Extract, list[Row]]]:
    return files(extracts)


@pytest.fixture(scope="module")
def written(sent: list) -> list[tuple[str, Extract, SubjectRule, str, Row]]:
    """Whom each row names, by the declaration's rules: source, extract, rule, subject key, row."""
    return [
        (source, extract, rule, (UNIDENTIFIED if rule.unidentified else "") + row[rule.key[0]], row)
        for _, source, extract, rows in sent
        for row in rows
        for rule in extract.subjects
        if row[rule.key[0]] and not (rule.unidentified and not rule.identity)
    ]


@pytest.fixture(scope="module")
def subjects(extracts: Path) -> dict[tuple[str, str], Row]:
    """The truth of each (source, subject key)."""
    rows = truth(extracts, "subjects")
    found = {(row["source"], row["subject_key"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def yes(rows: list[Row], *errors: str) -> int:
    return sum(any(row[error] == "true" for error in errors) for row in rows)


def linkable(subject: Row) -> bool:
    """A strong id, or a name with a birth date or an address."""
    said = set(subject["written"].split())
    return "identifier" in said or ({"forenames", "surname"} <= said and bool(said & {"birth", "address"}))


# --- names ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def town() -> people.People:
    """Twenty thousand people, who have names and no records."""
    random = np.random.default_rng(np.random.SeedSequence(11))
    return people.populate(random, 20_000, 0, Calendar(7), areas.lay_out(random, 20_000, 0))


def test_smith_is_the_commonest_surname_as_published_and_the_tail_is_long(town: people.People) -> None:
    shares = {name: n / town.count for name, n in Counter(town.surname.tolist()).most_common()}
    assert next(iter(shares)) == "Smith"
    assert 0.010 <= shares["Smith"] <= 0.016
    rare = sum(share for share in shares.values() if share < 0.001)
    assert rare > 0.25 and len(shares) > 1500


def test_some_groups_share_few_surnames_and_forenames_follow_the_generations(town: people.People) -> None:
    groups = [group for _, group, *_ in world.ETHNIC_GROUPS.values()]
    alike = {}  # the chance that two people of one group share their surname
    for group in set(groups):
        of = np.isin(town.ethnic, [code for code, name in enumerate(groups) if name == group])
        counts = np.array(list(Counter(town.surname[of].tolist()).values())) / of.sum()
        alike[group] = (counts**2).sum()
    assert min(alike, key=alike.__getitem__) == "british" and alike["pakistani"] > 10 * alike["british"]
    british = np.isin(town.ethnic, [code for code, name in enumerate(groups) if name == "british"])
    year = town.birth.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
    for name, long_ago in (("Margaret", True), ("Olivia", False)):
        here = british & (town.forename == name)
        assert here.sum() > 20 and (np.median(year[here]) < 1965) == long_ago


def test_one_in_a_hundred_is_a_twin_and_no_two_twins_have_one_name(town: people.People) -> None:
    twins = np.flatnonzero(town.twin >= 0)
    other = town.twin[twins]
    assert abs(len(twins) / town.count - world.TWINS) < 0.001
    assert (town.twin[other] == twins).all()
    assert (town.family[twins] == town.family[other]).all() and (town.born[twins] == town.born[other]).all()
    assert (town.forename[twins] != town.forename[other]).all()
    assert np.abs(town.birth[twins] - town.birth[other]).max() <= world.TWINS_WITHIN
    assert (town.born == town.birth)[town.twin < 0].all() and (town.born <= town.birth).all()


def test_changed_surnames_and_other_forms_are_other_names(town: people.People) -> None:
    changed = np.array([former is not None for former in town.former])
    assert (town.former[changed] != town.surname[changed]).all() and (town.sex[changed] == 0).all()
    assert 0.1 < changed.mean() < 0.3
    for table in (names.SHORT_FORMS, names.TRANSLITERATIONS):
        assert all(forms and name not in forms for name, forms in names.others(table).items())


# --- rates ------------------------------------------------------------------------------------
def near(rows: list[Row], rate: float, *errors: str) -> bool:
    """Whether the share with an error is its rate, give or take four standard deviations."""
    return abs(yes(rows, *errors) / len(rows) - rate) <= 4 * (rate * (1 - rate) / len(rows)) ** 0.5


def test_each_error_comes_at_its_rate_in_every_source(subjects: dict[tuple[str, str], Row]) -> None:
    by_source = defaultdict(list)
    for (source, key), row in subjects.items():
        if not key.startswith(UNIDENTIFIED):  # of whom one person may have many
            by_source[source].append(row)
    checked = []
    for source, rows in by_source.items():
        named = [row for row in rows if "forenames surname" in row["written"]]
        dated = [row for row in rows if "birth" in row["written"].split()]
        if len(named) > 300:
            assert near(named, RATES.typo, "typo"), source
            assert near(named, RATES.nickname, "nickname"), source
            assert near(named, RATES.names_swapped, "names_swapped"), source
            checked.append(source)
        if len(dated) > 300:
            assert near(dated, RATES.birth_date_wrong, *BIRTH_KINDS), source
        absent = RATES.birth_date_absent.get(source, 0.0)
        assert near(rows, absent, "birth_absent"), source
        if source in ("police", "police_records"):
            housed = [row for row in rows if "address" in row["written"].split()]
            assert absent == 0.3 and near(housed, RATES.stale_postcode, "stale_postcode"), source
    assert {"police", "police_records", "council_tax", "schools", "social_care", "rents"} <= set(checked)


def test_nine_in_ten_subjects_are_linkable(subjects: dict[tuple[str, str], Row]) -> None:
    share = sum(map(linkable, subjects.values())) / len(subjects)
    print(f"\nlinkable: {share:.1%} of {len(subjects):,} subjects")
    assert share >= 0.9


# --- truth ------------------------------------------------------------------------------------
def test_every_key_in_every_file_is_somebody_by_the_truth_and_no_other_is(
    extracts: Path, written: list, subjects: dict[tuple[str, str], Row]
) -> None:
    keys = {(source, key) for source, _, _, key, _ in written}
    assert keys <= set(subjects)
    unwritten = {key for key in set(subjects) - keys if not key[1].startswith(UNIDENTIFIED)}
    assert not unwritten
    known = {row["person"]: row for row in truth(extracts, "people")}
    for (source, key), row in subjects.items():
        if not key.startswith(UNIDENTIFIED):
            assert known[row["person"]][source] == key


def test_no_strong_id_is_in_the_records_of_police_council_tax_and_missing(sent: list) -> None:
    strong = re.compile(r"[A-Z]\d{12}|999\d{7}|QQ\d{6}[A-D]")
    apart = ("police", "council_tax", "missing")
    seen = Counter()
    for _, source, extract, rows in sent:
        cells = {
            cell for row in rows for column, cell in row.items() if extract.columns[column].type == "text"
        }
        seen[source in apart] += sum(bool(strong.fullmatch(cell)) for cell in cells)
        if source in apart:
            for rule in extract.subjects:
                assert not set(rule.identity.columns() if rule.identity else ()) & set(IDENTIFIERS)
    assert seen[True] == 0 and seen[False] > 1000


def test_an_agency_writes_of_a_person_the_same_each_time_and_errs_only_where_the_truth_says(
    extracts: Path, written: list, subjects: dict[tuple[str, str], Row]
) -> None:
    """Against the truth's own names and birth dates, cell by cell."""
    known = {row["person"]: row for row in truth(extracts, "people")}
    ideas: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    cells: dict[int, list[tuple[str, str, str]]] = {}  # of a rule: field, its column, a birth date's format
    for source, extract, rule, key, row in written:
        if id(rule) not in cells:
            named = rule.identity.columns() if rule.identity else {}
            cells[id(rule)] = [
                (field, named[field], (extract.columns[named[field]].format or "") * (field == "birth_date"))
                for field in ("forenames", "surname", "birth_date")
                if field in named
            ]
        for field, column, form in cells[id(rule)]:
            if cell := row[column].strip():
                said = day_of(cell, form) if form else cell.casefold()
                if said is not None:
                    ideas[source, key, field].add(said)
    wrong = Counter()
    for (source, key, field), said in ideas.items():
        if source == "food_bank":
            continue  # its volunteers' handwriting is their own
        assert len(said) == 1, (source, field)
        subject = subjects[source, key]
        person = known[subject["person"]]
        true = person["birth"] if field == "birth_date" else person[field.removesuffix("s")].casefold()
        errors = BIRTH_KINDS if field == "birth_date" else NAME_ERRORS
        erring = [error for error in errors if subject[error] == "true"]
        differs = not _alike(said.pop(), true)
        if differs:
            assert erring, (source, field)
            wrong[field] += 1
        elif field == "birth_date":
            assert not erring
    assert min(wrong[field] for field in ("forenames", "surname", "birth_date")) > 300


def _alike(cell: str, true: str) -> bool:
    """Whether they are one word; a '?' stands for a letter that the file's encoding has not."""
    return len(cell) == len(true) and all(a in (b, "?") for a, b in zip(cell, true, strict=True))


def test_a_stale_address_is_one_where_they_do_not_live_on_that_day(
    extracts: Path, written: list, subjects: dict[tuple[str, str], Row]
) -> None:
    homes = defaultdict(list)
    for row in truth(extracts, "residences"):
        homes[row["person"]].append((row["start"], row["end"] or "9999", row["uprn"]))
    postcode_of = {
        row[rule.address.uprn]: row[rule.address.postcode]
        for source, _, rule, _, row in written
        if source == "council_tax" and rule.address and rule.address.postcode
    }
    seen = Counter()
    for source, _, _, key, row in written:
        if source != "police":
            continue
        if (day := day_of(row["received_date"], "%d/%m/%Y")) is None:
            continue
        subject = subjects[source, key]
        stale = subject["stale_postcode"] == "true"
        here = [uprn for start, end, uprn in homes[subject["person"]] if start <= day < end]
        if here and here[0] in postcode_of and row["home_postcode"]:
            assert (row["home_uprn"] == "") == stale
            seen[stale, row["home_postcode"] == postcode_of[here[0]]] += 1
    assert seen[False, False] == 0 and seen[False, True] > 1000
    assert seen[True, False] > 200 and seen[True, True] < 0.02 * seen[True, False]  # a neighbour's, by chance


def test_errors_touch_nothing_but_who_somebody_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same county with and without them: the same rows, the same events, the same everything else."""
    simulate(people=300, years=2, seed=9, out=tmp_path / "erring")
    monkeypatch.setattr(clerks.Clerks, "write", lambda _, draft: draft)
    simulate(people=300, years=2, seed=9, out=tmp_path / "right")
    for name in ("people", "residences", "families", "events", "outcomes", "latent"):
        one, other = (tmp_path / side / "truth" / f"{name}.csv" for side in ("erring", "right"))
        assert one.read_bytes() == other.read_bytes(), name
    spoilt = {
        (f["file"], f["row_number"]) for side in ("erring", "right") for f in truth(tmp_path / side, "faults")
    }
    differing = 0
    for (path, _, extract, rows), (_, _, _, right) in zip(
        files(tmp_path / "erring"), files(tmp_path / "right"), strict=True
    ):
        who = {
            column
            for rule in extract.subjects
            for part in (rule.identity, rule.address)
            if part
            for field, column in part.model_dump().items()
            if field not in ("start", "end", "died_on", *IDENTIFIERS)
        }
        assert len(rows) == len(right)
        for number, (row, other) in enumerate(zip(rows, right, strict=True), 1):
            if (str(path.relative_to(tmp_path / "erring")), str(number)) in spoilt:
                continue
            changed = {column for column, cell in row.items() if cell != other[column]}
            assert changed <= who, path.name
            differing += bool(changed)
    assert differing > 100


# --- kin --------------------------------------------------------------------------------------
def test_kin_are_of_one_family_and_twins_are_siblings(extracts: Path) -> None:
    known = {row["person"]: row for row in truth(extracts, "people")}
    ties = {(row["person"], row["relation"], row["other"]): row for row in truth(extracts, "families")}
    back = {"parent": "child", "child": "parent", "sibling": "sibling", "partner": "partner"}
    for person, relation, other in ties:
        assert (other, back[relation], person) in ties
    for (person, relation, other), row in ties.items():
        if relation == "parent":
            born = [date.fromisoformat(known[one]["birth"]) for one in (other, person)]
            assert (born[1] - born[0]).days > 10 * 365  # or a step-parent
        assert row["start"] >= max(known[one]["enters"] for one in (person, other))
        assert (row["end"] != "") <= (relation == "partner")
    assert {relation for _, relation, _ in ties} == set(back)
    siblings = {(person, other) for person, relation, other in ties if relation == "sibling"}
    same_day = [(a, b) for a, b in siblings if known[a]["birth"] == known[b]["birth"]]
    twins = {row["person"] for row in truth(extracts, "subjects") if row["twin"] == "true"}
    assert twins <= {person for pair in same_day for person in pair}


def test_a_household_lives_at_one_address_at_a_time(extracts: Path) -> None:
    homes = defaultdict(set)
    for row in truth(extracts, "residences"):
        homes[row["household"]].add((row["uprn"], row["start"] if row["end"] else "", row["end"]))
    assert all(len({uprn for uprn, _, end in spells if not end}) <= 1 for spells in homes.values())
    assert len(homes) > 1000


def test_every_error_is_planted_somewhere(subjects: dict[tuple[str, str], Row]) -> None:
    assert all(yes(list(subjects.values()), error) > 10 for error in ERRORS)
