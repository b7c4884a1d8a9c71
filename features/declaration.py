"""What a source is: one YAML file per agency system, read from the workspace.

A declaration says everything that ingest, linking, the catalogue and the pages need to know of a
source, so that a new agency needs a file and no code. `features.read_declaration` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from features.loose_ends import DATES, NUMBERS, loose_ends
from features.relation import RelationRule

if TYPE_CHECKING:
    import duckdb

THEMES = {
    "education": "getting a good education",
    "early_years": "good early years development",
    "health": "improved mental and physical health",
    "substance_use": "better managed substance use",
    "family_relationships": "improved family relationships",
    "child_safety": "children safe from abuse and exploitation",
    "crime": "diverted from crime",
    "domestic_abuse": "safe from domestic abuse",
    "housing": "secure housing",
    "finance": "financial stability",
}
"""The ten headline outcomes of the Supporting Families framework (2022-25), by short name."""

IDENTIFIERS = ("nhs_number", "upn", "nino")
"""Identifiers that name one person wherever they appear."""

UNIDENTIFIED = "(row) "
"""In front of the key of a subject that names a row and no person."""

HINTS = ("initials", "sex", "phone", "email", "postcode", "district")
"""What says less of who somebody is than a name or an identifier, and helps to tell."""

MARKS = {
    "objection": "objects to being scored, or has opted out",
    "adoption": "adopted: what was known under another name is not shown",
    "refuge": "lives at an address that must stay secret",
    "staff_family": "belongs to the family of somebody who works here",
}
"""What can be said of a person that limits what we may do with or show of what we hold."""

SENSITIVE = ("age", "disability", "pregnancy", "race", "religion", "sex", "sexual orientation", "health")
"""What a signal can be close to: protected characteristics, and health."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | int | float | bool) else value


Names = Annotated[list[str], BeforeValidator(_as_list)]
Words = Annotated[list[str | int | float | bool], BeforeValidator(_as_list)]
When = dict[str, Words]
"""Conditions that must all hold: column → the values that will do, after the code map;
`present` and `absent` ask whether the cell is empty."""


@cache
def _database() -> duckdb.DuckDBPyConnection:
    import duckdb  # not for the many commands that read no declaration

    return duckdb.connect(config={"threads": 1})


@cache
def _runs(sql: str, given: str) -> bool:
    """Whether DuckDB, which is to read the cells, takes a format or a pattern."""
    import duckdb

    try:
        _database().execute(f"SELECT {sql}", [given])
    except duckdb.InvalidInputException:
        return False
    return True


class Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(Declared):
    """One column of an extract: how its text is read and what it may hold."""

    type: Literal["text", "code", "date", "datetime", "time", "integer", "number", "boolean"] = "text"
    format: str | None = Field(None, description="strptime format of a date, datetime or time")
    codes: dict[str, str] | None = Field(None, description="the agency's code → the value used here")
    required: bool = False
    pattern: str | None = Field(None, description="a regular expression the whole text must match")
    min: float | None = Field(None, allow_inf_nan=False)
    max: float | None = Field(None, allow_inf_nan=False)
    not_before: date | None = None
    filled: float | None = Field(None, gt=0, le=1, description="the share of rows expected to have it")
    typical: bool = Field(False, description="the column's name is only typical of such systems")

    @model_validator(mode="before")
    @classmethod
    def _text_codes(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("codes"), dict):
            given = {**given, "codes": {str(k): str(v) for k, v in given["codes"].items()}}
        return given

    @model_validator(mode="after")
    def _complete(self) -> Column:
        if self.type in ("date", "datetime", "time") and not self.format:
            raise ValueError(f"a {self.type} column needs `format`, such as '%d/%m/%Y'")
        if self.type == "code" and not self.codes:
            raise ValueError("a code column needs `codes`, a map from the agency's code to a value")
        if self.type != "code" and self.codes:
            raise ValueError(f"`codes` are for a code column; this one is declared as {self.type}")
        if self.type not in NUMBERS and (self.min, self.max) != (None, None):
            raise ValueError(f"`min` and `max` are for numbers; this column is declared as {self.type}")
        if self.not_before is not None and self.type not in DATES:
            raise ValueError(f"`not_before` is for dates; this column is declared as {self.type}")
        if self.format is not None and not _runs("try_strptime('', ?)", self.format):
            raise ValueError(f"`format` is not one of strptime, such as '%d/%m/%Y'; given {self.format!r}")
        if self.pattern is not None and not _runs("regexp_full_match('', ?)", self.pattern):
            raise ValueError(
                f"`pattern` is not a regular expression, or looks ahead or back; given {self.pattern!r}"
            )
        return self


