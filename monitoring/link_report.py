"""How good the links of a workspace are against a truth: judged, said in words, written as HTML and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import UserMistake
from features.progress import Tell, quiet
from features.snapshot import open_snapshot
from features.wording import counted
from features.workspace import Workspace
from models.disclosure import STAR
from monitoring.link_figures import SEVERAL, measured
from monitoring.link_held import LINKABLE, WHY_NOT, first_morning, hold_together
from monitoring.link_truth import read_truth
from monitoring.page import templates, write_whole

MOST_BEHIND = 0.03
"""A group whose recall is so far behind the best group's is named."""
CHARACTERISTICS = ("ethnicity_true", "ethnicity")
"""The first of these that there is is the one that the terminal tells of; the page has all."""
WHY_WORDS = dict(
    zip(WHY_NOT, ("No whole name", "A name alone", "Nothing said", "A person already"), strict=True)
)
MEASURES = ("precision", "recall", "f1")
OVERALL = {
    "pairwise": "pairs",
    "b3": "B-cubed",
    "without_strong_ids": "pairs without a strong identifier in common",
}


@dataclass(frozen=True)
class LinkEvaluation:
    """figures: what evaluation.json holds, plain data; see docs/linkage.md."""

    as_of: date
    council: str
    folder: Path
    figures: dict[str, Any]

    def text(self) -> str:
        """The main figures, for a terminal."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        f = self.figures
        some = f["linkable"]
        yield f"Links that stand after run {f['link_run']}, held against {f['truth']['file']}"
        yield (
            f"  {some['subjects']:,} subjects, {some['linkable']:,} of them ({per_cent(some['share'])}) "
            f"linkable; judged on the {some['measured']:,} of these that the truth names"
        )
        if f["truth"]["never_sent"]:
            keys = counted(f["truth"]["never_sent"], "key", "keys")
            yield f"  {keys} of the truth that no agency has sent"
        for name, title in OVERALL.items():
            each = (f"{m} {said(f[name][m], f[name][f'{m}_interval'])}" for m in MEASURES)
            yield f"  {title}: {', '.join(each)}"
        whole, several = f["exact"], f["exact"][SEVERAL]
        yield (
            f"  people found just as they are: {said(whole['share'], whole['interval'])}; "
            f"of those with two subjects or more {said(several['share'], several['interval'])}"
        )
        by_group = next((f["by_group"][name] for name in CHARACTERISTICS if name in f["by_group"]), None)
        for name, group in by_group["groups"].items() if by_group else ():
            if far_behind(group["gap"]):
                behind = f"{100 * group['gap']:.1f} points under the best group's"
                yield f"  {name}: recall {said(group['recall'], group['recall_interval'])}, {behind}"
        yield f"The page: {self.folder / 'evaluation.html'}"


def evaluate(
    workspace: Workspace, truth: Path, *, out: Path | None = None, tell: Tell = quiet
) -> LinkEvaluation:
    """Judge the standing links by a truth; write evaluation.html and evaluation.json.

    out: by default `reports/<as_of>/linkage/`, as_of the first morning on which all that was taken in counts.
    Raises UserMistake where nothing was linked yet, the truth cannot be read, or it names no subject.
    """
    snapshot = open_snapshot(workspace)
    if not snapshot.link_run:
        raise UserMistake("Nothing has been linked yet.", problems=["link what was taken in: earlyhelp link"])
    tell("Reading the truth")
    told = read_truth(
        snapshot.con, truth, sources=workspace.sources, characteristics=_characteristics(workspace)
    )
    as_of = first_morning(snapshot)
    tell("Judging who could be linked")
    held = hold_together(snapshot, as_of, told)
    if not ((held.person >= 0) & (held.state == LINKABLE)).any():
        raise UserMistake(
            f"{truth.name} names none of the workspace's linkable subjects.",
            problems=["is it the truth of these extracts? Keys must be written as the agencies write them"],
        )
    tell("Counting pairs")
    figures = {
        "as_of": str(as_of),
        "council": workspace.settings.council,
        "link_run": snapshot.link_run,
        "last_delivery": snapshot.last_delivery,
        "truth": {"file": truth.name, "never_sent": held.never_sent},
        **measured(held),
    }
    evaluation = LinkEvaluation(
        as_of, workspace.settings.council, out or workspace.report_folder(as_of) / "linkage", figures
    )
    write_pages(evaluation, titles={name: source.title for name, source in workspace.sources.items()})
    return evaluation


def _characteristics(workspace: Workspace) -> set[str]:
    """The protected characteristics that any source tells."""
    extracts = (extract for source in workspace.sources.values() for extract in source.extracts.values())
    return {name for extract in extracts for subject in extract.subjects for name in subject.characteristics}


def write_pages(evaluation: LinkEvaluation, *, titles: Mapping[str, str]) -> None:
    """Write evaluation.html and evaluation.json; titles: source → how it is called on the page."""
    evaluation.folder.mkdir(parents=True, exist_ok=True)
    told = json.dumps(evaluation.figures, indent=2, ensure_ascii=False)
    write_whole(evaluation.folder / "evaluation.json", told + "\n")
    html = (
        templates()
        .get_template("link_evaluation.html")
        .render(
            as_of=evaluation.as_of,
            f=evaluation.figures,
            titles=titles,
            matrix=matrix(evaluation.figures["by_source_pair"]),
            said=said,
            per_cent=per_cent,
            OVERALL=OVERALL,
            MEASURES=MEASURES,
            lowest=lowest_first(evaluation.figures["by_source_pair"]),
            far_behind=far_behind,
            shading=shading,
            WHY_NOT=WHY_NOT,
            WHY_WORDS=WHY_WORDS,
            STAR=STAR,
        )
    )
    write_whole(evaluation.folder / "evaluation.html", html)


def lowest_first(pairs: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Source pairs by their recall; those of which nothing can be said last."""
    return dict(sorted(pairs.items(), key=lambda pair: (pair[1]["recall"] is None, pair[1]["recall"] or 0)))


