"""What a value of a specification may be: nothing is taken for what it only resembles.

`true` is not 1, `'30'` is not 30 and 20250106 is no day: read as such, a slip would change who is on a list.
Numbers have an end, so that no day falls out of the calendar.
"""

from __future__ import annotations

from datetime import date
from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

A_CENTURY = 36_500
TEN_YEARS = 3_650


class Specified(BaseModel):
    """Part of a specification: what is not known is refused, what is read never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _says_something(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: say it in words")
    return text


def _number(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, int | float) or not isfinite(given):
        raise ValueError(f"is a number, without quotes; given {given_as(given)}")
    return given


def _setting(given: Any) -> Any:
    return given if isinstance(given, bool) else _number(given)


def _day(given: Any) -> Any:
    try:
        return date.fromisoformat(given) if isinstance(given, str) and len(given) == 10 else given
    except ValueError:
        return given


def given_as(value: Any) -> str:
    """A value as YAML has it.

    >>> given_as(True), given_as("30"), given_as(None), given_as({"a": 1})
    ('true', "'30'", 'nothing', 'a map')
    """
    if isinstance(value, dict | list):
        return "a map" if isinstance(value, dict) else "a list"
    words = {True: "true", False: "false", None: "nothing"}
    return words[value] if isinstance(value, bool | None) else repr(value)


Text = Annotated[str, AfterValidator(_says_something)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Days = Annotated[int, Field(gt=0, le=A_CENTURY)]
Dates = Annotated[int, Field(gt=0, le=1_000)]
"""How many of them."""
Day = Annotated[date, BeforeValidator(_day)]
Age = Annotated[int, Field(gt=0, le=120)]
Bound = Annotated[float | int, BeforeValidator(_number)]
Number = Annotated[float | int | bool, BeforeValidator(_setting)]
"""What a parameter of LightGBM may be."""
