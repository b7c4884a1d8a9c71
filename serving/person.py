"""One person, explained in full: for the practitioner who asks why, and for whoever must check.

The same chance and reasons as the list, and beyond them every channel's weight and every event that
the model saw and that is surely theirs, in order of time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from features.errors import UserMistake
from features.evidence import behind
from features.feature import Channel, EvidenceRow
from features.people import PERSON_ID, Identity, display_identity, no_id, resolve
from features.wording import amount_words, counted, day_words
from features.workspace import Workspace
from models.approvals import approval_of
from models.candidate import Candidate
from models.reasons import Explanation, Reason
from serving.flags import NO_NAME, RESTRICTED, Accepted
from serving.score import score, stand
from serving.weekly_list import accepted_in, kept_dates, link_show_in, named, read_for
from serving.withheld import OBJECTS, home_withheld, withheld


@dataclass(frozen=True)
class Moment:
    """An event as it is told: when, what, from which source, and whether it is the household's."""

    occurred_on: date
    ended_on: date | None
    what: str
    source: str
    household: bool
    amount: str


@dataclass(frozen=True)
class PersonExplained:
    """A person on a morning. explanation is None where nothing is recorded that the model looks at.

    restricted: nothing is told but whether the person is on the list, and whom to ask.
    rank: on the kept list of that morning; None if not on it. weights: (words, log-odds) of every
    channel with events behind it, strongest first. subjects: how many agency records are the person's.
    joined: which these are and how sure that is; "" where nothing is said of it.
    stale: the feeds that the list was made without, or that were stale on a morning without a list.
    in_part: the timeline is without what is only probably the person's.
    became: what has become of the id that was asked for, where the person's is another now.
    """

    person_id: str
    as_of: date
    identity: Identity
    subjects: int
    joined: str
    eligible: bool
    rank: int | None
    explanation: Explanation | None
    weights: tuple[tuple[str, float], ...]
    timeline: tuple[Moment, ...]
    horizon_days: int
    model: str
    approval: str
    restricted: bool = False
    stale: tuple[Accepted, ...] = ()
    in_part: bool = False
    became: str = ""

    def text(self) -> str:
        """Everything, as plain lines for a terminal."""
        return "\n".join(_lines(self))


def explain_person(workspace: Workspace, person_id: str, as_of: date | None = None) -> PersonExplained:
    """Explain a person on a morning, by default that of the newest list.

    Of a morning with a list, with the model that made it; of another, with the newest candidate.
    Raises UserMistake on what is no id, on an id nobody has, where there is neither a date nor a list, and on
    somebody who objects to being scored.
    """
    if not re.fullmatch(PERSON_ID, person_id):
        raise no_id()
    if as_of is None:
        dates = kept_dates(workspace)
        if not dates:
            raise UserMistake("There is no list yet, so say which morning you mean with --as-of.")
        as_of = dates[-1]
    read = read_for(workspace, as_of)
    snapshot, candidate = named(workspace, read)
    person = resolve(snapshot, person_id, as_of)
    ranks = {flag["person_id"]: flag["rank"] for flag in read.get("flags", ())}
    why = withheld(snapshot, as_of, [person.person_id]).get(person.person_id)
    if why == OBJECTS:
        raise UserMistake("Nothing can be explained of this person.", problems=[f"who {OBJECTS}"])
    if why:
        told = _restricted(workspace, person.person_id, as_of, ranks.get(person.person_id), candidate)
        return replace(told, became=person.became(person_id))
    show = link_show_in(workspace, read)
    morning = stand(snapshot, candidate, as_of, accepted=accepted_in(read), link_show=show)
    scores = score(morning, candidate, [person.person_id])
    explanation = scores.explanations[0][0] if scores.explanations else None
    catalogue = candidate.catalogue
    happened = behind(snapshot, catalogue, as_of, [person.person_id], link_show=show)
    seen, sure = happened.seen[person.person_id], happened.sure[person.person_id]
    said = {channel.parts[0].name: channel for channel in catalogue.channels if channel.kind == "signal"}
    titles = {fact.source: fact.title for fact in catalogue.facts}
    ids = [person.person_id]
    who = display_identity(snapshot, as_of, ids, link_show=show)[person.person_id]
    return PersonExplained(
        person_id=person.person_id,
        as_of=as_of,
        identity=home_withheld(snapshot, as_of, person.person_id, who),
        subjects=len(person.subjects),
        joined=explanation.joined if explanation else "",
        eligible=person.person_id in morning.eligible,
        rank=ranks.get(person.person_id),
        explanation=explanation,
        weights=tuple(
            (_channel_words(catalogue.channel(name)), weight)
            for name, weight in (explanation.weights if explanation else ())
        ),
        timeline=tuple(
            _told(event, said[event.signal], titles[event.source])
            for event in sorted(sure, key=lambda e: (e.occurred_at, e.source, e.signal, e.event_id))
        ),
        horizon_days=candidate.specification.outcome.horizon_days,
        model=candidate.sha256,
        approval=approval_of(workspace, candidate),
        stale=morning.stale,
        in_part=sure != seen,
        became=person.became(person_id),
    )


