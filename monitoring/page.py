"""The monitoring report as one page that needs no network and no script, for whoever must look."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.wording import day_words
from models.disclosure import STAR, Shown
from models.fairness import PRECISION, RECALL, SELECTION, Estimate
from monitoring.findings import words_of

if TYPE_CHECKING:
    from monitoring.report import MonitorReport

TEMPLATES = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Every template escapes everything and refuses a name it was not given."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "day": day_words,
        "words": words_of,
        "people": people,
        "sentence_case": lambda text: text[:1].upper() + text[1:],
        "share": share,
        "interval": interval,
    }
    return environment


def page(report: MonitorReport) -> str:
    """The report as HTML."""
    return (
        templates()
        .get_template("report.html")
        .render(report=report, SELECTION=SELECTION, RECALL=RECALL, PRECISION=PRECISION)
    )


def write_whole(path: Path, text: str) -> None:
    """Replace a file whole, so that a crash leaves the last one standing."""
    making = path.with_name(f".{path.name}")
    making.write_text(text, encoding="utf-8")
    making.replace(path)


def people(count: Shown) -> str:
    """A count as shown: '1,250', or the star.

    >>> people(1250), people("*")
    ('1,250', '*')
    """
    return STAR if isinstance(count, str) else f"{count:,}"


def share(value: float | None) -> str:
    """A rate in per cent, with a decimal under ten; a dash where there is none.

    >>> share(0.4251), share(0.012), share(None)
    ('43%', '1.2%', '–')
    """
    if value is None:
        return "–"
    return f"{value:.0%}" if value >= 0.0995 else f"{value:.1%}"


def interval(estimate: Estimate) -> str:
    """The interval in words; nothing where there is none.

    >>> interval(Estimate(0.2, (0.13, 0.29), "lower"))
    '13% to 29%'
    """
    return f"{share(estimate.interval[0])} to {share(estimate.interval[1])}" if estimate.interval else ""
