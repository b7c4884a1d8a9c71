"""A file that no declaration names: what is said of it helps to mend it, whichever extract was meant."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from features.arrivals import find_arrived
from features.errors import UserMistake
from features.workspace import Workspace, init_workspace, open_workspace

DAY = date(2024, 1, 8)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    init_workspace(tmp_path / "workspace")
    return open_workspace(tmp_path / "workspace")


@pytest.fixture
def told_of(workspace: Workspace, tmp_path: Path) -> Callable[[list[str]], list[str]]:
    """What is said of files with these names, one sentence a file."""

    def tell(names: list[str]) -> list[str]:
        for name in names:
            (tmp_path / "sent" / name).parent.mkdir(exist_ok=True)
            (tmp_path / "sent" / name).touch()
        with pytest.raises(UserMistake) as refused:
            find_arrived(workspace, tmp_path / "sent", DAY)
        return refused.value.problems

    return tell


def test_a_name_that_is_nearly_one_that_is_declared_is_told_which(workspace: Workspace, told_of) -> None:
    """Each extract that is declared, sent with another ending, in capitals, and with a slip of the pen."""
    globs = {
        extract.files: (source.source, name)
        for source in workspace.sources.values()
        for name, extract in source.extracts.items()
    }
    assert len(globs) > 40
    for_whom = {}
    for glob, (source, name) in globs.items():
        sent = glob.replace("*", "20240108")
        whole = f"{source}.{name}"
        for_whom[Path(sent).with_suffix(".xlsx").name] = (
            f"but for its ending it is {whole}, declared as {glob}:"
        )
        for_whom[f"{sent}.zip.enc"] = glob  # no ending that is away with the archive's
        for_whom[sent.upper()] = f"{whole} is declared as {glob}, in other capitals"
        for_whom[sent.replace("_", "-")] = f"{glob} ({source})"
    said = dict(problem.split(": no declared", 1) for problem in told_of(list(for_whom)))
    assert {name for name, what in for_whom.items() if what not in said[name]} == set()
    assert max(map(len, said.values())) < 250


def test_a_name_like_none_is_told_two(told_of) -> None:
    (said,) = told_of(["minutes of the meeting.docx"])
    assert said.count("*") == 2 and "the nearest are" in said
