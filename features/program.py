"""A catalogue as the kernel reads it: a few small integer arrays.

Which channels a signal belongs to, what each channel must keep count of, and for every feature its
measure, window and place in the row. A new source or feature changes these arrays and no code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from features import feature as f
from features.asof import day_number
from features.catalogue import Catalogue
from features.errors import UserMistake
from features.feature import Channel, Feature

# The columns of a channel's tally; a channel keeps those that its features need. FIRST takes the least
# of a window's bands, MOST the greatest, all others the sum.
N, FIRST, DAYS, REPEATS_7, REPEATS_28, GAPS, TIMED, NIGHT, WEEKEND = range(9)
SURE, SIGNALS, AGENCIES, GIVEN, TOTAL, MOST, SPELLS = range(9, 16)
COLUMNS = 16

_NEEDS = {
    f.COUNT: (),
    f.DAYS_SINCE: (FIRST,),
    f.DAYS_SINCE_FIRST: (FIRST,),
    f.DAYS: (FIRST, DAYS),
    f.REPEATS_7: (REPEATS_7,),
    f.REPEATS_28: (REPEATS_28,),
    f.GAP_MEAN: (FIRST,),
    f.GAP_SPREAD: (FIRST, GAPS),
    f.NIGHT_SHARE: (TIMED, NIGHT),
    f.WEEKEND_SHARE: (WEEKEND,),
    f.CHANGE: (SURE,),
    f.SIGNALS: (SIGNALS,),
    f.AGENCIES: (AGENCIES,),
    f.AMOUNT_SUM: (GIVEN, TOTAL),
    f.AMOUNT_MAX: (GIVEN, MOST),
    f.AMOUNT_MEAN: (GIVEN, TOTAL),
    f.AMOUNT_LATEST: (GIVEN,),
    f.IS_OPEN: (SPELLS,),
    f.DAYS_OPEN: (SPELLS,),
}
_ZERO_WHERE_SILENT = {
    f.COUNT,
    f.DAYS,
    f.REPEATS_7,
    f.REPEATS_28,
    f.CHANGE,
    f.SIGNALS,
    f.AGENCIES,
    f.AMOUNT_SUM,
    f.IS_OPEN,
    f.AFTER,
}


class Program(NamedTuple):
    """F features on C channels of S signals from A sources, over W windows; Q sequences.

    A list per item is two arrays, `x_start` and `x`: item i has x[x_start[i]:x_start[i + 1]]. A slot is
    2 * source + 1 for what happens in a household, + 0 for what happens to a person. A tie is an
    agency of a channel that counts its agencies.
    """

    signal: np.ndarray  # (store's signals,) int32: position among the S; -1 = not of the catalogue
    source: np.ndarray  # (store's sources,) int32: position among the A; -1 = not of the catalogue
    windows: np.ndarray  # (W,) int64 days, every length that a feature needs, ascending
    longest: int  # position of the longest window of the catalogue
    recent: int  # position of the 90 days of `change`; 0 if nothing asks
    before: int  # position of its 455 days
    spells: bool  # some feature asks for spells, which may have begun before the longest window
    covers_from: np.ndarray  # (A,) int64 day numbers
    register: np.ndarray  # (A,) bool
    slot: np.ndarray  # (S,) int64
    channel_start: np.ndarray  # (S + 1,) int64: the channels of each signal
    channel: np.ndarray
    tie: np.ndarray  # as long as `channel`; -1 where the channel does not count agencies
    tie_channel: np.ndarray  # (ties,) int64
    needs: np.ndarray  # (C,) int64: the columns of the tally that are kept, as bits
    slots_start: np.ndarray  # (C + 1,) int64: the slots of each channel
    slots: np.ndarray
    feature_start: np.ndarray  # (C + 1,) int64: the features of each channel
    feature: np.ndarray  # place in the row
    measure: np.ndarray
    window: np.ndarray  # position in windows
    zero: np.ndarray  # bool: silence that is covered means 0, not NaN
    first_start: np.ndarray  # (S + 1,) int64: the sequences that a signal begins
    first: np.ndarray
    then_start: np.ndarray  # (S + 1,) int64: the sequences that a signal ends
    then: np.ndarray
    within: np.ndarray  # (Q,) int64 days
    pair: np.ndarray  # (Q, 2) int64: the channels that come first and then
    sequence_start: np.ndarray  # (Q + 1,) int64: the features of each sequence
    sequence_feature: np.ndarray
    sequence_window: np.ndarray


def compile_catalogue(catalogue: Catalogue, *, signals: Sequence[str], sources: Sequence[str]) -> Program:
    """The arrays that tell the kernel what to compute from the rows of a store.

    signals, sources: the store's, in its order. Rows of signals that the catalogue does not have are
    passed over; a source of the catalogue that the store does not have holds nobody. Raises
    UserMistake naming signals of the catalogue that the store does not know: their silence would be
    read as good news.
    """
    unknown = sorted(set(catalogue.codes) - set(signals))
    if unknown:
        raise UserMistake(
            "The feature list counts signals that no source declares and no event has.",
            problems=[f"{name}: declare it again, or train a model without it" for name in unknown],
        )
    needed = {feature.window for feature in catalogue.features}
    changing = any(feature.measure == "change" for feature in catalogue.features)
    windows = sorted({*catalogue.windows, *needed, *({f.CHANGE_RECENT} if changing else ())})
    window_at = {length: at for at, length in enumerate(windows)}
    change_window = f.CHANGE_RECENT + f.CHANGE_BEFORE

    signal_at = {name: at for at, name in enumerate(catalogue.codes)}
    source_at = {name: at for at, name in enumerate(catalogue.sources)}
    channel_at = {channel.name: at for at, channel in enumerate(catalogue.channels)}
    slot = np.zeros(len(signal_at), np.int64)
    members: list[list[int]] = [[] for _ in signal_at]
    ties: list[list[int]] = [[] for _ in signal_at]
    tie_at: dict[tuple[int, str], int] = {}
    own: list[list[Feature]] = [[] for _ in channel_at]
    for feature in catalogue.features:
        if feature.measure != "after":
            own[channel_at[feature.channel]].append(feature)
    needs = [_needs(features) for features in own]
    for at, channel in enumerate(catalogue.channels):
        for part in channel.parts:
            signal = signal_at[channel.codes[part.name]]
            slot[signal] = _slot(channel, source_at[part.source])
            if own[at]:
                counted = needs[at] & (1 << AGENCIES)
                members[signal].append(at)
                ties[signal].append(tie_at.setdefault((at, part.source), len(tie_at)) if counted else -1)
    slots = [sorted({_slot(c, source_at[name]) for name in c.sources}) for c in catalogue.channels]

    sequences, told = _sequences(catalogue.features)
    begins: list[list[int]] = [[] for _ in signal_at]
    ends: list[list[int]] = [[] for _ in signal_at]
    for at, (first, then, _) in enumerate(sequences):
        for name in catalogue.channel(first).codes.values():
            begins[signal_at[name]].append(at)
        for name in catalogue.channel(then).codes.values():
            ends[signal_at[name]].append(at)
    place = {name: at for at, name in enumerate(catalogue.names)}
    listed = [feature for features in own for feature in features]
    return Program(
        signal=np.array([signal_at.get(name, -1) for name in signals], np.int32),
        source=np.array([source_at.get(name, -1) for name in sources], np.int32),
        windows=_ints(windows),
        longest=window_at[catalogue.longest],
        recent=window_at[f.CHANGE_RECENT] if changing else 0,
        before=window_at[change_window] if changing else 0,
        spells=any(need & (1 << SPELLS) for need in needs),
        covers_from=_ints(day_number(fact.covers_from) for fact in catalogue.facts),
        register=np.array([fact.register for fact in catalogue.facts], np.bool_),
        slot=slot,
        channel_start=_starts(members),
        channel=_flat(members),
        tie=_flat(ties),
        tie_channel=_ints(at for at, _ in tie_at),
        needs=_ints(needs),
        slots_start=_starts(slots),
        slots=_flat(slots),
        feature_start=_starts(own),
        feature=_ints(place[feature.name] for feature in listed),
        measure=_ints(f.MEASURES[feature.measure].code for feature in listed),
        window=_ints(window_at[feature.window] for feature in listed),
        zero=np.array([f.MEASURES[x.measure].code in _ZERO_WHERE_SILENT for x in listed], np.bool_),
        first_start=_starts(begins),
        first=_flat(begins),
        then_start=_starts(ends),
        then=_flat(ends),
        within=_ints(within for _, _, within in sequences),
        pair=_ints(channel_at[name] for first, then, _ in sequences for name in (first, then)).reshape(-1, 2),
        sequence_start=_starts(told),
        sequence_feature=_ints(place[feature.name] for features in told for feature in features),
        sequence_window=_ints(window_at[feature.window] for features in told for feature in features),
    )


def _needs(features: Iterable[Feature]) -> int:
    columns = {N, *(c for feature in features for c in _NEEDS[f.MEASURES[feature.measure].code])}
    return sum(1 << column for column in columns)


def _slot(channel: Channel, source: int) -> int:
    return 2 * source + channel.household


def _sequences(
    features: Iterable[Feature],
) -> tuple[list[tuple[str, str, int]], list[list[Feature]]]:
    """Every sequence that is asked for once, and the features on each."""
    found: dict[tuple[str, str, int], list[Feature]] = {}
    for feature in features:
        if feature.measure == "after":
            found.setdefault((feature.after, feature.channel, feature.within), []).append(feature)
    return list(found), list(found.values())


def _ints(values: Iterable[int]) -> np.ndarray:
    return np.array(list(values), np.int64)


def _flat(lists: Sequence[Sequence[int]]) -> np.ndarray:
    return _ints(item for each in lists for item in each)


def _starts(lists: Sequence[Sequence]) -> np.ndarray:
    return _ints(accumulate((len(each) for each in lists), initial=0))
