"""What became of the files of an ingest, as plain lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from features.ingest import ExtractReport

HEADINGS = ("rows", "used", "quarantined", "ignored", "new events")


def ingest_text(reports: Sequence[ExtractReport]) -> str:
    """A line a file, the rows of each adding up, then why rows were left aside."""
    return "\n".join(_lines(reports))


def _lines(reports: Sequence[ExtractReport]) -> Iterator[str]:
    wide = max((len(report.file) for report in reports), default=4)
    yield f"{'file':<{wide}}" + "".join(f"{heading:>13}" for heading in HEADINGS)
    for r in reports:
        numbers = (r.rows, r.used, r.quarantined, r.ignored, r.events)
        before = "  (taken in before)" if r.unchanged else ""
        yield f"{r.file:<{wide}}" + "".join(f"{number:>13,}" for number in numbers) + before
    for r in reports:
        for rule, rows in r.ignored_by_rule.items():
            yield f"  {r.file}: {rows:,} ignored: {rule}"
        for reason, rows in r.quarantined_by_reason.items():
            yield f"  {r.file}: {rows:,} quarantined: {reason}"
        if r.withdrawn:
            yield f"  {r.file}: {r.withdrawn:,} records withdrawn, as the full file leaves them out"
