"""Declarations are read from YAML: mistakes are reported all at once, each with the file, the key, what
was given and what would do."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from pydantic import ValidationError

from features.declaration import Source
from features.errors import UserMistake


class _Yaml(yaml.CSafeLoader):
    """YAML in which only true and false are booleans: `on:` is a key, and `N: no` is a code.

    The C reader, which every wheel of PyYAML holds, is ten times faster than the plain one.
    """


_Yaml.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool"]
    for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Yaml.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$", re.IGNORECASE), list("tTfF")
)


def read_source(path: Path) -> Source:
    """One declaration. Raises UserMistake with every problem of the file."""
    problems: list[str] = []
    source = _read(path, problems)
    if source is None:
        raise UserMistake("The source declaration cannot be used.", problems=problems)
    return source


def read_sources(folder: Path) -> dict[str, Source]:
    """Every `*.yaml` of a folder, by source name. Raises UserMistake with the problems of all files."""
    problems: list[str] = []
    found: dict[str, Source] = {}
    for path in sorted(folder.glob("*.yaml")):
        source = _read(path, problems)
        if source is None:
            continue
        if source.source in found:
            problems.append(f"{path.name}: source {source.source!r} is declared twice")
        found[source.source] = source
    if not problems and not found:
        problems.append(f"{folder}: holds no *.yaml; `earlyhelp init` puts templates there")
    if problems:
        raise UserMistake("The source declarations cannot be used.", problems=problems)
    return found


def _read(path: Path, problems: list[str]) -> Source | None:
    try:
        given = yaml.load(path.read_text(encoding="utf-8"), Loader=_Yaml)  # a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problems.append(f"{path.name}: is not YAML: {' '.join(str(error).split())}")
        return None
    if not isinstance(given, dict):
        problems.append(f"{path.name}: is not a map of keys; a declaration starts with `source: name`")
        return None
    try:
        return Source.model_validate(given)
    except ValidationError as error:
        for problem in validation_problems(error):
            problems.append(f"{path.name}: {problem}")
        return None


def validation_problems(error: ValidationError) -> list[str]:
    """A pydantic error as sentences: key, what is wrong, what was given."""
    sentences: list[str] = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        text = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            text = "is not a key that is known here; check its spelling"
        elif item["type"] == "missing":
            text = "is missing"
        elif item["type"] != "value_error" and not isinstance(item["input"], dict | list):
            text = f"{text}; given {item['input']!r}"
        for line in text.splitlines():
            sentences.append(f"{key}: {line}" if key else line)
    return sentences
