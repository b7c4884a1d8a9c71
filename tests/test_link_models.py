"""The link models that a workspace keeps, as the front door lists and chooses them."""

import json
from collections.abc import Callable
from pathlib import Path

from features.link_model import keep_model
from features.workspace import init_workspace, open_workspace

MODEL = {"settings": {"comparisons": []}, "version": 0, "splink": "0"}

Command = Callable[..., tuple[int, str, str]]


def test_the_kept_models_are_listed_and_one_is_chosen_by_name(
    tmp_path: Path, earlyhelp_command: Command
) -> None:
    from tests.test_answers import plain_model  # Splink

    def asked(*words: str) -> tuple[int, str, str]:
        code, said, problem = earlyhelp_command("--workspace", tmp_path, "link", *words)
        return code, said, " ".join(problem.split())

    init_workspace(tmp_path, sources=None)
    assert "no link model yet" in asked("models")[1]
    assert "train one" in asked("use", "0123456789ab")[2]
    workspace = open_workspace(tmp_path)
    good, of_old = keep_model(workspace, plain_model()), keep_model(workspace, MODEL)
    assert asked("use", good)[0] == 0
    code, said, _ = asked("models", "--json")
    listed = {one["name"]: one for one in json.loads(said)["models"]}
    assert code == 0 and set(listed) == {good, of_old}
    assert listed[good]["chosen"] and listed[good]["subjects"] == plain_model()["subjects"]
    assert not listed[of_old]["chosen"] and "another version" in listed[of_old]["problem"]
    code, said, _ = asked("models")
    assert [line[:12] for line in said.splitlines()] == sorted([good, of_old])
    assert f"{good}  of {plain_model()['subjects']:,} subjects; link runs use it" in said
    code, _, problem = asked("use", good[:-1])
    assert code == 2 and f"did you mean {good}?" in problem and "link models" in problem
