"""The lists of the test dates, made again with other links than those that stood on their mornings.

With the links of the day of judging: was a list short of what it could have known, because records of one
person still counted as two people's? And with surer links alone: does whom it misses hang on records that
are only probably theirs? Nobody is fitted anew. Only those are scored again whose rows the other links touch
(see `features.other_links`); of everybody else the score stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from features.asof import sql_known
from features.other_links import links_of, rows_with, surer_links
from features.outcomes import already_there_sql, open_spell_sql
from features.panel import Panel
from features.progress import Tell, quiet
from features.vital import died_sql
from models.audit import ThresholdAudit
from models.calibration import Platt
from models.candidate import columns_by_name
from models.judge import Judgement, Scored, judge
from models.scorer import Scorer
from training.asked import Asked
from training.audited import Groups, audits, contacted, groups_of
from training.plan import Plan

Lists = Mapping[str, Sequence[Scored]]
"""Kind → everybody of each date, scored."""


@dataclass(frozen=True)
class Twice:
    """Kind → the figures of its lists with the links known then, and with those of the day of judging.
    people: asked about, over all dates; relinked: those of them with other subjects by then; again: those
    whose row is another's or touched by it, and who were scored again."""

    judged_on: str
    people: int
    relinked: int
    again: int
    then: dict[str, Judgement]
    later: dict[str, Judgement]

    def of(self, kind: str) -> dict[str, Any]:
        """What the card of a kind says of it: plain values, None for what cannot be estimated."""
        figures = {"then": self.then[kind].to_json(), "later": self.later[kind].to_json()}
        people = {"people": self.people, "relinked": self.relinked}
        return {"judged_on": self.judged_on, **people, **figures}


@dataclass(frozen=True)
class SurerLinks:
    """Kind → its audit with those links alone that are at least so sure. again: people scored again, over all
    dates."""

    least: float
    again: int
    surer: dict[str, ThresholdAudit]

    def of(self, kind: str) -> dict[str, Any]:
        """What the card of a kind says of it: groups of one characteristic."""
        audit = self.surer[kind].to_json()
        return {"least": self.least, "audit": {name: audit[name] for name in ("everybody", "by_one", "gate")}}


def judged_twice(
    plan: Plan,
    asked: Asked,
    scorers: Mapping[str, Scorer],
    platts: Mapping[str, Platt],
    scored: Lists,
    *,
    tell: Tell = quiet,
) -> Twice:
    """Judge the lists of the test dates with the links of their mornings, and with today's.

    The people are those asked about, as who they turned out to be: two who became one stand there once, and
    of one who became two each has the answer of the one. scored: kind → dates; only kinds with a scorer.
    """
    judged_on, kinds = plan.calendar.test_judged_on, list(scorers)
    of_test = _of_test(plan, scored, kinds)
    later: dict[str, list[Scored]] = {kind: [] for kind in kinds}
    people = moved = again = 0
    for at, day in enumerate(plan.calendar.test):
        tell(f"the list of {day} with today's links")
        touched, panel = rows_with(plan.snapshot, plan.catalogue, links_of(judged_on, day))
        now = _now(plan, asked, day, judged_on)
        before = {kind: of_test[kind][at] for kind in kinds}
        first = before[kinds[0]]
        kept = _stay(now.person_ids, touched, panel)
        for kind in kinds:
            log_odds = before[kind].log_odds[now.rows].copy()
            _rescore(log_odds, now.person_ids, panel, scorers[kind], platts[kind])
            later[kind].append(
                Scored(
                    day,
                    now.person_ids[kept],
                    log_odds[kept],
                    first.y[now.rows][kept],
                    first.same_as[now.rows][kept],
                )
            )
        people += len(first.person_ids)
        moved += now.moved
        again += int(np.isin(now.person_ids, panel.person_ids).sum())
    capacity = plan.specification.capacity
    return Twice(
        str(judged_on),
        people,
        moved,
        again,
        {kind: judge(of_test[kind], capacity=capacity) for kind in kinds},
        {kind: judge(later[kind], capacity=capacity) for kind in kinds},
    )


def audited_again(
    plan: Plan,
    asked: Asked,
    scorers: Mapping[str, Scorer],
    platts: Mapping[str, Platt],
    scored: Lists,
    *,
    least: float | None = None,
    of: Groups | None = None,
    tell: Tell = quiet,
) -> SurerLinks:
    """Audit the lists of the test dates with those links alone that are at least `least` sure.

    least: default, from how sure a link on a reason is shown that rests on it. The same people are asked
    about and what followed is the same. Of whom nothing is surely theirs comes last. of: their groups.
    """
    sure = plan.snapshot.workspace.settings.link_show if least is None else least
    known, of_test = groups_of(plan, asked) if of is None else of, _of_test(plan, scored, list(scorers))
    surer, again = by_surer_links(plan, scorers, platts, of_test, least=sure, tell=tell)
    met = {day: contacted(plan.catalogue, asked.lists[day]) for day in plan.calendar.test}
    rule = plan.specification
    audited = audits(surer, known, met, capacity=rule.capacity, limit=rule.gates.recall_gap)
    return SurerLinks(sure, again, audited)


