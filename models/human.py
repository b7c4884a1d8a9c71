"""What only a person can write about a model, asked in one place, and the file that they answer in.

    papers/<specification>-<first 12 of the model's hash>/human.yaml

The card of a model is sealed with it, so what people write stands beside it: `earlyhelp papers` lays the
file out with every question, whoever answers edits it, and `earlyhelp approve` takes down which text was
approved, by its sha256, and keeps a copy. A question is answered in words, or it is not answered; nothing
here is ever filled in by the program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from features.errors import UserMistake, nearest
from features.workspace import Workspace

CARD, RECORD, ANNEX = "model card", "transparency record", "impact annex"
ALL = (CARD, RECORD, ANNEX)
OUTWARD = (RECORD, ANNEX)
FILE = "human.yaml"
MODEL, SIGNED, BY, BECAUSE = "model", "signed", "by", "because"
SHORTEST_REASON = 20
PLACEHOLDERS = frozenset(
    ["", "-", "–", "…", "?", "tbc", "tba", "tbd", "todo", "to do", "to complete", "x", "xx"]
)
"""What stands where an answer will."""
FIGURES = frozenset(["supplier_number", "published", "review"])
"""The questions that a number or a day answers; every other answer has words in it."""
SAMPLE = Path(__file__).parent / "templates" / "sample_human.yaml"
WIDE = 100


@dataclass(frozen=True)
class Question:
    """Something that a person has to write. papers: where the answer is printed."""

    name: str
    asks: str
    papers: tuple[str, ...]


QUESTIONS = (
    Question("team", "Which team is responsible for the tool?", (CARD, RECORD)),
    Question("owner", "Who is its senior responsible owner? Name the role.", ALL),
    Question("contact", "Which email address answers questions about it?", (CARD, RECORD)),
    Question("website", "Where on the web is it explained? 'Nowhere yet' is an answer.", (RECORD,)),
    Question("phase", "Idea, design, development, beta or pilot, production, or retired?", (RECORD,)),
    Question("region", "For which area is it used?", (RECORD,)),
    Question("published", "On what day was the record published or last updated?", (RECORD,)),
    Question("supplier", "Is an outside supplier involved, and which? 'None' is an answer.", (RECORD,)),
    Question("supplier_number", "The supplier's Companies House number?", (RECORD,)),
    Question("supplier_role", "What does the supplier do?", (RECORD,)),
    Question("procurement", "By what kind of procedure was the supplier chosen?", (RECORD,)),
    Question("supplier_access", "On what terms can the supplier reach data?", (RECORD,)),
    Question("purpose", "What may the list be used for, and what never?", ALL),
    Question("benefit", "What good should it do, for whom, and how will you know?", OUTWARD),
    Question("before", "How were people found before, and does that go on?", (RECORD,)),
    Question("alternatives", "What else was considered, and why not that?", OUTWARD),
    Question("process", "When does the team look at the list, and what happens next?", (RECORD,)),
    Question("decision", "Who decides about each person, on what, and where is it recorded?", ALL),
    Question("training", "What must people have learnt before they use the list?", (RECORD,)),
    Question("challenge_output", "How can somebody challenge what the tool says of them?", ALL),
    Question("challenge_decision", "How can somebody appeal against what a person decided?", ALL),
    Question("lawful_basis", "Which lawful basis and which power or duty are relied on?", (ANNEX,)),
    Question("special_category", "On which conditions is special category data used?", (ANNEX,)),
    Question("criminal_offence", "On what authority is criminal offence data used, if it is?", (ANNEX,)),
    Question("necessity", "Why is it necessary, and not more than is needed?", (ANNEX,)),
    Question("consulted", "Which families, staff and partners were asked, and what changed?", (CARD, ANNEX)),
    Question("officer_advice", "What did the data protection officer advise, and was it followed?", (ANNEX,)),
    Question("access", "Where is the data kept, and who can see what?", OUTWARD),
    Question("retention", "How long are scores, lists and decisions kept, and why so long?", OUTWARD),
    Question("equality", "What follows from the figures by group, under the equality duty?", (CARD, ANNEX)),
    Question("limits", "What does the tool not see, where it will be used?", (CARD, RECORD)),
    Question("risks", "What could it do to people that is bad, and what is done about each?", OUTWARD),
    Question("residual_risk", "Which risks remain, and who accepts them?", (ANNEX,)),
    Question("assessments", "Which impact assessments were made: name, date, summary, link?", OUTWARD),
    Question("stopping", "Who watches it, how often, and who may stop it?", ALL),
    Question("review", "By which date is it looked at again, and by whom?", ALL),
)  # fmt: skip
"""Every question, in the order in which the file asks them."""

ASKED = {question.name: question for question in QUESTIONS}


@dataclass(frozen=True)
class Signature:
    """Who accepts that nobody can say whether a group is missed, and why."""

    by: str
    because: str

    def __str__(self) -> str:
        return f"{self.by}: {self.because}" if self.by and self.because else ""


@dataclass(frozen=True)
class Human:
    """What people wrote about a model. answers: question → words, unanswered ones left out. signed:
    'characteristic: group' → who signed. text, sha256: of the file; empty where there is none."""

    answers: Mapping[str, str] = field(default_factory=dict)
    signed: Mapping[str, Signature] = field(default_factory=dict)
    sha256: str = ""
    text: bytes = field(default=b"", repr=False)

    @property
    def missing(self) -> list[str]:
        """The questions that nobody has answered, in their order."""
        return [name for name in ASKED if name not in self.answers]

    @property
    def reasons(self) -> dict[str, str]:
        """'characteristic: group' → name and reason, as `models.audit.gate_said` takes them."""
        return {group: str(signature) for group, signature in self.signed.items() if str(signature)}


NOTHING = Human()


def folder_of(workspace: Workspace, specification: str, sha256: str) -> Path:
    """Where the papers of a model lie, what people wrote among them."""
    return workspace.papers / f"{specification}-{sha256[:12]}"


def to_sign(card: Mapping[str, Any]) -> list[str]:
    """'characteristic: group' of each group of which nobody can say whether it is missed."""
    from models.fairness import NOT_ESTIMABLE

    gate = (card.get("audit") or {}).get("gate", ())
    return [f"{a['characteristic']}: {a['group']}" for a in gate if a["verdict"] == NOT_ESTIMABLE]


def read_human(path: Path, *, model: str) -> Human:
    """What people wrote in a file; NOTHING where there is none.

    model: the sha256 of the model that it must be about. Raises UserMistake with every problem.
    """
    return parse(path.read_bytes(), model=model, called=path.name) if path.is_file() else NOTHING


def keep(folder: Path, human: Human) -> Path:
    """Keep a text that is being approved as it is, whatever becomes of the file: `approved-<sha256>.yaml`."""
    path = folder / f"approved-{human.sha256[:12]}.yaml"
    making = path.with_name(f".{path.name}")
    making.write_bytes(human.text)
    making.replace(path)
    return path


def parse(text: bytes, *, model: str | None, called: str = FILE) -> Human:
    """As `read_human`, from the file's bytes. model: None if it may be about any; then no signature counts,
    since somebody signs for one model."""
    given = _map(text, called)
    about, signed = given.pop(MODEL, ""), given.pop(SIGNED, None) or {}
    problems = [
        f"there is no question {name!r}: {nearest(name, [*ASKED])}" for name in given if name not in ASKED
    ]
    problems += [
        f"{name}: the answer is text; given is a {'map' if isinstance(said, dict) else 'list'}"
        for name, said in given.items()
        if name in ASKED and not isinstance(said, str)
    ]
    problems += [
        f"{name}: the answer is text; a number or a sign says nothing to who reads it: answer in words"
        for name, said in given.items()
        if name in ASKED and name not in FIGURES and isinstance(said, str) and _wordless(said)
    ]
    if model is not None and about != model:
        problems.append(f"{MODEL}: it is about {about[:12] or 'no model'}, and not about {model[:12]}")
    problems += _signatures_problems(signed)
    if problems:
        raise UserMistake(
            "What people wrote cannot be read.", problems=[f"{called}: {problem}" for problem in problems]
        )
    signatures = {
        group: Signature(*(" ".join(one.get(key, "").split()) for key in (BY, BECAUSE)))
        for group, one in signed.items()
    }
    return Human(
        answers={name: given[name].strip() for name in ASKED if name in given and _answered(given[name])},
        signed=signatures if model is not None else {},
        sha256=hashlib.sha256(text).hexdigest(),
        text=text,
    )


def questions_text(card: Mapping[str, Any], *, model: str, human: Human = NOTHING) -> str:
    """The file, with every question, what was answered already, and the groups to sign for."""
    lines = [
        f"# What people must write about model {model[:12]} before anybody can approve it.",
        "# Answer in plain English, for a reader who knows nothing of the tool, and name no family.",
        "# Start a long answer with `>` and indent the lines below it.",
        "# `earlyhelp papers` prints the answers; `earlyhelp approve` takes down which text was approved.",
        f"{MODEL}: {model}",
    ]
    for question in QUESTIONS:
        lines += ["", f"# {question.asks} ({', '.join(question.papers)})"]
        lines += [_yaml({question.name: human.answers.get(question.name, "").strip()})]
    groups = dict.fromkeys([*to_sign(card), *human.signed])
    lines += ["", "# Of these groups there are too few people to say whether the list misses them."]
    lines += [f"# Somebody named must say why that is accepted, in {SHORTEST_REASON} characters or more."]
    if not groups:
        return "\n".join([*lines, f"{SIGNED}: {{}}", ""])
    signed = {g: vars(human.signed.get(g, Signature("", ""))) for g in groups}
    return "\n".join([*lines, _yaml({SIGNED: signed}), ""])


def sample(card: Mapping[str, Any]) -> Human:
    """Answers for a simulated county, by simulated people, and each of them says so."""
    written = parse(SAMPLE.read_bytes(), model=None, called=SAMPLE.name)
    because = "SAMPLE, written by a simulated person: the county is simulated, and nobody real is missed."
    signed = {group: Signature("Anna Bright (simulated)", because) for group in to_sign(card)}
    return Human(written.answers, signed)


def _map(text: bytes, called: str) -> dict[str, Any]:
    try:
        # every scalar stays the text it is written as: `no` is an answer, not False
        given = yaml.load(text.decode("utf-8"), Loader=yaml.CBaseLoader) or {}
    except UnicodeDecodeError:
        raise UserMistake(f"{called} is not UTF-8 text.") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise UserMistake(
            f"{called} is not YAML{line}.",
            problems=["start a long answer with `>` and indent the lines below it, or put it in quotes"],
        ) from None
    if not isinstance(given, dict):
        raise UserMistake(f"{called} is not a map of questions and answers.")
    return given


def _signatures_problems(signed: Any) -> Iterator[str]:
    if not isinstance(signed, dict):
        yield f"{SIGNED}: it is a map of groups, each with `{BY}` and `{BECAUSE}`"
        return
    for group, one in signed.items():
        if (
            not isinstance(one, dict)
            or not set(one) <= {BY, BECAUSE}
            or not all(isinstance(said, str) for said in one.values())
        ):
            yield f"{SIGNED}: {group}: it takes `{BY}` and `{BECAUSE}`, each a line of text"
            continue
        by, because = (one.get(key, "").split() for key in (BY, BECAUSE))
        if not by and not because:
            continue
        if len(by) < 2 or not all(any(c.isalpha() for c in word) for word in by):
            yield f"{SIGNED}: {group}: `{BY}` is a person's first name and surname"
        if len(" ".join(because)) < SHORTEST_REASON:
            yield f"{SIGNED}: {group}: `{BECAUSE}` says why, in {SHORTEST_REASON} characters or more"


def _answered(said: str) -> bool:
    return " ".join(said.casefold().split()).strip(" .") not in PLACEHOLDERS


def _wordless(said: str) -> bool:
    return _answered(said) and not any(character.isalpha() for character in said)


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as it reads."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _yaml(value: dict[str, Any]) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDE).rstrip("\n")
