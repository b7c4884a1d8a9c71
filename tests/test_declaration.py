"""A declaration's mistakes are told all at once, each with the file, the key and what would do."""

from datetime import date
from pathlib import Path

import pytest

from features.declaration import Schedule
from features.errors import UserMistake
from features.loose_ends import parse_days_from, parse_ended
from features.read_declaration import read_source, read_sources

GOOD = """
source: missing
title: Missing
owner: Police
legal_gateway: Children Act 2004
agreement: {reference: ISA-1, review_by: 2030-01-01}
covers_from: 2020-01-01
typical_delay_days: 3
schedule: {every: week, on: monday}
extracts:
  episodes:
    files: "missing_*.csv"
    delivery: full
    record_key: ref
    recorded: keyed
    columns:
      ref: {}
      person: {}
      surname: {}
      since: {type: datetime, format: "%d/%m/%Y %H:%M"}
      until: {type: date, format: "%d/%m/%Y"}
      keyed: {type: date, format: "%d/%m/%Y"}
      risk: {type: code, codes: {Y: high, N: no, 1: unknown}}
      cost: {type: number}
    subjects:
      - key: person
        identity: {surname: surname}
    events:
      - {signal: episode, occurred: since, ended: until, amount: cost, when: {risk: [high, no]}}
    ignore:
      - {rule: nothing known, when: {risk: unknown}}
signals:
  episode: {one: missing episode, many: missing episodes, spell: true, theme: child_safety}
"""


def told(tmp_path: Path, text: str) -> list[str]:
    """The problems of a declaration."""
    file = tmp_path / "missing.yaml"
    file.write_text(text)
    with pytest.raises(UserMistake) as mistake:
        read_source(file)
    assert mistake.value.exit_code == 2
    return mistake.value.problems