class Schedule(Declared):
    """When a source delivers: every day, every week on a day, or every month on a day number."""

    every: Literal["day", "week", "month"]
    on: str | int | None = None

    @model_validator(mode="after")
    def _complete(self) -> Schedule:
        if self.every == "week" and self.on not in WEEKDAYS:
            raise ValueError(f"a weekly schedule needs `on`, one of {', '.join(WEEKDAYS)}")
        if self.every == "month" and not (isinstance(self.on, int) and 1 <= self.on <= 28):
            raise ValueError("a monthly schedule needs `on`, a day of the month from 1 to 28")
        return self

    def first_on_or_after(self, day: date) -> date:
        """The first delivery day on or after `day`."""
        if self.every == "week":
            return day + timedelta(days=(WEEKDAYS.index(str(self.on)) - day.weekday()) % 7)
        if self.every == "month":
            at = int(self.on or 1)
            if day.day <= at:
                return day.replace(day=at)
            return (day.replace(day=1) + timedelta(days=32)).replace(day=at)
        return day

    def next_after(self, day: date) -> date:
        """The first delivery day after `day`."""
        return self.first_on_or_after(day + timedelta(days=1))


class Window(Declared):
    """A delivery that holds the last N days and says nothing of what is older."""

    window_days: int = Field(gt=0)


class Identity(Declared):
    """Which columns say who a subject is."""

    forenames: str | None = None
    surname: str | None = None
    birth_date: str | None = None
    died_on: str | None = None
    nhs_number: str | None = None
    upn: str | None = None
    nino: str | None = None
    initials: str | None = None
    sex: str | None = None
    phone: str | None = None
    email: str | None = None
    postcode: str | None = Field(None, description="a hint where it is no residence: of a visit, a referral")
    district: str | None = Field(None, description="a postcode's first half: a hint, not an address")

    def columns(self) -> dict[str, str]:
        """Identity field → column, those given only."""
        return {k: v for k, v in self.model_dump().items() if v is not None}


class Address(Declared):
    """Which columns say where a subject lives, and from when to when (the end day not included)."""

    uprn: str
    postcode: str | None = None
    area: str | None = None
    start: str | None = None
    end: str | None = None


class Register(Declared):
    """From when to when a row holds its subject on a register; `place` if it holds a dwelling."""

    start: str
    end: str | None = None
    place: str | None = None


class MarkRule(Declared):
    """What limits the use of what we hold of a subject, from when to when; see `MARKS`."""

    mark: str
    start: str | None = None
    end: str | None = None
    when: When = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_mark(self) -> MarkRule:
        if self.mark not in MARKS:
            raise ValueError(f"mark {self.mark!r} is not one of {', '.join(MARKS)}")
        return self


class SubjectRule(Declared):
    """One person on a row. A row may have several (jointly liable adults)."""

    name: str = "subject"
    key: Names = Field(description="columns whose values, joined by '|', are the agency's own key")
    optional: bool = Field(False, description="the row may leave this person out")
    unidentified: bool = Field(
        False, description="the key names the row, not a person: nobody's until linking can place it"
    )
    when: When = Field(default_factory=dict, description="the rows this person is on; else all")
    identity: Identity | None = None
    address: Address | None = None
    register_: Register | None = Field(None, alias="register")
    characteristics: dict[str, str] = Field(
        default_factory=dict, description="protected characteristic → column; kept apart, for audit alone"
    )
    marks: list[MarkRule] = Field(default_factory=list)
    also: dict[str, Names] = Field(
        default_factory=dict, description="another source → the columns with its key for the same person"
    )


class EventRule(Declared):
    """One event that a row may be. It happens for every subject of the row, or those named in `of`.

    occurred: a date or datetime column; no event where it is empty. Or '<column> + N days', for what
              is still not done by then: no event if it had ended by that day.
    time:     a time column, where the hour stands apart from the date.
    ended:    a date column, or '<column> + N days'; for spells.
    amount:   a number column, a number, or 'days from <column> to <column>'.
    place:    the column with the UPRN it happened at.
    """

    signal: str
    occurred: str
    time: str | None = None
    ended: str | None = None
    ended_recorded: str | None = None
    amount: str | float | None = None
    place: str | None = None
    when: When = Field(default_factory=dict)
    of: Names | None = None


