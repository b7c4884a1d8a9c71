"""Papers tell what a card holds and no more; what only people can write is asked, marked and gated."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import UserMistake
from features.workspace import Workspace, init_workspace
from models.approvals import candidate_named, champion, decide
from models.candidate import Candidate, export_candidate
from models.fairness import NOT_ESTIMABLE, TOO_FEW
from models.gates import WRITTEN, gates_of
from models.human import ALL, ASKED, FILE, Human, Signature, folder_of, parse, questions_text, sample
from models.paper import NOT_MEASURED, TO_WRITE, Field, Paper, Section, Table, to_html, to_markdown
from models.papers import PAPERS, WRITERS, papers, write_papers
from models.sample_approval import approve_sample
from models.told import Told, told_of
from tests.answered import ONE_MISSED, ONE_TOO_SMALL, answer, audited, filled
from tests.test_candidate import CARD, CATALOGUE, SOURCE, SPECIFICATION, draft, panel, reference_of, sums

ROOT = Path(__file__).parent.parent
JUDGED: dict[str, Any] = {
    "labelled": 30_331,
    "positives": 1_237,
    "estimable": True,
    "base_rate": 0.0408,
    "auc": 0.781,
    "average_precision": 0.2133,
    "flagged": 91,
    "found": 38,
    "precision": 0.4176,
    "precision_interval": [0.321, 0.52],
    "recall": 0.0307,
    "recall_interval": [0.021, 0.044],
    "lift": 10.2,
    "needed_to_review": 2.39,
    "calibration_slope": 1.07,
    "calibration_intercept": -0.06,
    "brier": 0.0366,
}
FULL: dict[str, Any] = {
    **CARD,
    "kind": "lightgbm",
    "title": "gradient-boosted trees",
    "catalogue": CATALOGUE.hash,
    "test": JUDGED,
    "beside": {"calls": {**JUDGED, "precision": 0.2967, "precision_interval": [0.213, 0.397], "found": 27}},
    "paired": {"calls": {"of": "average precision", "difference": 0.0721, "low": 0.031, "high": 0.113}},
    "dates": {
        "train": ["2024-01-01", "2024-03-01"],
        "calibrate": ["2024-06-01"],
        "apart_days": 120,
        "test": ["2024-12-01"],
        "judged_on": {"test": "2025-06-01"},
    },
    "flow": {
        "2024-12-01": [
            {"why": "objects to being scored", "left_out": 3, "left": 41_237},
            {"why": "already there", "left_out": 1_117, "left": 40_119},
        ]
    },
    "parts": {"fire": {"title": "a fire", "positives": 1_237, "n": 30_331, "base_rate": 0.0408}},
    "fitted_on": {"rows": 61_238, "positives": 2_413},
    "calibrated_on": {"rows": 30_619, "positives": 1_213},
    "sensitive": {
        "used": {
            "fire.visit": {"close_to": "disability", "why": "visits are offered to those who ask for them"}
        },
        "left_out": {"fire.call": "age"},
    },
    "made_of": {"fire.call": {"weight": 0.31, "pull": -0.02}},
    "audit": audited(ONE_TOO_SMALL),
    "lead_time": {
        "people": 37,
        "median_days": 61.0,
        "ahead": [{"days": 30, "people": 29, "share": 0.7838, "interval": [0.63, 0.89]}],
    },
    "overlap": [
        {"days": 7, "listed": 30, "stayed": 24, "share": 0.8},
        {"days": 7, "listed": 30, "stayed": 21, "share": 0.7},
    ],
    "by_person": {
        "precision": [0.301, 0.541],
        "recall": [0.0191, 0.0468],
        "draws": 1000,
        "average_precision": [0.181, 0.251],
        "lift": [7.1, 13.4],
    },
    "titles": {"lightgbm": "trees", "calls": "calls in 90 days"},
    "selection": {
        "most_often": {
            "rule": "luck",
            "kind": None,
            "said": "lightgbm was so",
            "regret": {"said": "at no cost"},
        }
    },
    "people": {"learned_from": 21_118, "learned_from_positive": 1_938, "judged_on": 20_557, "both": 16_113},
    "nobody_yet": {"listed": 91, "alone": 33, "share": 0.3626, "interval": [0.271, 0.465]},
    "reliability": [
        {"n": 3_033, "chance": 0.011, "positives": 33, "share": 0.0109, "interval": [0.008, 0.015]}
    ],
    "worth": {
        "precision": 0.4066,
        "average_precision": 0.2107,
        "parts": [
            {
                "title": "without the police",
                "features": 40,
                "precision": {"without": 0.38, "lost": 0.0376, "low": -0.011, "high": 0.091},
                "average_precision": {"without": 0.19, "lost": 0.0201, "low": None, "high": None},
                "recall": [
                    {"characteristic": "sex", "group": "f", "lost": 0.041, "low": 0.012, "high": 0.07},
                    {"characteristic": "sex", "group": "m", "lost": 0.091, "low": -0.012, "high": 0.2},
                    {
                        "characteristic": "age_band",
                        "group": "16 to 17",
                        "lost": 0.083,
                        "low": 0.02,
                        "high": 0.14,
                    },
                    {"characteristic": "sex", "group": "unknown", "lost": None, "verdict": NOT_ESTIMABLE},
                ],
            }
        ],
    },
    "later_links": {
        "judged_on": "2025-06-01",
        "people": 40_119,
        "relinked": 1_117,
        "then": JUDGED,
        "later": {**JUDGED, "precision": 0.4505, "precision_interval": [0.352, 0.553]},
    },
    "surer_links": {"least": 0.99, "audit": audited(ONE_MISSED)},
    "proxies": [
        {
            "characteristic": "sex",
            "group": "f",
            "auc": 0.713,
            "interval": [0.69, 0.741],
            "features": [["fire.visit.count_90", 0.42]],
        },
        {"characteristic": "sex", "group": "unknown", "auc": None, "interval": None, "features": []},
    ],
    "verdict": {"kind": "lightgbm", "said": "Shown to beat the best baseline: gradient-boosted trees."},
}
EXACT = [30_331, 1_237, 91, 41_237, 1_117, 40_119, 61_238, 2_413, 30_619, 1_213, 3_033]
EXACT += [21_118, 1_938, 20_557, 16_113]
"""Counts of people in the card as nobody outside the team may read them; none is a multiple of 5."""
SIGNED = {"sex: unknown": Signature("Anna Bright", "we looked at all fourteen of them")}


def told(card: dict[str, Any] = FULL, human: Human | None = None) -> Told:
    return Told(
        card=card,
        sha256="e9" * 32,
        specification=SPECIFICATION,
        catalogue=CATALOGUE,
        human=Human() if human is None else human,
        council="Anyshire",
        declared={"fire": SOURCE},
        rows={"fire": 1_234_567},
    )


def every(card: dict[str, Any] = FULL, human: Human | None = None) -> dict[str, Paper]:
    return {paper.kind: paper for paper in (make(told(card, human)) for make in PAPERS.values())}


def field(paper: Paper, label: str) -> Field:
    return next(f for section in paper.sections for f in section.fields if f.label == label)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=60)


@settings(max_examples=50, deadline=None)
@given(answers=st.dictionaries(st.sampled_from([*ASKED]), TEXT), because=TEXT)
def test_what_people_write_is_read_back_as_they_wrote_it(answers: dict[str, str], because: str) -> None:
    because = f"there are too few of them {' '.join(because.split())}".strip()
    human = Human(answers, {"age band: 16 to 17": Signature("Zoë Příklad", because)})
    text = questions_text({}, model="ab" * 32, human=human)
    lines = {name: re.sub("[\x85\u2028\u2029]", "\n", said).strip() for name, said in answers.items()}
    placeholders = ("", "-", "–", "…", "?", "tbc", "tba", "tbd", "todo", "to do", "to complete", "x", "xx")
    empty = {n for n, said in lines.items() if " ".join(said.casefold().split()).strip(" .") in placeholders}
    wordless = {name for name, said in lines.items() if not any(map(str.isalpha, said))} - empty
    if refused := wordless - {"supplier_number", "published", "review"}:
        with pytest.raises(UserMistake) as mistake:
            parse(text.encode(), model="ab" * 32)
        assert {problem.split(": ")[1] for problem in mistake.value.problems} == refused
        return
    read = parse(text.encode(), model="ab" * 32)
    given_back = dict(read.answers)
    assert set(answers) - set(given_back) == empty
    for name, said in given_back.items():
        assert re.sub("[\x85\u2028\u2029]", "\n", said) == lines[name]
    assert read.reasons["age band: 16 to 17"] == f"Zoë Příklad: {because}"
    assert questions_text({}, model="ab" * 32, human=read).count("\n# ") == text.count("\n# ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: {m}\npurpos: offers", "no question 'purpos': did you mean purpose"),
        ("model: {m}\npurpose: [offers, help]", "purpose: the answer is text; given is a list"),
        ("model: {m}\nowner: 5", "owner: the answer is text; a number or a sign says nothing"),
        ("purpose: offers", "it is about no model, and not about abababababab"),
        ("model: " + "cd" * 32, "it is about cdcdcdcdcdcd, and not"),
        ("model: {m}\nsigned: [sex]", "signed: it is a map of groups"),
        ("model: {m}\nsigned: {sex: yes}", "signed: sex: it takes `by` and `because`"),
        (
            "model: {m}\nsigned: {sex: {by: Anna, because: they are too few of them}}",
            "first name and surname",
        ),
        ("model: {m}\nsigned: {sex: {by: Anna Bright, because: fine}}", "in 20 characters or more"),
        ("model: {m}\npurpose: 'open", "not YAML, line"),
        ("- model", "not a map"),
        ("model: {m}\nowner: \xff", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(text: str, said: str) -> None:
    given = text.replace("{m}", "ab" * 32)
    with pytest.raises(UserMistake) as refused:
        parse(given.encode("latin-1"), model="ab" * 32)
    assert said in str(refused.value)


def test_no_is_an_answer_and_tbc_is_none() -> None:
    text = (
        f"model: {'ab' * 32}\nsupplier: no\nowner: TBC\nteam: Team 12\nreview: 2027-01-31\n"
        "supplier_number: 01234567\ncontact:\n"
    )
    read = parse(text.encode(), model="ab" * 32)
    answers = {"supplier": "no", "team": "Team 12", "review": "2027-01-31", "supplier_number": "01234567"}
    assert read.answers == answers


def test_every_question_is_asked_in_its_papers_and_no_other() -> None:
    there = {
        kind: {f.name for section in paper.sections for f in section.fields if f.name}
        for kind, paper in every().items()
    }
    assert set(there) == set(ALL)
    for kind, names in there.items():
        assert names - {"signed"} == {q.name for q in ASKED.values() if kind in q.papers}


@given(left=st.sets(st.sampled_from([*ASKED])))
@settings(max_examples=20, deadline=None)
def test_what_waits_in_a_paper_is_what_the_gate_names(left: set[str]) -> None:
    human = replace(filled(**dict.fromkeys(left, "")), signed=SIGNED)
    waiting = {f.name for paper in every(human=human).values() for f in paper.waiting}
    (gate,) = [gate for gate in gates_of(FULL, human) if gate.name == WRITTEN]
    assert waiting == left == set(human.missing) and gate.met is not bool(left)
    assert all(name in gate.said for name in left)


@pytest.mark.parametrize("kind", ALL)
def test_a_draft_is_marked_as_one_in_every_form(kind: str) -> None:
    draft, finished = every()[kind], every(human=replace(filled(), signed=SIGNED))[kind]
    n = len({f.name for f in draft.waiting})
    for write in (to_html, to_markdown):
        assert f"a person has still to write {n} fields" in write(draft)
        assert write(draft).count(TO_WRITE) == len(draft.waiting) > 5
        assert TO_WRITE not in write(finished) and "still to write" not in write(finished)
    as_json = json.loads(WRITERS["json"](draft))
    assert as_json["to_be_written"] == [f.name for f in draft.waiting]
    assert json.loads(WRITERS["json"](finished))["to_be_written"] == []


STANDARD = """Organisation|Organisation type|Function|Capability|Task|Phase|Region|Date published or updated
Version|1 Name|2 Description|3 Website URL|4 Contact email
1.1 Organisation|1.2 Team|1.3 Senior responsible owner|1.4 External supplier involvement
1.4.2 Companies House number|1.4.3 role|1.4.4 procurement procedure type|1.4.5 data access terms
2.1 Detailed description|2.2 Scope|2.3 Benefit|2.4 Previous process|2.5 Alternatives considered
3.1 Process integration|3.2 Provided information|3.3 Frequency & scale of usage|3.4 Human decisions & review
3.5 Required training|3.6 Appeals & review
4.1 architecture|4.1 phase|4.1 maintenance|4.1 models|4.2 name|4.2 version|4.2 task|4.2 input|4.2 output
4.2 architecture|4.2 performance|4.2 datasets|4.2 dataset purposes
5.1 Impact assessments|5.2 Risks & mitigations""".replace("\n", "|").split("|")


OF_A_DATASET = """name|modality|description|quantities|sensitive attributes|completeness & representativeness
source URL|collection|cleaning|sharing agreements|access & storage""".replace("\n", "|").split("|")


def test_the_record_has_every_field_of_the_standard() -> None:
    record = every()["transparency record"]
    labels = [f.label for section in record.sections for f in section.fields]
    places = [next(n for n, label in enumerate(labels) if label.startswith(name)) for name in STANDARD]
    assert places == sorted(places)
    tool, dataset, of_all = (s for s in record.sections if s.title.startswith(("Tier 2: 4 ", "Tier 2: 4.3")))
    named = [name for name in STANDARD if name.startswith("4.")]
    assert {f.label.split(":")[0] for f in tool.fields} == set(named), "no field of our own making"
    assert [f.label for f in dataset.fields] == [f"4.3 {name}" for name in OF_A_DATASET]
    assert {f.label.split(":")[0].removeprefix("4.3 ") for f in of_all.fields} <= set(OF_A_DATASET)


def test_the_record_tells_which_characteristics_a_source_delivers() -> None:
    (calls,) = SOURCE.extracts.values()
    whose = [calls.subjects[0].model_copy(update={"characteristics": {"ethnic_group": "e", "sex": "s"}})]
    source = SOURCE.model_copy(update={"extracts": {"calls": calls.model_copy(update={"subjects": whose})}})
    of = {
        name: field(
            PAPERS["transparency_record"](replace(told(), declared=d)), "4.3 sensitive attributes"
        ).said[0]
        for name, d in (("none", {"fire": SOURCE}), ("two", {"fire": source}), ("gone", {}))
    }
    assert of["none"] == "No protected characteristic is read of it."
    assert of["two"].endswith("for the audit alone: ethnic group, sex.") and "declares" in of["gone"]


def test_figures_stand_with_their_intervals() -> None:
    card = every()["model card"]
    table = field(card, "The list, beside what it could be sorted by instead").table
    assert table and table.rows == (
        ("gradient-boosted trees", "42% (32% to 52%)", "3.1% (2.1% to 4.4%)", "10.2", "2.4", "0.213", "0.78"),
        ("calls in 90 days", "30% (21% to 40%)", "3.1% (2.1% to 4.4%)", "10.2", "2.4", "0.213", "0.78"),
    )
    by_person = field(card, "The same, with intervals by person").table
    assert by_person and [row[1] for row in by_person.rows] == [
        *("42% (30% to 54%)", "3.1% (1.9% to 4.7%)", "0.213 (0.181 to 0.251)", "10.2 (7.1 to 13.4)"),
    ]
    compared = field(card, "Is it better?").table
    assert compared and compared.rows == (("calls in 90 days", "average precision", "+7.2 (+3.1 to +11.3)"),)
    found = field(card, "Who is found, by sex").table
    assert found and found.rows[0] == ("f", "1,000", "100", "60% (50% to 69%)", found.rows[0][4])
    assert found.rows[2][1:4] == ("335", "25", NOT_ESTIMABLE)
    assert re.fullmatch(r"[+-]\d\.\d \([+-]\d+\.\d to [+-]\d+\.\d\)", found.rows[0][4])
    assert "58 of every 100 places" in field(card, "From the figures").said[0]
    assert "97 were not on" in field(card, "From the figures").said[1]
    text = to_markdown(card)
    assert "By luck: lightgbm was so; at no cost." in text
    assert "first listed 61 days or more" in text and "78% (63% to 89%)" in text
    assert "36% (27% to 46%) of the places on the lists" in text and "one 7 days before: 75%." in text
    worth = field(card, "What each source is worth").table
    assert worth and worth.rows == (
        (
            *("without the police", "+3.8 (-1.1 to +9.1)", "+2.0, interval not estimable"),
            "age band: 16 to 17, +8.3 (+2.0 to +14.0); sex: f, +4.1 (+1.2 to +7.0)",
        ),
    )
    _, whole, unjudged = field(card, "What each source is worth").said  # one interval: no word on chance
    assert (
        "nothing left out these trees have a precision at 30 of 41% and an average precision of 0.211"
        in whole
    )
    assert f"lose is {NOT_ESTIMABLE}: sex: unknown." in unjudged
    links = field(card, "With the links of today")
    assert links.table and [row[1] for row in links.table.rows] == ["42% (32% to 52%)", "45% (35% to 55%)"]
    assert "Of 40,120 rows, a person on a date each, 1,115 had other records by 1 June 2025." in links.said[0]
    surer = field(card, "With sure links alone")
    assert surer.table and [row[:3] for row in surer.table.rows] == [
        ("sex: f", "60% (50% to 69%)", "60% (50% to 69%)"),
        ("sex: m", "60% (46% to 72%)", "17% (9.3% to 28%)"),
    ]
    assert "99% sure" in surer.said[0]
    given_away = field(card, "How much the figures give away").table
    assert given_away and given_away.rows == (
        ("sex: f", "0.71 (0.69 to 0.74)", "fire.visit.count_90 42%"),
        ("sex: unknown", NOT_ESTIMABLE, ""),
    )
    assert FULL["verdict"]["said"] in text and "NOT APPROVED" in text


def test_no_exact_count_of_people_leaves() -> None:
    for paper in every().values():
        for write in WRITERS.values():
            numbers = {int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\d|\d", write(paper))}
            assert numbers.isdisjoint(EXACT)
    flow = next(f for f in every()["model card"].sections[0].fields if f.label.startswith("Who was asked"))
    assert flow.table and flow.table.rows[:2] == (
        ("known that morning", "", "41,240"),
        ("objects to being scored", "*", "41,235"),
    )


def test_a_rate_of_a_few_people_is_not_said() -> None:
    few = {**FULL, "later_links": None, "test": {**JUDGED, "found": 3, "precision": 0.033}}
    table = field(every(few)["model card"], "The list, beside what it could be sorted by instead").table
    assert table and table.rows[0][1:5] == (TOO_FEW,) * 4
    for write in WRITERS.values():
        assert "32%" not in write(
            replace(every(few)["model card"], sections=every(few)["model card"].sections[2:3])
        )


def test_what_was_not_measured_says_so() -> None:
    bare = every(dict(CARD))
    said = to_markdown(bare["model card"])
    assert said.count(NOT_MEASURED) >= 10 and "Train again" in said and "None" not in said
    assert NOT_ESTIMABLE in said and "nan" not in said.casefold()
    for paper in bare.values():
        assert all(write(paper) for write in WRITERS.values())
    no_lists = {**FULL, "paired": {"calls": {"of": "precision at 30", "difference": None, "low": None}}}
    assert field(every(no_lists)["model card"], "Is it better?").table.rows[0][2] == NOT_ESTIMABLE  # type: ignore[union-attr]


class Page(HTMLParser):
    """The ids of a page, what refers to them, its tags and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.asked: set[str] = set()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.ids += [value or ""] if name == "id" else []
            self.asked |= set((value or "").split()) if name == "aria-labelledby" else set()
            self.asked |= {(value or "")[1:]} if name == "href" and (value or "").startswith("#") else set()
            assert not (name in ("src", "href") and not (value or "").startswith("#"))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("kind", ALL)
