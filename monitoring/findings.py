"""What monitoring found, in words that say what to do about it.

Three severities. *Critical*: the list should not be used until somebody has looked. *Warning*:
somebody must look, the list may be used meanwhile. *Note*: worth knowing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from features.wording import counted, day_words
from models.fairness import HIGHER, LOWER, PRECISION, RECALL, SELECTION, Audit
from models.groups import UNKNOWN
from models.pooled import N
from monitoring.drift import SCORE, ColumnDrift, Drift
from monitoring.shifts import Shift

if TYPE_CHECKING:
    from monitoring.report import Realised

Severity = Literal["critical", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "note")

DRYING, DRIED_UP = 0.2, 0.5
"""By how much the share of people about whom nothing is held may grow: from the first on it is a
warning, from the second on critical."""
MANY_DRIFTED = 0.5
"""Share of the features compared from which drift is a warning (Evidently's own for a data set): school
terms and billing years move a third of them without anything being wrong."""
SHIFTED = 0.05
"""By how much a channel's share of all that moves scores may change; in a steady county it is about 0.01."""
MUCH_UNKNOWN = 0.25
"""Share of people in the group `unknown` that is worth a note."""
NAMED = 3
"""How many things a sentence names before it counts the rest."""


@dataclass(frozen=True)
class Finding:
    """One finding. what: what was seen; do: what somebody should do about it."""

    severity: Severity
    what: str
    do: str


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The gravest first; within a severity as they were found."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def words_of(characteristic: str) -> str:
    """'age_band' → 'age band'."""
    return characteristic.replace("_", " ")


def drift_findings(drift: Drift | None, titles: Mapping[str, str]) -> list[Finding]:
    """What dried up, whether the scores moved, and which features did. titles: column → words.

    drift: None where there was nobody to compare.
    """
    if drift is None:
        return [
            Finding(
                "critical",
                "There is nobody to compare: nobody could be considered for this list, or nobody could on "
                "the dates that the model was judged on.",
                "Find out whether deliveries or links are missing, before the list is used.",
            )
        ]
    found = [
        *_dried_up("critical", [c for c in drift.columns if _growth(c) >= DRIED_UP], titles),
        *_dried_up("warning", [c for c in drift.columns if DRYING <= _growth(c) < DRIED_UP], titles),
    ]
    score = drift.column(SCORE)
    if score.drifted and score.distance is not None:
        found.append(
            Finding(
                "warning",
                f"The scores have moved {_above(score.distance, drift.threshold)} standard deviations from "
                f"those the model was judged on; under {drift.threshold} is allowed.",
                "Look at which features moved; if the world has changed, train a new candidate.",
            )
        )
    moved = [titles[c.name] for c in drift.columns if c.drifted and c.name != SCORE]
    if moved:
        found.append(
            Finding(
                "warning" if drift.drifted_share >= MANY_DRIFTED else "note",
                f"Of {len(drift.columns) - 1} features compared, {len(moved)} moved: {_named(moved)}.",
                "Ask the agency whether recording changed; if people's lives did, train a new candidate.",
            )
        )
    return found


def shift_findings(shifts: Sequence[Shift]) -> list[Finding]:
    """Whether scores are made of other things than when the model was judged."""
    apart = [s for s in shifts if abs(s.share_now - s.share_then) >= SHIFTED]
    if not apart:
        return []
    said = [f"{s.label} {s.share_now:.0%}, before {s.share_then:.0%}" for s in apart]
    return [
        Finding(
            "warning",
            "Scores are made of other things than when the model was judged. Of all that raises or lowers "
            f"them: {_named(said)}.",
            "Look at these agencies' deliveries and recording first; if people's lives changed, train a "
            "new candidate.",
        )
    ]


def realised_findings(realised: Realised | None, learned_until: date | None, seen: int) -> list[Finding]:
    """Whether past lists did what was promised.

    realised: None where none has matured. seen: how many of them are of mornings before
    `learned_until`, the day on which the last labels that the model learned from were judged.
    """
    if realised is None:
        return [
            Finding(
                "note",
                "What followed the lists is not yet known: no past list of this model has matured.",
                "Nothing; until a horizon is over, the figures on the model's card are all there is.",
            )
        ]
    found = []
    if seen and learned_until is not None:
        since = day_words(learned_until)
        found.append(
            Finding(
                "note",
                f"{counted(seen, 'past list', 'past lists')} of the {len(realised.dates)} judged here came "
                f"before {since}, when the last labels that the model learned from were judged: "
                "that flatters the model.",
                f"Trust the model's card more, and lists from {since} on.",
            )
        )
    base, precision = realised.base_rate, realised.precision
    if realised.interval and base is not None and realised.interval[0] <= base:
        found.append(
            Finding(
                "warning",
                f"The outcome followed for {precision:.0%} of the people on past lists, and for {base:.0%} "
                "of everybody scored: chance alone could do that.",
                "Do not put this model forward; compare it with the simple rules on its card.",
            )
        )
    now, promised = realised.per_list_interval, realised.promised_interval
    if now and promised and now[1] < promised[0]:
        found.append(
            Finding(
                "warning",
                f"Past lists were right for {realised.per_list:.0%} of their entries "
                f"({now[0]:.0%} to {now[1]:.0%}); the model's card promised {realised.promised:.0%} "
                f"({promised[0]:.0%} to {promised[1]:.0%}).",
                "Tell the team what to expect now, and train a new candidate.",
            )
        )
    return found


def fairness_findings(this_week: Sequence[Audit], past: Sequence[Audit]) -> list[Finding]:
    """Groups that are found less often, listed less rightly, or listed more or less than everybody;
    and groups that nobody can see."""
    if not this_week:
        return [
            Finding(
                "warning",
                "No protected characteristic is held, so nobody can tell whether the list is fair.",
                "Ask the agencies for sex, ethnicity and disability, for this audit alone.",
            )
        ]
    found = [finding for audit in past for finding in _less_served(audit)]
    for audit in this_week:
        apart = [g for g in audit.groups if g.estimates[SELECTION.name].verdict in (LOWER, HIGHER)]
        if apart:
            said = "; ".join(f"{g.name}: {g.estimates[SELECTION.name].verdict}" for g in apart)
            found.append(
                Finding(
                    "note",
                    f"By {words_of(audit.characteristic)}, groups have different shares on this week's "
                    f"list ({said}).",
                    "Need may differ too: read it beside recall and precision, and be ready to say why.",
                )
            )
    return [*found, *_unseen(this_week)]


def _dried_up(severity: Severity, columns: Sequence[ColumnDrift], titles: Mapping[str, str]) -> list[Finding]:
    if not columns:
        return []
    worst = max(columns, key=_growth)
    return [
        Finding(
            severity,
            f"Nothing is held any more about many people on: {_named([titles[c.name] for c in columns])}. "
            f"At the worst of these about {worst.empty_now:.0%} of people, before {worst.empty_before:.0%}.",
            "Find out whether deliveries stopped, shrank or changed their keys, before the list is used.",
        )
    ]


def _less_served(audit: Audit) -> list[Finding]:
    """Groups with a clearly lower recall or precision than everybody."""
    said = {
        RECALL.name: (
            "past lists held {rate:.0%} of those for whom the outcome followed, of everybody {all:.0%}.",
            "Ask whether their records reach us later or less often, and put it to the oversight board.",
        ),
        PRECISION.name: (
            "the outcome followed for {rate:.0%} of those on past lists, of everybody {all:.0%}.",
            "Ask whether they are recorded more for reasons other than need, and put it to the board.",
        ),
    }
    return [
        Finding(
            "warning",
            f"By {words_of(audit.characteristic)}, {group.name}: "
            + what.format(rate=group.estimates[name].rate, all=audit.everybody.estimates[name].rate),
            do,
        )
        for group in audit.groups
        for name, (what, do) in said.items()
        if group.estimates[name].verdict == LOWER
    ]


def _unseen(audits: Sequence[Audit]) -> list[Finding]:
    """Characteristics that are not known of many people, in one sentence."""
    shares = {}
    for audit in audits:
        total = audit.everybody.counts[N]
        unknown = next((group.counts[N] for group in audit.groups if group.name == UNKNOWN), 0)
        if isinstance(total, int) and isinstance(unknown, int) and unknown > MUCH_UNKNOWN * total:
            shares[words_of(audit.characteristic)] = f"{unknown / total:.0%}"
    if not shares:
        return []
    said = _named([f"{name} of {share}" for name, share in shares.items()])
    return [
        Finding(
            "note",
            f"Not known of the people scored: {said}.",
            "A gap among them cannot be seen; ask the agencies to fill it in.",
        )
    ]


def _above(distance: float, threshold: float) -> str:
    """A distance with as many decimals, two at least, as show that it is above the threshold."""
    shown = (f"{distance:.{decimals}f}" for decimals in range(2, 6))
    return next((said for said in shown if float(said) > threshold), f"{distance:.6g}")


def _growth(column: ColumnDrift) -> float:
    return column.empty_now - column.empty_before


def _named(things: Sequence[str]) -> str:
    """The first few, and how many more."""
    first, more = list(things[:NAMED]), len(things) - NAMED
    if more > 0:
        return f"{'; '.join(first)}; and {more} more"
    return "; ".join(first)