class IgnoreRule(Declared):
    """Rows that are left aside on purpose, and why; counted by rule."""

    rule: str
    when: When


class Area(Declared):
    """A row about a small area, for audit alone: its code and its deprivation fifth (1 = most deprived)."""

    code: str
    deprivation_fifth: str


class Extract(Declared):
    """One kind of file that a source sends."""

    files: str = Field(description="a glob over file names, such as 'rents_*.csv'")
    encoding: str = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    sheet: str | None = Field(None, description="which sheet of an Excel workbook, if it has several")
    query: str | None = Field(
        None, description="the SELECT that `earlyhelp fetch` asks the source's database"
    )
    delivery: Literal["full", "changes"] | Window
    record_key: Names
    columns: dict[str, Column]
    recorded: str | None = Field(None, description="the date column that says when the row was keyed")
    overwritten: Names = Field(
        default_factory=list, description="columns that hold today's state; empty in a first load of history"
    )
    subjects: list[SubjectRule] = Field(default_factory=list)
    events: list[EventRule] = Field(default_factory=list)
    relations: list[RelationRule] = Field(default_factory=list)
    ignore: list[IgnoreRule] = Field(default_factory=list)
    area: Area | None = None

    def always_marks(self, mark: str) -> bool:
        """Whether rows bring a mark under no condition: a register of those who have it."""
        return any(
            rule.mark == mark and not rule.when and not subject.when
            for subject in self.subjects
            for rule in subject.marks
        )


class SameAs(Declared):
    """Signals of other sources that are the same happening if they lie so near in time.

    It counts once outside its own agency. Signals that no source of the workspace declares do nothing.
    """

    signals: Names
    hours: float = Field(gt=0)


class SignalWords(Declared):
    """A kind of event: how it is said, what it is about, whom it reaches."""

    one: str = Field(description="'missing episode'")
    many: str = Field(description="'missing episodes'")
    theme: str | None = Field(None, description="a Supporting Families outcome, by its short name")
    unit: str | None = Field(None, description="what the amount counts: £, sessions, days")
    shared: bool = Field(False, description="belongs to a dwelling or account: reaches whoever lives there")
    protective: bool = False
    spell: bool = Field(False, description="has a start and an end")
    exit: bool = Field(False, description="a known exit (died, moved away); never a feature")
    feature: bool = Field(True, description="False: kept as context, no feature is derived from it")
    service: bool = Field(False, description="somebody works with the person while the spell is open")
    ours: bool = Field(False, description="what our own team did: help given must never raise a score")
    sensitive: str | None = Field(
        None, description="what it is close to: used only where a specification names and justifies it"
    )
    same_as: SameAs | None = None

    @model_validator(mode="after")
    def _known_theme(self) -> SignalWords:
        if self.theme is not None and self.theme not in THEMES:
            raise ValueError(f"theme {self.theme!r} is not one of {', '.join(THEMES)}")
        if self.sensitive is not None and self.sensitive not in SENSITIVE:
            raise ValueError(f"sensitive {self.sensitive!r} is not one of {', '.join(SENSITIVE)}")
        return self

    @property
    def is_feature(self) -> bool:
        """Whether features are derived from it: never from exits, nor from what we did ourselves."""
        return self.feature and not self.exit and not self.ours


class Agreement(Declared):
    """The information-sharing agreement a source is held under; without one nothing is taken in."""

    reference: str = ""
    review_by: date | None = None


class Source(Declared):
    """An agency system, as declared."""

    source: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(description="as said on a list: 'Council tax'")
    owner: str
    legal_gateway: str
    agreement: Agreement = Agreement()
    covers_from: date = Field(description="from this day on, silence means that nothing happened")
    register_: bool = Field(False, alias="register", description="holds a row for everyone it covers")
    subject: Literal["key", "person"] = Field(
        "key", description="'person': the subject key is the person already, no linking is needed"
    )
    typical_delay_days: int = Field(ge=0)
    schedule: Schedule
    extracts: dict[str, Extract]
    signals: dict[str, SignalWords] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hangs_together(self) -> Source:
        problems = list(loose_ends(self))
        if problems:
            raise ValueError("\n".join(problems))
        return self


def shared_signals(sources: Iterable[Source]) -> list[str]:
    """The full names of signals of a dwelling or an account."""
    return [
        f"{source.source}.{short}"
        for source in sources
        for short, words in source.signals.items()
        if words.shared
    ]
