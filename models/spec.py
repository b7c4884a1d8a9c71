"""What a risk model is asked to do: one YAML file per outcome, read from the workspace.

The outcome and its horizon, who is eligible, how many people a team can see in a week, which
features may be used, what the model has to beat, and on which dates it is fitted, calibrated and
judged. Mistakes are reported all at once, each with the key, what was given and what would do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from features.cohort import Eligibility
from features.counted import one_happening
from features.errors import UserMistake
from features.happenings import SameHappening
from features.outcomes import Outcome, OutcomePart
from features.vital import exit_signals
from features.workspace import Workspace
from models.spec_candidates import Baseline, LightGBM, directions
from models.spec_errors import spec_problems
from models.spec_types import A_CENTURY, TEN_YEARS, Age, Dates, Day, Days, Name, Specified, Text

if TYPE_CHECKING:
    from features.catalogue import Catalogue

TEMPLATES = Path(__file__).parent / "specs"

NEEDED_TO_FIT = 50
"""Rows with the outcome on the training dates, and people in them, without which it is *not estimable*."""


class Part(Specified):
    """One thing that counts as the outcome, such as an eviction."""

    name: Name
    title: Text
    signals: list[Text] = Field(min_length=1, description="'<source>.<signal>'")
    under_age: Age | None = Field(None, description="only for people younger than this that day")
    at_least: Days = Field(1, description="only if it happens on so many days of the horizon")


class OutcomeRule(Specified):
    """What is to be prevented, and within how many days."""

    horizon_days: int = Field(gt=0, le=TEN_YEARS)
    parts: list[Part] = Field(min_length=1)
    service_spells: list[Text] = Field(default_factory=list, description="open: the person is there already")


class EligibleRule(Specified):
    """Who may be on a list; what each key means stands in `features.cohort`."""

    seen_within_days: Days = 730
    held: bool = True
    open_spell: list[Text] = Field(default_factory=list)
    not_open: list[Text] = Field(default_factory=list, description="open: the person is helped already")
    at_least_age: Age | None = Field(default=None, description="whole years, on the day asked")
    under_age: Age | None = None


class GatesRule(Specified):
    """What a model must keep to before anybody may approve it, where that is not the same for all of them.

    recall_gap: how far, from 0 to 1, the recall of a group may lie below everybody's; see `models.audit`.
    """

    recall_gap: float = Field(default=0.02, ge=0, lt=1)


class SequenceRule(Specified):
    """Events of the channel `then` that come 1 to `within` days after one of the channel `first`."""

    first: Text
    then: Text
    within: Days


class AssociationRule(Specified):
    """Personal signals that reach the people somebody lives with, and for how many days."""

    signals: list[Text]
    within_days: Days


class SensitiveRule(Specified):
    """A signal close to a protected characteristic that is used all the same, and why that is right."""

    signal: Text
    why: Text = Field(min_length=30, description="for the card, the impact assessment and the board")


class FeatureRule(Specified):
    """Which features the catalogue derives; include and exclude are patterns of feature names.

    sequences and association are asked for by name and need no including; what is wrong with them
    `features.catalogue` says. association: off unless it stands here. sensitive: signals
    that are declared so are no features unless they are named and justified here.
    """

    windows: list[Days] = Field(default_factory=lambda: [30, 90, 180, 365, 730], min_length=1)
    include: list[Text] | None = None
    exclude: list[Text] = Field(default_factory=list)
    sequences: list[SequenceRule] = Field(default_factory=list)
    association: AssociationRule | None = None
    sensitive: list[SensitiveRule] = Field(default_factory=list)


class ExplicitCalendar(Specified):
    """Dates written out. `also_report` dates are judged and printed beside the test."""

    train: list[Day] = Field(min_length=1)
    calibrate: list[Day] = Field(min_length=1)
    test: list[Day] = Field(min_length=1)
    also_report: list[Day] = Field(default_factory=list)


class RollingCalendar(Specified):
    """Dates counted back from the last delivery, `every_days` apart; training dates reach back
    `history_days` from the last of them.

    folds: so many times settings and candidates are tried on earlier dates, `test_dates` at a time.
    Training dates with less than `least_history_days` behind them are dropped, so that a short history
    gives fewer of them, and fewer folds.
    """

    every_days: Days
    history_days: int = Field(ge=0, le=A_CENTURY)
    folds: int = Field(3, ge=0, le=1_000)
    calibration_dates: Dates
    test_dates: Dates
    least_history_days: int = Field(365, ge=0, le=A_CENTURY)


def _which(given: Any) -> str:
    if isinstance(given, dict):
        rolling, explicit = (
            len(kind.model_fields.keys() & given) for kind in (RollingCalendar, ExplicitCalendar)
        )
        return "rolling" if "every_days" in given or rolling > explicit else "explicit"
    return "rolling" if isinstance(given, RollingCalendar) else "explicit"


Calendar = Annotated[
    Annotated[ExplicitCalendar, Tag("explicit")] | Annotated[RollingCalendar, Tag("rolling")],
    Discriminator(_which),
]


class Specification(Specified):
    """A model to be: see the module."""

    name: Name
    title: Text
    outcome: OutcomeRule
    eligible: EligibleRule = EligibleRule()
    gates: GatesRule = GatesRule()
    capacity: int = Field(30, gt=0, le=1_000_000, description="people a team can talk to in a week")
    features: FeatureRule = FeatureRule()
    baselines: list[Baseline] = Field(min_length=1)
    logistic: list[Text] = Field(min_length=1, description="the features of the logistic model")
    calendar: Calendar
    lightgbm: LightGBM

    @model_validator(mode="after")
    def _hangs_together(self) -> Specification:
        problems = [
            f"{key}: {name!r} is named twice"
            for key, names in (
                ("outcome.parts", [part.name for part in self.outcome.parts]),
                ("baselines", [baseline.name for baseline in self.baselines]),
                ("logistic", self.logistic),
            )
            for name in sorted({n for n in names if names.count(n) > 1})
        ]
        for baseline in self.baselines:
            if baseline.name in ("lightgbm", "logistic"):
                problems.append(f"baselines: {baseline.name!r} is the name of another model")
        problems += [
            f"outcome.parts.{part.name}.at_least: {part.at_least} days cannot come within a horizon of "
            f"{self.outcome.horizon_days}"
            for part in self.outcome.parts
            if part.at_least > self.outcome.horizon_days
        ]
        if self.eligible.seen_within_days > max(self.features.windows):
            problems.append(
                f"eligible.seen_within_days: {self.eligible.seen_within_days} is more than the longest of "
                f"features.windows, {max(self.features.windows)}; somebody could be eligible with no row"
            )
        least, under = self.eligible.at_least_age, self.eligible.under_age
        if least is not None and under is not None and least >= under:
            problems.append(f"eligible.at_least_age: {least} leaves nobody who is under {under}")
        for signal in sorted({*self.eligible.open_spell} & {*self.eligible.not_open}):
            problems.append(f"eligible.not_open: {signal!r} is asked for in eligible.open_spell")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def counted(self) -> tuple[str, ...]:
        """The signals of parts that have to come on several days, so that what is one happening matters."""
        return tuple(sorted({s for part in self.outcome.parts if part.at_least > 1 for s in part.signals}))

    def to_outcome(self, happenings: tuple[SameHappening, ...] = ()) -> Outcome:
        """The outcome as `features.outcomes` judges it. happenings: those of the model's eligibility."""
        parts = tuple(
            OutcomePart(part.name, part.title, tuple(part.signals), part.under_age, part.at_least)
            for part in self.outcome.parts
        )
        return Outcome(parts, self.outcome.horizon_days, tuple(self.outcome.service_spells), happenings)

    def to_eligibility(self, workspace: Workspace, catalogue: Catalogue) -> Eligibility:
        """Who is eligible: by the catalogue's signals and sources, and the exits and happenings as
        declared today.

        What happened to somebody else makes nobody eligible.
        """
        return Eligibility(
            signals=catalogue.own_signals,
            sources=tuple(catalogue.sources),
            seen_within_days=self.eligible.seen_within_days,
            held=self.eligible.held,
            open_spell=tuple(self.eligible.open_spell),
            exits=exit_signals(workspace.sources),
            not_open=tuple(self.eligible.not_open),
            at_least_age=self.eligible.at_least_age,
            under_age=self.eligible.under_age,
            happenings=one_happening(workspace.sources, self.counted),
        )


