"""The model card: what a model is for, how it did, whom it misses, what it is made of, who answers for it.

After Mitchell et al. 2019, *Model cards for model reporting*, in the words of an early-help team.
"""

from __future__ import annotations

from collections.abc import Iterator

from features.wording import counted
from models.estimable import not_estimable
from models.fairness import NOT_ESTIMABLE, TOO_FEW
from models.gates import BETTER, CALIBRATION, gates_of
from models.human import CARD
from models.paper import NOT_MEASURED, Field, Paper, Section, Table
from models.paper_figures import (
    ROW,
    between,
    by_person,
    cohort,
    compared,
    days_said,
    few,
    few_found,
    few_with_outcome,
    later_links,
    lead_time,
    number,
    optional,
    outcome_parts,
    people,
    performance,
    recall_said,
    rows_said,
    said_day,
    share,
    sources,
)
from models.paper_folds import folds
from models.paper_groups import groups
from models.paper_worth import worth
from models.told import Told

MOST_CHANNELS = 15


def model_card(told: Told) -> Paper:
    """The card of a model, from its run and from what people wrote."""
    return told.paper(
        CARD,
        f"Model card: {told.title}",
        about=f"A model that finds people to offer early help to, before: {told.specification.title}.",
        sections=(
            Section("What it is", tuple(_is(told))),
            Section("What it may be used for", tuple(_use(told))),
            Section("How well it did", tuple(_did(told)), _judged(told)),
            groups(told),
            Section("What it is made of", tuple(_made_of(told))),
            Section("How it was made", tuple(_made(told))),
            Section("What it does not tell", tuple(limits(told))),
            Section("Whether it can be approved", (gates(told),)),
            Section("Who answers for it", tuple(told.asked(n) for n in ("owner", "team", "contact"))),
        ),
    )


def _is(told: Told) -> Iterator[Field]:
    each = counted(told.capacity, "person", "people")
    yield Field(
        "In short",
        (
            f"Each week it puts everybody asked about in an order, by {told.title}, and the first {each} "
            "are the list that an early-help team looks at. Each comes with reasons, and every reason "
            "with its events. It offers; it decides nothing about anybody, and who is not listed loses "
            "nothing.",
        ),
    )
    yield outcome_parts(told)
    yield cohort(told)


def _use(told: Told) -> Iterator[Field]:
    yield told.asked("purpose")
    yield told.asked("decision")
    yield told.asked("challenge_output")
    yield told.asked("challenge_decision")
    yield told.asked("stopping")
    yield told.asked("review")


def _judged(told: Told) -> str:
    when = days_said((told.card.get("dates") or {}).get("test") or [])
    return (
        f"Judged {when}, which the model had not seen: {people(told.test.get('labelled'))} rows, {ROW} each."
    )


def _did(told: Told) -> Iterator[Field]:
    base = between(told.test.get("base_rate"), None, of=[told.test.get("positives")])
    yield Field(
        "The list, beside what it could be sorted by instead",
        (
            f"Share of all rows judged that the outcome followed: {base}. A list drawn by lot would be right "
            "so often. Precision: of the places on the lists, the share that the outcome followed. Recall: "
            "of the rows that it followed, the share listed that day. Lift: precision over the base rate. "
            "AP: average precision, to be read beside the base rate. Ranges are 95% intervals, as if each "
            "row were another person.",
            recall_said(told),
        ),
        performance(told),
    )
    yield by_person(told)
    table = compared(told)
    about = "From the same people, drawn again and again; a range that holds nought shows no difference."
    yield Field("Is it better?", (about,) if table else (NOT_MEASURED,), table)
    yield from folds(told)
    yield Field("Are chances what they are told to be?", (_calibration(told),), _reliability(told))
    yield later_links(told)
    yield lead_time(told)
    yield _overlap(told)
    yield _nobody_yet(told)


def _calibration(told: Told) -> str:
    if few_with_outcome(told.test):
        return f"Slope, intercept and Brier score: {TOO_FEW}."
    slope, intercept = told.test.get("calibration_slope"), told.test.get("calibration_intercept")
    return (
        f"Slope {number(slope)} and intercept {number(intercept)}: 1 and 0 are right. Brier score "
        f"{number(told.test.get('brier'), 4)}."
    )


def _reliability(told: Told) -> Table | None:
    """Where all have one chance, it is the share with the outcome among those it was calibrated on."""
    bins, learned = told.card.get("reliability") or [], told.card.get("calibrated_on") or {}
    hidden = few([learned.get("positives")])
    rows = tuple(
        (
            TOO_FEW if hidden else share(b["chance"]),
            people(b["n"]),
            between(b["share"], b["interval"], of=[b["positives"]]),
        )
        for b in bins
    )
    return Table(("Mean chance told", "Rows", "The outcome followed"), rows) if rows else None


def _overlap(told: Told) -> Field:
    label, found = "How much of a list stays", told.card.get("overlap") or []
    if not found:
        return Field(label, (NOT_MEASURED,))
    days = counted(found[0]["days"], "day", "days")
    listed, stayed = (sum(each[of] for each in found) for of in ("listed", "stayed"))
    said = between(stayed / listed if listed else None, None, of=[stayed, listed - stayed])
    return Field(
        label, (f"Of the places on the lists judged, so many had stood on the one {days} before: {said}.",)
    )


def _nobody_yet(told: Told) -> Field:
    label, found = "Does it find people whom nobody works with?", optional(told, "nobody_yet")
    if not found:
        return Field(label, (NOT_MEASURED,))
    alone = between(found["share"], found["interval"], of=[found["alone"], found["listed"]])
    return Field(
        label,
        (f"At {alone} of the places on the lists stood somebody whom no service worked with that morning.",),
    )


