"""The walk-through of docs/bring-your-own-data.md, run on the real data where it is present.

The data stays out of the repository. EARLYHELP_OULAD names its folder; `../shared/data/oulad` beside
the checkout is looked at too.
"""

import json
import os
import re
import shlex
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "bring-your-own-data.md"
DATA = Path(os.environ.get("EARLYHELP_OULAD", ROOT.parent / "shared" / "data" / "oulad"))


def commands() -> list[list[str]]:
    """The commands of the page's first block, as written."""
    block = re.search(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block
    return [shlex.split(line) for line in block[1].splitlines() if line]


def test_the_page_shows_commands_that_exist(
    earlyhelp_command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    assert [words[3] for words in commands()] == ["init", "ingest", "link", "train", "flag"]
    code, _, error = earlyhelp_command(
        "--workspace", tmp_path / "s", "init", "--from", ROOT / "docs/examples/oulad"
    )
    assert code == 0, error


@pytest.mark.skipif(not DATA.is_dir(), reason="the OULAD extracts are not on this machine (EARLYHELP_OULAD)")
def test_real_data_by_configuration_alone(
    earlyhelp_command: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "oulad").mkdir()
    for file in DATA.glob("*.csv.gz"):
        (tmp_path / "oulad" / file.name).symlink_to(file)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    answers = {}
    for words in commands():
        code, text, error = earlyhelp_command(*words[1:], "--json")
        assert code == 0, error
        answers[words[3]] = json.loads(text)

    for extract in answers["ingest"]["extracts"]:
        assert extract["rows"] == extract["used"] + extract["quarantined"] + extract["ignored"]
    cards = answers["train"]["cards"]
    judged = {kind: card["test"] for kind, card in cards.items()}
    days = cards["lightgbm"]["also_report"]
    also = {day: {kind: card["also_report"][day] for kind, card in cards.items()} for day in days}
    for day, figures in {"2014-11-30": judged, **also}.items():
        for kind, f in figures.items():
            print(
                f"{day} {kind:<14} n {f['labelled']:>6,}  base {f['base_rate']:.3f}  AUC {f['auc']:.3f}  "
                f"AP {f['average_precision']:.3f}  precision at {f['capacity']} {f['precision']:.3f}"
            )
    model, logistic = judged["lightgbm"], judged["logistic"]
    assert model["labelled"] == 8_834
    assert round(model["base_rate"], 3) == 0.033
    assert logistic["auc"] >= 0.69
    assert model["auc"] >= 0.72
    assert model["auc"] > logistic["auc"]
    assert {"2014-10-31", "2014-12-30"} == set(also)
    assert [also[day]["lightgbm"]["labelled"] for day in sorted(also)] == [9_204, 8_535]

    listed = answers["flag"]
    assert date.fromisoformat(listed["as_of"]) == date(2014, 11, 30)
    assert len(listed["flags"]) == listed["capacity"]
    assert all(flag["reasons"] for flag in listed["flags"][:20])