def test_a_good_declaration_reads_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "missing.yaml"
    file.write_text(GOOD)
    source = read_source(file)
    extract = source.extracts["episodes"]
    assert source.schedule == Schedule(every="week", on="monday")  # `on` is no boolean here
    assert extract.columns["risk"].codes == {"Y": "high", "N": "no", "1": "unknown"}
    assert (extract.record_key, extract.subjects[0].key) == (["ref"], ["person"])


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ("owner: Police", "ownr: Police", "ownr", "is not a key that is known here"),
        ("owner: Police", "ownr: Police", "owner", "is missing"),
        ("covers_from: 2020-01-01", "covers_from: soon", "covers_from", "given 'soon'"),
        ("on: monday", "on: mon", "schedule", "monday, tuesday"),
        ("every: week, on: monday", "every: month, on: 31", "schedule", "a day of the month from 1 to 28"),
        ("record_key: ref", "record_key: reference", "record_key", "'reference' is not under `columns`"),
        ("recorded: keyed", "recorded: person", "recorded", "declared as text, not as a date"),
        ("occurred: since", "occurred: cost", "occurred", "declared as number, not as a date"),
        ("occurred: since", "occurred: gone + 3 days", "occurred", "'gone' is not under `columns`"),
        ("since, ended: until", "since + 3 days", "occurred", "has not ended by then, and needs `ended`"),
        ("amount: cost", "amount: person", "amount", "declared as text, not as a number"),
        ("amount: cost", "amount: days from since to cost", "amount", "not as a date"),
        ("ended: until", "ended: until plus 3", "ended", "'<column> + N days'"),
        ("ended: until", "ended: gone + 3 days", "ended", "'gone' is not under `columns`"),
        ("risk: [high, no]", "risk: [hihg]", "when.risk", "hihg is no value of its codes"),
        ("risk: unknown}", "hazard: unknown}", "ignore (nothing known)", "'hazard' is not under `columns`"),
        ("signal: episode", "signal: episod", "events.0 (episod)", "not under `signals`; there are episode"),
        ("signal: episode", "signal: episod", "signals.episode", "no event rule uses it"),
        ("spell: true", "shared: true", "events.0 (episode)", "needs `place`"),
        ("spell: true", "shared: true", "events.0 (episode)", "not declared `spell: true`"),
        ("theme: child_safety", "theme: safety", "signals.episode", "child_safety"),
        ('"%d/%m/%Y %H:%M"', "null", "since", "needs `format`"),
        ("type: code, codes", "type: text, codes", "risk", "`codes` are for a code column"),
        ("surname: {}", 'surname: {pattern: "["}', "surname", "not a regular expression"),
        ("surname: {}", 'surname: {pattern: "(?!x)y"}', "surname", "not a regular expression"),
        ('"%d/%m/%Y %H:%M"', '"%d/%m/%Q"', "since", "given '%d/%m/%Q'"),
        ("keyed: {type: date,", "keyed: {type: date, min: 3,", "keyed", "`min` and `max` are for numbers"),
        ("cost: {type: number}", "cost: {type: number, max: .inf}", "cost.max", "finite"),
        ("surname: {}", "surname: {not_before: 2020-01-01}", "surname", "`not_before` is for dates"),
        ("{Y: high,", "{Y: present,", "risk.codes", "'present' asks in a `when`"),
        ("delivery: full", "delivery: weekly", "delivery", "full"),
        ("delivery: full", "delivery: {window_days: 0}", "window_days", "greater than 0"),
        ("record_key: ref", "record_key: ref\n    encoding: utf-9", "encoding", "'utf-9' is not known"),
        (
            "record_key: ref",
            "record_key: ref\n    overwritten: ref",
            "overwritten",
            "cannot be empty in history",
        ),
        ("- key: person", "- key: person\n      - key: ref", "subjects", "'subject' is there twice"),
        ("identity: {surname: surname}", "identity: {birth_date: surname}", "birth_date", "not as a date"),
        (
            "- key: person",
            "- key: person\n        when: {risk: hihg}",
            "subjects.subject.when",
            "hihg is no value",
        ),
        ("amount: cost", "amount: cost, of: child", "of", "'child' is not a subject; there are subject"),
        ("spell: true", "service: true", "signals.episode.service", "is for a `spell: true`"),
        ("  episodes:", "  Missing episodes:", "Missing episodes", "small letters"),
    ],
)
def test_a_mistake_is_told_with_its_key_and_what_would_do(tmp_path: Path, old, new, key, says) -> None:
    assert GOOD.count(old) >= 1
    problems = told(tmp_path, GOOD.replace(old, new))
    assert any(p.startswith("missing.yaml: ") and key in p and says in p for p in problems), problems


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        GOOD.replace("recorded: keyed", "recorded: typed").replace("amount: cost", "amount: fee")
    )
    (tmp_path / "b.yaml").write_text("source: [")
    (tmp_path / "c.yaml").write_text("- a list")
    (tmp_path / "d.yaml").write_text(GOOD)
    (tmp_path / "e.yaml").write_text(GOOD)
    with pytest.raises(UserMistake) as mistake:
        read_sources(tmp_path)
    problems = mistake.value.problems
    assert [p.split(":")[0] for p in problems] == ["a.yaml", "a.yaml", "b.yaml", "c.yaml", "e.yaml"]
    assert "'typed'" in problems[0] and "'fee'" in problems[1]
    assert "declared twice" in problems[-1]


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match="earlyhelp init"):
        read_sources(tmp_path)


@pytest.mark.parametrize(
    ("schedule", "day", "first", "following"),
    [
        (Schedule(every="day"), date(2024, 2, 29), date(2024, 2, 29), date(2024, 3, 1)),
        (Schedule(every="week", on="monday"), date(2024, 2, 26), date(2024, 2, 26), date(2024, 3, 4)),
        (Schedule(every="week", on="monday"), date(2024, 2, 27), date(2024, 3, 4), date(2024, 3, 4)),
        (Schedule(every="month", on=5), date(2024, 12, 5), date(2024, 12, 5), date(2025, 1, 5)),
        (Schedule(every="month", on=5), date(2024, 12, 6), date(2025, 1, 5), date(2025, 1, 5)),
    ],
)
def test_when_a_source_delivers(schedule: Schedule, day: date, first: date, following: date) -> None:
    assert schedule.first_on_or_after(day) == first
    assert schedule.next_after(day) == following


def test_the_two_small_expressions() -> None:
    assert (parse_ended("end"), parse_ended("start + 28 days")) == (("end", 0), ("start", 28))
    assert (parse_ended("End date"), parse_ended("Day 1 + 28 days")) == (("End date", 0), ("Day 1", 28))
    assert parse_days_from("days from a to b") == ("a", "b")
    assert parse_days_from("days from Start date to End date") == ("Start date", "End date")
    assert parse_days_from("cost") is None
