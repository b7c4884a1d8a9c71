"""What hangs loose in a declaration: names that nothing declares, columns of the wrong type, parts unused.

Pydantic holds each part to its form; this holds the parts to one another, all problems at once.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from features.declaration import EventRule, Extract, Source, SubjectRule
    from features.relation import RelationRule

DATES = ("date", "datetime")
NUMBERS = ("integer", "number")
NAME = re.compile(r"[a-z][a-z0-9_]*")
SIGNAL = re.compile(rf"{NAME.pattern}\.{NAME.pattern}")

_ENDED = re.compile(r"(?P<column>.+) \+ (?P<days>\d+) days")
_QUERY = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
_DAYS_FROM = re.compile(r"days from (?P<start>.+) to (?P<end>.+)")


def parse_ended(text: str) -> tuple[str, int]:
    """'start + 28 days' → ('start', 28); 'end date' → ('end date', 0)."""
    found = _ENDED.fullmatch(text)
    return (found["column"], int(found["days"])) if found else (text, 0)


def parse_days_from(text: str) -> tuple[str, str] | None:
    """'days from a to b' → ('a', 'b'); None if it is not of that form."""
    found = _DAYS_FROM.fullmatch(text)
    return (found["start"], found["end"]) if found else None


def loose_ends(source: Source) -> Iterator[str]:
    """Every problem between the parts of a source, as sentences that begin with the key."""
    if not source.extracts:
        yield "extracts: there is none; a source sends at least one"
    for name, extract in source.extracts.items():
        if not NAME.fullmatch(name):
            yield f"extracts.{name}: a name is small letters, digits and _"
        for problem in _extract(extract, source):
            yield f"extracts.{name}.{problem}"
    used = {rule.signal for extract in source.extracts.values() for rule in extract.events}
    for signal in sorted(set(source.signals) - used):
        yield f"signals.{signal}: no event rule uses it; remove it or add a rule"
    for signal in sorted(source.signals):
        if not NAME.fullmatch(signal):
            yield f"signals.{signal}: a name is small letters, digits and _"
        if source.signals[signal].service and not source.signals[signal].spell:
            yield f"signals.{signal}.service: is for a `spell: true`, in which somebody works with the person"
        same = source.signals[signal].same_as
        for name in same.signals if same else ():
            if name.startswith(f"{source.source}."):
                yield (
                    f"signals.{signal}.same_as: {name!r} is this source's own; one happening is one record "
                    "here, and is named by the signals of other sources"
                )
            elif not SIGNAL.fullmatch(name):
                yield f"signals.{signal}.same_as: {name!r} is not '<source>.<signal>'"


def _extract(extract: Extract, source: Source) -> Iterator[str]:
    try:
        codecs.lookup(extract.encoding)
    except LookupError:
        yield f"encoding: {extract.encoding!r} is not known; utf-8 and cp1252 are usual"
    yield from _fetched(extract)
    yield from _missing(extract, "record_key", extract.record_key)
    yield from _typed(extract, "recorded", [extract.recorded], DATES, "a date")
    yield from _missing(extract, "overwritten", extract.overwritten)
    keys = {extract.recorded, *extract.record_key, *(column for s in extract.subjects for column in s.key)}
    for column in extract.overwritten:
        if column in keys:
            yield f"overwritten: {column!r} names or dates the row and cannot be empty in history"
    for name, declared in extract.columns.items():
        for word in sorted({"present", "absent"} & set((declared.codes or {}).values())):
            yield (
                f"columns.{name}.codes: {word!r} asks in a `when` whether the cell is empty; use another, "
                f"such as 'is {word}'"
            )
    names = [subject.name for subject in extract.subjects]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"subjects: {name!r} is there twice; give each subject of a row its own `name`"
    for subject in extract.subjects:
        yield from _subject(extract, subject)
        yield from _also(extract, subject, source)
    for i, rule in enumerate(extract.events):
        yield from _event(extract, rule, f"events.{i} ({rule.signal})", names, source)
    for i, relation in enumerate(extract.relations):
        yield from _relation(extract, relation, f"relations.{i}", names)
    for ignore in extract.ignore:
        yield from _when(extract, f"ignore ({ignore.rule})", ignore.when)
    if extract.area:
        yield from _missing(extract, "area", [extract.area.code])
        yield from _typed(extract, "area", [extract.area.deprivation_fifth], ("integer",), "a whole number")


def _fetched(extract: Extract) -> Iterator[str]:
    if extract.sheet is not None and not extract.files.endswith((".xlsx", ".xlsm")):
        yield f"sheet: is for Excel workbooks; the extract's `files` are {extract.files!r}"
    if extract.query is None:
        return
    if not extract.files.endswith("*.parquet") or extract.files.count("*") != 1:
        yield f"query: what it gives is Parquet; `files` must end in '*.parquet', not {extract.files!r}"
    if not _QUERY.match(extract.query):
        yield "query: begins with SELECT or WITH; a source is read, and nothing in it is changed"
    if "://" in extract.query:
        yield "query: holds a URL; where the database is stands in settings.yaml, under `databases`"


def _subject(extract: Extract, subject: SubjectRule) -> Iterator[str]:
    where = f"subjects.{subject.name}"
    yield from _marks(extract, subject)
    yield from _missing(extract, f"{where}.key", subject.key)
    yield from _when(extract, where, subject.when)
    yield from _missing(extract, f"{where}.characteristics", subject.characteristics.values())
    for part, block in (
        ("identity", subject.identity),
        ("address", subject.address),
        ("register", subject.register_),
    ):
        for field, column in block.model_dump().items() if block is not None else ():
            if field in ("birth_date", "died_on", "start", "end"):
                yield from _typed(extract, f"{where}.{part}.{field}", [column], DATES, "a date")
            else:
                yield from _missing(extract, f"{where}.{part}.{field}", [column])


def _marks(extract: Extract, subject: SubjectRule) -> Iterator[str]:
    for rule in subject.marks:
        where = f"subjects.{subject.name}.marks ({rule.mark})"
        yield from _typed(extract, f"{where}.start", [rule.start], DATES, "a date")
        yield from _typed(extract, f"{where}.end", [rule.end], DATES, "a date")
        yield from _when(extract, where, rule.when)


def _also(extract: Extract, subject: SubjectRule, source: Source) -> Iterator[str]:
    where = f"subjects.{subject.name}.also"
    for other, columns in subject.also.items():
        yield from _typed(extract, f"{where}.{other}", columns, ("text",), "text, as a key is written")
        if not NAME.fullmatch(other):
            yield f"{where}: {other!r} is not the name of a source"
        elif other == source.source:
            yield f"{where}: {other!r} is this source; its own key for a person is the subject's `key`"


def _relation(extract: Extract, rule: RelationRule, where: str, names: list[str]) -> Iterator[str]:
    for part, who in (("of", rule.of), ("to", rule.to)):
        if who is not None and who not in names:
            yield f"{where}.{part}: {who!r} is not a subject; there are {_listed(names)}"
    if rule.of == rule.to:
        yield f"{where}: {rule.of!r} is nobody's {rule.relation} who is on the row as that same subject"
    yield from _missing(extract, f"{where}.family", [rule.family])
    yield from _typed(extract, f"{where}.start", [rule.start], DATES, "a date")
    yield from _typed(extract, f"{where}.end", [rule.end], DATES, "a date")


def _event(extract: Extract, rule: EventRule, where: str, names: list[str], source: Source) -> Iterator[str]:
    occurred, later = parse_ended(rule.occurred)
    yield from _typed(extract, f"{where}.occurred", [occurred], DATES, "a date")
    if later and rule.ended is None:
        yield f"{where}.occurred: {rule.occurred!r} is for what has not ended by then, and needs `ended`"
    yield from _typed(extract, f"{where}.time", [rule.time], ("time",), "a time")
    yield from _typed(extract, f"{where}.ended_recorded", [rule.ended_recorded], DATES, "a date")
    yield from _missing(extract, f"{where}.place", [rule.place])
    yield from _when(extract, where, rule.when)
    if rule.ended is not None:
        column, later = parse_ended(rule.ended)
        if column in extract.columns or later:
            yield from _typed(extract, f"{where}.ended", [column], DATES, "a date")
        else:
            yield f"{where}.ended: {column!r} is neither a column nor '<column> + N days'"
    if isinstance(rule.amount, str):
        days = parse_days_from(rule.amount)
        if days:
            yield from _typed(extract, f"{where}.amount", days, DATES, "a date")
        else:
            yield from _typed(extract, f"{where}.amount", [rule.amount], NUMBERS, "a number")
    for who in rule.of or []:
        if who not in names:
            yield f"{where}.of: {who!r} is not a subject; there are {_listed(names)}"
    words = source.signals.get(rule.signal)
    if words is None:
        yield f"{where}: signal {rule.signal!r} is not under `signals`; there are {_listed(source.signals)}"
        return
    if words.shared and rule.place is None:
        yield f"{where}: a shared signal needs `place`, the column with the UPRN"
    if rule.ended is not None and not words.spell:
        yield f"{where}: has `ended`, but the signal is not declared `spell: true`"


def _when(extract: Extract, where: str, when: dict[str, list[str | int | float | bool]]) -> Iterator[str]:
    yield from _missing(extract, f"{where}.when", when)
    for column, values in when.items():
        codes = extract.columns[column].codes if column in extract.columns else None
        if codes:
            unknown = [
                str(v) for v in values if v not in ("present", "absent") and str(v) not in codes.values()
            ]
            if unknown:
                known = _listed(sorted(set(codes.values())))
                yield f"{where}.when.{column}: {_listed(unknown)} is no value of its codes; there are {known}"


def _missing(extract: Extract, where: str, given: Iterable[str | None]) -> Iterator[str]:
    for column in given:
        if column is not None and column not in extract.columns:
            yield f"{where}: column {column!r} is not under `columns`; there are {_listed(extract.columns)}"


def _typed(
    extract: Extract, where: str, given: Iterable[str | None], types: tuple[str, ...], wanted: str
) -> Iterator[str]:
    given = list(given)
    yield from _missing(extract, where, given)
    for column in given:
        if column in extract.columns and extract.columns[column].type not in types:
            yield f"{where}: column {column!r} is declared as {extract.columns[column].type}, not as {wanted}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
