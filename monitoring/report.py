"""What a monitoring report is: findings, past lists and how they did, audits, drift. Plain data,
made by `monitoring.run`, shown by `monitoring.page`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from features.wording import day_words
from models.disclosure import Shown
from models.fairness import Audit
from monitoring.drift import Drift
from monitoring.findings import Finding
from monitoring.shifts import Shift


@dataclass(frozen=True)
class PastList:
    """A back-list as the report names it. matured: whether what followed it is known; known_from: the
    first day on which it can be; seen: the day, after its date, up to which the model had learned."""

    as_of: date
    matured: bool
    known_from: date
    seen: date | None


@dataclass(frozen=True)
class Realised:
    """How the matured past lists did, from counts as shown.

    people: n, selected, positives, found, each person once over all the lists; precision, its 95 %
    interval, recall and base_rate are shares of them. per_list: precision per list entry, which is
    what the card promised, both with 95 % intervals. None where a figure may not be shown.
    """

    dates: tuple[date, ...]
    people: dict[str, Shown]
    precision: float | None
    interval: tuple[float, float] | None
    recall: float | None
    base_rate: float | None
    per_list: float | None
    per_list_interval: tuple[float, float] | None
    promised: float | None
    promised_interval: tuple[float, float] | None
    auc: float | None
    calibration_slope: float | None
    calibration_intercept: float | None


@dataclass(frozen=True)
class MonitorReport:
    """What was seen on the list of a morning. judged_on: the morning on which past lists were judged;
    realised is None and past empty where what followed is not yet known; drift is None where there was
    nobody to compare. shifts: what scores are made of, empty where too few can be compared. titles:
    column of `drift` → words. files: what was written in `folder`."""

    as_of: date
    council: str
    specification: str
    model: str
    approval: str
    findings: tuple[Finding, ...]
    judged_on: date
    past_lists: tuple[PastList, ...]
    realised: Realised | None
    this_week: tuple[Audit, ...]
    past: tuple[Audit, ...]
    drift: Drift | None
    shifts: tuple[Shift, ...]
    titles: dict[str, str] = field(repr=False)
    folder: Path
    files: tuple[str, ...]

    @property
    def gravest(self) -> str:
        """'critical', 'warning' or 'note'; '' where nothing was found."""
        return self.findings[0].severity if self.findings else ""

    def text(self) -> str:
        """The report for a terminal: what was found, how past lists did, where the rest lies."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Watching the list of {day_words(self.as_of)}"
        if self.approval:
            yield self.approval
        for finding in self.findings:
            yield f"  {finding.severity.upper():<8}  {finding.what}"
            yield f"            {finding.do}"
        if not self.findings:
            yield "  Nothing that anybody needs to look at."
        if self.realised is None:
            yield "Recall and precision by group: not yet known."
        else:
            first, last = self.realised.dates[0], self.realised.dates[-1]
            yield (
                f"Recall and precision by group are of {len(self.realised.dates)} past lists, "
                f"{day_words(first)} to {day_words(last)}."
            )
        yield f"The whole report: {self.folder / 'report.html'}"

    def fairness_json(self) -> dict[str, Any]:
        """The audits as plain data, with the dates they are of."""
        return {
            "as_of": str(self.as_of),
            "model": self.model,
            "approval": self.approval,
            "judged_on": str(self.judged_on),
            "past_lists": [
                {
                    "as_of": str(past.as_of),
                    "what_followed": "known" if past.matured else "not yet known",
                    "known_from": str(past.known_from),
                    "model_learned_until": None if past.seen is None else str(past.seen),
                }
                for past in self.past_lists
            ],
            "this_week": [asdict(audit) for audit in self.this_week],
            "recall_and_precision": [asdict(audit) for audit in self.past] or "not yet known",
            "realised": None if self.realised is None else asdict(self.realised),
        }

    def drift_json(self) -> dict[str, Any]:
        """The drift as plain data, columns with their titles, what scores are made of, and Evidently's own
        report."""
        told = self.drift.to_json() if self.drift else {"columns": []}
        for column in told["columns"]:
            column["title"] = self.titles[column["name"]]
        made_of = [asdict(shift) for shift in self.shifts]
        return {"approval": self.approval, "model": self.model, "made_of": made_of, **told}
