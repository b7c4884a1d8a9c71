"""How the figures of a card are said in a paper.

Counts of people leave through `models.disclosure`, and a rate of 1 to 7 people is not said, nor anything else
that such a count could be worked out from: the average precision of an order by chance is the share with the
outcome, and the intercept of a calibration may be the logarithm of its odds. What the card does not hold was
not measured, and says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from features.wording import counted, day_words
from models.disclosure import STAR, show
from models.fairness import NOT_ESTIMABLE, RECALL, TOO_FEW
from models.gates import FITTED
from models.paired import AVERAGE_SAID
from models.paper import NOT_MEASURED, Field, Table
from models.told import Told

ROW = "a person on a date"


def people(count: Any) -> str:
    """A true count of people, as it may leave the team.

    >>> people(1023), people(3), people(None)
    ('1,025', '*', 'not measured in this run')
    """
    if count is None:
        return NOT_MEASURED
    shown = show(int(count))
    return STAR if isinstance(shown, str) else f"{shown:,}"


def shown_people(count: Any) -> str:
    """A count that was made fit to leave already."""
    return f"{count:,}" if isinstance(count, int) else str(count)


def share(value: float | None) -> str:
    """A rate in per cent, with a decimal under ten.

    >>> share(0.4251), share(0.012), share(None)
    ('43%', '1.2%', 'not estimable')
    """
    if value is None:
        return NOT_ESTIMABLE
    return f"{value:.0%}" if value >= 0.0995 else f"{value:.1%}"


def between(value: float | None, interval: Sequence[float | None] | None, *, of: Collection[Any] = ()) -> str:
    """A rate with its 95 % interval. of: the counts it is a rate of, none of which may be 1 to 7.

    >>> between(0.4, [0.3, 0.5]), between(0.4, [0.3, 0.5], of=[90, 3])
    ('40% (30% to 50%)', 'too few to show')
    """
    if few(of):
        return TOO_FEW
    if value is None or interval is None or None in interval:
        return share(value)
    low, high = interval
    return f"{share(value)} ({share(low)} to {share(high)})"


def number(value: float | None, places: int = 2) -> str:
    """A figure with so many places.

    >>> number(1.234), number(None)
    ('1.23', 'not estimable')
    """
    return NOT_ESTIMABLE if value is None else f"{value:.{places}f}"


def said_day(iso: str) -> str:
    """'2026-06-29' → '29 June 2026'."""
    return day_words(date.fromisoformat(iso))


def days_said(days: Sequence[str]) -> str:
    """Dates as a span: 'on 3 dates from 1 January 2026 to 1 May 2026'."""
    if not days:
        return NOT_MEASURED
    if len(days) == 1:
        return f"on {said_day(days[0])}"
    return f"on {len(days)} dates from {said_day(days[0])} to {said_day(days[-1])}"


def performance(told: Told) -> Table:
    """This model and all that were judged beside it, on the same people and dates."""
    judged = {told.kind: told.test, **(told.card.get("beside") or {})}
    return Table(
        (
            "Sorted by",
            f"Precision at {told.capacity}",
            "Recall, by row",
            "Lift",
            "Talked to for one found",
            "AP",
            "AUC",
        ),
        tuple((told.title_of(kind), *_figures(figures)) for kind, figures in judged.items()),
    )


def recall_said(told: Told) -> str:
    """Which recall is of rows and which of people, both told where both may be; they differ, and stand on one
    paper."""
    audit, hidden = told.card.get("audit") or {}, few_found(told, told.kind)
    by_row = TOO_FEW if hidden else share(told.test.get("recall"))
    found = audit["everybody"]["estimates"][RECALL.name] if audit else {}
    by_person = (
        NOT_MEASURED if not audit else share(found["rate"]) if found["rate"] is not None else found["verdict"]
    )
    return (
        f"Recall here is by row, {ROW}: whoever the outcome followed on three dates counts three times "
        f"({by_row}). Where groups are held side by side it is by person: each counts once, and is found if "
        f"any list that it followed had them ({by_person})."
    )


def later_links(told: Told) -> Field:
    """The same lists with the links known on their mornings, and with those of the day of judging."""
    label, found = "With the links of today", optional(told, "later_links")
    if not found:
        return Field(label, (NOT_MEASURED,))
    said = (
        f"Of {people(found['people'])} rows, {ROW} each, {people(found['relinked'])} had other records by "
        f"{said_day(found['judged_on'])}. Where the second row is better, the lists lacked "
        "what linking had not found yet."
    )
    heads = (
        "Links",
        f"Precision at {told.capacity}",
        "Recall, by row",
        "Lift",
        "Talked to for one found",
        "AP",
        "AUC",
    )
    rows = (("as known then", *_figures(found["then"])), ("as known later", *_figures(found["later"])))
    return Field(label, (said,), Table(heads, rows))


def _figures(figures: Mapping[str, Any]) -> tuple[str, ...]:
    """Precision, recall, lift, number needed to review, average precision, AUC."""
    if few_with_outcome(figures):
        return (TOO_FEW,) * 6
    counts = (figures.get("found"), figures.get("flagged"))
    precision = between(figures.get("precision"), figures.get("precision_interval"), of=counts)
    if precision == TOO_FEW:
        return (TOO_FEW, TOO_FEW, TOO_FEW, TOO_FEW, *_ranking(figures))
    reviewed = figures.get("needed_to_review") or (
        1 / figures["precision"] if figures.get("precision") else None
    )
    return (
        precision,
        between(figures.get("recall"), figures.get("recall_interval"), of=counts),
        number(figures.get("lift"), 1),
        number(reviewed, 1),
        *_ranking(figures),
    )


def _ranking(figures: Mapping[str, Any]) -> tuple[str, str]:
    return number(figures.get("average_precision"), 3), number(figures.get("auc"), 2)


def by_person(told: Told) -> Field:
    """This model's figures with intervals from drawing whole people, who may stand on several dates."""
    label, found = "The same, with intervals by person", optional(told, "by_person")
    if not found:
        return Field(label, (NOT_MEASURED,))
    hidden, few_of_all = few_found(told, told.kind), few_with_outcome(told.test)
    average = _within(told.test.get("average_precision"), found["average_precision"], 3)
    rows = (
        (
            f"Precision at {told.capacity}",
            _unless(hidden, between(told.test.get("precision"), found["precision"])),
        ),
        ("Recall, by row", _unless(hidden, between(told.test.get("recall"), found["recall"]))),
        ("Average precision", _unless(few_of_all, average)),
        ("Lift", _unless(hidden, _within(told.test.get("lift"), found["lift"], 1))),
    )
    about = "The figures are of rows, as above; whole people were drawn, however many dates they stand on."
    return Field(label, (about,), Table(("Figure", "With its 95% interval"), rows))


