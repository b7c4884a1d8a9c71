"""What the report on data quality says: of each source on a morning, of each of its extracts. Plain data,
made by `monitoring.quality`, shown by `monitoring.quality_page`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.contracts import SEVERITIES, ContractFinding
from features.share import Share
from features.wording import counted, day_words


@dataclass(frozen=True)
class Aside:
    """Rows not used: quarantined for a reason (column: which is to blame, None if no single one) or ignored
    by a rule. In the newest delivery, usually (of all rows), and in all deliveries."""

    column: str | None
    why: str
    newest: int
    usual: Share
    ever: int


@dataclass(frozen=True)
class Completeness:
    """In how many rows a column says something. kind: 'identity', 'tag' or 'other'; expected: the declared
    share; newest, usual: shares of rows; trend: the rates of the last deliveries, oldest first."""

    column: str
    kind: str
    expected: float | None
    newest: Share
    usual: Share
    trend: tuple[float | None, ...]


@dataclass(frozen=True)
class Delay:
    """How many days lie between an event's day and ours, over the last live deliveries' new records."""

    signal: str
    events: int
    median: int
    ninetieth: int


@dataclass(frozen=True)
class ExtractQuality:
    """One extract. deliveries: all, oldest first; median_rows: of the last eight live ones before the
    newest; findings: what the newest delivery has against it. A figure is None where it was not counted."""

    extract: str
    deliveries: tuple[dict[str, Any], ...]
    median_rows: float | None
    quarantined: tuple[Aside, ...]
    ignored: tuple[Aside, ...]
    columns: tuple[Completeness, ...]
    delays: tuple[Delay, ...]
    findings: tuple[ContractFinding, ...]


@dataclass(frozen=True)
class SourceQuality:
    """One source on a morning. overdue: a delivery was due and has not come. by_place: records that name
    nobody; unidentified: rows that stand for nobody until they are placed, and how many since have been;
    marks: mark → the source's subjects who have it; unmatched: those of them who object and are one with
    no other subject, so that there is nobody to leave out."""

    as_of: date
    council: str
    source: str
    title: str
    owner: str
    agreement: str
    review_by: date | None
    covers_from: date
    schedule: str
    typical_delay_days: int
    last_received: date | None
    next_due: date | None
    overdue: bool
    extracts: tuple[ExtractQuality, ...]
    by_place: int
    unidentified: int
    placed: int
    unmatched: int
    marks: dict[str, int]

    @property
    def findings(self) -> list[ContractFinding]:
        """Of the newest delivery of every extract, the gravest first."""
        found = [finding for extract in self.extracts for finding in extract.findings]
        return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))

    @property
    def severities(self) -> dict[str, int]:
        """Severity → findings."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}

    @property
    def totals(self) -> dict[str, int]:
        """Rows, used, quarantined and ignored over all deliveries of the source."""
        deliveries = [delivery for extract in self.extracts for delivery in extract.deliveries]
        return {name: sum(d[name] for d in deliveries) for name in ("rows", "used", "quarantined", "ignored")}

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**asdict(self), "totals": self.totals, "findings": [asdict(f) for f in self.findings]}


@dataclass(frozen=True)
class QualityReport:
    """The sources on a morning, and where their pages lie."""

    as_of: date
    council: str
    sources: tuple[SourceQuality, ...]
    folder: Path

    def text(self) -> str:
        """A line a source and its gravest findings, for a terminal."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Data quality as of {day_words(self.as_of)}: rows = used + quarantined + ignored"
        for source in self.sources:
            t, n = source.totals, source.severities
            yield (
                f"  {source.title}: {t['rows']:,} = {t['used']:,} + {t['quarantined']:,} + {t['ignored']:,}; "
                f"{n['critical']} critical, {counted(n['warning'], 'warning', 'warnings')}"
                f"{'; a delivery is overdue' if source.overdue else ''}"
            )
            for finding in source.findings:
                if finding.severity != "info":
                    yield f"    {finding.severity.upper():<8}  {finding.extract}: {finding.what}"
                    yield f"              {finding.fix} ({finding.owner})"
        yield f"The pages: {self.folder / 'index.html'}"