def test_a_page_stands_by_itself_and_refers_to_what_is_there(kind: str) -> None:
    page = Page(to_html(every()[kind]))
    assert page.asked <= set(page.ids) and len(page.ids) == len(set(page.ids))
    assert "script" not in page.tags and {"main", "h1", "h2", "h3", "table"} <= page.tags


def test_what_people_write_cannot_become_part_of_the_page() -> None:
    nasty = "<script>alert(1)</script> a|b *c* [d](e)"
    human = replace(filled(purpose=nasty, owner=nasty), signed=SIGNED)
    page, text = (write(every(human=human)["model card"]) for write in (to_html, to_markdown))
    assert "script" not in Page(page).tags and nasty in Page(page).text
    assert "<script" not in text and "a\\|b" in text and "\\[d](e)" in text
    table = Paper(
        "", "", "", "", "", (), (Section("s", (Field("f", table=Table(("a", "b"), ((nasty, "1"),))),)),)
    )
    (row,) = [line for line in to_markdown(table).split("\n") if "alert" in line]
    assert len(re.split(r"(?<!\\)\|", row)) == 4


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    init_workspace(tmp_path)
    return Workspace(tmp_path)


def exported(workspace: Workspace, *, slope: float = 0.9, **card: Any) -> Candidate:
    made = replace(draft(sums(), slope=slope), kind="lightgbm", card={**FULL, **card})
    return export_candidate(workspace, made, reference_of(made, panel(20).X))


