"""Why a person is on the list: the channels that moved the chance most (`models.account`), worded.

- A *reason* raises the chance and has at least one event behind it.
- A *strength* lowers it and is a signal declared protective that still holds, or a measured
  improvement: a signal of the person's own past that has become rarer. That nothing is recorded is
  never a strength; nor is the silence of a feed that is stale, whoever has accepted it.
- A *sequence* (a notice after a letter) weighs with the channel of what came second. Where it raised
  the chance its reason says so, and what came first is part of the evidence.
- The evidence of a reason, and the agencies named under it, are those of the events that it tells.
- What happened to *somebody they live with* is a reason of its own, never dealt out and never a
  strength; it names no event, since that would say who.
- What is only *probably theirs* is never told; how much was left out for it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from features import asof
from features.catalogue import Catalogue
from features.declaration import THEMES
from features.evidence import behind, not_held
from features.feature import CHANGE_BEFORE, CHANGE_RECENT, Channel, EvidenceRow
from features.joined import LeftOut, joined, joined_words
from features.panel import Panel
from features.snapshot import Snapshot
from features.wording import day_words, telling
from models.account import Account, weigh
from models.candidate import Candidate, chance

MOST_REASONS, MOST_STRENGTHS = 5, 3
LEAST_BEFORE = 3
"""An improvement needs at least so many events in the person's own year before."""
LATELY = 180
"""Days for which a protective event without a length counts as a strength."""


@dataclass(frozen=True)
class Reason:
    """One signal that moves the chance. weight is in log-odds: above 0 raises, below 0 lowers.

    sources are the agencies' short names, theme a Supporting Families outcome in words or "", latest_on
    the day of the newest of the events that the sentence tells, event_ids these; so is sources of them alone,
    though older ones may weigh too. event_ids is empty where they are another person's.
    """

    channel: str
    sentence: str
    theme: str
    weight: float
    sources: tuple[str, ...]
    latest_on: date
    event_ids: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """A person's chance and what it is made of. `base + sum(weights) + other == log_odds` within 1e-9.

    weights are (channel, log-odds) after folding, strongest first; other is the sum without an event
    behind it that may be told and other_share its share of all that moves the chance either way, of which
    doubted_share rests on what is only probably the person's. link_strength: how sure we are of the least
    sure of the person's records; joined says in words which these are. None and "" where nothing is said.
    """

    person_id: str
    log_odds: float
    chance: float
    chance_words: str
    reasons: tuple[Reason, ...]
    strengths: tuple[Reason, ...]
    base: float
    weights: tuple[tuple[str, float], ...]
    other: float
    other_share: float
    not_held: tuple[str, ...]
    link_strength: float | None = None
    joined: str = ""
    doubted_share: float = 0.0


def explain(
    candidate: Candidate,
    snapshot: Snapshot,
    panel: Panel,
    person_ids: Sequence[str],
    *,
    stale: Collection[str],
    link_show: float,
) -> list[Explanation]:
    """The explanations of some people of a panel, in the order asked for.

    stale: sources whose feed was stale on the morning; nothing is told of a person that rests on their
    silence. link_show: how sure it must be that a subject is the person for its events to be told; 0: all
    are told, and nothing is said of it.
    Explaining costs hundreds of times what scoring does: score everyone, explain those shown. A
    person's score is the same to the last bit whoever else is scored along.
    """
    if not person_ids:
        return []
    catalogue, as_of = candidate.catalogue, panel.as_of
    rows = panel.rows_of(person_ids)
    contributions, log_odds = candidate.contributions(panel, rows), candidate.log_odds(panel, rows)
    happened = behind(snapshot, catalogue, as_of, person_ids, link_show=link_show)
    records = joined(snapshot, as_of, person_ids, show=link_show) if link_show else {}
    titles = {fact.source: fact.title for fact in catalogue.facts}
    unknown = not_held(snapshot, catalogue, as_of, person_ids, link_show=link_show)
    explained = []
    for at, person_id in enumerate(person_ids):
        odds = float(log_odds[at])
        risk = float(chance(odds))
        seen, sure = happened.seen[person_id], happened.sure[person_id]
        account = weigh(catalogue, candidate.names, contributions[at], seen, as_of, sure=sure)
        covered = _covered(catalogue, panel, int(rows[at]))
        reasons, strengths = reasons_of(account, as_of, stale), strengths_of(account, as_of, covered, stale)
        left_out, found = LeftOut(), records.get(person_id)
        if sure != seen:
            whole = weigh(catalogue, candidate.names, contributions[at], seen, as_of)
            would_be = reasons_of(whole, as_of, stale), strengths_of(whole, as_of, covered, stale)
            left_out = left_out_of(account, would_be, (reasons, strengths))
        explained.append(
            Explanation(
                person_id=person_id,
                log_odds=odds,
                chance=risk,
                chance_words=chance_words(risk),
                reasons=reasons,
                strengths=strengths,
                base=account.base,
                weights=tuple((channel.name, weight) for channel, weight, _ in account.weighed),
                other=account.other,
                other_share=account.other_share,
                not_held=tuple(unknown.get(person_id, ())),
                link_strength=found.strength if found else None,
                joined=joined_words(found, titles, left_out) if found else "",
                doubted_share=account.doubted_share,
            )
        )
    return explained


Told = tuple[tuple[Reason, ...], tuple[Reason, ...]]
"""Reasons and strengths."""