def _restricted(
    workspace: Workspace, person_id: str, as_of: date, rank: int | None, candidate: Candidate
) -> PersonExplained:
    """All that is told of somebody whose record is restricted."""
    return PersonExplained(
        person_id=person_id,
        as_of=as_of,
        identity=Identity(RESTRICTED, None, None, None, (), None, None),
        subjects=0,
        joined="",
        eligible=rank is not None,
        rank=rank,
        explanation=None,
        weights=(),
        timeline=(),
        horizon_days=candidate.specification.outcome.horizon_days,
        model=candidate.sha256,
        approval=approval_of(workspace, candidate),
        restricted=True,
    )


def _told(event: EvidenceRow, channel: Channel, source: str) -> Moment:
    """An event as it is told; of somebody they live with no more than when and what."""
    theirs = channel.association
    return Moment(
        occurred_on=event.occurred_on,
        ended_on=None if theirs else event.ended_on,
        what=f"somebody they live with: {channel.one}" if theirs else channel.one,
        source=source,
        household=event.household,
        amount=_amount(channel, event.amount),
    )


def _lines(person: PersonExplained) -> Iterator[str]:
    who = person.identity
    age = f", {who.age}" if who.age is not None else ""
    yield f"{who.name or NO_NAME}{age} ({person.person_id}) on the morning of {day_words(person.as_of)}"
    if person.became:
        yield person.became
    if person.approval:
        yield person.approval
    if person.restricted:
        yield f"Rank {person.rank} on that morning's list" if person.rank else "Not on that morning's list"
        return
    if person.stale:
        yield "Made although feeds are stale; what they did not bring is not seen here:"
        yield from (f"  {feed.said}" for feed in person.stale)
    yield (
        f"Household {who.household_id}, {len(who.household) + 1} known to live there"
        if who.household_id
        else "No household known"
    )
    yield (
        person.joined or f"{counted(person.subjects, 'agency record', 'agency records')} held as this person"
    )
    if person.rank:
        yield f"Rank {person.rank} on that morning's list"
    else:
        yield "Not on that morning's list" + ("" if person.eligible else ", and not among those it may hold")
    told = person.explanation
    if told is None:
        yield "No score: nothing is recorded that the model looks at."
        return
    yield ""
    yield f"Chance within {person.horizon_days} days: {told.chance_words} ({told.chance:.4f})"
    event = "recorded event that is surely theirs" if told.doubted_share else "recorded event"
    yield from _section("Why", [_weighed(r) for r in told.reasons], f"No {event} raises this chance.")
    yield from _section(
        "Going well", [_weighed(r) for r in told.strengths], "Nothing recorded tells us. Ask."
    )
    but = ", but for what the stale feeds did not bring" if person.stale else ""
    everything = f"Every source that the model reads covers this person{but}."
    yield from _section("We hold nothing on", told.not_held, everything)
    other = "what is not recorded" + (", or only probably theirs" if told.doubted_share else "")
    weights = [("where everybody starts", told.base), *person.weights, (other, told.other)]
    yield from _section(
        "How it adds up, in log-odds",
        [f"{weight:+7.3f}  {words}" for words, weight in weights] + [f"{told.log_odds:+7.3f}  in all"],
    )
    seen = "What the model saw, in order of time" + (
        ", but for what is only probably theirs" if person.in_part else ""
    )
    yield from _section(seen, [_moment(m) for m in person.timeline])


def _section(heading: str, lines: Sequence[str], otherwise: str = "") -> Iterator[str]:
    """A heading and its lines; where there are none, what that means."""
    yield ""
    yield heading
    yield from (f"  {line}" for line in lines or [otherwise])


def _weighed(reason: Reason) -> str:
    return f"{reason.sentence} [{reason.weight:+.2f}]"


def _moment(moment: Moment) -> str:
    what = f"the household's {moment.what}" if moment.household else moment.what
    amount = f", {moment.amount}" if moment.amount else ""
    until = f", until {day_words(moment.ended_on)}" if moment.ended_on else ""
    return f"{moment.occurred_on}  {moment.source}: {what}{amount}{until}"


def _amount(channel: Channel, amount: float | None) -> str:
    return "" if not amount or channel.unit is None else amount_words(amount, channel.unit)


def _channel_words(channel: Channel) -> str:
    """What a channel's weight is the weight of: 'the household's council tax reminders'."""
    if channel.kind != "signal":
        return "contact across agencies"
    return channel.label
