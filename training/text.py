"""A training run as plain lines for a terminal: who was asked about, how each candidate did, what follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from features.wording import counted
from models.estimable import not_estimable
from models.gates import FITTED
from training.calendar_drawn import calendar_text
from training.run import TrainingReport
from training.worth_text import worth_text

Card = Mapping[str, Any]


def training_text(report: TrainingReport) -> str:
    """The run for a terminal. A figure that cannot be estimated says so."""
    return "\n".join(_lines(report))


def _lines(report: TrainingReport) -> Iterator[str]:
    calendar, first = report.calendar, next(iter(report.cards.values()))
    yield report.note
    yield report.title
    yield report.approval
    if report.already:
        yield "This run was made already, and nothing that it depends on has changed: this is what it found."
    yield f"  {calendar.horizon_days} days ahead; 95 % of outcomes are known within {calendar.lag_days} days"
    yield calendar_text(calendar)
    people = first["people"]
    yield (
        f"  {people['both']:,} of the {people['judged_on']:,} people judged on were learned from on earlier "
        "dates too"
    )
    newest = str(calendar.test[-1])
    yield f"\nWho was asked about on {newest}"
    flow = first["flow"][newest]
    if flow:
        yield f"  {flow[0]['left'] + flow[0]['left_out']:>8,} known on that morning"
    for step in flow:
        yield f"  {step['left']:>8,} left  {step['left_out']:>8,} left out: {step['why']}"
    yield "\nWhat followed on the judged dates, in rows: a person on a date is one"
    for part in first["parts"].values():
        rate = "not estimable" if part["base_rate"] is None else f"{part['base_rate']:.2%}"
        yield f"  {part['positives']:>6,} of {part['n']:,} ({rate}): {part['title']}"
    yield ""
    titles = first["titles"]
    yield from _table({kind: _test(report, kind) for kind in titles}, titles, run=first)
    for kind, why in first["cannot_serve"].items():
        yield f"  {titles[kind]}: {why}"
    for day in first["also_report"]:
        yield f"\nAlso on {day}"
        on_day = {kind: card["also_report"][day] for kind, card in report.cards.items()}
        yield from _table(on_day, titles, run=first)
    few = not_estimable(first)
    for kind in FITTED:
        if kind in report.cards and not few:
            yield from _of_its_lists(report.cards[kind])
    if (chosen := first["selection"]) and not few:
        yield f"\nOn {len(first['on_folds'])} earlier folds{_left_out(report)}"
        for rule in chosen.values():
            yield f"  {rule['rule']}: {titles.get(rule['kind'], 'nobody')}"
            yield f"    {rule['regret']['said']}"
    if (worth := first.get("worth")) and not few:
        yield f"\n{worth_text(worth)}"
    yield f"\n{first['verdict']['said']}"
    yield from _next(report)


def _next(report: TrainingReport) -> Iterator[str]:
    """What to do with the candidate that the verdict names, by the hash that the commands ask for."""
    if report.to_approve:
        kind = next(kind for kind, model in report.models.items() if model == report.to_approve)
        model = report.to_approve[:12]
        yield f"\nTo put it to people: {kind}, {model}"
        yield f"  earlyhelp papers {model}    (or with --fill PATH: the answers given for another model)"
        yield f"  earlyhelp approve {model} --by NAME --role ROLE --because WHY    (two people, two roles)"


def _test(report: TrainingReport, kind: str) -> Card:
    """Figures on the test dates; those of what cannot serve, and so has no card, stand beside the others."""
    if kind in report.cards:
        return dict(report.cards[kind]["test"])
    return dict(next(iter(report.cards.values()))["beside"][kind])


def _left_out(report: TrainingReport) -> str:
    first = next(iter(report.cards.values()))
    left_out = len(report.calendar.folds) - len(first["on_folds"])
    return f"; {left_out} left out, whose dates have nobody with the outcome, or all" if left_out > 0 else ""


def _table(judged: Mapping[str, Card], titles: Mapping[str, str], *, run: Card) -> Iterator[str]:
    first = next(iter(judged.values()))
    counts = f"{counted(first['labelled'], 'row', 'rows')} judged, {first['positives']:,} with the outcome"
    yield f"  {counts}: base rate {_share(first['base_rate'])}"
    if few := not_estimable({**run, "test": first}):
        yield f"  {few}"
        return
    wide = max(len(titles[kind]) for kind in judged)
    yield (
        f"  {'':<{wide}}  {'AUC':>5}  {'AP':>5}  {'precision at ' + str(first['capacity']):>24}  "
        f"{'recall':>7}  {'lift':>5}  {'slope':>5}"
    )
    for kind, j in judged.items():
        low, high = j["precision_interval"]
        precision = f"{_share(j['precision'])} ({_share(low)} to {_share(high)})"
        yield (
            f"  {titles[kind]:<{wide}}  {_number(j['auc'])}  {_number(j['average_precision'])}  "
            f"{precision:>24}  {_share(j['recall']):>7}  {_number(j['lift'], 1)}  "
            f"{_number(j['calibration_slope'], 2)}"
        )


def _of_its_lists(card: Card) -> Iterator[str]:
    """What the table leaves out of one candidate: by how much it beats the others, how early, whom, how
    steadily."""
    yield f"\nThe lists of {card['title']}"
    for other, found in card["paired"].items():
        told = "not estimable"
        if found["low"] is not None:
            told = f"{found['difference']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"
        yield f"  {found['of']} less that of {card['titles'][other]}: {told}"
    early, alone, weeks = card["lead_time"], card["nobody_yet"], card["overlap"]
    if early["people"]:
        ahead = "; ".join(f"{_share(a['share'])} at least {a['days']} days ahead" for a in early["ahead"])
        half = f"half of them {early['median_days']:.0f} days before"
        yield f"  {early['people']} people found, {half}; {ahead}"
    if alone and alone["listed"]:
        low, high = alone["interval"]
        yield (
            f"  {_share(alone['share'])} of those listed nobody worked with yet "
            f"({_share(low)} to {_share(high)})"
        )
    if weeks:
        listed, stayed = (sum(week[key] for week in weeks) for key in ("listed", "stayed"))
        yield f"  {_share(stayed / listed if listed else None)} of a list stood on the one of a week before"


def _number(value: float | None, places: int = 3) -> str:
    return f"{'—':>5}" if value is None else f"{value:>5.{places}f}"


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"
