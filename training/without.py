"""What would have been known of everybody had some signals never been sent.

Leaving a source's own columns out is not enough: what several agencies sent is counted together too. So
the catalogue is cut down, broad channels to the signals that are left, and the kernel goes over the rows
again; nothing of it is stored. The people asked about stay the same, whoever told of them, so that two
lists can be held against each other. (Of a happening that three systems recorded, and of which the first
record is left out, the others count only if they are the first of a pair.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from features.catalogue import Catalogue
from features.feature import Channel
from features.happenings import once_codes
from features.panel import Panel, compiled
from features.shard_files import Shard
from features.snapshot import Snapshot
from features.threads import in_order
from training.question import PanelRows


def without(catalogue: Catalogue, signals: Collection[str]) -> Catalogue:
    """The catalogue as it would be had these signals never been sent, but for who has a row in its panel.

    signals: names as channels have them, 'association.' in front of those of other people. A feature of
    nothing but these is left out. All signals stay among its own, so that nobody's row is lost.
    """
    left = [_left(channel, signals, catalogue) for channel in catalogue.channels if channel.kind != "signal"]
    there = {channel.name: channel for channel in left if channel.parts}
    of_signal = [channel for channel in catalogue.channels if channel.kind == "signal"]
    measured = {*there, *(c.name for c in of_signal if c.signals[0] not in signals)}
    return replace(
        catalogue,
        features=tuple(
            feature
            for feature in catalogue.features
            if feature.channel in measured and (not feature.after or feature.after in measured)
        ),
        channels=tuple(
            channel if channel.kind == "signal" else there[channel.name]
            for channel in catalogue.channels
            if channel.kind == "signal" or channel.name in there
        ),
    )


def _left(channel: Channel, signals: Collection[str], catalogue: Catalogue) -> Channel:
    parts = tuple(part for part in channel.parts if part.name not in signals)
    once = once_codes(channel.kind, parts, catalogue.happenings) if channel.once else ()
    return replace(channel, parts=parts, once=once)


def rows_again(
    snapshot: Snapshot, catalogue: Catalogue, wanted: Sequence[PanelRows]
) -> Iterator[tuple[int, np.ndarray]]:
    """(position among the wanted, X (n_k, p) float32) of what the kernel makes of the same rows for
    another catalogue of `without`, shard by shard, each of which is read once for all dates."""
    shards, part = compiled(snapshot, catalogue)
    threads = snapshot.workspace.settings.threads
    for found in in_order(
        lambda number: list(_of_shard(shards.read(number), number, part, wanted)),
        range(len(shards)),
        threads=threads,
    ):
        yield from found


def _of_shard(
    shard: Shard, number: int, part: Callable[[Shard, date], Panel], wanted: Sequence[PanelRows]
) -> Iterator[tuple[int, np.ndarray]]:
    for at, rows in enumerate(wanted):
        if len(rows.rows[number]):
            yield at, part(shard, rows.as_of).X[rows.rows[number]]