def read_spec(workspace: Workspace, name: str) -> Specification:
    """`specs/<name>.yaml` of the workspace. Raises UserMistake with every problem of the file, those
    signals included that no source of the workspace declares."""
    path = workspace.specs_folder / f"{name}.yaml"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in workspace.specs_folder.glob("*.yaml"))) or "none"
        raise UserMistake(
            f"The workspace has no specification {name!r}.",
            problems=[f"there are: {there}, in {path.parent}"],
        )
    try:
        given = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        if not isinstance(given, dict):
            raise UserMistake(f"{path.name} is not a map of keys; a specification starts with `name:`.")
        specification = Specification.model_validate(given)
    except yaml.YAMLError as error:
        raise UserMistake(f"{path.name} is not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        problems = [f"{path.name}: {problem}" for problem in spec_problems(error, Specification)]
        raise UserMistake("The specification cannot be used.", problems=problems) from None
    problems = [
        problem
        for check in (_unknown_signals, _without_end, _not_sensitive)
        for problem in check(workspace, specification)
    ]
    if specification.name != name:
        problems.append(f"name: {specification.name!r} should be the file's own, {name!r}")
    if problems:
        raise UserMistake(
            "The specification cannot be used.", problems=[f"{path.name}: {problem}" for problem in problems]
        )
    return specification


def catalogue_of(workspace: Workspace, specification: Specification) -> Catalogue:
    """The features a specification asks for. Raises UserMistake naming those that do not exist."""
    from features.association import Association
    from features.catalogue import derive_catalogue
    from features.sequences import FirstThen

    rule, others = specification.features, specification.features.association
    try:
        catalogue = derive_catalogue(
            workspace.sources,
            windows=tuple(rule.windows),
            include=None if rule.include is None else tuple(rule.include),
            exclude=tuple(rule.exclude),
            sequences=tuple(FirstThen(s.first, s.then, s.within) for s in rule.sequences),
            association=None if others is None else Association(tuple(others.signals), others.within_days),
            sensitive=tuple(s.signal for s in rule.sensitive),
        )
    except UserMistake as mistake:
        raise UserMistake(
            f"The features of the specification {specification.name!r} cannot be derived.",
            problems=[f"{specification.name}.yaml: features: {problem}" for problem in mistake.problems],
        ) from None
    asked = [("logistic", name) for name in specification.logistic]
    asked += [(f"baselines.{b.name}", name) for b in specification.baselines for name in b.asked]
    names = list(catalogue.names)
    problems = [
        f"{key}: there is no feature {name!r}{_nearest(name, names)}"
        for key, name in asked
        if name not in names
    ]
    try:
        directions(specification.lightgbm.monotone, names)
    except UserMistake as mistake:
        problems += mistake.problems
    if problems:
        raise UserMistake(f"The specification {specification.name!r} cannot be used.", problems=problems)
    return catalogue


def _unknown_signals(workspace: Workspace, specification: Specification) -> Iterable[str]:
    declared = [f"{s.source}.{signal}" for s in workspace.sources.values() for signal in s.signals]
    asked = [(f"outcome.parts.{p.name}", signal) for p in specification.outcome.parts for signal in p.signals]
    asked += [("outcome.service_spells", signal) for signal in specification.outcome.service_spells]
    asked += [("eligible.open_spell", signal) for signal in specification.eligible.open_spell]
    asked += [("eligible.not_open", signal) for signal in specification.eligible.not_open]
    for key, signal in asked:
        if signal not in declared:
            yield f"{key}: no source declares the signal {signal!r}{_nearest(signal, declared)}"


def _without_end(workspace: Workspace, specification: Specification) -> Iterable[str]:
    """Help that has no end in the records would leave somebody out for ever."""
    words = {f"{s.source}.{name}": w for s in workspace.sources.values() for name, w in s.signals.items()}
    for signal in specification.eligible.not_open:
        if signal in words and not words[signal].spell:
            yield f"eligible.not_open: {signal!r} is no spell; what has no end would be open for ever"


def sensitive_signals(workspace: Workspace) -> dict[str, str]:
    """The signals that sources declare sensitive, with what they are close to."""
    return {
        f"{source.source}.{name}": words.sensitive
        for source in workspace.sources.values()
        for name, words in source.signals.items()
        if words.sensitive and words.is_feature
    }


def _not_sensitive(workspace: Workspace, specification: Specification) -> Iterable[str]:
    declared, asked = sensitive_signals(workspace), [s.signal for s in specification.features.sensitive]
    for name in asked:
        if name not in declared:
            yield f"features.sensitive: no source declares {name!r} as sensitive{_nearest(name, [*declared])}"
    for name in sorted({name for name in asked if asked.count(name) > 1}):
        yield f"features.sensitive: {name!r} is named twice"


def _nearest(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=3)
    return f"; near it are {', '.join(near)}" if near else ""
