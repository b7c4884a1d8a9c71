"""A corrected file never leaves code behind that was compiled from what it said before."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RULE = """
from numba import njit
LIMIT = {limit}
@njit(inline="always", cache=True)
def is_known(known_on, as_of):
    return known_on {sign} as_of
"""
KERNEL = """
import rule
from numba import njit
from features.in_step import in_step_with

@njit(cache=True)
def count(known_on, as_of):
    return is_known(known_on, as_of) * rule.LIMIT

from rule import is_known
in_step_with(globals(), rule)
if __name__ != "__main__":
    print(count(5, 5), sum(count.stats.cache_hits.values()))
"""


def test_what_is_compiled_follows_the_files_that_it_was_compiled_from(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(KERNEL, "utf-8")
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    env.pop("NUMBA_CACHE_DIR", None)

    def said(sign: str, limit: int) -> str:
        (tmp_path / "rule.py").write_text(RULE.format(sign=sign, limit=limit), "utf-8")
        command = [sys.executable, "-c", "import kernel"]
        ran = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, check=True)
        return ran.stdout.decode()

    assert said("<=", 1).split()[0] == "1"
    assert said("<=", 1).split() == ["1", "1"], "the same files: what is stored is taken"
    assert said("<", 1).split() == ["0", "0"], "the rule has changed"
    assert said("<=", 7).split()[0] == "7", "so has a constant"


def test_every_module_of_compiled_functions_is_in_step() -> None:
    left_out = {"features/asof.py", "benchmarks/catalogue.py"}  # nothing of theirs comes from elsewhere
    for path in sorted(ROOT.glob("*/*.py")):
        name, text = f"{path.parent.name}/{path.name}", path.read_text("utf-8")
        if re.search(r"^@njit", text, re.MULTILINE) and path.parent.name != "tests" and name not in left_out:
            assert "\nin_step_with(globals()" in text, name