def test_papers_are_written_and_the_questions_laid_out_once(workspace: Workspace) -> None:
    model = exported(workspace)
    first = papers(workspace, model)
    assert [path.name for path in first.papers] == [f"{n}.{form}" for n in PAPERS for form in WRITERS]
    assert first.laid_out and first.missing == tuple(ASKED) and first.unsigned == ("sex: unknown",)
    assert "NOT MET  what people must write" in first.text() and str(first.human) in first.text()
    laid = first.human.read_text(encoding="utf-8")
    assert laid.count("''") == len(ASKED) + 2 and all(q.asks in laid for q in ASKED.values())
    answered = laid.replace("purpose: ''", "purpose: offers  # of help")
    first.human.write_text(answered, encoding="utf-8")
    again = papers(workspace, model)
    assert not again.laid_out and again.human.read_text(encoding="utf-8") == answered
    assert "purpose" not in again.missing and len(again.missing) == len(ASKED) - 1
    card = (again.folder / "model_card.md").read_text(encoding="utf-8")
    assert "\noffers\n" in card and "The workspace declares this source no more" not in card
    assert not list(again.folder.glob(".*"))
    for kwargs in ({"simulated": True}, {"fill": other_answers(workspace)}):
        with pytest.raises(UserMistake, match="have written in"):
            papers(workspace, model, **kwargs)
    assert again.human.read_text(encoding="utf-8") == answered


