"""The workload's 350 features as a catalogue of the product.

A signal is a pair of agency and kind, 480 of them; channels are the kinds, the agencies and everything.
The columns are the reference's, but for the trend: it is made of two counts of the same row, so the count
of 90 days stands in its place and those of 180 days behind the rest, until `in_order` has put them together.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from itertools import product

import numpy as np
from numba import njit

from benchmarks.reference import NAMES, OF_AN_AGENCY, WINDOWS
from benchmarks.workload import AGENCIES, KINDS
from features.catalogue import Catalogue, SourceFacts
from features.feature import Channel, Feature, Kind, Signal

SIGNALS = tuple(f"{agency}.{kind}" for agency, kind in product(AGENCIES, KINDS))
MEASURED = {
    "dsl": ("days_since", 730),
    "nd365": ("signals", 365),
    **{f"{of}{window}": (f"amount_{of}", window) for of in ("sum", "max", "mean") for window in (90, 365)},
    "trend90": ("count", 90),
    "iat": ("gap_mean", 730),
    "c30": ("count", 30),
    "c365": ("count", 365),
}
_TREND = np.array([NAMES.index(f"{agency}_trend90") for agency in AGENCIES])


@cache
def workload_catalogue() -> Catalogue:
    """The 350 features, and 12 counts that only the trend needs."""
    signals = [Signal(name, name.split(".")[0], "event", "events") for name in SIGNALS]

    def channel(name: str, kind: Kind, parts: list[Signal]) -> Channel:
        return Channel(name, kind, False, tuple(parts), "event", "events")

    channels = [channel(signal.name, "signal", [signal]) for signal in signals]
    channels += [channel(kind, "theme", [s for s in signals if s.name.endswith(kind)]) for kind in KINDS]
    channels += [channel(agency, "agency", [s for s in signals if s.source == agency]) for agency in AGENCIES]
    channels += [channel("all", "all", signals)]
    asked = [(kind, "count", window) for kind in KINDS for window in WINDOWS]
    asked += [(agency, *MEASURED[name]) for agency in AGENCIES for name in OF_AN_AGENCY]
    asked += [("all", "count", window) for window in WINDOWS] + [("all", "agencies", 365)]
    features = [Feature(name, *what) for name, what in zip(NAMES, asked, strict=True)]
    features += [Feature(f"{agency}_c180", agency, "count", 180) for agency in AGENCIES]
    facts = tuple(SourceFacts(agency, agency, date(2000, 1, 1), False) for agency in AGENCIES)
    return Catalogue(tuple(features), tuple(channels), WINDOWS, facts)


def in_order(values: np.ndarray) -> np.ndarray:
    """(n, 362) as the kernel gives them -> (n, 350) as the reference has them; in place."""
    _put_trends(values, _TREND, len(NAMES))
    return values[:, : len(NAMES)]


@njit(cache=True, nogil=True)
def _put_trends(values, trend, behind):  # type: ignore[no-untyped-def]
    for row in values:
        for at in range(len(trend)):
            row[trend[at]] = 2 * row[trend[at]] - row[behind + at]
