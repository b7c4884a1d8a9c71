"""The bias audit at the action threshold: whom would the lists of a model have missed?

Of dates the model has never seen, before anybody approves it, by every characteristic held and by every
two of them at once, those of whom it is not known included. One threshold for all: nothing here would
set another for a group.

The gate asks of every group how far its recall is below everybody's; where even the lower bound of that
is above the limit, the model may not be approved. It is judged on true counts, because a group of whom
hardly anybody was found is just the one whose counts may not be shown; of each group only its answer
leaves. For a group with too few people nobody can answer, so a named person must say why that is
accepted. Groups crossed two ways are so many that some would stop a model by chance alone: those that are
missed are named, for people to look at, and stop nothing by themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import exp, sqrt
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from features.wording import counted
from models.disclosure import STAR, show
from models.fairness import (
    ALIKE,
    AT_THE_THRESHOLD,
    CONTACT,
    EVERYBODY,
    HIGHER,
    LOWER,
    MATERIAL,
    NOT_ESTIMABLE,
    OUTCOME,
    RECALL,
    Audit,
    Group,
    audit,
    estimable,
    gaps_of,
)
from models.groups import UNKNOWN
from models.pooled import CONTACTED, POSITIVES, Listing, N, People, crossed, pool, tally

MET, MISSED = "met", "missed too often"
TOLD_TOO_LOW, TOLD_TOO_HIGH = "risk told too low", "risk told too high"
TOO_WIDE = "no group could fail: the limit is not below everybody's recall, or that is not estimable"
NOBODY_LOOKED = "nobody looked: no characteristic is held, nor birth dates to tell ages from"

Counts = Mapping[str, Mapping[str, int]]
"""Group → column → people, as `models.pooled.tally` gives them."""


@dataclass(frozen=True)
class Calibrated:
    """How often the outcome followed over how often the model said it would, with a 95 % interval; None
    where it may not be given."""

    ratio: float | None
    interval: tuple[float, float] | None
    verdict: str


@dataclass(frozen=True)
class Answer:
    """What the gate says of a group: met, missed too often, or not estimable."""

    characteristic: str
    group: str
    verdict: str


@dataclass(frozen=True)
class ThresholdAudit:
    """Everything but the gate's verdicts is made of counts as shown, and may leave the team.

    by_one, by_two: per characteristic, and per two of them. calibration: characteristic → group →
    calibration, `everybody` among the groups. attention: outcome beside contact, by one; empty where
    contact is not known. gate: what it says of groups of one characteristic, those that it is met for
    left out. look_at: groups of two that it would not be met for.
    """

    limit: float
    everybody: Group
    by_one: tuple[Audit, ...]
    by_two: tuple[Audit, ...]
    calibration: dict[str, dict[str, Calibrated]]
    attention: tuple[Audit, ...]
    gate: tuple[Answer, ...]
    look_at: tuple[Answer, ...]

    @property
    def could_fail(self) -> bool:
        """Whether a group of whom nobody at all was found would be missed too often. Short lists find few
        people; where everybody's recall is 4 %, nobody can be 5 points behind it."""
        recall = self.everybody.estimates[RECALL.name].rate
        return recall is not None and recall > self.limit

    @property
    def passes(self) -> bool:
        """Whether no group is missed too often, though one could be; those that nobody can judge are
        signed for elsewhere. Where no characteristic is held nobody looked."""
        return (
            bool(self.by_one)
            and self.could_fail
            and not any(answer.verdict == MISSED for answer in self.gate)
        )

    @property
    def to_sign(self) -> list[Answer]:
        """Groups of which nobody can say whether they are missed."""
        return [answer for answer in self.gate if answer.verdict == NOT_ESTIMABLE]

    def worst(self) -> tuple[float, str] | None:
        """The greatest recall gap of a group of one characteristic, and whose; None where there is none.

        A greatest of many is too great by chance alone, and has no interval.
        """
        found = [
            (gap.value, f"{each.characteristic}: {group.name}")
            for each in self.by_one
            for group in each.groups
            if (gap := group.estimates[RECALL.name].gap)
        ]
        return max(found, default=None)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a card; rates to a hundredth of a point, since more tells nobody anything. Of
        groups of two, of which there are hundreds, nothing but recall where that cannot be told."""
        whole = asdict(self) | {"could_fail": self.could_fail, "passes": self.passes}
        for each in whole["by_two"]:
            for group in each["groups"]:
                if (recall := group["estimates"][RECALL.name])["rate"] is None:
                    group["estimates"] = {RECALL.name: recall}
        crossings = {each["characteristic"] for each in whole["by_two"]}
        whole["calibration"] = {
            name: {
                g: found for g, found in groups.items() if found["ratio"] is not None or name not in crossings
            }
            for name, groups in whole["calibration"].items()
        }
        return {name: _rounded(value) for name, value in whole.items()}


def audit_lists(listings: Sequence[Listing], *, limit: float) -> ThresholdAudit:
    """The audit of some dates' lists together; see `audit_people`.

    listings: with what followed; with chances, too, calibration is told, and with contacts, attention.
    """
    return audit_people(pool(listings), limit=limit)


def audit_people(people: People, *, limit: float) -> ThresholdAudit:
    """The audit of people on the lists of some dates.

    limit: how far, in points of recall from 0 to 1, a group may stay behind everybody.
    Raises ValueError where there is nobody or it is not known what followed.
    """
    if not len(people.yes[N]) or POSITIVES not in people.yes:
        raise ValueError("an audit is of people for whom it is known what followed")
    two = crossed(people)
    by_one = {name: tally(people, name) for name in people.groups}
    by_two = {name: tally(two, name) for name in two.groups}
    told = {name: audit(name, counts, AT_THE_THRESHOLD) for name, counts in (by_one | by_two).items()}
    return ThresholdAudit(
        limit=limit,
        everybody=audit(EVERYBODY, tally(people, EVERYBODY), AT_THE_THRESHOLD).everybody,
        by_one=tuple(told[name] for name in by_one),
        by_two=tuple(told[name] for name in by_two),
        calibration={each: calibration(people if each in by_one else two, told[each]) for each in told},
        attention=_attention(by_one),
        gate=tuple(answer for answer in _answers(by_one, limit) if answer.verdict != MET),
        look_at=tuple(answer for answer in _answers(by_two, limit) if answer.verdict == MISSED),
    )


def gate_said(told: Mapping[str, Any], signed: Mapping[str, str]) -> tuple[bool, str]:
    """Whether the gate on groups is met, and why not, from an audit as a card has it; where it is met, of
    how many groups that could be judged, and who answers for the others.

    signed: 'characteristic: group' → who accepts that nobody can judge it, and why, as "name: reason".
    """
    by: dict[str, list[str]] = {MISSED: [], NOT_ESTIMABLE: []}
    for answer in told["gate"]:
        by[answer["verdict"]].append(f"{answer['characteristic']}: {answer['group']}")
    missed = [each.replace("_", " ") for each in by[MISSED]]  # the others as they are to be signed
    unsigned = [group for group in by[NOT_ESTIMABLE] if not str(signed.get(group) or "").strip()]
    problems = [] if told["by_one"] else [NOBODY_LOOKED]
    problems += [] if told["could_fail"] else [TOO_WIDE]
    problems += [
        f"{what}: {', '.join(groups)}"
        for what, groups in ((MISSED, missed), (f"{NOT_ESTIMABLE}, and nobody signed", unsigned))
        if groups
    ]
    return not problems, "; ".join(problems) or _met(told, signed)


def judged_of(told: Mapping[str, Any]) -> tuple[int, int]:
    """How many groups of one characteristic could be judged, and of how many; from an audit of a card."""
    groups = sum(len(each["groups"]) for each in told["by_one"])
    return groups - sum(answer["verdict"] == NOT_ESTIMABLE for answer in told["gate"]), groups


def signed_for(told: Mapping[str, Any], signed: Mapping[str, str]) -> str:
    """Who accepts of how many groups that nobody can judge them: '20 by Anna Bright, 3 by Ben Castle'."""
    signers = Counter(
        by
        for answer in told["gate"]
        if answer["verdict"] == NOT_ESTIMABLE
        and (by := (signed.get(f"{answer['characteristic']}: {answer['group']}") or "").split(":")[0].strip())
    )
    return ", ".join(
        f"{n} by {by}" for by, n in sorted(signers.items(), key=lambda each: (-each[1], each[0]))
    )


def _met(told: Mapping[str, Any], signed: Mapping[str, str]) -> str:
    judged, groups = judged_of(told)
    if judged == groups:
        return f"all {counted(groups, 'group', 'groups')} could be judged, and none is missed too often"
    found = f"{judged} could be judged, and none of these is missed too often"
    return (
        f"of {counted(groups, 'group', 'groups')} {found if judged else 'none could be judged'}; signed for: "
        f"{signed_for(told, signed)}"
    )


def recall_gate(characteristic: str, counts: Counts, *, limit: float) -> list[Answer]:
    """What the gate says of each group of a characteristic, from true counts.

    A group with 30 people with the outcome, as that is shown (28 is), is judged; where nothing is known of
    anybody there is nothing to judge, however many `unknown` are.
    """
    everybody = {
        column: sum(row[column] for row in counts.values()) for column in next(iter(counts.values()))
    }
    judged = [name for name, row in counts.items() if _enough(row) and set(counts) != {UNKNOWN}]
    apart = gaps_of(RECALL, [counts[name] for name in judged], everybody)
    verdicts = {
        name: MISSED if gap.interval[0] > limit else MET for name, gap in zip(judged, apart, strict=True)
    }
    return [Answer(characteristic, name, verdicts.get(name, NOT_ESTIMABLE)) for name in counts]


def calibration(people: People, shown: Audit) -> dict[str, Calibrated]:
    """Group → how often the outcome followed, over how often the model said; empty where that is unknown.

    Of rows, since each date had a chance of its own; the interval is by person, from sums over each
    person's rows. What was expected is not shown anywhere, so no count can be worked out.
    """
    if people.happened is None or people.expected is None:
        return {}
    groups, o, e = people.groups[shown.characteristic], people.happened, people.expected
    each = np.column_stack([np.ones(len(o)), o, e, o * o, o * e, e * e])
    one_each = np.arange(len(o) + 1)
    member = csr_array((np.ones(len(o)), groups.at, one_each), shape=(len(o), len(groups.names)))
    sums = member.T @ each  # a sixth of the time of adding up column by column
    of = dict(zip(groups.names, sums, strict=True)) | {EVERYBODY: sums.sum(axis=0)}
    return {group.name: _calibrated(group, of[group.name]) for group in (*shown.groups, shown.everybody)}


def _calibrated(group: Group, sums: np.ndarray) -> Calibrated:
    """Of the sums of 1, o, e, o², oe and e² over people; e is above 0, as no chance is nought."""
    positives = group.estimates[RECALL.name]
    if positives.rate is None:
        return Calibrated(None, None, positives.verdict)
    n, o, e, oo, oe, ee = sums.tolist()
    ratio = o / e
    spread = sqrt(max(oo - 2 * ratio * oe + ratio * ratio * ee, 0.0) * n / (n - 1)) / o
    low, high = ratio * exp(-1.959964 * spread), ratio * exp(1.959964 * spread)
    verdict = ALIKE
    if low > 1 and MATERIAL * ratio > 1:
        verdict = TOLD_TOO_LOW
    elif high < 1 and ratio < MATERIAL:
        verdict = TOLD_TOO_HIGH
    return Calibrated(round(ratio, 2), (round(low, 2), round(high, 2)), verdict)


def _attention(by_one: Mapping[str, Counts]) -> tuple[Audit, ...]:
    """Outcome beside contact: a label made by agencies is more often made of people they often meet."""
    needed = (N, POSITIVES, CONTACTED)
    return tuple(
        audit(name, {g: {c: row[c] for c in needed} for g, row in counts.items()}, [OUTCOME, CONTACT])
        for name, counts in by_one.items()
        if all(CONTACTED in row for row in counts.values())
    )


def reading(group: Group) -> str:
    """What outcome and contact together may mean for a group; empty where neither stands out."""
    outcome, contact = group.estimates[OUTCOME.name].verdict, group.estimates[CONTACT.name].verdict
    said = {
        (HIGHER, HIGHER): "met more often, and recorded more often: the label may measure attention",
        (LOWER, LOWER): "met less often, and recorded less often: need may go unseen",
        (HIGHER, ALIKE): "recorded more often, though met no more often",
        (LOWER, ALIKE): "recorded less often, though met no less often",
        (ALIKE, HIGHER): "met more often, recorded no more often",
        (ALIKE, LOWER): "met less often, recorded no less often: need may go unseen",
        (HIGHER, LOWER): "met less often, and recorded more often: need may go unseen until late",
        (LOWER, HIGHER): "met more often, and recorded less often",
    }
    return said.get((outcome, contact), "")


def _rounded(value: Any) -> Any:
    """Every float of nested plain values to four places."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value


def _answers(by: Mapping[str, Counts], limit: float) -> list[Answer]:
    return [answer for name, counts in by.items() for answer in recall_gate(name, counts, limit=limit)]


def _enough(counts: Mapping[str, int]) -> bool:
    """Whether a group has people enough, taken as they would be shown: where a rate stands, so does an
    answer."""
    shown = {column: show(count) for column, count in counts.items()}
    return shown[POSITIVES] != STAR and estimable(RECALL, shown)
