"""The bias audit as Markdown, for a card, a report and an oversight board: who is missed comes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from features.wording import counted
from models.audit import MISSED, NOBODY_LOOKED, TOO_WIDE, Calibrated, ThresholdAudit, reading
from models.audit_proxies import Proxy
from models.disclosure import Shown
from models.fairness import (
    CONTACT,
    EVERYBODY,
    FALSE_OMISSION,
    FALSE_POSITIVE,
    NOT_ESTIMABLE,
    OUTCOME,
    PRECISION,
    RECALL,
    SELECTION,
    Estimate,
    Group,
)
from models.pooled import POSITIVES, N

BY_CHANCE = 0.025
"""The share of groups with no gap at all whose interval lies above nought all the same."""


def audit_text(audit: ThresholdAudit, proxies: Sequence[Proxy] | None = None) -> str:
    """The whole section, starting with a heading of the second level."""
    return "\n".join(
        [
            *_gate(audit),
            *_missed(audit),
            *_others(audit),
            *_two(audit),
            *_attention(audit),
            *_proxies(proxies),
        ]
    )


def _gate(audit: ThresholdAudit) -> Iterator[str]:
    yield "## Does the list treat groups alike?"
    yield ""
    points = f"{100 * audit.limit:g} points"
    missed = [answer for answer in audit.gate if answer.verdict == MISSED]
    if missed:
        yield f"**The gate is not met.** Missed more often than {points} allow:"
        yield from (f"- {_plain(answer.characteristic)}: {_plain(answer.group)}" for answer in missed)
    elif not audit.by_one:
        yield f"**The gate is not met**: {NOBODY_LOOKED}."
    elif not audit.could_fail:
        yield f"**The gate is not met**: {TOO_WIDE}. It is {points}; lower it, or judge more dates."
    else:
        groups = sum(len(each.groups) for each in audit.by_one)
        judged = groups - len(audit.to_sign)
        none = f", and none of these is missed by more than {points}" if judged else ""
        of = f"of {counted(groups, 'group', 'groups')}"
        yield f"The gate is met as far as can be told: {of} {judged or 'none'} can be judged{none}."
    if audit.to_sign:
        yield ""
        yield "Of these groups there are too few people to say; a named person must give a reason for each:"
        yield from (f"- {_plain(answer.characteristic)}: {_plain(answer.group)}" for answer in audit.to_sign)
    yield ""
    yield (
        "The gate is judged on exact counts; what is shown is rounded to 5, 1 to 7 are shown as `*`, and "
        "rates and intervals are of counts as shown. A person counts once, however many of the lists they "
        "were on. Gaps are everybody's rate less the group's, with the 95% interval of a bootstrap by person."
    )
    judged = sum(
        e.gap is not None for each in audit.by_one for e in (g.estimates[RECALL.name] for g in each.groups)
    )
    if judged:
        yield (
            f"Of {counted(judged, 'gap', 'gaps')} in recall of groups of one characteristic about "
            f"{BY_CHANCE * judged:.1f} would lie above nought by chance alone."
        )


def _missed(audit: ThresholdAudit) -> Iterator[str]:
    for each in audit.by_one:
        yield from _table(
            f"### Who is missed, by {_plain(each.characteristic)}",
            ("Group", "People", "Outcome followed", "Recall", "Behind everybody, points"),
            (
                (_name(g), _count(g.counts[N]), _count(g.counts[POSITIVES]), _rate(e), _gap(e))
                for g in (*each.groups, each.everybody)
                for e in (g.estimates[RECALL.name],)
            ),
        )


def _others(audit: ThresholdAudit) -> Iterator[str]:
    measures = (FALSE_OMISSION, FALSE_POSITIVE, PRECISION, SELECTION)
    for each in audit.by_one:
        calibrated = audit.calibration.get(each.characteristic, {})
        yield from _table(
            f"### Other rates, by {_plain(each.characteristic)}",
            ("Group", *(m.name.capitalize() for m in measures), "Followed ÷ foretold"),
            (
                (_name(g), *(_rate(g.estimates[m.name]) for m in measures), _ratio(calibrated.get(g.name)))
                for g in (*each.groups, each.everybody)
            ),
        )


def _two(audit: ThresholdAudit) -> Iterator[str]:
    """Groups of two characteristics that can be judged; how many cannot."""
    judged = [
        (each, g) for each in audit.by_two for g in each.groups if g.estimates[RECALL.name].rate is not None
    ]
    total = sum(len(each.groups) for each in audit.by_two)
    if not total:
        return
    yield from _table(
        "### Two characteristics at once",
        ("Groups", "Outcome followed", "Recall", "Behind everybody, points"),
        (
            (f"{_plain(each.characteristic)}: {_name(g)}", _count(g.counts[POSITIVES]), _rate(e), _gap(e))
            for each, g in judged
            for e in (g.estimates[RECALL.name],)
        ),
    )
    yield ""
    if audit.look_at:
        yield "Of these the gate would not be met; among so many, some are so by chance:"
        yield from (f"- {_plain(answer.characteristic)}: {_plain(answer.group)}" for answer in audit.look_at)
        yield ""
    yield f"Of {total} such groups {total - len(judged)} have too few people to be judged or shown."


def _attention(audit: ThresholdAudit) -> Iterator[str]:
    for each in audit.attention:
        yield from _table(
            f"### What is recorded beside how often agencies meet people, by {_plain(each.characteristic)}",
            ("Group", "Outcome followed", "Met often", "What it may mean"),
            (
                (_name(g), _rate(g.estimates[OUTCOME.name]), _rate(g.estimates[CONTACT.name]), reading(g))
                for g in (*each.groups, each.everybody)
            ),
        )


def _proxies(proxies: Sequence[Proxy] | None) -> Iterator[str]:
    if proxies:
        yield from _table(
            "### How much the features give away",
            ("Group", "AUC from the features", "Mostly by"),
            ((f"{_plain(p.characteristic)}: {_plain(p.group)}", *_given_away(p)) for p in proxies),
        )


def _given_away(proxy: Proxy) -> tuple[str, str]:
    if proxy.auc is None or proxy.interval is None:
        return NOT_ESTIMABLE, ""
    low, high = proxy.interval
    mostly = ", ".join(f"`{name}` {share:.0%}" for name, share in proxy.features)
    said = f"{proxy.auc:.2f} ({low:.2f} to {high:.2f})"
    return (f"**{said}**" if proxy.given_away else said), mostly


def _table(title: str, heads: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield from ("", title, "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}")
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _name(group: Group) -> str:
    return f"*{EVERYBODY}*" if group.name == EVERYBODY else _plain(group.name)


def _plain(name: str) -> str:
    """A name from a council's own data, with nothing that a table would take for its own."""
    return name.replace("_", " ").replace("|", "/").replace("<", "‹").replace(">", "›").replace("*", "∗")


def _count(count: Shown) -> str:
    return "`*`" if isinstance(count, str) else f"{count:,}"


def _rate(estimate: Estimate) -> str:
    if estimate.rate is None or estimate.interval is None:
        return estimate.verdict
    low, high = estimate.interval
    return f"{estimate.rate:.1%} ({low:.1%} to {high:.1%})"


def _gap(estimate: Estimate) -> str:
    if estimate.gap is None:
        return ""
    low, high = (100 * bound for bound in estimate.gap.interval)
    said = f"{100 * estimate.gap.value:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"**{said}**" if low > 0 else said


def _ratio(calibrated: Calibrated | None) -> str:
    if calibrated is None:
        return ""
    if calibrated.ratio is None or calibrated.interval is None:
        return calibrated.verdict
    low, high = calibrated.interval
    return f"{calibrated.ratio:.2f} ({low:.2f} to {high:.2f})"
