"""What the cards of a run say of fairness: each candidate's audit, and how much hangs on linkage and labels.

Who is in which group is read once a date for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from features.progress import Tell, quiet
from models.calibration import Platt
from models.judge import Scored
from models.plain import plain
from models.scorer import Scorer
from training.asked import Asked
from training.audited import audit_run, groups_of, proxies_run
from training.plan import Plan
from training.relinked import audited_again, judged_twice
from training.trees import Setting
from training.worth import what_each_is_worth


def fair(
    plan: Plan,
    asked: Asked,
    scorers: Mapping[str, Scorer],
    platts: Mapping[str, Platt],
    scored: Mapping[str, Sequence[Scored]],
    *,
    ablate: Setting | None = None,
    tell: Tell = quiet,
) -> dict[str, dict[str, Any]]:
    """Kind → the card's keys audit, proxies, later_links, surer_links and, with ablate, worth.

    scored: kind → everybody of each test date. A kind without a scorer, such as last week's list, cannot be
    scored by other links. ablate: the setting of trees that are fitted without each source.
    """
    of = groups_of(plan, asked)
    audits = audit_run(plan, asked, scored, of=of, tell=tell)
    shared: dict[str, Any] = {"proxies": plain(proxies_run(plan, asked, of=of, tell=tell))}
    if ablate:
        shared["worth"] = what_each_is_worth(plan, asked, ablate, of=of, tell=tell).to_json()
    twice = judged_twice(plan, asked, scorers, platts, scored, tell=tell)
    surer = audited_again(plan, asked, scorers, platts, scored, of=of, tell=tell)
    return {
        kind: {
            "audit": audit.to_json(),
            **shared,
            **({"later_links": twice.of(kind), "surer_links": surer.of(kind)} if kind in scorers else {}),
        }
        for kind, audit in audits.items()
    }