def by_surer_links(
    plan: Plan,
    scorers: Mapping[str, Scorer],
    platts: Mapping[str, Platt],
    scored: Lists,
    *,
    least: float,
    tell: Tell = quiet,
) -> tuple[dict[str, list[Scored]], int]:
    """The same people of the same dates, scored by links that are at least so sure; and how many of them,
    over all dates, were scored again."""
    surer: dict[str, list[Scored]] = {kind: [] for kind in scorers}
    again = 0
    for dates in zip(*(scored[kind] for kind in scorers), strict=True):
        day, person_ids = dates[0].as_of, dates[0].person_ids
        tell(f"the list of {day} by surer links")
        touched, panel = rows_with(plan.snapshot, plan.catalogue, surer_links(day, least=least))
        gone = ~_stay(person_ids, touched, panel)
        again += int(np.isin(person_ids, panel.person_ids).sum())
        for kind, s in zip(scorers, dates, strict=True):
            log_odds = s.log_odds.copy()
            _rescore(log_odds, person_ids, panel, scorers[kind], platts[kind])
            log_odds[gone] = log_odds.min(initial=0.0) - 1
            surer[kind].append(replace(s, log_odds=log_odds))
    return surer, again


@dataclass(frozen=True)
class _Now:
    """Who the m people are whom those asked about turned out to be: ids, and the row of one of those they
    were, (m,) each. moved: how many of those asked about have other subjects."""

    person_ids: np.ndarray
    rows: np.ndarray
    moved: int


def _now(plan: Plan, asked: Asked, day: date, judged_on: date) -> _Now:
    """Whoever turned out to be somebody who would not have been asked about, being there already, helped
    or dead, would not have been asked about."""
    person_ids, con = asked.lists[day].morning.person_ids, plan.snapshot.con
    place = {person: row for row, person in enumerate(person_ids.tolist())}
    found = con.execute(
        f"""
        WITH before AS ({_subjects(day)}), now AS ({_subjects(judged_on)})
        SELECT now.person_id, before.person_id,
               count(*) = any_value(before.subjects) AND count(*) = any_value(now.subjects)
        FROM before JOIN now USING (source, subject_key) GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    out = _not_asked(plan, day)
    known_out = {now for now, before, _ in found if before in out}
    of: dict[str, int] = {}
    moved: set[str] = set()
    for now, before, same in found:
        if before in place:
            if now not in known_out:
                of.setdefault(now, place[before])
            if not same:
                moved.add(before)
    ids = np.array(list(of), dtype=str)
    return _Now(ids, np.array(list(of.values()), np.int64), len(moved))


def _subjects(known: date) -> str:
    """SELECT the links of a morning, each with how many subjects its person has."""
    return f"""
        SELECT *, count(*) OVER (PARTITION BY person_id) AS subjects
        FROM (SELECT DISTINCT source, subject_key, person_id FROM links WHERE {sql_known(known)})
    """


def _not_asked(plan: Plan, day: date) -> set[str]:
    question, snapshot = plan.question, plan.snapshot
    queries = [
        already_there_sql(snapshot, question.outcome, known=day, as_of=day),
        died_sql(snapshot, known=day, before=day),
    ]
    if helped := question.eligibility.not_open:
        queries.append(open_spell_sql(snapshot, helped, known=day, as_of=day))
    return {person for query in queries for (person,) in snapshot.con.execute(query).fetchall()}


def _of_test(plan: Plan, scored: Lists, kinds: Sequence[str]) -> dict[str, list[Scored]]:
    of = {kind: {s.as_of: s for s in scored[kind]} for kind in kinds}
    return {kind: [of[kind][day] for day in plan.calendar.test] for kind in kinds}


def _stay(person_ids: np.ndarray, touched: set[str], panel: Panel) -> np.ndarray:
    """(n,) bool: but for those who were looked for again and have no row any more."""
    there = set(panel.person_ids.tolist())
    return np.array([person in there or person not in touched for person in person_ids.tolist()], bool)


def _rescore(
    log_odds: np.ndarray, person_ids: np.ndarray, panel: Panel, scorer: Scorer, platt: Platt
) -> None:
    """Write the log-odds of those who are in the panel."""
    at = np.flatnonzero(np.isin(person_ids, panel.person_ids))
    X = panel.X[panel.rows_of(person_ids[at])]
    margins = scorer.margin(columns_by_name(X, panel.names, scorer.names))
    log_odds[at] = platt.slope * margins + platt.intercept
