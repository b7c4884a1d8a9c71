"""A training run as plain lines for a terminal: who was asked about, and how each candidate did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan

from models.judge import Judgement
from training.run import TrainingReport


def training_text(report: TrainingReport) -> str:
    """The run for a terminal. A figure that cannot be estimated says so."""
    return "\n".join(_lines(report))


def _lines(report: TrainingReport) -> Iterator[str]:
    calendar, shared = report.calendar, report.shared
    yield report.title
    yield report.approval
    yield f"  {calendar.horizon_days} days ahead; 95 % of outcomes are known within {calendar.lag_days} days"
    for block, days in (
        ("fitted", calendar.train),
        ("calibrated", calendar.calibrate),
        ("judged", calendar.test),
    ):
        dates = f"{days[0]} to {days[-1]}, {len(days)} dates" if len(days) > 1 else f"{days[0]}"
        yield f"  {block:<10} on {dates}"
    newest = str(calendar.test[-1])
    yield f"\nWho was asked about on {newest}"
    for step in shared["flow"][newest]:
        yield f"  {step['left']:>8,} left  {step['left_out']:>8,} left out: {step['why']}"
    yield "\nWhat followed on the judged dates"
    for part in shared["parts"].values():
        rate = "not estimable" if part["base_rate"] is None else f"{part['base_rate']:.2%}"
        yield f"  {part['positives']:>6,} of {part['n']:,} ({rate}): {part['title']}"
    yield ""
    yield from _table(report.judged, report.titles)
    for day, judged in report.also_report.items():
        yield f"\nAlso on {day}"
        yield from _table(judged, report.titles)


def _table(judged: Mapping[str, Judgement], titles: Mapping[str, str]) -> Iterator[str]:
    first = next(iter(judged.values()))
    counts = f"{first.labelled:,} judged, {first.positives:,} with the outcome"
    yield f"  {counts}: base rate {_share(first.base_rate)}"
    wide = max(len(titles[kind]) for kind in judged)
    yield (
        f"  {'':<{wide}}  {'AUC':>5}  {'AP':>5}  {f'precision at {first.capacity}':>24}  "
        f"{'recall':>7}  {'lift':>5}  {'slope':>5}"
    )
    for kind, j in judged.items():
        low, high = j.precision_interval
        precision = f"{_share(j.precision)} ({_share(low)} to {_share(high)})"
        yield (
            f"  {titles[kind]:<{wide}}  {_number(j.auc)}  {_number(j.average_precision)}  {precision:>24}  "
            f"{_share(j.recall):>7}  {_number(j.lift, 1)}  {_number(j.calibration_slope, 2)}"
        )


def _number(value: float, places: int = 3) -> str:
    return f"{'—':>5}" if isnan(value) else f"{value:>5.{places}f}"


def _share(value: float) -> str:
    return "—" if isnan(value) else f"{value:.1%}"
