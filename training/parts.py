"""What a list could be made without: each source, what tells of poverty, what reaches people at home."""

from __future__ import annotations

from dataclasses import dataclass

from features.catalogue import Catalogue
from features.feature import Signal

MONEY_THEME, MONEY_UNIT = "finance", "£"

SOURCE, POVERTY, HOUSEHOLD = "source", "poverty", "household"


@dataclass(frozen=True)
class Part:
    """Something that may be left out. kind: one of the three; title: as said; signals: what it sends."""

    kind: str
    name: str
    title: str
    signals: frozenset[str]


def parts(catalogue: Catalogue) -> list[Part]:
    """Each source, poverty and the household, as far as the catalogue has signals of them.

    Poverty: signals about financial stability, or of which the amount is money, and all else that a source
    sends most of whose signals are so. (Free school meals are a signal like any other where a source
    sends them; none of those shipped does.)
    """
    signals = [(c.signals[0], c.parts[0], c.household) for c in catalogue.channels if c.kind == "signal"]
    titles = {fact.source: fact.title for fact in catalogue.facts}
    by_source = {
        source: [(name, signal) for name, signal, _ in signals if signal.source == source]
        for source in catalogue.sources
    }
    poor = {
        name
        for of_source in by_source.values()
        for name, signal in of_source
        if _of_money(signal) or 2 * sum(_of_money(each) for _, each in of_source) > len(of_source)
    }
    found = [
        Part(SOURCE, source, titles[source], frozenset(name for name, _ in of_source))
        for source, of_source in by_source.items()
    ]
    found += [
        Part(POVERTY, POVERTY, "what tells of poverty: arrears, debts and benefits", frozenset(poor)),
        Part(
            HOUSEHOLD,
            HOUSEHOLD,
            "what reaches people through their household",
            frozenset(name for name, _, household in signals if household),
        ),
    ]
    return [part for part in found if part.signals]


def _of_money(signal: Signal) -> bool:
    return signal.theme == MONEY_THEME or signal.unit == MONEY_UNIT
