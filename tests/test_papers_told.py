"""What papers must not give away, and what must not stand in them as if it were approved or of this run."""

import hashlib
import re
import shutil
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from features.tables import SCHEMAS, Tables
from features.workspace import Workspace
from models.approval_log import read_log
from models.approvals import champion, decide
from models.candidate import Candidate, export_candidate
from models.disclosure import SMALLEST_SHOWN, STAR, show
from models.estimable import not_estimable
from models.fairness import NOT_ESTIMABLE, TOO_FEW
from models.gates import GROUPS
from models.human import FILE, Signature, read_human
from models.judge import TEST_POSITIVES
from models.paper import WAITING, WRITTEN, to_html, to_markdown
from models.papers import PAPERS, papers
from models.rows_in_use import rows_in_use
from models.sample_approval import PEOPLE, approve_sample
from models.spec import NEEDED_TO_FIT
from models.told import cards_of_run, told_of
from models.verdict import verdict
from tests.answered import audited, filled
from tests.test_candidate import draft, panel, reference_of, sums
from tests.test_papers import FULL, JUDGED, SIGNED, every, exported, field, told, workspace

__all__ = ["workspace"]  # a fixture


def test_what_is_too_few_to_show_is_told_nowhere_else_in_the_papers() -> None:
    """As a difference, as what is wrong of a hundred, as a risk, in a gate, or of a list of known length."""
    apart = {"of": "precision at 20", "difference": 0.0333 - 0.2967, "low": -0.5, "high": -0.1}
    card = {
        **FULL,
        "test": {**JUDGED, "found": 3, "precision": 0.0333, "recall": 0.0024, "lift": 0.8},
        "paired": {"calls": apart},
        "overlap": [{"days": 7, "listed": 30, "stayed": 28, "share": 0.9333}],
        "lead_time": {**FULL["lead_time"], "people": 1, "median_days": 43.0},
        "by_person": None,
    }
    papers_of = every({**card, "later_links": None})
    for paper in papers_of.values():
        text = to_markdown(paper)
        for given_away in ("-26.3", "-0.263", "of every 100", "97%", "three times (0.2%)", "93%", "43 days"):
            assert given_away not in text
    table = field(papers_of["model card"], "Is it better?").table
    assert table and table.rows == (("calls in 90 days", "precision at 20", TOO_FEW),)
    assert field(papers_of["model card"], "How early").said == (TOO_FEW,)
    risks = field(papers_of["impact annex"], "What could go wrong, as far as it is known").table
    assert risks and [row[1] for row in risks.rows[:2]] == [TOO_FEW, TOO_FEW]
    theirs = {**JUDGED, "found": 2, "precision": 0.022}
    other = every({**FULL, "beside": {"calls": theirs}, "paired": {"calls": apart}})["model card"]
    assert "-26.3" not in to_markdown(other) and "-0.263" not in to_markdown(other)


def small_run(rows: int, people: int, judged: int) -> dict[str, Any]:
    """A card of a run with so few rows and people with the outcome, and the verdict on it."""
    card = {
        **FULL,
        "fitted_on": {"rows": 61_238, "positives": rows},
        "people": {**FULL["people"], "learned_from_positive": people},
        "test": {**JUDGED, "estimable": judged >= TEST_POSITIVES, "positive_people": judged},
    }
    return card | {"verdict": asdict(verdict({"lightgbm": card}))}


def test_how_few_a_run_had_is_told_as_any_count_of_people() -> None:
    """Of each count the sentence tells no more than the one door lets through, and no other count besides."""
    for count in range(1, NEEDED_TO_FIT):
        runs = [small_run(count, 99, 99), small_run(99, count, 99), small_run(99, 99, count)]
        for said in map(not_estimable, runs if count < TEST_POSITIVES else runs[:2]):
            told = {int(number) for number in re.findall(r"\d+", said)} - {NEEDED_TO_FIT, TEST_POSITIVES}
            assert told <= ({10} if show(count) == STAR else {show(count)}), said
            assert ("fewer than 10 of" in said) == (count < SMALLEST_SHOWN)
    for paper in every(small_run(3, 2, 6)).values():
        text = to_markdown(paper)
        assert re.search(r"\b[1-7] (of the|rows|people)", text) is None
        assert "fewer than 10 of the 50 rows with the outcome that fitting takes" in paper.notices[-1]
        assert "fewer than 10 of the 20 people with the outcome that judging takes" in text


