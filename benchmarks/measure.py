"""What a piece of work costs: seconds on the wall, seconds of processor, peak memory.

Every case runs in a process of its own, so that its memory is its own, and is run once on a small
workload before, so that imports, compilation and the start of threads are paid by nobody. The clock
runs only inside `with clock:`; picking the sampled people from an answer is outside.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np


class Answer(NamedTuple):
    """A panel, or a part of one, as an engine gives it.

    values: takes positions among `people`, (k,), to their values, (k, 350), in the reference's order.
    """

    as_of: date
    people: np.ndarray
    values: Callable[[np.ndarray], np.ndarray]


@dataclass
class Clock:
    """Seconds spent inside `with clock:`, on the wall and of all of the process's threads."""

    wall: float = 0.0
    cpu: float = 0.0
    _from: tuple[float, float] = field(default=(0.0, 0.0), repr=False)

    def __enter__(self) -> None:
        self._from = time.perf_counter(), time.process_time()

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.wall += time.perf_counter() - self._from[0]
        self.cpu += time.process_time() - self._from[1]


Engine = Callable[[Path, Sequence[date], Clock], Iterator[Answer]]
"""From the folder of a workload to the panels of some dates, in parts or whole."""


class Cost(NamedTuple):
    """rows: of all the panels together. peak: bytes of memory held at once, the interpreter's included."""

    wall: float
    cpu: float
    peak: int
    rows: int


def measured(
    engine: Engine, folder: Path, dates: Sequence[date], people: np.ndarray
) -> tuple[Cost, np.ndarray]:
    """What the engine costs, and its values of some people, (dates, n, 350), NaN where it has none."""
    from benchmarks.reference import NAMES

    clock, rows = Clock(), 0
    values = np.full((len(dates), len(people), len(NAMES)), np.nan)
    for answer in engine(folder, dates, clock):
        rows += len(answer.people)
        at = np.flatnonzero(np.isin(answer.people, people))
        places = np.searchsorted(people, answer.people[at])
        values[list(dates).index(answer.as_of), places] = answer.values(at)
    return Cost(clock.wall, clock.cpu, peak_memory(), rows), values


def peak_memory() -> int:
    """Bytes. Of this process alone where Linux says so: what is inherited through a fork is not ours."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def forget_peak() -> None:
    """Let the peak begin anew, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