def few(counts: Collection[Any]) -> bool:
    """Whether one of some counts of people is 1 to 7."""
    return any(count is not None and show(int(count)) == STAR for count in counts)


def _unless(hidden: bool, said: str) -> str:
    return TOO_FEW if hidden else said


def few_with_outcome(figures: Mapping[str, Any]) -> bool:
    """Whether, of all who were judged, so few had the outcome that no figure made of them is told, whatever
    it is: the order is judged by them, and so is how chances were told. figures: of a `Judgement`."""
    return few([figures.get(count) for count in ("positives", "positive_people", "people")])


def few_found(told: Told, *kinds: str) -> bool:
    """Whether so few were found by the lists of one of some kinds of this run, or had the outcome at all,
    that no rate of it is told; nor then is what it could be worked out from, such as a difference of two."""
    beside = told.card.get("beside") or {}
    judged = [told.test if kind == told.kind else beside.get(kind) or {} for kind in kinds]
    return any(
        few((figures.get("found"), figures.get("flagged"))) or few_with_outcome(figures) for figures in judged
    )


def _within(value: float | None, interval: Sequence[float | None] | None, places: int) -> str:
    if value is None or interval is None or None in interval:
        return number(value, places)
    return f"{number(value, places)} ({number(interval[0], places)} to {number(interval[1], places)})"


def compared(told: Told) -> Table | None:
    """What each baseline lacks, with its interval; None where nothing was compared."""
    paired = {k: f for k, f in (told.card.get("paired") or {}).items() if k != told.kind}
    if not paired:
        return None
    return Table(
        ("Held against", "Figure", "This model’s less the other’s, points"),
        tuple(
            (told.title_of(kind), str(found["of"]), _apart(told, kind, found))
            for kind, found in paired.items()
        ),
    )


