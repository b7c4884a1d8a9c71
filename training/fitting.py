"""Every kind of candidate, fitted on the same rows, and everybody of a date scored by all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from models.calibration import Platt
from models.judge import Scored
from models.scorer import Scorer
from models.spec import Specification
from training.asked import Listed
from training.examples import Examples, margins_of
from training.linear import fit_baselines, fit_logistic
from training.plan import Plan
from training.trees import Fold, Setting, fit_trees

TREES, LOGISTIC = "lightgbm", "logistic"

AS_IT_IS = Platt(1.0, 0.0)


def titles_of(specification: Specification) -> dict[str, str]:
    """kind → what it is called."""
    titles = {TREES: "gradient-boosted trees", LOGISTIC: f"{len(specification.logistic)}-feature logistic"}
    return titles | {baseline.name: baseline.title for baseline in specification.baselines}


def fit_all(plan: Plan, setting: Setting, rows: Examples | Fold) -> dict[str, Scorer]:
    """kind → the trees of a setting, the logistic model and the baselines, of the same rows; of a fold,
    those to fit on.

    The few columns of the last two are held for all rows; the trees' go by in blocks.
    """
    specification, catalogue = plan.specification, plan.catalogue
    trees = fit_trees(setting, catalogue.names, rows, threads=plan.threads, seed=plan.seed)
    training = rows.fit if isinstance(rows, Fold) else rows
    y = training.y
    summed = chain.from_iterable(baseline.features for baseline in specification.baselines)
    few = training.columns(sorted({*specification.logistic, *summed}))
    return {
        TREES: trees,
        LOGISTIC: fit_logistic(catalogue, specification.logistic, few, y, seed=plan.seed),
        **fit_baselines(catalogue, specification.baselines, few, y),
    }


def score_lists(
    scorers: Mapping[str, Scorer],
    names: Sequence[str],
    lists: Sequence[Listed],
    *,
    platts: Mapping[str, Platt] | None = None,
) -> dict[str, list[Scored]]:
    """kind → everybody of each date, scored; by margins as they are where they are not calibrated."""
    scored: dict[str, list[Scored]] = {kind: [] for kind in scorers}
    for each in lists:
        morning, followed = each.morning, each.followed
        for kind, margins in margins_of(scorers, names, morning.known).items():
            platt = platts[kind] if platts else AS_IT_IS
            log_odds = platt.slope * margins + platt.intercept
            scored[kind].append(
                Scored(morning.as_of, morning.person_ids, log_odds, followed.y, followed.same_as)
            )
    return scored