def _made_of(told: Told) -> Iterator[Field]:
    yield Field(
        "What it reads",
        (
            f"{counted(len(told.catalogue.names), 'figure', 'figures')} about each person, from "
            f"{counted(len(told.catalogue.facts), 'source', 'sources')}. Protected characteristics are "
            "kept apart and are read for the audit alone; how deprived a place is, is no figure of it.",
        ),
        Table(("Source", "What is read of it"), tuple((t, "; ".join(s)) for _, t, s in sources(told)), False),
    )
    labels = {channel.name: channel.label for channel in told.catalogue.channels}
    weights = list((told.card.get("made_of") or {}).items())
    rows = tuple(
        (labels.get(n, n), number(p["weight"], 3), f"{p['pull']:+.3f}") for n, p in weights[:MOST_CHANNELS]
    )
    more = f" Of {len(weights)} the {len(rows)} weightiest are shown." if len(weights) > len(rows) else ""
    about = "How far each kind of event moves a person’s log-odds, up or down, on average, and in sum."
    table = Table(("What", "Moves by", "In sum"), rows) if rows else None
    yield Field("What weighs most", (about + more,) if rows else (NOT_MEASURED,), table)
    yield sensitive(told)
    yield worth(told)


def sensitive(told: Told) -> Field:
    """Signals close to a protected characteristic: which are used, and why; which are not."""
    found = told.card.get("sensitive") or {}
    used, out = found.get("used") or {}, found.get("left_out") or {}
    rows = [(name, each["close_to"], f"used: {each['why']}") for name, each in used.items()]
    rows += [(name, close, "left out") for name, close in out.items()]
    if not rows:
        return Field("Signals close to a protected characteristic", ("No source declares one.",))
    table = Table(("Signal", "Close to", "What was decided"), tuple(rows), figures=False)
    return Field("Signals close to a protected characteristic", (), table)


def _made(told: Told) -> Iterator[Field]:
    dates = told.card.get("dates") or {}
    rows = (
        ("Fitted", f"{days_said(dates.get('train') or [])}: {rows_said(told, 'fitted_on')}"),
        ("Calibrated", f"{days_said(dates.get('calibrate') or [])}: {rows_said(told, 'calibrated_on')}"),
        ("Judged", f"{days_said(dates.get('test') or [])}: what followed, as known on {_judged_on(told)}"),
        (
            "Apart",
            f"{dates.get('apart_days', NOT_MEASURED)} days between the blocks, so that none knows of another",
        ),
        ("People", _both_sides(told)),
        ("Last delivery read", str(told.card.get("last_delivery", NOT_MEASURED))),
        ("Link run read", str(told.card.get("link_run", NOT_MEASURED))),
        ("Catalogue of figures", str(told.card.get("catalogue", NOT_MEASURED))),
        ("Specification", told.specification.name),
    )
    yield Field("Dates and data", (), Table(("What", "Which"), rows, figures=False))


def _judged_on(told: Told) -> str:
    day = ((told.card.get("dates") or {}).get("judged_on") or {}).get("test")
    return said_day(day) if day else NOT_MEASURED


def _both_sides(told: Told) -> str:
    found = optional(told, "people")
    if not found:
        return NOT_MEASURED
    return (
        f"{people(found['learned_from'])} learned from, {people(found['judged_on'])} judged on, "
        f"{people(found['both'])} of them both, on other dates"
    )


def limits(told: Told) -> Iterator[Field]:
    """What the figures themselves say against the list, and what a person adds."""
    said = []
    precision, recall = told.test.get("precision"), told.test.get("recall")
    if hidden := few_found(told, told.kind):
        said.append(f"How often it is right, and how many it misses: {TOO_FEW}.")
    if precision is not None and not hidden:
        wrong = 100 - round(100 * precision)
        said.append(
            f"It is wrong about many: about {wrong} of every 100 places on its lists the outcome did not "
            f"follow within {told.horizon} days. A list is where to look, and no finding about anybody."
        )
    if recall is not None and not hidden:
        missed = 100 - round(100 * recall)
        said.append(
            f"It misses most where it misses: of every 100 rows, {ROW} each, that the outcome followed about "
            f"{missed} were not on that day’s list. Not being listed says nothing about need."
        )
    if not said:
        said.append(f"How often it is right is {NOT_ESTIMABLE}.")
    said += [
        "What followed is what agencies recorded. Need that nobody recorded is not seen, and those whom "
        "agencies meet often are recorded more often.",
        "It was judged on few dates of one place; another year, or another council, may differ. Intervals "
        "are by person: for what befalls whole households they are somewhat narrow.",
        "It says who, not what would help. Whether an offer does good is for a trial to find out.",
    ]
    yield Field("From the figures", tuple(said))
    yield told.asked("limits")
    yield told.asked("consulted")


def gates(told: Told) -> Field:
    """Every gate, and whether it is met as things stand."""
    few_of_one = few_found(told, told.kind, *(told.card.get("paired") or told.card.get("beside") or {}))
    hidden = {BETTER: few_of_one and not not_estimable(told.card), CALIBRATION: few_with_outcome(told.test)}
    rows = tuple(
        (g.name, "met" if g.met else "not met", TOO_FEW if hidden.get(g.name) else g.said)
        for g in gates_of(told.card, told.human)
    )
    about = "A model is used once two named people in different roles approve it, while each of these is met."
    return Field(
        "Gates", (about,), Table(("What must be so", "As it is", "What is known"), rows, figures=False)
    )