def matrix(pairs: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any] | None]]:
    """Source → its source pairs with each source so far, itself last; None where there is no pair.

    >>> list(matrix({"a|b": {"true": 9}}).items())
    [('a', [None]), ('b', [{'true': 9}, None])]
    """
    sources = sorted({source for pair in pairs for source in pair.split("|")})
    return {
        one: [pairs.get(f"{other}|{one}") for other in sources[: at + 1]] for at, one in enumerate(sources)
    }


def far_behind(gap: float | None) -> bool:
    """Whether a group is named, by the number that is shown.

    >>> far_behind(0.0304), far_behind(0.0306), far_behind(None)
    (False, True, False)
    """
    return round(100 * (gap or 0), 1) > 100 * MOST_BEHIND


def shading(recall: float) -> str:
    """How a recall stands out among source pairs, by the number that is shown.

    >>> shading(0.9651), shading(0.9649), shading(0.8949)
    ('', 'behind', 'far')
    """
    shown = round(100 * recall)
    return "far" if shown < 90 else "behind" if shown < 97 else ""


def said(value: float | None, interval: list[float] | tuple[float, float] | None = None) -> str:
    """A rate and its interval in words.

    >>> said(0.9712, (0.9655, 0.978)), said(None)
    ('97.12% (96.55% to 97.80%)', '–')
    """
    between = f" ({per_cent(interval[0])} to {per_cent(interval[1])})" if interval else ""
    return f"{per_cent(value)}{between}"


def per_cent(value: float | None) -> str:
    """A rate in per cent with two decimals: what is at stake are hundredths. A dash where there is none.

    >>> per_cent(0.99999), per_cent(1.0)
    ('99.99%', '100.00%')
    """
    return "–" if value is None else f"{math.floor(value * 1e4 + 1e-6) / 100:.2f}%"
