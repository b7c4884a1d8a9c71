"""What is wrong with a specification, as sentences that show what would do instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from features.errors import nearest
from models.spec_types import given_as

EXAMPLES = {
    "parts": "[{name: eviction, title: an eviction, signals: [rents.eviction]}]",
    **dict.fromkeys(("signals", "service_spells", "open_spell", "not_open"), "[social_care.looked_after]"),
    "windows": "[30, 90, 365]",
    **dict.fromkeys(("include", "exclude"), "['police.*']"),
    "sequences": "[{first: police, then: social_care.contact, within: 30}]",
    "sensitive": "[{signal: schools.send_support, why: 'for the board, in 30 characters or more'}]",
    "baselines": "[{name: contacts, title: contacts in 90 days, features: [police.count_90]}]",
    **dict.fromkeys(("features", "logistic"), "[police.count_90]"),
    "rule": "[{feature: police.count_90, at_least: 2}]",
    **dict.fromkeys(("train", "calibrate", "test", "also_report"), "[2025-01-06, 2025-03-03]"),
    "settings": "[{num_leaves: 7, min_data_in_leaf: 100}]",
    "rounds": "[40, 80, 120]",
    "choices": "[1, 10]",
    "parameters": "{learning_rate: 0.05}",
    "space": "{num_leaves: {low: 2, high: 31}}",
    "monotone": "{'police.*': increasing}",
}
"""Key → what stands there, for each that holds a list or a map."""

WORDS = {
    **dict.fromkeys(("int_type", "int_from_float"), "is a whole number, without quotes"),
    "float_type": "is a number, without quotes",
    "bool_type": "is true or false, without quotes",
    "string_type": "is text; put it in quotes if it looks like something else",
    "date_type": "is a day, such as 2025-01-06",
    "string_pattern_mismatch": "is made of small letters, digits and _, and starts with a letter",
}
"""Pydantic's name of an error → what to say."""

EITHER = ("explicit", "rolling")
"""Two kinds of calendar, of which a file shows no name."""


def spec_problems(error: ValidationError, of: type[BaseModel]) -> list[str]:
    """A pydantic error as sentences: the key as the file has it, what is wrong, what would do."""
    return [
        f"{key}: {line}" if (key := ".".join(str(part) for part in _shown(item["loc"]))) else line
        for item in error.errors()
        for line in _said(item, of).splitlines()
    ]


def models_at(of: type[BaseModel], loc: Sequence[str | int]) -> list[type[BaseModel]]:
    """The declarations that may stand at a place of a specification, empty for plain values."""
    found = [of]
    for part in loc:
        if any(part in model.model_fields for model in found):
            fields = [model.model_fields[part] for model in found if part in model.model_fields]
            found = [model for field in fields for model in _within(field.annotation)]
        elif part in EITHER:
            found = [model for model in found if model.__name__.lower().startswith(str(part))]
    return found


def _within(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _within(inner)


def _shown(loc: Sequence[str | int]) -> list[str | int]:
    return [part for at, part in enumerate(loc) if not (at == 1 and loc[0] == "calendar" and part in EITHER)]


def _said(item: Any, of: type[BaseModel]) -> str:
    kind, loc, given = item["type"], item["loc"], item["input"]
    named = [part for part in _shown(loc) if isinstance(part, str)]
    example = EXAMPLES.get(named[-1] if named else "", "")
    if kind == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    if kind == "missing":
        return "is missing" + (f"; it is such as {example}" if example else "")
    if kind == "extra_forbidden":
        return _unknown(of, loc)
    if kind in ("list_type", "dict_type"):
        return f"is a {kind.split('_')[0].replace('dict', 'map')}, such as {example}; given {given_as(given)}"
    if kind in ("model_type", "model_attributes_type"):
        keys = [key for model in models_at(of, loc) for key in model.model_fields]
        return f"is a map with the keys {', '.join(keys)}; given {given_as(given)}"
    if kind == "too_short":
        return f"needs at least {item['ctx']['min_length']} of them, such as {example}"
    return f"{WORDS.get(kind, item['msg'])}; given {given_as(given)}"


def _unknown(of: type[BaseModel], loc: Sequence[str | int]) -> str:
    key, here = str(loc[-1]), models_at(of, loc[:-1])
    beside = [model for model in models_at(of, loc[:1]) if model not in here] if loc[1:2] != loc[-1:] else []
    if any(part in EITHER for part in loc) and any(key in model.model_fields for model in beside):
        own = ", ".join(name for model in here for name in model.model_fields)
        return f"dates are written out or counted back, not both: take it out, or the others ({own})"
    keys = [name for model in here for name in model.model_fields]
    return f"is not a key that is known here: {nearest(key, keys)}"
