"""The arrows between the packages point one way; slow libraries stay behind the commands that need them."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("features", "models", "training", "serving", "monitoring", "simulation")
MAY_IMPORT = {
    "features": set(),
    "models": {"features"},
    "training": {"features", "models"},
    "serving": {"features", "models"},
    "monitoring": {"features", "models"},
    "simulation": {"features"},
}


def imported(path: Path) -> set[str]:
    """Every module a file imports, at whatever depth of the file, as dotted names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("package", OURS)
def test_a_package_imports_only_what_its_arrow_allows(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in sorted(imported(path))
        if name.split(".")[0] in set(OURS) - MAY_IMPORT[package] - {package}
    ]
    assert not wrong


def test_simulation_knows_only_the_declarations() -> None:
    allowed = tuple(
        f"features{part}" for part in ("", ".declaration", ".read_declaration", ".errors", ".progress")
    )
    wrong = [
        f"{path.name} imports {name}"
        for path in sorted((ROOT / "simulation").rglob("*.py"))
        for name in sorted(imported(path))
        if name.split(".")[0] == "features" and not name.startswith(allowed[1:]) and name != "features"
    ]
    assert not wrong


def test_serving_never_imports_the_training_log() -> None:
    wrong = [
        f"{path.name} imports {name}"
        for path in sorted((ROOT / "serving").rglob("*.py"))
        for name in imported(path)
        if name.split(".")[0] in ("mlflow", "shap", "optuna")
    ]
    assert not wrong


def test_only_the_front_door_reads_the_clock() -> None:
    clocks = ("date.today(", "datetime.now(", "datetime.today(", "datetime.utcnow(", "time.time(")
    wrong = [
        f"{path.relative_to(ROOT)}: {clock}"
        for package in OURS
        for path in sorted((ROOT / package).rglob("*.py"))
        for clock in clocks
        if clock in path.read_text(encoding="utf-8")
    ]
    assert not wrong


def test_each_package_name_is_ours() -> None:
    for package in OURS:
        spec = __import__(package)
        assert spec.__file__ is not None
        assert Path(spec.__file__).resolve().is_relative_to(ROOT)


def test_no_file_is_too_long_to_read() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for package in OURS
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    ]
    assert not long


def test_help_answers_at_once() -> None:
    """`earlyhelp --help` takes under half a second: heavy imports wait for the command that needs them.

    Of the processor, so that whatever else the machine does has no part in it.
    """
    command = [sys.executable, "-c", "import earlyhelp; earlyhelp.main(['--help'])"]
    subprocess.run(command, capture_output=True, check=False, cwd=ROOT)
    seconds = []
    for _ in range(3):
        before = os.times()
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        after = os.times()
        user, system = (
            getattr(after, name) - getattr(before, name) for name in ("children_user", "children_system")
        )
        seconds.append(user + system)
    print(f"earlyhelp --help: {min(seconds):.2f} s")
    assert done.returncode == 0
    assert "weekly" in done.stdout
    assert min(seconds) < 0.5
