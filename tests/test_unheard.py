"""An answer counts from its day, whether or not a delivery comes before the next link run."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from features.answered import taken_down
from features.answers import DIFFERENT, SAME, give_answer
from features.link import link, person_id
from features.people import resolve
from features.snapshot import open_snapshot
from features.tables import Tables
from features.workspace import Workspace, open_workspace
from tests.test_link import ANN, C7, P1, PLACE, day, deliver, fact, new_workspace

P2, C8 = ("police", "P2"), ("care", "C8")
MORNINGS = range(1, 12)


def together(workspace: Workspace, one: tuple[str, str], other: tuple[str, str]) -> list[int]:
    """The mornings on which two subjects are one person, by the newest link run."""
    now = open_snapshot(workspace)
    return [n for n in MORNINGS if other in resolve(now, person_id(*one), day(n)).subjects]


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which P1 and C7, P2 and C8 are known from day 0 on and linked, each a person."""
    workspace = new_workspace(tmp_path_factory.mktemp("apart") / "w")
    two = [fact(*P2, known=0, surname="Moss"), fact(*C8, known=0, surname="Moss")]
    deliver(workspace, 1, 0, identities=[fact(*P1, known=0, **ANN), fact(*C7, known=0, surname="Neil"), *two])
    link(workspace)
    return workspace.root


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which P1 and C7 are one from day 0 and linked; then the delivery of day 8 has come."""
    workspace = new_workspace(tmp_path_factory.mktemp("one") / "w")
    rows = [fact(*who, known=0, **ANN) for who in (P1, C7)]
    deliver(workspace, 1, 0, identities=rows, addresses=[fact(*who, known=0, **PLACE) for who in (P1, C7)])
    link(workspace)
    deliver(workspace, 2, 8)
    return workspace.root


def copied(root: Path, to: Path) -> Workspace:
    return open_workspace(shutil.copytree(root, to / "w"))


@pytest.mark.parametrize("between", [False, True], ids=["linked after the delivery", "linked at once"])
def test_an_answer_that_a_delivery_follows_counts_from_its_day(
    apart: Path, between: bool, tmp_path: Path
) -> None:
    """Answered on day 3; the delivery of day 8 also tells that P2 and C8, never asked of, are one."""
    workspace = copied(apart, tmp_path)
    given = give_answer(workspace, P1, C7, SAME, by="Ada Clerk", on=day(3), today=day(3))
    if between:
        link(workspace)
    both = {"revision": 2, "nhs_number": "9434765919"}
    deliver(workspace, 2, 8, identities=[fact(*P2, known=8, **both), fact(*C8, known=8, **both)])
    assert taken_down(workspace, given).counts_from == day(4)
    link(workspace)
    assert together(workspace, P1, C7) == [n for n in MORNINGS if n > 3]
    assert together(workspace, P2, C8) == [n for n in MORNINGS if n > 8]
    runs = Tables(workspace.data).read("link_runs").to_pylist()
    assert sorted((run["last_delivery"], run["answers"]) for run in runs) == [(1, 0), (1, 1), (2, 1)]
    assert link(workspace).link_run == 3


@pytest.mark.parametrize(
    ("on", "given_on", "parted_from"),
    [
        (9, 9, 10),  # on a day on which what came was held already
        (8, 9, 9),  # on the day of the delivery
        (0, 9, 2),  # on a day that a run had told of: from the second morning after what it had read
    ],
)
def test_from_which_morning_an_answer_counts(
    one: Path, on: int, given_on: int, parted_from: int, tmp_path: Path
) -> None:
    """The delivery of day 8 is there when it is answered that they are two."""
    workspace = copied(one, tmp_path)
    given = give_answer(workspace, P1, C7, DIFFERENT, by="Ada Clerk", on=day(on), today=day(given_on))
    assert taken_down(workspace, given).counts_from == day(parted_from)
    link(workspace)
    assert together(workspace, P1, C7) == [n for n in MORNINGS if n < parted_from]
    assert open_snapshot(workspace).morning_after == date(2026, 1, 10)
