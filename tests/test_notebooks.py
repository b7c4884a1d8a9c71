"""Every notebook runs from top to bottom, as a notebook, on the session's county."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAYS = {
    "01_a_week_in_early_help": ["NOT APPROVED", "made again"],
    "04_is_it_fair": ["no group is missed too often:"],
}
"""What each must print, beside running."""


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, county, monkeypatch: pytest.MonkeyPatch) -> None:
    import jupytext
    from nbclient import NotebookClient

    monkeypatch.setenv("EARLYHELP_WORKSPACE", str(county.root))
    notebook = jupytext.read(path)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert [said for said in SAYS.get(path.stem, ()) if said not in printed] == []
