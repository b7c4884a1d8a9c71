"""A row of the register of objections that could not be read stops the list, or is told on it."""

from __future__ import annotations

import csv
import shutil
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.declaration import Extract
from features.errors import GateFailed
from features.ingest import ingest
from features.snapshot import open_snapshot
from features.workspace import TEMPLATES, Workspace
from models.candidate import newest_candidate
from serving.freshness import Received, feeds, registers_of_objections, unread
from serving.person import explain_person
from serving.text import list_text
from serving.weekly_list import flag, remake
from tests.test_stale_feeds import WHY, ago, deliver, gate, wrong
from tests.test_weekly_list import AS_OF, SIGNALS, WEEK, own_town, town  # noqa: F401 - fixtures

COLUMNS = "entry_ref person_ref surname forenames date_of_birth uprn postcode nhs_number upn nino kind since"
HEADER = [*COLUMNS.split(), "withdrawn_on", "entered_on"]


@pytest.fixture
def with_register(own_town: Workspace) -> Workspace:  # noqa: F811
    """The town, which now keeps a register of objections as the template declares it."""
    shutil.copy(TEMPLATES / "objections.yaml", own_town.root / "sources" / "objections.yaml")
    return Workspace(own_town.root)


def register_of(workspace: Workspace, received: date, **since: str) -> None:
    """Take in a register: entry → since when its person, who is nobody of the town, objects."""
    folder = workspace.root / "in" / str(received)
    folder.mkdir(parents=True)
    with (folder / "objections_register.csv").open("w", newline="", encoding="cp1252") as file:
        writer = csv.DictWriter(file, HEADER, delimiter=";", restval="")
        writer.writeheader()
        for number, (entry, day) in enumerate(since.items()):
            said = {"entry_ref": entry, "person_ref": f"p{number}", "kind": "OBJ", "since": day}
            writer.writerow({**said, "surname": f"Elsewhere{number}", "entered_on": "01/06/2026"})
    ingest(workspace, folder, received=received)


def test_the_rule_knows_a_register_from_what_may_bring_an_objection() -> None:
    """E-CINS has a column for it, of which most rows say nothing."""
    workspace = Workspace(TEMPLATES.parent)
    assert registers_of_objections(workspace) == ["objections"]
    assert [m.mark for s in workspace.sources["ecins"].extracts["profiles"].subjects for m in s.marks]


def test_a_row_that_could_not_be_read_stops_the_list_or_is_told_on_it(with_register: Workspace) -> None:
    assert not gate(with_register, AS_OF), "where no register ever came, none is missed"
    register_of(with_register, ago(8), OB00000001="01/06/2026", OB00000002="01/06/2026")
    assert not gate(with_register, AS_OF - WEEK + timedelta(days=1))
    register_of(with_register, ago(4), OB00000001="01/06/2026", OB00000002="the first of June")
    register_of(with_register, ago(2), OB00000001="01/06/2026", OB00000002="1st June", OB00000003="June")
    said = wrong(with_register)
    told = "2 rows of register could not be read, since the delivery of 25 June 2026: whoever objects in them"
    assert f"Objections (objections): {told}" in said and "Ask Data protection officer" in said
    assert '--accept-stale objections --because "..."' in said

    weekly = flag(with_register, AS_OF, accept={"objections": WHY})
    assert [(a.source, a.because) for a in weekly.accepted] == [("objections", WHY)]
    page = (with_register.list_folder(AS_OF) / "list.html").read_text(encoding="utf-8")
    assert page.index(told) < page.index("People to offer early help to") and page.count(told) == 2
    assert (
        told in list_text(weekly) and told in explain_person(with_register, weekly.flags[0].person_id).text()
    )
    again = remake(with_register, AS_OF)
    assert (again.hash, again.accepted) == (weekly.hash, weekly.accepted)

    register_of(with_register, ago(1), OB00000001="01/06/2026", OB00000002="01/06/2026")
    assert not gate(with_register, AS_OF)


def test_a_register_that_came_once_is_a_feed_like_another(with_register: Workspace) -> None:
    deliver(with_register, "objections", ago(30), 3, extract="register")
    assert "Objections (objections): a delivery was due on 1 June 2026, and the last came" in wrong(
        with_register
    )
    candidate = newest_candidate(with_register, "escalation")
    fresh = feeds(open_snapshot(with_register), candidate.catalogue, AS_OF)
    assert [feed.source for feed in fresh] == [*SIGNALS, "objections"]


def test_a_register_alone_is_nothing_that_the_model_reads(with_register: Workspace) -> None:
    deliver(with_register, "objections", date(2021, 6, 1), 3, extract="register")
    with pytest.raises(GateFailed, match="nothing that the model reads had reached us"):
        flag(with_register, date(2021, 6, 7), accept={"objections": WHY})


@given(
    came=st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.integers(0, 2)), max_size=8),
    whole=st.booleans(),
)
def test_how_many_rows_since_when(came: list[tuple[int, bool, int]], whole: bool) -> None:
    """Day by day: whole, of the newest that is known and since the run of bad ones began; or of them all."""
    morning, first = 6, date(2026, 6, 1)
    known = sorted({day: (day, history, bad) for day, history, bad in came}.values())
    told = unread(
        "register",
        [Received(first + timedelta(days=day), history, 5, bad) for day, history, bad in known],
        first + timedelta(days=morning),
        whole=whole,
    )
    counts = [d for d in known if d[0] < morning] or [d for d in known if d[1]]
    since, rows = None, 0
    for day, _, bad in counts:
        if whole:
            since, rows = ((since or day) if bad else None), bad
        elif bad:
            since, rows = since or day, rows + bad
    assert bool(told) == bool(rows)
    if since:
        assert told.startswith(f"{rows} row")
        assert f"since the delivery of {(first + timedelta(days=since)).day} June 2026" in told


def test_extracts_that_always_mark() -> None:
    def marks(**rule: object) -> bool:
        subject = {"key": "who", "marks": [{"mark": "objection", **rule}]}
        extract = {"files": "*", "delivery": "full", "record_key": "id", "columns": {}, "subjects": [subject]}
        return Extract.model_validate(extract).always_marks("objection")

    assert marks(start="since") and not marks(when={"kind": "x"}) and not marks(mark="refuge")
