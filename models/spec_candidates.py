"""What a specification says of its candidates: what managers sort by today, and how trees are fitted.

A baseline is a sum of features, a rule that a team already uses, or the list of some days before. The
trees' settings are written out, or searched for within a space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field, model_validator

from features.errors import UserMistake, nearest
from models.spec_types import Bound, Days, Name, Number, Specified, Text

OURS = (
    *("objective", "objective_type", "app", "application", "loss", "seed", "random_seed", "random_state"),
    *("deterministic", "force_row_wise", "force_col_wise", "verbosity", "verbose", "feature_pre_filter"),
    *("num_threads", "num_thread", "nthread", "nthreads", "n_jobs"),
    *("bin_construct_sample_cnt", "subsample_for_bin", "data_random_seed", "data_seed"),
)
"""LightGBM parameters, by all their names, that a specification may not set: the same fit must give the
same bytes."""

BINS = (
    *("max_bin", "max_bins", "min_data_in_bin", "enable_bundle", "bundle", "is_enable_bundle"),
    *("is_enable_sparse", "enable_sparse", "is_sparse", "sparse"),
    *("use_missing", "zero_as_missing", "linear_tree", "linear_trees"),
)
"""LightGBM parameters that lay out the bins, which all settings share."""

Direction = Literal["increasing", "decreasing"]


class Condition(Specified):
    """What a rule asks of one feature: a lower bound, an upper bound, or both."""

    feature: Text
    at_least: Bound | None = None
    above: Bound | None = None
    at_most: Bound | None = None
    below: Bound | None = None

    @model_validator(mode="after")
    def _one_bound_a_side(self) -> Condition:
        lower = [bound for bound in (self.at_least, self.above) if bound is not None]
        upper = [bound for bound in (self.at_most, self.below) if bound is not None]
        if not lower and not upper:
            raise ValueError(f"say what {self.feature!r} must be: at_least, above, at_most or below")
        if len(lower) > 1 or len(upper) > 1:
            raise ValueError(f"{self.feature!r} needs one of at_least and above, one of at_most and below")
        if lower and upper and not lower[0] <= upper[0]:
            raise ValueError(f"nothing is from {lower[0]:g} up and to {upper[0]:g} down")
        return self


class Baseline(Specified):
    """What people go by today: one of three.

    features: a sum of them, its direction learned on training dates. rule: conditions that a team
    already uses; who meets all comes first, then who meets more. days_before: the list made so many
    days before, which can be judged but has no score of its own to serve by.
    """

    name: Name
    title: Text
    features: list[Text] = Field(default_factory=list)
    rule: list[Condition] = Field(default_factory=list)
    days_before: Days | None = None

    @property
    def asked(self) -> list[str]:
        """The features it reads."""
        return [*self.features, *(condition.feature for condition in self.rule)]

    @model_validator(mode="after")
    def _one_of_three(self) -> Baseline:
        if sum([bool(self.features), bool(self.rule), self.days_before is not None]) != 1:
            raise ValueError(f"{self.name!r} needs one of features, rule and days_before")
        if twice := sorted({name for name in self.asked if self.asked.count(name) > 1}):
            raise ValueError(f"{self.name!r} names {', '.join(twice)} twice")
        return self


class Space(Specified):
    """Where a parameter is looked for: from low to high, on a log scale if so said, or among choices.

    Whole numbers give whole numbers.
    """

    low: Bound | None = None
    high: Bound | None = None
    log: bool = False
    choices: list[Number] | None = Field(default=None, min_length=2)

    @model_validator(mode="after")
    def _can_be_searched(self) -> Space:
        if (self.choices is None) == (self.low is None or self.high is None):
            raise ValueError("needs low and high, or choices")
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log:
                raise ValueError("choices go without low, high and log")
        elif self.low is not None and self.high is not None:
            if not self.low < self.high:
                raise ValueError(f"low, {self.low:g}, has to be below high, {self.high:g}")
            if self.log and not self.low > 0:
                raise ValueError(f"on a log scale low has to be above 0, not {self.low:g}")
        return self


def _usual() -> dict[str, Space]:
    return {
        "num_leaves": Space(low=4, high=31, log=True),
        "min_data_in_leaf": Space(low=50, high=400, log=True),
        "learning_rate": Space(low=0.02, high=0.2, log=True),
        "lambda_l2": Space(low=1.0, high=50.0, log=True),
        "feature_fraction": Space(low=0.1, high=0.8),
    }


class Search(Specified):
    """How many settings are tried, besides those written out, and where they are looked for."""

    trials: int = Field(gt=0, le=10**9)
    space: dict[str, Space] = Field(default_factory=_usual, min_length=1)


class LightGBM(Specified):
    """Parameters of every fit, and settings of which one is chosen on earlier dates only.

    monotone: pattern of feature names → whether more of it may only raise the score, or only lower it.
    What is missing is not more or less than anything and may lie on either side.
    """

    parameters: dict[str, Number] = Field(default_factory=dict)
    settings: list[dict[str, Number]] = Field(min_length=1)
    rounds: list[Annotated[int, Field(gt=0, le=10_000)]] = Field(
        default_factory=lambda: [50, 100, 200], min_length=1, description="numbers of trees to choose from"
    )
    search: Search | None = None
    monotone: dict[str, Direction] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _not_ours(self) -> LightGBM:
        tried = [*map(set, self.settings), set(self.search.space if self.search else ())]
        for given in [set(self.parameters), *tried]:
            if kept := sorted(given & set(OURS)):
                raise ValueError(f"{', '.join(kept)} cannot be set: the same fit must give the same bytes")
        if own := sorted(set().union(*tried) & set(BINS)):
            raise ValueError(f"{', '.join(own)}: settings share their bins; it can stand in parameters only")
        return self


def directions(monotone: Mapping[str, Direction], names: Sequence[str]) -> list[int]:
    """1, -1 or 0 for each of the names, as LightGBM's `monotone_constraints` has them.

    Raises UserMistake for patterns that match none of them, and for names held in both directions.
    """
    matched = {pattern: {n for n in names if fnmatchcase(n, pattern)} for pattern in monotone}
    rising, falling = (
        set().union(*(matched[pattern] for pattern, way in monotone.items() if way == direction))
        for direction in ("increasing", "decreasing")
    )
    problems = [
        f"lightgbm.monotone: {pattern!r} matches no feature: {_near(pattern, names)}"
        for pattern in monotone
        if not matched[pattern]
    ]
    problems += [
        f"lightgbm.monotone: {name!r} is held both increasing and decreasing"
        for name in sorted(rising & falling)
    ]
    if problems:
        raise UserMistake("The trees cannot be held to these directions.", problems=problems)
    return [(name in rising) - (name in falling) for name in names]


def _near(pattern: str, names: Sequence[str]) -> str:
    """What would do in the place of a pattern that matches nothing: itself, with each part of it that no name
    has there put right; else the names most like it.

    >>> _near("polis.*", ["police.change", "police.count_90", "rents.count_90"])
    "did you mean 'police.*'?"
    """
    parts = []
    for at, part in enumerate(pattern.split(".")):
        there = sorted({words[at] for name in names if len(words := name.split(".")) > at})
        fits = any(fnmatchcase(word, part) for word in there)
        parts += [part] if fits else get_close_matches(part, there, n=1, cutoff=0.5) or [part]
    mended = ".".join(parts)
    return (
        f"did you mean {mended!r}?"
        if any(fnmatchcase(name, mended) for name in names)
        else nearest(pattern, names)
    )
