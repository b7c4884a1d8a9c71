"""The documents say what there is: every command and setting, links that lead somewhere."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import earlyhelp
from features.association import Association
from features.catalogue import derive_catalogue
from features.errors import MAKE_ROOM, DataRefused, EarlyHelpError, GateFailed, UserMistake
from features.feature import MEASURES, Channel, Signal, said
from features.read_declaration import read_sources
from features.sequences import FirstThen
from features.workspace import TEMPLATES, Settings
from models.spec import FeatureRule

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def test_every_command_is_documented_and_no_other() -> None:
    there = {command.name or command.callback.__name__ for command in earlyhelp.app.registered_commands}
    for group in earlyhelp.app.registered_groups:
        under = {command.name for command in group.typer_instance.registered_commands}
        there |= {group.name, *(f"{group.name} {name}" for name in under)}
    told = re.findall(r"^\| `([a-z]+(?: [a-z]+)?)[ `]", COMMANDS, re.MULTILINE)
    assert set(told) == there


def test_every_setting_is_documented() -> None:
    assert [name for name in Settings.model_fields if name not in COMMANDS] == []


def test_what_mlflow_installs_is_the_lock_and_every_file_of_it_is_checked() -> None:
    """One version of each package by its hash, from the index alone; and a Python that the project allows."""
    environment = yaml.safe_load((ROOT / "python_env.yaml").read_text("utf-8"))
    project = yaml.safe_load((ROOT / "MLproject").read_text("utf-8"))
    assert project["python_env"] == "python_env.yaml" and environment["dependencies"] == [
        "-r requirements.lock"
    ]
    assert f'requires-python = ">={environment["python"]},<' in (ROOT / "pyproject.toml").read_text("utf-8")
    lock = (ROOT / "requirements.lock").read_text("utf-8").replace("\\\n", " ").splitlines()
    packages = [line for line in lock if line.strip() and not line.startswith("#")]
    pinned = r"[a-z0-9][a-z0-9_.\-\[\],]*==[^\s;]+( ; [^-]+)?(\s+--hash=sha256:[0-9a-f]{64})+\s*"
    assert [line for line in packages if not re.fullmatch(pinned, line)] == [] and len(packages) > 100
    names = [line.split("==")[0].split("[")[0] for line in packages]
    assert len(set(names)) == len(names)


def measures_table() -> str:
    """The table of docs/features.md, made of the measures themselves."""

    def example(name: str, one: str, many: str, **facts: Any) -> Channel:
        signal = Signal(name, name.split(".")[0], one, many, **facts)
        return Channel(name, "signal", signal.shared, (signal,), one, many, unit=signal.unit)

    episodes = example("missing.episode", "missing episode", "missing episodes")
    letters = example("rents.letter", "rent arrears letter", "rent arrears letters", unit="£", shared=True)
    rows = []
    for measure in MEASURES.values():
        channel = letters if "{unit}" in measure.said or measure.name == "after" else episodes
        label = said(measure, channel, 90, first=episodes, within=30)
        rows.append(f"| `{measure.name}` | {measure.formula} | {label} |")
    return "\n".join(["| measure | value | said |", "|---|---|---|", *rows])


def test_every_measure_is_documented_as_it_is() -> None:
    page = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    _, after = page.split("should stand here -->\n")
    table, _ = after.split("\n<!-- end -->")
    assert table == measures_table(), f"docs/features.md should have:\n{measures_table()}"
    for notation in ("T is the as-of date", "n(w) the number", "a(w) their known amounts"):
        assert notation in page


def test_every_key_of_features_is_documented() -> None:
    page = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert block
    shown = yaml.safe_load(block[1])["features"]
    rule = FeatureRule.model_validate(shown)
    assert set(shown) == set(FeatureRule.model_fields)
    catalogue = derive_catalogue(
        read_sources(TEMPLATES),
        windows=rule.windows,
        include=rule.include,
        exclude=rule.exclude,
        sequences=[FirstThen(s.first, s.then, s.within) for s in rule.sequences],
        association=Association(tuple(rule.association.signals), rule.association.within_days),
        sensitive=[asked.signal for asked in rule.sensitive],
    )
    for asked in rule.sensitive:
        source, signal = asked.signal.split(".")
        assert read_sources(TEMPLATES)[source].signals[signal].sensitive
    named = re.findall(r"`([a-z_.]+\.after_[a-z0-9_.]+)`", page)
    assert named and set(named) <= set(catalogue.names)


def test_exit_codes_are_those_documented() -> None:
    rows = re.findall(r"^\| (\d) \| (.*)", COMMANDS, re.MULTILINE)
    full = [(code, said) for code, said in rows if "the disk is full" in said]
    kinds = (EarlyHelpError, UserMistake, DataRefused, GateFailed)
    assert [int(code) for code, said in rows if (code, said) not in full] == [
        0,
        *(k.exit_code for k in kinds),
    ]
    assert [int(code) for code, _ in full] == [UserMistake.exit_code]
    assert all(
        f"`{folder}`" in full[0][1] and folder in MAKE_ROOM for folder in ("data/panels", "data/shards")
    )


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
