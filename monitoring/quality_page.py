"""The report on data quality as pages that need no network and no script, and as JSON.

A page a source, complete in itself and with no way to the others, so that it can be sent to the agency
alone; an index for ourselves.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from features.declaration import MARKS
from features.facts import LAST, days_words
from monitoring.page import templates, write_whole
from monitoring.quality_report import QualityReport, SourceQuality

WIDE, HIGH, BAR, GAP = 640, 96, 28, 6
"""Of the drawing of rows, in its own units; bars are no wider than `BAR`."""
MOST_BARS = 26
"""So many deliveries are drawn: half a year of weeks."""


def write_pages(report: QualityReport) -> None:
    """Write index.html, index.json and, for each source, <source>.html and <source>.json."""
    report.folder.mkdir(parents=True, exist_ok=True)
    index = templates().get_template("quality_index.html").render(report=report)
    write_whole(report.folder / "index.html", index)
    lines = [
        {
            "source": s.source,
            "title": s.title,
            "last_received": s.last_received,
            "overdue": s.overdue,
            **s.totals,
            "findings": s.severities,
        }
        for s in report.sources
    ]
    write_whole(report.folder / "index.json", _json({"as_of": report.as_of, "sources": lines}))
    for source in report.sources:
        write_whole(report.folder / f"{source.source}.html", source_page(source))
        write_whole(report.folder / f"{source.source}.json", _json(source.to_json()))


def source_page(source: SourceQuality) -> str:
    """The page of one source, as HTML."""
    template = templates().get_template("quality_source.html")
    return template.render(source=source, MARKS=MARKS, LAST=LAST, days_words=days_words, bars=bars, line=line)


def bars(deliveries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The rows of the last deliveries as bars, each of three parts: used, quarantined, ignored.

    Returns wide, high (of the drawing) and parts, each with kind, x, y, width, height.
    """
    shown = [d for d in deliveries if not d["history"]][-MOST_BARS:]
    most = max((d["rows"] for d in shown), default=0) or 1
    step = min(BAR + GAP, WIDE / max(len(shown), 1))
    parts = []
    for i, delivery in enumerate(shown):
        top = float(HIGH)
        for kind in ("used", "quarantined", "ignored"):
            height = HIGH * delivery[kind] / most
            top -= height
            if height:
                box = {"x": i * step, "y": top, "width": step - GAP, "height": height}
                parts.append({"kind": kind, **{name: round(value, 1) for name, value in box.items()}})
    return {"wide": round(len(shown) * step), "high": HIGH, "parts": parts, "deliveries": shown}


def line(trend: Sequence[float | None]) -> str:
    """The points of a line of rates, 0 at the bottom of a drawing of 96 by 20, 1 at its top.

    >>> line([0.0, None, 1.0])
    '0,19 96,1'
    """
    step = 96 / max(len(trend) - 1, 1)
    points = [(i * step, 19 - 18 * rate) for i, rate in enumerate(trend) if rate is not None]
    return " ".join(f"{x:g},{y:.3g}" for x, y in points)


def _json(value: Any) -> str:
    return json.dumps(value, default=str, indent=2, ensure_ascii=False) + "\n"
