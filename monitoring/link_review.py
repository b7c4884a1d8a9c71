"""The pairs that somebody should look at, with both records and where their weight comes from: JSON and HTML.

What is answered goes another way, as data (`features.answers`); the review only says which pairs there are
and gives each the short id by which it is answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.answered import NOT_FOLLOWED, state
from features.answers import SAME, Answer, Subject, all_answers, newest, pair_id
from features.compare import rarity
from features.declaration import shared_signals
from features.errors import UserMistake, nearest
from features.link_model import Model, chosen_model
from features.probable_people import make_probable
from features.progress import Tell, quiet
from features.snapshot import Snapshot, open_snapshot
from features.wording import counted
from features.workspace import Workspace
from monitoring.link_choice import Choice, choose
from monitoring.link_refused import tell_refused
from monitoring.link_sides import LABELS, NOTHING, TITLES, WITHHELD, grades, sides, steps
from monitoring.page import templates, write_whole
from monitoring.waterfall import Step, Waterfall, waterfall

MOST = 20
"""Pairs that a review lists, if nobody says otherwise: twenty minutes."""


@dataclass(frozen=True)
class LinkReview:
    """document: what review.json holds, plain data; see docs/linkage.md."""

    as_of: date
    folder: Path
    document: dict[str, Any]

    def text(self) -> str:
        """The pairs for a terminal, without anything personal."""
        pairs = self.document["pairs"]
        if not pairs:
            lines = ["No pair is worth a minute: nothing unsure would change a list."]
        else:
            lines = [
                f"{len(pairs)} of {counted(self.document['considered'], 'pair', 'pairs')} worth a minute:"
            ]
        lines += [
            f"  {pair['pair']}  {' and '.join(side['source'] for side in pair['records'])}: {pair['why']}; "
            f"{said_probability(pair['probability'])}; {counted(pair['moves'], 'event', 'events')} at stake"
            for pair in pairs
        ]
        refused = {one["pair"]: one for one in self.document["refused"]}
        lines += [
            f"  {pair} was answered 'same' and is not joined: `earlyhelp link` joins it"
            for pair in self.document["not_joined"]
            if pair not in refused
        ]
        for pair, one in refused.items():
            lines.append(
                f"  {pair} was answered 'same' and cannot be followed: {one['why']}. To put it right:"
            )
            lines += [f"    - {what['said']}" for what in one["ways"]]
        if other := other_model(self.document):
            lines.insert(0, other)
        if pairs:
            lines.append("Answer with: earlyhelp link answer PAIR same|different|cannot-say --by NAME")
        return "\n".join([*lines, f"The page: {self.folder / 'review.html'}"])


def review(workspace: Workspace, *, most: int = MOST, tell: Tell = quiet) -> LinkReview:
    """Choose the pairs worth a minute by all that is held, and write review.json and review.html.

    Raises UserMistake where no link model is chosen or nothing has been linked yet.
    """
    snapshot, chosen = open_snapshot(workspace), chosen_model(workspace)
    if chosen is None:
        raise UserMistake(
            "There is no link model, so no pair is more or less probable.",
            problems=["train one with `earlyhelp link train`, and link by it with `earlyhelp link`"],
        )
    if not snapshot.link_run:
        raise UserMistake("Nothing has been linked yet.", problems=["link what was taken in: earlyhelp link"])
    name, model = chosen
    tell("Comparing identities")
    as_of, sources = snapshot.morning_after, workspace.sources.values()
    already_persons = [source.source for source in sources if source.subject == "person"]
    found = make_probable(
        snapshot.con, model, as_of, already_persons=already_persons, shared=shared_signals(sources)
    )
    answers = newest(all_answers(workspace))
    tell("Choosing pairs")
    choices = choose(snapshot, found.clusters.doubts, answers, as_of)
    made = LinkReview(
        as_of,
        workspace.report_folder(as_of) / "linkage",
        {
            "as_of": str(as_of),
            "council": workspace.settings.council,
            "link_run": snapshot.link_run,
            "last_delivery": snapshot.last_delivery,
            "model": name,
            "linked_by": _linked_by(snapshot),
            "begins": rarity(model),
            "considered": len(choices),
            "not_joined": _not_joined(snapshot, answers),
            "refused": tell_refused(snapshot, list(answers.values()), already_persons=already_persons),
            "pairs": _told(snapshot, model, choices[:most]),
        },
    )
    _write(made, titles={key: source.title for key, source in workspace.sources.items()})
    return made


def subjects_of(workspace: Workspace, pair: str) -> tuple[Subject, Subject]:
    """The two subjects of a pair that a review listed, or that was answered before.

    Raises UserMistake where there is none of that id.
    """
    known = {
        answer.pair: ((answer.source_l, answer.key_l), (answer.source_r, answer.key_r))
        for answer in all_answers(workspace)
    }
    for path in sorted(workspace.root.glob("reports/*/linkage/review.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        pairs = [
            [[side["source"], side["subject_key"]] for side in told["records"]] for told in document["pairs"]
        ]
        for told in document.get("refused", ()):
            pairs += [way["subjects"] for way in told["ways"] if way["pair"]]
        for one, other in pairs:
            known[pair_id(tuple(one), tuple(other))] = (tuple(one), tuple(other))
    if pair not in known:
        there = nearest(pair, sorted(known)) if known else "no review lists any pair yet"
        raise UserMistake(
            "No review lists a pair of that id.",
            problems=[there, "`earlyhelp link review` lists the pairs that are worth a minute"],
        )
    return known[pair]


def _linked_by(snapshot: Snapshot) -> str | None:
    """The model of the link run that stands; None for exact keys alone."""
    runs = snapshot.tables.read("link_runs").to_pylist()
    return next(run["model"] for run in runs if run["link_run"] == snapshot.link_run)


def other_model(document: Mapping[str, Any]) -> str:
    """That the links that stand are not the chosen model's, in a sentence; "" where they are."""
    if document["linked_by"] == document["model"]:
        return ""
    by = f"link model {document['linked_by']}" if document["linked_by"] else "exact keys alone"
    return (
        f"The links that stand were made by {by}, and pairs are weighed here by {document['model']}, which "
        "is chosen now: link first, with `earlyhelp link`, and then review, as other people may come of it."
    )


