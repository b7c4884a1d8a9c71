"""The papers of a model: model card, transparency record and impact annex, beside what people wrote of it.

Each as a page, as Markdown and as JSON. They are made from the exported model and from `human.yaml`, and can
be made again at any time; the file that people write in is laid out once and never written over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from features.errors import UserMistake
from features.wording import counted
from features.workspace import Workspace
from models.candidate import Candidate
from models.gates import Gate, gates_of
from models.human import FILE, Human, folder_of, parse, questions_text, read_human, sample, to_sign
from models.impact_annex import impact_annex
from models.model_card import model_card
from models.paper import Paper, to_html, to_json, to_markdown
from models.told import Told, told_of
from models.transparency_record import transparency_record

PAPERS: dict[str, Callable[[Told], Paper]] = {
    "model_card": model_card,
    "transparency_record": transparency_record,
    "impact_annex": impact_annex,
}
WRITERS: dict[str, Callable[[Paper], str]] = {"html": to_html, "md": to_markdown, "json": to_json}


@dataclass(frozen=True)
class PapersReport:
    """What was written. human: the file that people write in; laid_out: it was made just now; missing: the
    questions nobody has answered; unsigned: groups nobody has signed for; gates: as they stand now."""

    folder: Path
    papers: tuple[Path, ...]
    human: Path
    laid_out: bool
    missing: tuple[str, ...]
    unsigned: tuple[str, ...]
    gates: tuple[Gate, ...]

    def text(self) -> str:
        """For a terminal."""
        lines = [f"{counted(len(self.papers), 'paper', 'papers')} in {self.folder}"]
        if self.laid_out:
            lines.append(f"The questions for people are in {self.human}: answer them there.")
        lines += [
            f"  {'met    ' if gate.met else 'NOT MET'}  {gate.name}: {gate.said}" for gate in self.gates
        ]
        return "\n".join(lines)


def write_papers(told: Told, out: Path) -> list[Path]:
    """Write every paper in every form to a folder, each whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, make in PAPERS.items():
        paper = make(told)
        for form, write in WRITERS.items():
            written.append(_write(out / f"{name}.{form}", write(paper).encode()))
    return written


def papers(
    workspace: Workspace, candidate: Candidate, *, fill: Path | None = None, simulated: bool = False
) -> PapersReport:
    """Write the papers of a model, and lay out the questions for people where nobody has.

    fill: a file with answers, such as that of the model before; who signed there signed for that model, so
    signatures count only where it names this one. simulated: fill it with the sample instead, which says in
    every answer that it is one. Raises UserMistake where answers cannot be read, or where others stand there.
    """
    folder = folder_of(workspace, candidate.specification.name, candidate.sha256)
    path = folder / FILE
    there = read_human(path, model=candidate.sha256)
    given = _given(candidate, fill) if fill else sample(candidate.card) if simulated else None
    laid_out = given is not None or not path.is_file()
    if laid_out:
        text = questions_text(candidate.card, model=candidate.sha256, human=given or Human()).encode()
        if (there.answers or there.reasons) and text != there.text:
            raise UserMistake(
                f"People have written in {path} already; nothing was written over it.",
                problems=["edit it there, or move it away first"],
            )
        _write(path, text)
    human = read_human(path, model=candidate.sha256)
    return PapersReport(
        folder=folder,
        papers=tuple(write_papers(told_of(workspace, candidate, human), folder)),
        human=path,
        laid_out=laid_out,
        missing=tuple(human.missing),
        unsigned=tuple(group for group in to_sign(candidate.card) if group not in human.reasons),
        gates=tuple(gates_of(candidate.card, human)),
    )


def _given(candidate: Candidate, fill: Path) -> Human:
    if not fill.is_file():
        raise UserMistake(f"There is no file {str(fill)!r}.", problems=["name a filled human.yaml"])
    text = fill.read_bytes()
    about_any = parse(text, model=None, called=fill.name)
    try:
        return parse(text, model=candidate.sha256, called=fill.name)
    except UserMistake:
        return about_any


def _write(path: Path, text: bytes) -> Path:
    """Replace a file whole, so that a crash leaves the last one standing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}")
    making.write_bytes(text)
    making.replace(path)
    return path