def other_answers(workspace: Workspace) -> Path:
    """What people wrote of another model, signatures and all."""
    other = exported(workspace, slope=0.7)
    answer(workspace, other)
    return folder_of(workspace, "fires", other.sha256) / FILE


def test_answers_are_taken_over_and_signatures_are_not(workspace: Workspace) -> None:
    model, fill = exported(workspace), other_answers(workspace)
    report = papers(workspace, model, fill=fill)
    assert report.missing == () and report.unsigned == ("sex: unknown",)
    assert {gate.name for gate in report.gates if not gate.met} == {"no group is missed too often"}
    own = fill.read_text(encoding="utf-8").replace(fill_model(fill), model.sha256)
    report.human.unlink()
    fill.write_text(own, encoding="utf-8")
    assert papers(workspace, model, fill=fill).unsigned == ()
    with pytest.raises(UserMistake, match="no file"):
        papers(workspace, model, fill=workspace.root / "nowhere.yaml")


def fill_model(path: Path) -> str:
    found = re.search(r"^model: (\w+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1]


def test_the_sample_says_that_it_is_one_at_every_answer(workspace: Workspace) -> None:
    assert set(sample({}).answers) == set(ASKED)
    assert all(
        said.startswith("SAMPLE, written by simulated people: ") for said in sample({}).answers.values()
    )
    model = exported(workspace)
    rule = replace(draft(sums(), slope=0.8), kind="calls", card={**FULL, "kind": "calls", "title": "calls"})
    export_candidate(workspace, rule, reference_of(rule, panel(20).X))
    report = papers(workspace, model, simulated=True)
    assert [gate.name for gate in report.gates if not gate.met] == []
    for path in report.papers:
        assert path.suffix == ".json" or "written here by simulated people" in path.read_text(
            encoding="utf-8"
        )
    assert papers(workspace, model, simulated=True).human == report.human  # the same again is no change
    page = (report.folder / "model_card.html").read_text(encoding="utf-8")
    assert page.count("<circle") == page.count("<rect") == 1  # the model, and the rule of the same run
    assert "greatest gap" in page and "<svg" not in (report.folder / "model_card.md").read_text(
        encoding="utf-8"
    )
    for by, role in (("Anna Bright", "data analyst"), ("Ben Castle", "service manager")):
        because, at = "SAMPLE: the county is simulated", datetime(2026, 7, 1, tzinfo=UTC)
        done = decide(workspace, "approve", model.sha256[:8], by=by, role=role, because=because, at=at)
    assert done.champion == model.sha256 == candidate_named(workspace, model.sha256[:8]).sha256
    approved = papers(workspace, model).papers[0].read_text(encoding="utf-8")
    assert "NOT APPROVED" not in approved and "SAMPLE" in approved
    assert "Anna Bright (simulated)" in (report.folder / "impact_annex.html").read_text(encoding="utf-8")


def test_of_a_source_that_is_declared_no_more_the_papers_still_tell(workspace: Workspace) -> None:
    model = exported(workspace)
    gone = replace(told_of(workspace, model), declared={}, rows={})
    write_papers(gone, workspace.root / "out")
    assert "declares this source no more" in (workspace.root / "out" / "transparency_record.md").read_text()


@pytest.mark.parametrize("card", [FULL, {**FULL, "audit": None}])
def test_the_notebook_reads_an_audit_or_says_there_is_none(
    workspace: Workspace, card: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    import matplotlib

    matplotlib.use("Agg")
    (workspace.root / "settings.yaml").write_text("model: fires")
    exported(workspace, **card)
    monkeypatch.setenv("EARLYHELP_WORKSPACE", str(workspace.root))
    names: dict[str, Any] = {}
    import jupytext  # for them alone

    for cell in jupytext.read(ROOT / "notebooks" / "04_is_it_fair.py").cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, "04_is_it_fair", "exec"), names)
    printed = capsys.readouterr().out
    assert ("train it again" in printed) == (card["audit"] is None)
    if card["audit"]:
        assert "not estimable: sex: unknown; nobody has signed for it" in printed
        assert list(names["groups"]["recall"].round(2).dropna()) == [0.6, 0.6]
        (point,) = names["points"]
        assert (point.precision, point.simple) == (JUDGED["precision"], False) and point.whose


def test_simulated_people_approve_what_meets_every_gate_and_nothing_else(workspace: Workspace) -> None:
    at = datetime(2026, 7, 1, tzinfo=UTC)
    good = exported(workspace)
    done = approve_sample(workspace, good.sha256, at=at)
    assert done.approved and champion(workspace, "fires") == good.sha256
    assert "NOT APPROVED" not in (done.papers / "model_card.md").read_text(encoding="utf-8")
    assert "SAMPLE, as nobody here is real" in done.text()
    assert approve_sample(workspace, good.sha256, at=at) == done  # the demo again

    flat = replace(draft(sums(), slope=0.7), card={**FULL, "test": {**FULL["test"], "calibration_slope": 2}})
    poor = export_candidate(workspace, flat, reference_of(flat, panel(20).X))
    refused = approve_sample(workspace, poor.sha256, at=at)
    assert not refused.approved and [gate.split(":")[0] for gate in refused.unmet] == ["calibration"]
    assert "could not" in refused.text() and champion(workspace, "fires") == good.sha256
