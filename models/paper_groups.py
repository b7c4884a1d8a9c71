"""Whom the list misses, as a paper tells it: from the audit of a card, its stars and gaps as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from features.wording import counted
from models.audit import MISSED, NOBODY_LOOKED, TOO_WIDE, gate_said, judged_of, signed_for
from models.audit_chart import Point, scatter
from models.fairness import CONTACT, NOT_ESTIMABLE, OUTCOME, RECALL
from models.gates import FITTED
from models.human import SIGNED, to_sign
from models.paper import NOT_MEASURED, WAITING, WRITTEN, Field, Section, Table
from models.paper_figures import between, few, few_with_outcome, number, shown_people
from models.pooled import POSITIVES, N
from models.told import Told

OTHERS = ("false omission", "false positive", "precision", "selection")
BY_PERSON = "Recall, by person"
NOBODY_YET = "nobody yet"
SMALL = (
    "Here people are counted, each once, however many lists they were on. Counts of 1 to 7, and those that "
    "would give them away, are shown as *, others to the nearest 5; rates are of counts as shown. Ranges are "
    "95% intervals."
)


def groups(told: Told) -> Section:
    """The section on groups, `equality` at its end; without an audit it says that nobody looked."""
    title, audit = "Whom it misses", told.card.get("audit")
    if not audit:
        said = f"By group: {NOT_MEASURED}. Train again, and look who is missed before anybody approves it."
        return Section(title, (Field("Groups", (said,)), told.asked("equality")))
    return Section(
        title,
        (
            _gate(told, audit),
            *_signed(told),
            *_chart(told),
            *_by_group(audit),
            *_attention(audit),
            *_proxies(told),
            *_surer(told, audit),
            told.asked("equality"),
        ),
        SMALL,
    )


def _gate(told: Told, audit: Mapping[str, Any]) -> Field:
    points = f"{100 * audit['limit']:g} points"
    missed = [f"{plain(a['characteristic'])}: {a['group']}" for a in audit["gate"] if a["verdict"] == MISSED]
    if missed:
        said = f"No. Missed more often than {points} allow: {', '.join(missed)}."
    elif not audit["by_one"]:
        said = f"It cannot be said: {NOBODY_LOOKED}."
    elif not audit["could_fail"]:
        said = f"It cannot be said: {TOO_WIDE}. The limit is {points}."
    else:
        judged, of = judged_of(audit)
        none = f", and none of these is missed by more than {points}" if judged else ""
        said = f"Of {counted(of, 'group', 'groups')} {judged or 'none'} could be judged{none}."
    met, why = gate_said(audit, told.human.reasons)
    signed = signed_for(audit, told.human.reasons)
    still = f"The gate is not met: {plain(why)}."
    if met:
        still = (
            f"The gate is met; of the others people signed for: {signed}." if signed else "The gate is met."
        )
    about = "For an offer of help the harm is being missed, so this comes first. One threshold holds for all."
    return Field("Are groups found alike?", (said, still, about))


def _signed(told: Told) -> Iterator[Field]:
    """Groups of too few people to say, and who accepts that of each."""
    groups, reasons = to_sign(told.card), told.human.signed
    if not groups:
        return
    open_to = sum(group not in told.human.reasons for group in groups)
    asks = "Who accepts that nobody can say whether they are missed, and why?"
    rows = tuple(
        (plain(group), reasons[group].by, reasons[group].because)
        if group in told.human.reasons
        else (plain(group), NOBODY_YET, "")
        for group in groups
    )
    said = f"{asks} Nobody has signed for {open_to} of {counted(len(groups), 'group', 'groups')}."
    yield Field(
        "Groups of too few people to say",
        (said if open_to else asks,),
        Table(("Group", "Accepted by", "Because"), rows, figures=False),
        by=WAITING if open_to else WRITTEN,
        name=SIGNED,
    )


def point_of(card: Mapping[str, Any]) -> Point | None:
    """A candidate as a point of `models.audit_chart`, from its card; None where it has no audit."""
    if not card.get("audit"):
        return None
    gaps = [
        (found["gap"]["value"], f"{plain(each['characteristic'])}: {group['name']}")
        for each in card["audit"]["by_one"]
        for group in each["groups"]
        if (found := group["estimates"][RECALL.name])["gap"]
    ]
    gap, whose = max(gaps, default=(None, ""))
    test, kind = card.get("test") or {}, str(card.get("kind"))
    hidden = few((test.get("found"), test.get("flagged"))) or few_with_outcome(test)
    precision, interval = (None if hidden else test.get(of) for of in ("precision", "precision_interval"))
    return Point(
        title=str(card.get("title", kind)),
        precision=precision,
        interval=tuple(interval) if interval and None not in interval else None,
        gap=gap,
        whose=whose,
        simple=kind not in FITTED,
    )


def _chart(told: Told) -> Iterator[Field]:
    points = [point for card in told.run if (point := point_of(card))]
    if len(points) > 1:
        said = "Up is a list that is right more often, left one that misses the groups more alike."
        yield Field("The price, if there is one", (said,), chart=scatter(points))


def _by_group(audit: Mapping[str, Any]) -> Iterator[Field]:
    for each in audit["by_one"]:
        name = plain(each["characteristic"])
        calibrated = (audit.get("calibration") or {}).get(each["characteristic"], {})
        rows = [*each["groups"], each["everybody"]]
        yield Field(
            f"Who is found, by {name}",
            ("Of people, each counted once, and found if any list that the outcome followed had them.",),
            Table(
                ("Group", "People", "Outcome followed", BY_PERSON, "Behind everybody, points"),
                tuple((_name(g), *_counts(g), _rate(g, "recall"), _gap(g)) for g in rows),
            ),
        )
        yield Field(
            f"Other rates, by {name}",
            ("Of people, each counted once; followed ÷ foretold alone is of rows, a person on a date each.",),
            Table(
                ("Group", *(other.capitalize() for other in OTHERS), "Followed ÷ foretold"),
                tuple(
                    (_name(g), *(_rate(g, other) for other in OTHERS), _ratio(calibrated.get(g["name"])))
                    for g in rows
                ),
            ),
        )
    yield from _two(audit)


def _two(audit: Mapping[str, Any]) -> Iterator[Field]:
    judged = [
        (each, g)
        for each in audit["by_two"]
        for g in each["groups"]
        if g["estimates"]["recall"]["rate"] is not None
    ]
    total = sum(len(each["groups"]) for each in audit["by_two"])
    if not total:
        return
    look = [f"{plain(a['characteristic'])}: {plain(a['group'])}" for a in audit["look_at"]]
    said = [f"Of {total} such groups {total - len(judged)} have too few people to be judged or shown."]
    if look:
        said.append(f"To be looked at; among so many some are so by chance: {'; '.join(look)}.")
    rows = tuple(
        (f"{plain(each['characteristic'])}: {_name(g)}", *_counts(g)[1:], _rate(g, "recall"), _gap(g))
        for each, g in judged
    )
    heads = ("Groups", "Outcome followed", BY_PERSON, "Behind everybody, points")
    yield Field("Two characteristics at once", tuple(said), Table(heads, rows) if rows else None)


def _attention(audit: Mapping[str, Any]) -> Iterator[Field]:
    for each in audit.get("attention") or ():
        yield Field(
            f"What is recorded beside how often agencies meet people, by {plain(each['characteristic'])}",
            (
                "A group that is met more often and recorded more often may only be watched more; one "
                "that is met less often and recorded less often may have needs that nobody sees.",
            ),
            Table(
                ("Group", "Outcome followed", "Met often"),
                tuple(
                    (_name(g), _rate(g, OUTCOME.name), _rate(g, CONTACT.name))
                    for g in (*each["groups"], each["everybody"])
                ),
            ),
        )


def _proxies(told: Told) -> Iterator[Field]:
    rows = tuple(_given_away(each) for each in told.card.get("proxies") or ())
    about = "How well the figures tell a group without being told it: 0.5 is chance, near 1 they know."
    table = Table(("Group", "AUC from the figures", "Mostly by"), rows, figures=False) if rows else None
    yield Field("How much the figures give away", (about,) if rows else (NOT_MEASURED,), table)


def _given_away(proxy: Mapping[str, Any]) -> tuple[str, str, str]:
    group = f"{plain(proxy['characteristic'])}: {plain(proxy['group'])}"
    if proxy["auc"] is None or not proxy["interval"]:
        return group, NOT_ESTIMABLE, ""
    low, high = proxy["interval"]
    mostly = ", ".join(f"{name} {share:.0%}" for name, share in proxy["features"])
    return group, f"{number(proxy['auc'])} ({number(low)} to {number(high)})", mostly


def _surer(told: Told, audit: Mapping[str, Any]) -> Iterator[Field]:
    """Recall with all links, and with those alone that are sure: does whom it misses hang on weak ones?"""
    label, found = "With sure links alone", told.card.get("surer_links")
    if not found:
        yield Field(label, (NOT_MEASURED,))
        return
    sure = {
        (each["characteristic"], group["name"]): group
        for each in found["audit"]["by_one"]
        for group in each["groups"]
    }
    rows = tuple(
        (
            f"{plain(each['characteristic'])}: {_name(g)}",
            _rate(g, "recall"),
            _rate(other, "recall"),
            _gap(other),
        )
        for each in audit["by_one"]
        for g in each["groups"]
        if (other := sure.get((each["characteristic"], g["name"])))
    )
    said = f"The same lists, made with links that are at least {found['least']:.0%} sure."
    heads = ("Group", f"{BY_PERSON}, with all links", "With sure ones", "Behind everybody then, points")
    yield Field(label, (said,), Table(heads, rows))


def plain(name: str) -> str:
    """A name as words.

    >>> plain("age_band")
    'age band'
    """
    return name.replace("_", " ")


def _name(group: Mapping[str, Any]) -> str:
    return plain(group["name"])


def _counts(group: Mapping[str, Any]) -> tuple[str, str]:
    return shown_people(group["counts"][N]), shown_people(group["counts"][POSITIVES])


def _rate(group: Mapping[str, Any], measure: str) -> str:
    found = group["estimates"][measure]
    if found["rate"] is None:
        return str(found["verdict"])
    return between(found["rate"], found["interval"])


def _gap(group: Mapping[str, Any]) -> str:
    gap = group["estimates"]["recall"].get("gap")
    if not gap:
        return ""
    low, high = (100 * bound for bound in gap["interval"])
    return f"{100 * gap['value']:+.1f} ({low:+.1f} to {high:+.1f})"


def _ratio(found: Mapping[str, Any] | None) -> str:
    if not found:
        return ""
    if found["ratio"] is None:
        return str(found["verdict"])
    low, high = found["interval"]
    return f"{found['ratio']:.2f} ({low:.2f} to {high:.2f})"
