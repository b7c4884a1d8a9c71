"""What is measured in a run, in which order, and what came out.

Cases that are compared take turns, so that whatever else the machine does meets them all alike, and a
figure is the median of its rounds. A case that takes minutes has one round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.measure import Cost
from benchmarks.reference import DATES, differences, take_sample
from benchmarks.workload import SIZES, Size, events_of


@dataclass(frozen=True)
class Task:
    """A case at a size on the last so many dates."""

    case: str
    size: str
    dates: int = 1


@dataclass
class Result:
    """What each round cost; what was wrong with the values, a line a person and date."""

    costs: list[Cost] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def cost(self) -> Cost:
        """The median round, figure by figure."""
        return Cost(*(median(figures) for figures in zip(*self.costs, strict=True)))


Results = dict[Task, Result]

WITHOUT_A_PANEL = ("reading", "making")


@dataclass(frozen=True)
class Turns:
    """Tasks that take turns, so many rounds each."""

    rounds: int
    tasks: tuple[Task, ...]


USUAL = (
    Turns(1, (Task("making", "M"), Task("making", "S"))),
    Turns(3, (Task("reading", "M"), Task("files", "M"), Task("stored", "M"), Task("polars", "M"))),
    Turns(3, (Task("week", "M"), Task("files", "S", 24), Task("polars", "S", 24))),
    Turns(3, (Task("parquet", "S", 24), Task("binned", "S", 24))),
    Turns(1, (Task("parquet", "M", 24), Task("binned", "M", 24), Task("duckdb", "M"))),
)
"""`make bench`: S and M."""

LARGE = (Turns(3, (Task("reading", "M"), Task("files", "M"), Task("reading", "L"), Task("parts", "L"))),)
"""By night: L beside M."""

QUICK = (
    Turns(1, tuple(Task(case, "tiny") for case in ("making", "reading", "files", "parts", "stored", "week"))),
    Turns(1, (Task("polars", "tiny"), Task("duckdb", "tiny"))),
    Turns(1, tuple(Task(case, "tiny", 2) for case in ("files", "polars", "parquet", "binned"))),
)
"""Every case on next to nothing, to see that all of them run and are checked."""

Run = Callable[[str, Size, int, Path], tuple[Cost, np.ndarray]]
"""Case, size, dates and a scratch folder to what it cost and its values of the sample."""


def carry_out(turns: Sequence[Turns], *, run: Run, scratch: Path, tell: Callable[[str], None]) -> Results:
    """Run and check everything, in turns."""
    results: Results = {}
    for task in _in_turn(turns):
        cost, values = run(task.case, SIZES[task.size], task.dates, scratch)
        result = results.setdefault(task, Result())
        result.costs.append(cost)
        wrong = [] if task.case in WITHOUT_A_PANEL else list(_wrong(task, values))
        result.wrong += wrong
        many = f" x {task.dates} dates" if task.dates > 1 else ""
        tell(f"{task.size}{many}, {task.case}: {cost.wall:.2f} s{', BAD' if wrong else ''}")
    return results


def _in_turn(turns: Sequence[Turns]) -> Iterator[Task]:
    for each in turns:
        for _ in range(each.rounds):
            yield from each.tasks


def _wrong(task: Task, values: np.ndarray) -> Iterator[str]:
    people, wanted = _wanted(task.size)
    for at, as_of in enumerate(DATES[-task.dates :]):
        for line in differences(values[at], wanted(at - task.dates), people):
            yield f"{task.case}, {task.size}, {as_of}: {line}"


@cache
def _wanted(size: str) -> tuple[list[int], Callable[[int], np.ndarray]]:
    """The sampled people of a size and, for a place in `DATES`, the reference's values of theirs."""
    sample = take_sample(events_of(SIZES[size]))
    return sample.people.tolist(), cache(lambda at: sample.values(DATES[at]))