def test_a_row_that_came_with_every_delivery_is_in_use_once(workspace: Workspace) -> None:
    tables = Tables(workspace.data)

    def told_by(delivery: int, *records: tuple[int, int, bool], table: str = "marks") -> None:
        rows = [
            {"source": "fire", "record_key": f"r/{key}", "revision": revision, "withdrawn": withdrawn}
            | {"delivery_id": delivery, "known_on": date(2026, 1, delivery)}
            for key, revision, withdrawn in records
        ]
        tables.append(table, pa.Table.from_pylist(rows, schema=SCHEMAS[table]))

    assert rows_in_use(workspace, last_delivery=9) == {}
    told_by(1, *((key, 1, False) for key in range(12)), (0, 1, False))
    told_by(1, (0, 1, False), table="registers")
    told_by(2, (0, 2, False), (1, 2, True), (2, 2, True))
    told_by(3, (2, 3, False))
    assert [rows_in_use(workspace, last_delivery=each) for each in (0, 1, 2, 3)] == [
        *({}, {"fire": 12}, {"fire": 10}, {"fire": 11}),
    ]
    assert "1,234,565 rows in use" in to_markdown(every()["transparency record"])
    some = PAPERS["transparency_record"](replace(told(), rows={"fire": 3}))
    assert "* rows in use" in to_markdown(some).replace("\\", "")


def test_words_that_were_changed_after_they_were_approved_are_not_shown_as_approved(
    workspace: Workspace,
) -> None:
    model = exported(workspace)
    done = approve_sample(workspace, model.sha256, at=datetime(2026, 7, 1, tzinfo=UTC))
    file = done.papers / FILE
    before = file.read_text(encoding="utf-8")
    file.write_text(before.replace("SAMPLE, written", "Written", 1), encoding="utf-8")
    for path in papers(workspace, model).papers:
        assert "NOT APPROVED as it reads now" in path.read_text(encoding="utf-8")
    file.write_text(before, encoding="utf-8")
    assert "NOT APPROVED" not in papers(workspace, model).papers[0].read_text(encoding="utf-8")


def test_an_approved_model_says_in_every_paper_who_approved_what_and_where_that_is_taken_down(
    workspace: Workspace,
) -> None:
    """Held against the log itself, read anew; once another is champion, it says so; a text that was changed
    is approved by nobody."""
    model, at = exported(workspace), datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    done = approve_sample(workspace, model.sha256, at=at)
    rows = read_log(workspace).rows
    roles = workspace.settings.approval_roles
    text = hashlib.sha256((done.papers / FILE).read_bytes()).hexdigest()
    told_so = ["APPROVED; it is the model in use", text, "1 July 2026"]
    told_so += [f"{by}, {role}" for by, role in zip(PEOPLE, roles, strict=False)] + [row.hash for row in rows]
    assert len(rows) == 2
    for path in sorted(done.papers.glob("*.[hmj]*")):
        head = path.read_text(encoding="utf-8")
        head = head if path.suffix == ".json" else re.split("<nav|\n## ", head)[0]
        assert [each for each in told_so if each not in head] == [], path.name
    other = exported(workspace, slope=0.7)
    assert approve_sample(workspace, other.sha256, at=at).approved
    human = read_human(done.papers / FILE, model=model.sha256)
    assert told_of(workspace, model, human).approved.startswith("APPROVED; another is in use since. By:\n")
    why = "the other one told too many of the same homes"
    back = decide(workspace, "rollback", "fires", by=PEOPLE[0], role=roles[0], because=why, at=at)
    assert back.champion == model.sha256 and f"`earlyhelp papers {model.sha256[:12]}` writes" in back.said
    assert told_of(workspace, model, human).approved.startswith("APPROVED; it is the model in use. By:\n")
    (done.papers / FILE).write_bytes((done.papers / FILE).read_bytes() + b"\n")
    for path in papers(workspace, model).papers:
        assert "APPROVED;" not in path.read_text(encoding="utf-8")


def test_groups_to_be_signed_for_stand_in_one_table_with_what_is_signed() -> None:
    """However many there are; as long as one is open the whole of it waits."""
    reason = Signature("Anna Bright", "we read every one of them")
    gate = [{"characteristic": "ethnic_group", "group": g, "verdict": NOT_ESTIMABLE} for g in "abc"]
    card = {**FULL, "audit": {**FULL["audit"], "gate": gate}}
    signed = {f"ethnic_group: {group}": reason for group in "abc"}
    for open_to, by in ((set("abc"), WAITING), (set("b"), WAITING), (set(), WRITTEN)):
        left = {group: reason for group, reason in signed.items() if group[-1] not in open_to}
        for paper in every(card, replace(filled(), signed=left)).values():
            (found,) = [
                f for s in paper.sections for f in s.fields if "too few people to say" in f.label.casefold()
            ]
            assert (
                found.by == by
                and found.table
                and [row[1:] for row in found.table.rows]
                == [
                    ("nobody yet", "") if group in open_to else (reason.by, reason.because) for group in "abc"
                ]
            )
            assert (f"Nobody has signed for {len(open_to)} of 3 groups." in found.said[0]) == bool(open_to)
            assert found.table.rows[0][0] == "ethnic group: a"
            assert "ethnic_group" not in str(field(paper, "Are groups found alike?").said)
            for write in (to_html, to_markdown):
                assert write(paper).count("ethnic group: b") == 1 + bool(open_to)
            assert to_html(paper).count('class="waits"') == len(paper.waiting) == bool(open_to)