def _apart(told: Told, kind: str, found: Mapping[str, Any]) -> str:
    """A difference to another kind; of average precision wherever that itself is told."""
    if found["of"] == AVERAGE_SAID:
        return _unless(few_with_outcome(told.test), points(found))
    return _unless(few_found(told, told.kind, kind), points(found))


def points(found: Mapping[str, Any], name: str = "difference") -> str:
    """A difference of rates in points, with its 95 % interval.

    >>> points({"difference": 0.0721, "low": 0.031, "high": 0.113})
    '+7.2 (+3.1 to +11.3)'
    """
    if found.get(name) is None:
        return NOT_ESTIMABLE
    said = f"{100 * found[name]:+.1f}"
    if found.get("low") is None or found.get("high") is None:
        return f"{said}, interval {NOT_ESTIMABLE}"
    return f"{said} ({100 * found['low']:+.1f} to {100 * found['high']:+.1f})"


def is_baseline(told: Told) -> bool:
    return told.kind not in FITTED


def cohort(told: Told) -> Field:
    """Who was asked about on the newest judged morning, and who was left out, rule by rule."""
    flows, days = told.card.get("flow") or {}, (told.card.get("dates") or {}).get("test") or []
    if not days or days[-1] not in flows:
        return Field("Who was asked about", (NOT_MEASURED,))
    flow = flows[days[-1]]
    steps = [("known that morning", "", people(s["left_out"] + s["left"])) for s in flow[:1]]
    steps += [(str(step["why"]), people(step["left_out"]), people(step["left"])) for step in flow]
    return Field(
        f"Who was asked about on {said_day(days[-1])}",
        ("Everybody known that morning, less those left out, rule by rule.",),
        Table(("Left out because", "Left out", "Left"), tuple(steps)),
    )


def outcome_parts(told: Told) -> Field:
    """What counts as the outcome, and how often each part of it followed."""
    rows = tuple(
        (part["title"], people(part["positives"]), between(part["base_rate"], None, of=[part["positives"]]))
        for part in (told.card.get("parts") or {}).values()
    )
    said = f"{told.specification.title}: whichever of these comes first."
    table = (
        Table(("It counts if there is", f"Rows it followed, {ROW} each", "Of all rows judged"), rows)
        if rows
        else None
    )
    return Field("What it foretells", (said,), table)


def sources(told: Told) -> list[tuple[str, str, list[str]]]:
    """(source, title, what is read of it) of each source the model uses."""
    of: dict[str, list[str]] = {}
    for channel in told.catalogue.channels:
        if channel.kind == "signal":
            of.setdefault(channel.parts[0].source, []).append(channel.label)
    return [(f.source, f.title, list(dict.fromkeys(of.get(f.source, [])))) for f in told.catalogue.facts]


def optional(told: Told, key: str) -> Mapping[str, Any] | None:
    """A part of the card that not every run measures."""
    found = told.card.get(key)
    return found if isinstance(found, Mapping) and found else None


def lead_time(told: Told) -> Field:
    """How long before the outcome people were first listed."""
    label, found = "How early", optional(told, "lead_time")
    if not found or found.get("median_days") is None:
        return Field(label, (NOT_MEASURED,) if not found else (NOT_ESTIMABLE,))
    if few([found["people"]]):
        return Field(label, (TOO_FEW,))
    said = (
        f"Half of the people found were first listed {found['median_days']:.0f} days or more before the "
        "outcome."
    )
    rows = tuple(
        (
            counted(a["days"], "day", "days"),
            between(a["share"], a["interval"], of=[a["people"], found["people"]]),
        )
        for a in found.get("ahead", ())
    )
    return Field(
        label, (said,), Table(("Listed at least so early", "Of the people found"), rows) if rows else None
    )


def rows_said(told: Told, block: str) -> str:
    """How many rows, and how many with the outcome, a model was fitted or calibrated on."""
    found = told.card.get(block) or {}
    if not found:
        return NOT_MEASURED
    return f"{people(found['rows'])} rows, {people(found['positives'])} of them with the outcome"
