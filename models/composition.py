"""What scores are made of: how much each column and each channel moves them, over many people at once.

Reasons say what moved one person's score. The same exact contributions, of everybody, say what moves
the scores of a county. Between two groups of people scored by one model the mean score differs by
exactly the sum of the differences in pull, channel by channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from models.candidate import Candidate


@dataclass(frozen=True)
class Part:
    """One channel, in log-odds. weight: the mean size of its contribution, whether it raises or lowers;
    pull: the mean contribution. Of a person its columns are summed first."""

    weight: float
    pull: float


@dataclass(frozen=True)
class Composition:
    """people: how many. columns: column → mean size of its contribution, log-odds. channels: by name."""

    people: int
    columns: dict[str, float]
    channels: dict[str, Part]


def composition(candidate: Candidate, parts: Iterable[np.ndarray], *, threads: int = 1) -> Composition:
    """What the scores of some people are made of.

    parts: (n, p) float32, the candidate's columns of some of the people each, as `Candidate.columns`
    gives them; looked at one after another. Of nobody everything is 0.
    """
    channel_of = {feature.name: feature.channel for feature in candidate.catalogue.features}
    of_column = [channel_of[name] for name in candidate.names]
    order = np.array(sorted(range(len(of_column)), key=of_column.__getitem__), np.int64)
    channels, starts = np.unique(np.array(of_column)[order], return_index=True)
    people, columns = 0, np.zeros(len(of_column))
    weight, pull = np.zeros(len(channels)), np.zeros(len(channels))
    for X in parts:
        for contributions in candidate.contributions_of_all(X, threads=threads):
            together = np.add.reduceat(contributions[:, order], starts, axis=1)
            people += len(contributions)
            columns += np.abs(contributions[:, :-1]).sum(axis=0)
            weight += np.abs(together).sum(axis=0)
            pull += together.sum(axis=0)
    n = max(people, 1)
    of_channels = zip(channels.tolist(), (weight / n).tolist(), (pull / n).tolist(), strict=True)
    return Composition(
        people=people,
        columns=dict(zip(candidate.names, (columns / n).tolist(), strict=True)),
        channels={name: Part(mean_size, mean) for name, mean_size, mean in of_channels},
    )