@pytest.mark.parametrize("kind", ["lightgbm", "calls", None])
def test_what_a_run_comes_to_is_a_note_and_a_warning_only_where_nothing_of_it_can_be_approved(
    kind: str | None,
) -> None:
    card = {**FULL, "verdict": {"kind": kind, "said": "Shown to beat the best baseline: x."}}
    for paper in every(card).values():
        assert (FULL["verdict"]["said"].split(":")[0] in str(paper.notes)) == (kind is not None)
        stops = re.findall(r'<p class="notice stop">(.*?)</p>', to_html(paper))
        assert ("Shown to beat the best baseline: x." in stops) == (kind is None)
        assert to_markdown(paper).count("Shown to beat the best baseline: x.") == 1
    against = f"NOT APPROVED. {card['verdict']['said'].removesuffix('.')}"
    once = PAPERS["model_card"](replace(told(card), approval=against))
    assert to_markdown(once).count("Shown to beat") == 1


def test_rows_are_not_called_people_and_of_two_recalls_it_is_said_which_is_which() -> None:
    """3.1 % of rows, and 100 of 175 people: without a word the two would contradict one another."""
    of_rows = ("30,330", "1,235", "61,240", "2,415", "30,620", "1,215", "3,035", "40,120 rows")
    for name, paper in every().items():
        text = to_markdown(paper)
        lines = [line for line in text.split("\n") if any(count in line for count in of_rows)]
        assert lines and [line for line in lines if "people" in line] == [], name
        assert "three times (3.1%)" in text and "that it followed had them (57%)" in text
        heads = [f.table.heads for s in paper.sections for f in s.fields if f.table]
        recalls = {head for each in heads for head in each if head.startswith("Recall")}
        assert {"Recall, by row", "Recall, by person"} <= recalls and "Recall" not in recalls
    few = {
        **FULL,
        "test": {**JUDGED, "found": 3},
        "audit": audited({"f": (2, 60, 9, 90), "m": (2, 60, 9, 90)}),
    }
    for card, by in ((few, f"three times ({TOO_FEW})"), (few, f"had them ({TOO_FEW})")):
        assert by in to_markdown(every(card)["model card"])
    assert "had them (not measured in this run)" in to_markdown(every({**FULL, "audit": None})["model card"])


def test_a_paper_does_not_say_of_groups_that_nobody_could_judge_that_they_are_found_alike() -> None:
    signed = replace(filled(), signed=SIGNED)
    alike = [field(paper, "Are groups found alike?").said[:2] for paper in every(human=signed).values()]
    judged = "Of 3 groups 2 could be judged, and none of these is missed by more than 5 points."
    assert alike == [(judged, "The gate is met; of the others people signed for: 1 by Anna Bright.")] * 3
    gates = field(every(human=signed)["model card"], "Gates").table
    said = (
        "of 3 groups 2 could be judged, and none of these is missed too often; signed for: 1 by Anna Bright"
    )
    assert gates and (GROUPS, "met", said) in gates.rows
    waits = field(every()["model card"], "Are groups found alike?").said
    assert waits[:2] == (judged, "The gate is not met: not estimable, and nobody signed: sex: unknown.")


def test_a_card_stands_beside_those_of_its_own_run_that_are_there(workspace: Workspace) -> None:
    """Another catalogue, other dates and other words of the specification are other runs; a folder may go."""
    model = exported(workspace)

    def beside(slope: float, *, capacity: int | None = None, **card: Any) -> Candidate:
        made = replace(draft(sums(), slope=slope), kind="calls", card={**FULL, "kind": "calls", **card})
        if capacity:
            changed = made.specification.model_copy(update={"capacity": capacity})
            made = replace(made, specification=changed)
        return export_candidate(workspace, made, reference_of(made, panel(20).X))

    same = beside(0.8)
    beside(0.7, dates={**FULL["dates"], "test": ["2024-12-08"]})
    beside(0.6, catalogue="another")
    beside(0.5, capacity=7)
    assert cards_of_run(workspace, model) == [model.card, same.card]
    shutil.rmtree(workspace.models / same.sha256)
    assert cards_of_run(workspace, model) == [model.card]
    assert papers(workspace, model).papers


def test_a_demo_that_was_stopped_between_its_two_approvals_goes_on(workspace: Workspace) -> None:
    at, model = datetime(2026, 7, 1, tzinfo=UTC), exported(workspace)
    papers(workspace, model, simulated=True)
    role = workspace.settings.approval_roles[0]
    first = decide(workspace, "approve", model.sha256, by=PEOPLE[0], role=role, because="S" * 20, at=at)
    assert first.champion is None
    assert approve_sample(workspace, model.sha256, at=at).approved
    assert champion(workspace, "fires") == model.sha256


def test_simulated_people_do_not_say_that_they_approved_what_is_no_champion(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = exported(workspace)
    monkeypatch.setattr("models.sample_approval.decide", lambda *given, **named: None)
    assert not approve_sample(workspace, model.sha256, at=datetime(2026, 7, 1, tzinfo=UTC)).approved
