"""A declaration's columns and rules as SQL: text to value, conditions, when an event is, when it ends.

The cells of a row are named x0, x1, … as text and c0, c1, … as values, in the order of the declared
columns, so that no name an agency gave a column ever stands in a statement.
"""

from __future__ import annotations

from dataclasses import dataclass

from features.declaration import Column, EventRule, Extract, When
from features.loose_ends import parse_days_from, parse_ended

TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
SQL_TYPES = {
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "time": "TIME",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
}


def quoted(text: object) -> str:
    """A value as an SQL text literal."""
    return "'" + str(text).replace("'", "''") + "'"


def value_of(column: Column, text: str) -> str:
    """SQL that reads a text (NULL where empty) as the column's type; NULL where it cannot be read."""
    if column.codes:
        cases = " ".join(f"WHEN {quoted(k)} THEN {quoted(v)}" for k, v in column.codes.items())
        return f"CASE {text} {cases} END"
    if column.type in ("date", "datetime", "time"):
        return f"CAST(try_strptime({text}, {quoted(column.format)}) AS {SQL_TYPES[column.type]})"
    if column.type in ("integer", "number"):
        digits = (
            r"[+-]?\d{1,18}" if column.type == "integer" else r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?"
        )
        return (
            f"TRY_CAST(CASE WHEN regexp_full_match({text}, {quoted(digits)}) THEN {text} END "
            f"AS {SQL_TYPES[column.type]})"
        )
    if column.type == "boolean":
        true, false = (", ".join(map(quoted, words)) for words in (TRUE, FALSE))
        return f"CASE WHEN lower({text}) IN ({true}) THEN true WHEN lower({text}) IN ({false}) THEN false END"
    return text


@dataclass(frozen=True)
class Cells:
    """Which cell holds which declared column of an extract."""

    extract: Extract

    def __getitem__(self, column: str) -> str:
        return f"c{list(self.extract.columns).index(column)}"

    def text(self, column: str) -> str:
        """The same cell as text, before it was typed."""
        return f"x{list(self.extract.columns).index(column)}"

    def optional(self, column: str | None, default: str = "NULL") -> str:
        """The cell of a column that a declaration may leave out."""
        return default if column is None else self[column]

    def day(self, column: str | None) -> str:
        """The cell of a date or datetime column, as a date."""
        return f"CAST({self.optional(column)} AS DATE)"

    def key(self, columns: list[str]) -> str:
        """Key columns as the agency writes them, joined by '|'; NULL if one of them is empty."""
        return " || '|' || ".join(self.text(column) for column in columns)

    def condition(self, when: When, *, as_text: bool = False) -> str:
        """A `when` block: all of its columns must hold one of their values.

        as_text: what `present` and `absent` ask of is the cell as it came, which may be unreadable.
        """
        conditions = (self._one_condition(column, values, as_text=as_text) for column, values in when.items())
        return " AND ".join(conditions) or "true"

    def _one_condition(
        self, column: str, values: list[str | int | float | bool], *, as_text: bool = False
    ) -> str:
        cell, ways = self[column], []
        asked = self.text(column) if as_text else cell
        for value in values:
            if value == "present":
                ways.append(f"{asked} IS NOT NULL")
            elif value == "absent":
                ways.append(f"{asked} IS NULL")
            else:
                kind = SQL_TYPES.get(self.extract.columns[column].type, "VARCHAR")
                ways.append(f"coalesce({cell} = TRY_CAST({quoted(value)} AS {kind}), false)")
        return "(" + " OR ".join(ways) + ")"

    def happened(self, rule: EventRule) -> str:
        """The day of an event."""
        column, days = parse_ended(rule.occurred)
        return f"({self.day(column)} + {days})" if days else self.day(column)

    def told_by(self, rule: EventRule) -> str:
        """The day from which an event is there to be told: that of the column it is counted from."""
        return self.day(parse_ended(rule.occurred)[0])

    def happens(self, rule: EventRule) -> str:
        """Whether a row is the event at all: what is to be done by a day, only if it was not."""
        told = f"{self.happened(rule)} IS NOT NULL"
        if not parse_ended(rule.occurred)[1]:
            return told
        return f"{told} AND coalesce({self.ended_on(rule)} > {self.happened(rule)}, true)"

    def occurred_at(self, rule: EventRule) -> str:
        """The local time of an event, midnight where the hour is not known."""
        clock = f" + coalesce({self[rule.time]}, TIME '00:00')" if rule.time else ""
        by_day = rule.time or parse_ended(rule.occurred)[1]
        cell = self.happened(rule) if by_day else self[rule.occurred]
        return f"CAST({cell}{clock} AS TIMESTAMP)"

    def has_time(self, rule: EventRule) -> str:
        """Whether the hour of an event is known."""
        if rule.time:
            return f"{self[rule.time]} IS NOT NULL"
        column = self.extract.columns.get(rule.occurred)
        return str(column is not None and column.type == "datetime").lower()

    def ended_on(self, rule: EventRule) -> str:
        """The day an event ended, NULL if it has no end."""
        if rule.ended is None:
            return "CAST(NULL AS DATE)"
        column, days = parse_ended(rule.ended)
        return f"{self.day(column)} + {days}" if days else self.day(column)

    def end_comes_later(self, rule: EventRule) -> bool:
        """Whether the end is learned after the start; one that is computed from the start is not."""
        return rule.ended is not None and parse_ended(rule.ended)[0] != parse_ended(rule.occurred)[0]

    def amount(self, rule: EventRule, *, while_open: bool = False) -> str:
        """The amount of an event; while a spell is open, none that is computed from its end."""
        if not isinstance(rule.amount, str):
            return f"CAST({'NULL' if rule.amount is None else rule.amount} AS DOUBLE)"
        columns = parse_days_from(rule.amount)
        if columns is None:
            return f"CAST({self[rule.amount]} AS DOUBLE)"
        if while_open and rule.ended is not None and parse_ended(rule.ended)[0] in columns:
            return "CAST(NULL AS DOUBLE)"
        start, end = columns
        return f"CAST(date_diff('day', {self.day(start)}, {self.day(end)}) AS DOUBLE)"
