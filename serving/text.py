"""The weekly list as plain lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from features.wording import day_words
from serving.flags import Flag, WeeklyList
from serving.page import people


def list_text(weekly: WeeklyList, *, in_full: int = 5) -> str:
    """A list for a terminal: the first few people with their reasons, the others on a line each."""
    return "\n".join(_lines(weekly, in_full))


def _lines(weekly: WeeklyList, in_full: int) -> Iterator[str]:
    yield f"{weekly.council}: {weekly.title}, {weekly.as_of:%A %-d %B %Y}"
    if weekly.approval:
        yield weekly.approval
    if weekly.hindsight:
        yield weekly.hindsight
    yield f"{people(len(weekly.flags))} to offer help to, of {weekly.scored:,} looked at. The chance is of"
    yield f"{weekly.outcome} within {weekly.horizon_days} days."
    if weekly.expected:
        e, listed = weekly.expected, weekly.capacity  # what the card judged were full lists
        yield (
            f"Of {listed} people on a list like this about {e.precision * listed:.0f} had it "
            f"({e.low * listed:.0f} to {e.high * listed:.0f}); of {listed} picked at random, "
            f"about {e.base_rate * listed:.1f}."
        )
    yield ""
    for flag in weekly.flags[:in_full]:
        yield from _person(flag)
        yield ""
    for flag in weekly.flags[in_full:]:
        if flag.restricted:
            yield from _person(flag)
            continue
        reason = flag.reasons[0].sentence if flag.reasons else "no single reason"
        yield f"{flag.rank:>3}  {flag.name}  {flag.chance_words}  {reason}"
    yield ""
    for feed in weekly.feeds:
        if feed.due_on:
            last = f"last received {day_words(feed.received_on)}" if feed.received_on else "never received"
            yield f"Late: {feed.title} was due on {day_words(feed.due_on)}, {last}."
    for stale in weekly.accepted:
        yield f"Made although a feed is stale. {stale.said}"
    if weekly.needless:
        which = " and ".join(weekly.needless)
        yield f"Nothing had to be accepted of {which}: not stale on this morning."
    if weekly.association:
        yield weekly.association
    yield "Not being on this list denies nobody anything; being on it decides nothing."


def _person(flag: Flag) -> Iterator[str]:
    if flag.restricted:
        yield f"{flag.rank:>3}  {flag.name} · {flag.person_id} · {flag.standing}"
        return
    age = f", {flag.age}" if flag.age is not None else ""
    home = f" · household {flag.household_id} ({flag.living_there})" if flag.household_id else ""
    yield f"{flag.rank:>3}  {flag.name}{age} · {flag.person_id}{home} · {flag.chance_words} · {flag.standing}"
    for reason in flag.reasons:
        yield f"       + {reason.sentence}"
    for strength in flag.strengths:
        yield f"       going well: {strength.sentence}"
    if flag.joined:
        yield f"       {flag.joined}"
    for gap in flag.not_held:
        yield f"       not held: {gap}"