def left_out_of(account: Account, would_be: Told, told: Told) -> LeftOut:
    """How much is not told, or not wholly: would_be is what is told where every event is surely theirs."""
    standing, well = {channel.name for channel, _, _ in account.weighed}, {said.channel for said in told[1]}
    hidden = [reason for reason in would_be[0] if reason.channel not in standing]
    theirs = sum(not reason.event_ids for reason in hidden)  # another person's are never named
    return LeftOut(
        reasons=len(hidden) - theirs,
        strengths=sum(said.channel not in well for said in would_be[1]),
        partly=sum(said.channel in account.partly and bool(said.event_ids) for said in told[0]),
        theirs=theirs,
    )


def reasons_of(account: Account, as_of: date, stale: Collection[str] = ()) -> tuple[Reason, ...]:
    """The strongest channels that raise the chance; stale: see `explain`."""
    raising = [entry for entry in account.weighed if entry[1] > 0]
    told = []
    for channel, weight, events in raising[:MOST_REASONS]:
        words, of_these = telling(channel, events, as_of, stale=stale)
        if sequence := account.sequences.get(channel.name):
            words, of_these = f"{words}; {sequence.words}", [*of_these, *sequence.events]
        told.append(_said(channel, weight, of_these, words))
    return tuple(told)


def strengths_of(
    account: Account, as_of: date, covered: Mapping[str, bool], stale: Collection[str] = ()
) -> tuple[Reason, ...]:
    """The channels that lower the chance most and are protective or a measured improvement.

    covered: by channel, whether silence in either period would mean that nothing happened; never where a
    source of the channel is stale. Nothing has measurably improved where some of it may not be told.
    """
    found = []
    for channel, weight, events in reversed(account.weighed):
        if weight >= 0:
            break
        if channel.association:
            continue
        words, told, silent = "", list(events), not set(channel.sources).isdisjoint(stale)
        if channel.protective:
            if _still_holds(channel, events, as_of, silent=silent):
                words, told = telling(channel, events, as_of, stale=stale)
        elif (
            channel.kind == "signal"
            and covered.get(channel.name, False)
            and not silent
            and channel.name not in account.partly
        ):
            words = improvement(channel, events, as_of)
        if words:
            found.append(_said(channel, weight, told, words))
    return tuple(found[:MOST_STRENGTHS])


def _still_holds(channel: Channel, events: Sequence[EvidenceRow], as_of: date, *, silent: bool) -> bool:
    """Whether a protective signal holds: a spell is open; of what has no length, one was lately.

    A spell that has ended may have been kept or broken; nobody knows which, so it is no strength. Of one
    whose feed has fallen silent the end may not have been told.
    """
    today = asof.day_number(as_of)
    spells = {part.name for part in channel.parts if part.spell}

    def holds(event: EvidenceRow) -> bool:
        day = asof.day_number(event.occurred_on)
        if event.signal in spells:
            end = asof.OPEN if event.ended_on is None else asof.day_number(event.ended_on)
            return not silent and bool(asof.is_open(day, end, today))
        return bool(asof.in_window(day, today, LATELY))

    return any(holds(event) for event in events)


def improvement(channel: Channel, events: Sequence[EvidenceRow], as_of: date) -> str:
    """How a signal has become rarer against the person's own year before; "" where it has not.

    With n events in the 365 days that end 90 days before `as_of`: n is 3 or more and the last 90
    days hold fewer than half of n * 90 / 365.
    """
    today = asof.day_number(as_of)
    days = [asof.day_number(event.occurred_on) for event in events]
    recent = sum(asof.in_window(day, today, CHANGE_RECENT) for day in days)
    before = sum(asof.in_window(day, today - CHANGE_RECENT, CHANGE_BEFORE) for day in days)
    if before < LEAST_BEFORE or recent >= 0.5 * before * CHANGE_RECENT / CHANGE_BEFORE:
        return ""
    latest = asof.day_of(max(days))
    return (
        f"{channel.label} have become fewer: {recent or 'none'} in the last {CHANGE_RECENT} days, "
        f"after {before} in the year before; the latest on {day_words(latest)}"
    )


def _said(channel: Channel, weight: float, events: Sequence[EvidenceRow], words: str) -> Reason:
    return Reason(
        channel=channel.name,
        sentence=words[:1].upper() + words[1:],
        theme=THEMES.get(channel.theme or "", ""),
        weight=float(weight),
        sources=tuple(sorted({event.source for event in events})),
        latest_on=max(event.occurred_on for event in events),
        event_ids=() if channel.association else tuple(sorted({event.event_id for event in events})),
    )


def _covered(catalogue: Catalogue, panel: Panel, row: int) -> dict[str, bool]:
    """By channel: its `change` is a number, so both periods are covered and silence means nothing."""
    column = {name: at for at, name in enumerate(panel.names)}
    return {
        feature.channel: bool(np.isfinite(panel.X[row, column[feature.name]]))
        for feature in catalogue.features
        if feature.measure == "change" and feature.name in column
    }


_OFTEN = ((2, 3), (3, 4), (4, 5), (9, 10))


def chance_words(risk: float) -> str:
    """A chance as people say it: 0.17 → 'about 1 in 6'; above a half by the nearest plain fraction.

    >>> chance_words(0.17), chance_words(0.7), chance_words(0.004)
    ('about 1 in 6', 'about 2 in 3', 'fewer than 1 in 100')
    """
    if risk < 0.00995:
        return "fewer than 1 in 100"
    if risk > 0.583:
        part, whole = min(_OFTEN, key=lambda f: abs(f[0] / f[1] - risk))
        return f"about {part} in {whole}"
    one_in = 1 / risk
    step = 1 if one_in < 12.5 else 5 if one_in < 52.5 else 10
    return f"about 1 in {max(2, min(100, int(one_in / step + 0.5) * step))}"
