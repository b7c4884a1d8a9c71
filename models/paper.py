"""A paper about a model: sections of fields, and the one way each is written as Markdown, HTML and JSON.

A field is made by the run, written by a person, or waits for one; the last kind is marked in every form, so
that nobody can take a draft for a finished paper.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
MADE, WRITTEN, WAITING = "made from the run", "written by a person", "to be written"
TO_WRITE = "To be written by a person"
NOT_MEASURED = "not measured in this run"


@dataclass(frozen=True)
class Table:
    """Rows of text under heads; the first cell of a row names it, the others stand right if `figures`."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: bool = True


@dataclass(frozen=True)
class Field:
    """One thing a paper tells. said: paragraphs. by: who it is from; name: of the question that a person
    answers in `models.human`, else empty."""

    label: str
    said: tuple[str, ...] = ()
    table: Table | None = None
    chart: str = ""
    by: str = MADE
    name: str = ""

    @property
    def waits(self) -> bool:
        return self.by == WAITING


@dataclass(frozen=True)
class Section:
    """Fields under a heading, after a word on what they are."""

    title: str
    fields: tuple[Field, ...]
    about: str = ""


@dataclass(frozen=True)
class Paper:
    """kind: 'model card', …; notices: what must be seen first, such as that nobody has approved the model;
    notes: what is good to know before the rest, such as who has; lines of it stand below one another."""

    kind: str
    title: str
    council: str
    model: str
    about: str
    notices: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    @property
    def waiting(self) -> list[Field]:
        """The fields that a person has still to write."""
        return [field for section in self.sections for field in section.fields if field.waits]


def to_json(paper: Paper) -> str:
    """The paper as JSON; charts are left out, as their figures stand in tables."""
    whole: dict[str, Any] = asdict(paper)
    for field in (field for section in whole["sections"] for field in section["fields"]):
        del field["chart"]
    whole["to_be_written"] = [field.name for field in paper.waiting]
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def to_markdown(paper: Paper) -> str:
    """The paper as GitHub's Markdown, from a heading of the first level down."""
    return "\n".join(_lines(paper)) + "\n"


def _lines(paper: Paper) -> Iterator[str]:
    yield from (f"# {_md(paper.title)}", "", _md(paper.about), "")
    for notice in paper.notices:
        yield from (f"> **{_md(notice)}**", "")
    if paper.waiting:
        yield from (f"> **{waiting_said(paper)}**", "")
    for note in paper.notes:
        yield from ("\n>\n".join(f"> {_md(line)}" for line in note.split("\n")), "")
    for section in paper.sections:
        yield from (f"## {_md(section.title)}", "")
        if section.about:
            yield from (_md(section.about), "")
        for field in section.fields:
            yield from (f"### {_md(field.label)}", "")
            if field.waits:
                yield from (f"**[{TO_WRITE}]** {_md(' '.join(field.said))}", "")
            else:
                for text in field.said:
                    yield from (_md(text), "")
            if field.table:
                yield from (_row(field.table.heads), f"|{'---|' * len(field.table.heads)}")
                yield from (_row(row) for row in field.table.rows)
                yield ""


def waiting_said(paper: Paper) -> str:
    """How much is still to be written.

    >>> waiting_said(Paper("", "", "", "", "", (), (Section("", (Field("Owner", by=WAITING),)),)))
    'A draft: a person has still to write 1 field. Nobody can approve the model before.'
    """
    n = len({field.name or field.label for field in paper.waiting})
    return (
        f"A draft: a person has still to write {n} {'field' if n == 1 else 'fields'}. "
        "Nobody can approve the model before."
    )


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(_md(cell) for cell in cells)} |"


def _md(text: str) -> str:
    """Words of a council's own, with nothing that Markdown or a table would take for its own."""
    plain = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
    return " ".join(plain.replace("`", "\\`").replace("[", "\\[").split())


def to_html(paper: Paper) -> str:
    """The paper as one page that needs no network and no script."""
    return _templates().get_template("paper.html").render(paper=paper, waiting_said=waiting_said(paper))


@lru_cache(maxsize=1)
def _templates() -> Environment:
    """Every template escapes everything and refuses a name it was not given."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"TO_WRITE": TO_WRITE, "WRITTEN": WRITTEN}
    return environment
