"""What people answer of two subjects: that they are the same person, different ones, or that they cannot say.

An answer is data: a row that is only ever added, with who gave it, why, and the day on which it was given.
An answer given later takes the place of an earlier one on its pair from its own day on, whichever day the
earlier one had: so a slip is put right by answering again, and nothing is rewritten. What answers do to link
runs is in `features.bound`, and that mornings told of before stay as they were in `features.past_links`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import pyarrow as pa

from features.asof import has_come
from features.errors import UserMistake
from features.lock import only_writer
from features.tables import SCHEMAS, Tables
from features.workspace import Workspace

Subject = tuple[str, str]
"""(source, subject_key)."""

SAME, DIFFERENT, CANNOT_SAY = "same", "different", "cannot say"
ANSWERS = (SAME, DIFFERENT, CANNOT_SAY)

RESTS = timedelta(days=90)
"""So long nobody is asked again of a pair of which somebody could not say."""

LONGEST_NAME, LONGEST_REASON = 100, 500


@dataclass(frozen=True)
class Answer:
    """The fields are the columns of `link_answers`; number counts the answers from 1."""

    number: int
    source_l: str
    key_l: str
    source_r: str
    key_r: str
    answer: str
    by: str
    because: str
    known_on: date

    @property
    def pair(self) -> str:
        return pair_id((self.source_l, self.key_l), (self.source_r, self.key_r))


def pair_id(one: Subject, other: Subject) -> str:
    """How a pair is named on paper, whichever of the two is named first: ten hexadecimal digits.

    >>> pair_id(("police", "1"), ("schools", "2")) == pair_id(("schools", "2"), ("police", "1"))
    True
    """
    return hashlib.sha256(json.dumps(sorted([one, other])).encode()).hexdigest()[:10]


def give_answer(
    workspace: Workspace,
    one: Subject,
    other: Subject,
    answer: str,
    *,
    by: str,
    because: str = "",
    on: date,
    today: date,
) -> Answer:
    """Write down an answer on two subjects, known from the day `on`. It binds from the next link run on.

    Raises UserMistake for an answer that is none, one without the name of a person, and one of a day that is
    yet to come or lies before the first delivery.
    """
    (source_l, key_l), (source_r, key_r) = sorted([one, other])
    by, because = " ".join(by.split()), " ".join(because.split())
    with only_writer(workspace):
        before = all_answers(workspace)
        given = Answer(len(before) + 1, source_l, key_l, source_r, key_r, answer, by, because, on)
        problems = [*_problems(given), *_day_problems(workspace, given.known_on, today=today)]
        if problems:
            raise UserMistake("The answer was not taken down.", problems=problems)
        row = pa.Table.from_pylist([asdict(given)], schema=SCHEMAS["link_answers"])
        Tables(workspace.data).append("link_answers", row)
    return given


def all_answers(workspace: Workspace) -> list[Answer]:
    """Every answer that was ever given, in the order in which they were."""
    rows = Tables(workspace.data).read("link_answers").to_pylist()
    return sorted((Answer(**row) for row in rows), key=lambda answer: answer.number)


def newest(answers: Iterable[Answer]) -> dict[str, Answer]:
    """Pair id → the answer that stands of those given, in the order in which they were."""
    return {answer.pair: answer for answer in answers}


def settled(answer: Answer, as_of: date) -> bool:
    """Whether nobody need be asked of a pair on a morning, as this is the answer that stands."""
    return answer.answer != CANNOT_SAY or not has_come(answer.known_on + RESTS, as_of)


def _problems(given: Answer) -> Iterable[str]:
    if given.answer not in ANSWERS:
        yield f"an answer is one of {', '.join(ANSWERS)}"
    if sum(any(map(str.isalpha, word)) for word in given.by.split()) < 2:
        yield "--by is the name of whoever answers, in two words or more: somebody must be able to ask them"
    if len(given.by) > LONGEST_NAME or len(given.because) > LONGEST_REASON:
        yield f"--by has at most {LONGEST_NAME} characters, --because {LONGEST_REASON}"


def _day_problems(workspace: Workspace, on: date, *, today: date) -> Iterable[str]:
    """Why nobody can have given an answer on a day, if so."""
    if on > today:
        yield f"--on {on} is yet to come: it is the day on which the answer was given, today if left out"
    received = Tables(workspace.data).read("deliveries").column("received_on").to_pylist()
    if received and on < min(received):
        yield f"--on {on} is before {min(received)}, the day of the first delivery: nobody had a record yet"