def _not_joined(snapshot: Snapshot, answers: Mapping[str, Answer]) -> list[str]:
    """The pairs whose standing answer is *same*, and who are two people all the same."""
    same = (answer for answer in answers.values() if answer.answer == SAME)
    return sorted(answer.pair for answer in same if state(snapshot, answer) == NOT_FOLLOWED)


def _told(snapshot: Snapshot, model: Model, choices: Sequence[Choice]) -> list[dict[str, Any]]:
    """The pairs as plain data."""
    numbers = [(choice.l, choice.r) for choice in choices]
    told = []
    for choice, both, graded in zip(
        choices, sides(snapshot, numbers), grades(snapshot.con, model, numbers), strict=True
    ):
        one, other = both
        told.append(
            {
                "pair": pair_id((one.source, one.subject_key), (other.source, other.subject_key)),
                "why": choice.why,
                "together": choice.together,
                "probability": choice.probability,
                "weight": choice.weight,
                "effect": choice.effect,
                "unsure": choice.unsure,
                "near": choice.near,
                "moves": choice.moves,
                "records": [asdict(side) for side in both],
                "steps": [asdict(step) for step in steps(choice.weighs or {}, graded)],
                "nothing_to_go_by": [
                    TITLES.get(name, name) for name, grade in graded.items() if grade == NOTHING
                ],
            }
        )
    return told


def _write(made: LinkReview, *, titles: Mapping[str, str]) -> None:
    made.folder.mkdir(parents=True, exist_ok=True)
    html = (
        templates()
        .get_template("link_review.html")
        .render(
            as_of=made.as_of,
            f=made.document,
            other_model=other_model(made.document),
            titles=titles,
            said_probability=said_probability,
            chart=chart,
            bits=bits,
            labels=labels,
            withheld=WITHHELD,
        )
    )
    write_whole(made.folder / "review.html", html)
    text = json.dumps(made.document, indent=2, ensure_ascii=False)
    write_whole(made.folder / "review.json", text + "\n")  # last: it names the pairs that can be answered


def chart(pair: Mapping[str, Any], begins: float) -> Waterfall:
    """The waterfall of a pair as its document tells it."""
    return waterfall(
        begins,
        [Step(**step) for step in pair["steps"]],
        begin_said="how rare it is that two records are one person",
        end_said=said_probability(pair["probability"]),
    )


def labels(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """What either record says, in the order in which it is shown."""
    return [what for what in LABELS if any(what in side["told"] for side in records)]


def said_probability(probability: float | None) -> str:
    """How probable likeness makes it that two are one person, without ever calling it certain.

    >>> said_probability(0.9312), said_probability(0.99999)
    ('by likeness 93.1% probable', 'by likeness over 99.9% probable')
    """
    if probability is None:
        return "an identifier speaks for it, and likeness against it"
    return (
        "by likeness " + ("over 99.9%" if probability > 0.999 else f"{100 * probability:.1f}%") + " probable"
    )


def bits(weight: float) -> str:
    """A weight with its sign.

    >>> bits(7.81), bits(-12.4)
    ('+7.8', '−12.4')
    """
    return f"{weight:+.1f}".replace("-", "\N{MINUS SIGN}")
