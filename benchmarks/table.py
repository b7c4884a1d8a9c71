"""What must be reached beside what was measured, and every case's own figures."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from benchmarks.plan import WITHOUT_A_PANEL, Results, Task
from benchmarks.reference import NAMES
from benchmarks.workload import SIZES

POLARS, DUCKDB, ALLOWED = 15.0, 290.0, 1.5
"""Times reading that the rivals were seen to take elsewhere, and by how much they may exceed it here."""
GB = 1e9
LIBRARIES = ("numpy", "numba", "pyarrow", "polars", "duckdb", "lightgbm")


@dataclass(frozen=True)
class Target:
    """One line of the table; `reached` is None where only a figure is asked for."""

    work: str
    must: str
    measured: str
    reached: bool | None

    @property
    def verdict(self) -> str:
        return {None: "", True: "reached", False: "NOT reached"}[self.reached]


def targets(results: Results, *, small: str = "S", middle: str = "M", many: int = 24) -> Iterator[Target]:
    """The lines that the results have figures for."""
    read, files = Task("reading", middle), Task("files", middle)

    def has(*tasks: Task) -> bool:
        return all(task in results for task in tasks)

    def ratio(one: Task, other: Task, figure: str = "wall") -> float:
        return getattr(results[one].cost, figure) / max(getattr(results[other].cost, figure), 1e-9)

    def most(work: str, one: Task, other: Task, limit: float, what: str, figure: str = "wall") -> Target:
        found = ratio(one, other, figure)
        return Target(work, f"<= {limit:g} x {what}", f"{found:.1f} x", found <= limit)

    def least(work: str, one: Task, other: Task, limit: float, what: str, figure: str = "wall") -> Target:
        found = ratio(other, one, figure)
        return Target(work, f">= {limit:g} x {what}", f"{found:.1f} x", found >= limit)

    def memory(work: str, task: Task, limit: float) -> Target:
        peak = results[task].cost.peak / GB
        return Target(work, f"< {limit:g} GB at its peak", f"{peak:.2f} GB", peak < limit)

    polars, duckdb = Task("polars", middle), Task("duckdb", middle)
    one_date = f"{middle}, one date, from its files"
    if has(read, files):
        yield most(one_date, files, read, 8, "reading")
    if has(polars):
        yield least(one_date, files, polars, 2.5, "faster than polars")
    if has(duckdb):
        yield least(one_date, files, duckdb, 40, "faster than DuckDB's FILTER")
    if has(stored := Task("stored", middle)):
        yield most(f"{middle}, one date, from stored shards", stored, read, 4, "reading")
    if has(week := Task("week", middle)):
        cost = f"{results[week].cost.wall:.2f} s, {ratio(week, read):.1f} x reading"
        yield Target(f"{middle}, adding a week to the shards", "stated", cost, None)
    if has(ours := Task("files", small, many), theirs := Task("polars", small, many)):
        yield least(f"{small} x {many} dates", ours, theirs, 4, "less CPU than polars", "cpu")
    for case, where in (("binned", "LightGBM's binned data"), ("parquet", "Parquet")):
        if has(large := Task(case, middle, many), little := Task(case, small, many)):
            work = f"{middle} x {many} dates, streamed to {where}"
            yield memory(work, large, 2.5) if case == "parquet" else _bins(work, results, large)
            found = _per_row(results, large) / _per_row(results, little)
            must = f"<= 1.2 x the CPU a row of {small} x {many}"
            yield Target(work, must, f"{found:.2f} x", found <= 1.2)
    if has(whole := Task("parts", "L")):
        yield most("L, one date, streamed", whole, files, 12, f"{middle}'s time")
        yield memory("L, one date, streamed", whole, 4)
    for rival, seen in ((polars, POLARS), (duckdb, DUCKDB)):
        if has(rival, read):
            work = f"the rival {rival.case} as fast as it was seen to be"
            yield most(work, rival, read, seen * ALLOWED, "reading, or the run is void")


def is_void(found: list[Target]) -> bool:
    """Whether a rival was slower than it was seen to be elsewhere: then nothing is proved by it."""
    return any(target.reached is False and target.must.endswith("void") for target in found)


def _bins(work: str, results: Results, task: Task) -> Target:
    """LightGBM keeps a byte of each value; only what is held beside that can be more or less."""
    cost = results[task].cost
    bytes_of_all = cost.rows * len(NAMES) / GB
    return Target(work, "stated", f"{cost.peak / GB:.2f} GB, {bytes_of_all:.2f} of them the bins", None)


def _per_row(results: Results, task: Task) -> float:
    return results[task].cost.cpu / results[task].cost.rows


def printed(results: Results, found: list[Target]) -> Iterator[str]:
    """The lines of both tables, in Markdown."""
    if found:
        lines = [(target.work, target.must, target.measured, target.verdict) for target in found]
        yield from table(("work", "must", "measured", ""), lines)
    if is_void(found):
        yield "\nVOID: a rival was slower than it was seen to be elsewhere; its ratios prove nothing.\n"
    yield from table(
        ("case", "seconds", "CPU s", "peak MB", "x reading", "rows", "rounds", "all 350 values"),
        [_row(results, task) for task in results],
    )
    yield from (line for result in results.values() for line in result.wrong[:3])
    sizes = sorted({task.size for task in results})
    yield "; ".join(str(SIZES[name]) for name in sizes) + ". Seconds are of one run, medians of its rounds."
    yield machine()


def machine() -> str:
    """The machine and the versions, without a name."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}, {libraries}."


def _row(results: Results, task: Task) -> tuple[str, ...]:
    result, read = results[task], results.get(Task("reading", task.size))
    cost = result.cost
    dates = f" x {task.dates}" if task.dates > 1 else ""
    return (
        f"{task.size}{dates} {task.case}",
        f"{cost.wall:.2f}",
        f"{cost.cpu:.2f}",
        f"{cost.peak / 1e6:,.0f}",
        f"{cost.wall / read.cost.wall:.1f}" if read and task.dates == 1 else "",
        f"{cost.rows:,.0f}" if cost.rows else "",
        str(len(result.costs)),
        "" if task.case in WITHOUT_A_PANEL else f"BAD, {len(result.wrong)}" if result.wrong else "equal",
    )


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """A table in Markdown, padded so that it can be read as it is."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for at, row in enumerate([heads, *rows]):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        if at == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    yield ""
