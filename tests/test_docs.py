"""The documents say what there is: every command and setting, links that lead somewhere."""

import re
from pathlib import Path

import pytest

import earlyhelp
from features.errors import DataRefused, EarlyHelpError, GateFailed, UserMistake
from features.workspace import Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def test_every_command_is_documented_and_no_other() -> None:
    there = {command.name or command.callback.__name__ for command in earlyhelp.app.registered_commands}
    told = set(re.findall(r"^\| `([a-z]+)[ `]", COMMANDS, re.MULTILINE))
    assert told == there


def test_every_setting_is_documented() -> None:
    assert [name for name in Settings.model_fields if name not in COMMANDS] == []


def test_exit_codes_are_those_documented() -> None:
    told = [int(code) for code in re.findall(r"^\| (\d) \|", COMMANDS, re.MULTILINE)]
    kinds = (EarlyHelpError, UserMistake, DataRefused, GateFailed)
    assert told == [0, *(kind.exit_code for kind in kinds)]


def test_the_two_promises_are_on_the_first_screen() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:40])
    assert "make demo" in first_screen and "make test" in first_screen


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    lost = [t for t in targets if not t.startswith("http") and not (page.parent / t).exists()]
    assert lost == []


def test_no_document_or_file_names_a_place_outside() -> None:
    """No machine's path stands in a tracked text file."""
    outside = re.compile(r"(?:^|[^.\w])/(?:work|root|home|Users)/")
    lost = [
        str(path.relative_to(ROOT))
        for folder in (
            "features",
            "models",
            "training",
            "serving",
            "monitoring",
            "simulation",
            "docs",
            "tests",
        )
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md", ".yaml", ".html", ".css")
        and path != Path(__file__)
        and outside.search(path.read_text(encoding="utf-8"))
    ]
    assert lost == []
