"""The front door as its users meet it: commands, answers, exit codes, sentences instead of tracebacks."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import UserMistake

Command = Callable[..., tuple[int, str, str]]


def test_workspace_and_json_work_before_and_after_the_command(
    earlyhelp_command: Command, tmp_path: Path
) -> None:
    before = earlyhelp_command("--workspace", tmp_path / "a", "--json", "init")
    after = earlyhelp_command("init", "--json", f"--workspace={tmp_path / 'b'}")
    assert before[0] == after[0] == 0
    assert json.loads(before[1])["made"] == json.loads(after[1])["made"]
    assert "settings.yaml" in json.loads(before[1])["made"]
    assert (tmp_path / "b" / "sources" / "police.yaml").is_file()


def test_the_environment_names_the_workspace(
    earlyhelp_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARLYHELP_WORKSPACE", str(tmp_path / "c"))
    assert earlyhelp_command("init")[0] == 0
    assert (tmp_path / "c" / "specs" / "escalation.yaml").is_file()


def test_init_leaves_what_is_there(earlyhelp_command: Command, tmp_path: Path) -> None:
    earlyhelp_command("init", "--workspace", tmp_path)
    (tmp_path / "settings.yaml").write_text("council: Anyshire\n")
    _, text, _ = earlyhelp_command("init", "--workspace", tmp_path)
    assert "everything was there already" in text
    assert (tmp_path / "settings.yaml").read_text() == "council: Anyshire\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["link"], "no workspace"),
        (["weekly", "--as-of", "29/06/2026"], "is not a date"),
        (["train"], "no workspace"),
        (["ingest", "nowhere.csv"], "no workspace"),
        (["init", "--from", "nowhere"], "holds no folder `sources`"),
    ],
)
def test_a_users_mistake_is_a_sentence(
    earlyhelp_command: Command, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "settings.yaml").write_text("") if "29/06/2026" in arguments else None
    code, text, error = earlyhelp_command("--workspace", tmp_path, *arguments)
    assert code == 2
    assert said in " ".join(error.split())
    assert "Traceback" not in text + error


def test_a_mistake_in_json_is_json(earlyhelp_command: Command, tmp_path: Path) -> None:
    code, text, _ = earlyhelp_command("--json", "--workspace", tmp_path, "link")
    assert code == 2
    assert json.loads(text)["exit_code"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["flag"], "--as-of"),
        (["nonsense"], "nonsense"),
        (["train", "--model"], "--model"),
        (["serve", "--port", "0"], "--port"),
    ],
)
def test_a_mistyped_command_is_answered_in_json_too(
    earlyhelp_command: Command, tmp_path: Path, arguments: list[str], said: str
) -> None:
    code, text, _ = earlyhelp_command(*arguments, "--workspace", tmp_path, "--json")
    assert code == json.loads(text)["exit_code"] == 2
    assert said in json.loads(text)["problems"][0]


def test_a_file_is_no_workspace(earlyhelp_command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, error = earlyhelp_command("--workspace", tmp_path / "file", "init")
    assert code == 2
    assert "is a file" in " ".join(error.split()), "wherever a long path makes it wrap"


def test_mistakes_of_the_settings_come_all_at_once(earlyhelp_command: Command, tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("counsil: x\nthreads: 0\n")
    code, _, error = earlyhelp_command("--workspace", tmp_path, "train")
    assert code == 2
    assert "counsil" in error and "threads" in error


@pytest.mark.parametrize("words", ["No space left on device", "database or disk is full"])
def test_of_a_full_disk_it_is_said_what_may_be_deleted(
    earlyhelp_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    import features.link

    def full(*_: object, **__: object) -> None:
        raise RuntimeError("the panel could not be written") from RuntimeError(words)

    monkeypatch.setattr(features.link, "link", full)
    earlyhelp_command("--workspace", tmp_path, "init")
    code, _, error = earlyhelp_command("--workspace", tmp_path, "link")
    said = " ".join(error.split())
    assert code == 2 and "The disk is full." in said
    assert "data/panels and data/shards may be deleted" in said and "nothing else of it may" in said


def test_our_own_fault_shows_no_value(
    earlyhelp_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import features.link

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Mary Example, born 1 January 1980")

    monkeypatch.setattr(features.link, "link", broken)
    earlyhelp_command("--workspace", tmp_path, "init")
    code, text, error = earlyhelp_command("--workspace", tmp_path, "link")
    assert code == 1
    assert "RuntimeError" in error
    assert "Mary" not in text + error


def passed_on() -> None:
    """An interruption that nothing on its way takes for something else, as in a search."""
    signal.raise_signal(signal.SIGINT)


def turned_into(error: Exception) -> Callable[[], None]:
    """An interruption that a library makes an error of its own of."""

    def stop() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise error from None

    return stop


@pytest.mark.parametrize(
    "stop", [passed_on, turned_into(RuntimeError("interrupted")), turned_into(UserMistake("not readable"))]
)
def test_whatever_is_interrupted_says_so_once(
    stop: Callable[[], None], earlyhelp_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("earlyhelp._workspace", stop)
    try:
        code, text, error = earlyhelp_command("--workspace", tmp_path, "train")
        assert (code, text) == (130, "")
        assert error.count("Stopped.") == 1 and "safe" in error and "readable" not in error
        code, text, error = earlyhelp_command("--workspace", tmp_path, "train", "--json")
        assert (code, error) == (130, "")
        assert json.loads(text)["error"] == "Stopped"
    finally:
        signal.signal(signal.SIGINT, before)


def test_refused_data_has_its_own_code(earlyhelp_command: Command, tmp_path: Path) -> None:
    earlyhelp_command("--workspace", tmp_path / "w", "init")
    (tmp_path / "storm_logs_1.csv").write_text("name,team\nx,y\n")
    code, text, error = earlyhelp_command(
        "--workspace", tmp_path / "w", "ingest", tmp_path / "storm_logs_1.csv", "--received", "2026-01-05"
    )
    assert code == 3
    assert "Traceback" not in text + error


def test_the_week_is_safe_to_rerun(earlyhelp_command: Command, county) -> None:
    first = json.loads((county.root / "lists" / str(county.as_of) / "list.json").read_text())
    code, text, error = earlyhelp_command("--workspace", county.root, "weekly", "--as-of", county.as_of)
    assert code == 0, error
    again = json.loads((county.root / "lists" / str(county.as_of) / "list.json").read_text())
    assert again["hash"] == first["hash"]
    assert again["last_delivery"] == first["last_delivery"]
    assert "NOT APPROVED" in text
    assert "denies nobody anything" in text
    assert f"Watching the list of {county.as_of:%-d %B %Y}" in text and "report.html" in text


def test_ingest_answers_in_json(earlyhelp_command: Command, county) -> None:
    taken_in = sorted((county.extracts / "deliveries").iterdir())[-2]
    code, text, error = earlyhelp_command("--workspace", county.root, "ingest", taken_in, "--json")
    assert code == 0, error
    extracts = json.loads(text)["extracts"]
    assert extracts
    for extract in extracts:
        assert extract["rows"] == extract["used"] + extract["quarantined"] + extract["ignored"]
        assert {"file", "source", "events"} <= set(extract)


def test_features_and_explain(earlyhelp_command: Command, county) -> None:
    code, text, error = earlyhelp_command(
        "--workspace", county.root, "features", "--as-of", county.as_of, "--as-of", county.week_before
    )
    assert code == 0, error
    assert text.count("people ×") == 2
    listed = json.loads((county.root / "lists" / str(county.as_of) / "list.json").read_text())
    person = listed["flags"][0]["person_id"]
    code, text, error = earlyhelp_command("--workspace", county.root, "explain", person)
    assert code == 0, error
    assert listed["flags"][0]["reasons"][0]["sentence"] in text


def test_explain_of_nobody_is_a_sentence(earlyhelp_command: Command, county) -> None:
    code, _, error = earlyhelp_command("--workspace", county.root, "explain", "P00000000000")
    assert code == 2
    assert "Nobody with that id" in error


@pytest.mark.parametrize("asked", [("explain",), ("link", "map")])
def test_what_is_no_id_is_answered_alike_and_never_repeated(
    earlyhelp_command: Command, county, asked: tuple[str, ...]
) -> None:
    date_of_it = ("--as-of", county.as_of) if "map" in asked else ()
    code, text, error = earlyhelp_command("--workspace", county.root, *asked, "P999Smith", *date_of_it)
    said = " ".join(error.split())
    assert (
        code == 2 and "is no person's id" in said and "the letter P and eleven of 0 to 9 and a to f" in said
    )
    assert "Smith" not in text + error and "A999" not in error


def test_a_truth_that_is_not_there_is_named_with_the_folder_looked_in(
    earlyhelp_command: Command, county, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ("--workspace", county.root, "--json", "link", "evaluate", "--truth", "truths/who.csv")
    code, text, _ = earlyhelp_command(*asked)
    told = json.loads(text)["problems"]
    assert code == 2 and told[0] == "'truths/who.csv' is no file."
    assert told[1] == f"looked for in {str(tmp_path / 'truths')!r}"


@pytest.mark.nightly
def test_the_demo_can_be_run_again_and_mixes_no_counties(earlyhelp_command: Command, tmp_path: Path) -> None:
    small = ("demo", "--people", 500, "--years", 7, "--workspace", tmp_path / "demo", "--json")
    first, again = earlyhelp_command(*small), earlyhelp_command(*small)
    assert first[0] == again[0] == 0, again[1]
    lists = [json.loads(text)["week"]["list"] for _, text, _ in (first, again)]
    # The model is trained again on all that is held by then; whom it looks at is the same.
    assert lists[0]["scored"] == lists[1]["scored"] > 0
    assert lists[0]["last_delivery"] == lists[1]["last_delivery"]
    code, text, _ = earlyhelp_command(*small, "--seed", 2)
    assert code == 2
    assert "did not make" in text
