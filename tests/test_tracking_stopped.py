"""Whatever goes wrong half way leaves the register as it was, and is told in a sentence."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from threading import Thread
from typing import Any

import pytest

from features.errors import UserMistake
from features.workspace import Workspace
from models.candidate import content_hash, export_candidate, reference_of
from models.registry import entries
from tests.small_candidates import CARD, client_of, empty_log_of, made_in, runs_of, standing, unused_port
from tests.test_candidate import draft, panel, sums
from training.log_store import check_log
from training.tracking import register


@pytest.fixture(scope="module")
def empty_log(county: Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return empty_log_of(county, tmp_path_factory.mktemp("log"))


class Killed(BaseException):
    """From here on nothing of this process reaches the log."""


@contextmanager
def stopping(client: type, at: int, what: Callable[[], BaseException]) -> Iterator[list[str]]:
    """From the at-th call of the log on that changes something, every one fails; the calls made."""
    made: list[str] = []
    changing = (
        *("create_run", "create_logged_model", "log_outputs", "log_model_artifacts", "log_artifacts"),
        *("finalize_logged_model", "log_inputs", "log_batch", "set_terminated"),
        *("create_registered_model", "create_model_version"),
    )

    def counted(name: str, method: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            made.append(name)
            if len(made) >= at:
                raise what()
            return method(*given, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in changing:
            patch.setattr(client, name, counted(name, getattr(client, name)))
        yield made


def changes_of_a_run(workspace: Workspace, found: Mapping[str, Any]) -> list[str]:
    """The calls that change the log as candidates are registered, in order."""
    from mlflow import MlflowClient

    with stopping(MlflowClient, 10_000, Killed) as made:
        register(workspace, found)
    return made


def fresh(root: Path, empty_log: bytes) -> tuple[Workspace, dict[str, Any]]:
    workspace, found = made_in(root)
    (root / "mlflow.db").write_bytes(empty_log)
    return workspace, {"logistic": found["logistic"]}


def test_nothing_is_registered_before_every_run_is_whole(tmp_path: Path, empty_log: bytes) -> None:
    workspace, found = made_in(tmp_path / "w")
    (workspace.root / "mlflow.db").write_bytes(empty_log)
    calls = changes_of_a_run(workspace, found)
    assert calls.count("set_terminated") == calls.count("create_model_version") == 2
    whole = len(calls) - calls[::-1].index("set_terminated")
    assert set(calls[whole:]) == {"create_registered_model", "create_model_version"}
    assert not set(calls[:whole]) & set(calls[whole:])


def test_killed_at_any_point_the_register_is_as_it_was_and_the_next_run_finishes(
    tmp_path: Path, empty_log: bytes
) -> None:
    from mlflow import MlflowClient

    workspace, found = fresh(tmp_path / "killed", empty_log)
    versions, at = None, 0
    while versions is None:
        at += 1
        with stopping(MlflowClient, at, Killed), suppress(Killed):
            versions = register(workspace, found)
        assert versions or standing(workspace) == {}
    assert versions == {"logistic": 1} and at > 10
    statuses = [run.info.status for run in runs_of(workspace)]
    assert statuses.count("FINISHED") == 1 and "RUNNING" not in statuses
    assert statuses.count("KILLED") > 5


def test_a_run_of_another_workspace_that_is_going_on_is_left_alone(tmp_path: Path, empty_log: bytes) -> None:
    workspace, found = fresh(tmp_path / "w", empty_log)
    assert register(workspace, found) == {"logistic": 1}
    client, [mine] = client_of(workspace), runs_of(workspace)
    theirs = client.create_run(mine.info.experiment_id, tags={**mine.data.tags, "workspace": "another"})
    left = client.create_run(mine.info.experiment_id, tags=mine.data.tags)
    assert register(workspace, found) == {"logistic": 1}
    statuses = [client.get_run(run.info.run_id).info.status for run in (mine, theirs, left)]
    assert statuses == ["FINISHED", "RUNNING", "KILLED"]


@contextmanager
def server(answers: Mapping[str, int]) -> Iterator[str]:
    """The address of a server that answers with a status, by the end of the path; else 200."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            status = next((code for end, code in answers.items() if path.endswith(end)), 200)
            text = b'{"experiments": []}' if status == 200 else b"Access denied"
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET

        def log_message(self, *given: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()


@pytest.mark.parametrize("answers", [{"/health": 502}, {"/search": 403}, {"/search": 401}])
def test_a_server_that_is_not_well_or_lets_nobody_in_is_told_before_fitting(
    answers: dict[str, int], tmp_path: Path
) -> None:
    with server({}) as well, server(answers) as unwell:
        (tmp_path / "settings.yaml").write_text(f"mlflow_uri: {well}")
        check_log(Workspace(tmp_path))
        (tmp_path / "settings.yaml").write_text(f"mlflow_uri: {unwell}")
        with pytest.raises(UserMistake, match="cannot be used") as told:
            check_log(Workspace(tmp_path))
        (status,) = answers.values()
        assert told.value.problems[0].endswith(f"({status})")


def test_a_full_disk_is_a_sentence_and_what_was_begun_is_marked(tmp_path: Path, empty_log: bytes) -> None:
    from mlflow import MlflowClient

    workspace, found = fresh(tmp_path / "full", empty_log)
    with pytest.MonkeyPatch.context() as patch:

        def full(*given: Any, **named: Any) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(MlflowClient, "log_artifacts", full)
        with pytest.raises(UserMistake, match="The disk is full"):
            register(workspace, found)
    assert [run.info.status for run in runs_of(workspace)] == ["FAILED"] and standing(workspace) == {}
    assert register(workspace, found) == {"logistic": 1}


def test_a_full_database_is_a_full_disk(tmp_path: Path, empty_log: bytes) -> None:
    """SQLite may not grow beyond its pages: what it says is what it says of a full disk."""
    import sqlalchemy as sa

    workspace, found = fresh(tmp_path / "full", empty_log)
    on_folds = [{"fold": number, "auc": 0.6} for number in range(1, 401)]
    more = {"logistic": replace(found["logistic"], card={**CARD, "on_folds": on_folds})}

    def no_more_pages(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    sa.event.listen(sa.Engine, "connect", no_more_pages)
    try:
        with pytest.raises(UserMistake, match="The disk is full"):
            register(workspace, more)
    finally:
        sa.event.remove(sa.Engine, "connect", no_more_pages)


def test_an_error_of_our_own_is_not_told_as_another(tmp_path: Path, empty_log: bytes) -> None:
    workspace, found = fresh(tmp_path / "ours", empty_log)
    card = {name: value for name, value in found["logistic"].card.items() if name != "link_run"}
    with pytest.raises(KeyError, match="link_run"):
        register(workspace, {"logistic": replace(found["logistic"], card=card)})
    assert standing(workspace) == {}


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http://127.0.0.1:{port}", "nothing listens there"),
        ("https://a:secret@127.0.0.1:{port}", "MLFLOW_TRACKING_PASSWORD"),
        ("http://127.0.0.1:port", "its address cannot be read"),
        ("http://no.such.host.invalid", "no machine of that name"),
        ("postgresql+pg8000://a:secret@127.0.0.1:{port}/mlflow", "nothing listens there"),
        ("postgresql+nothing://a:secret@127.0.0.1:{port}/mlflow", "driver is not installed"),
        ("sqlite:////proc/nothing/mlflow.db", "is not there"),
        ("file:///tmp/mlruns", "names nothing"),
        ("mlruns", "names nothing"),
        ("$NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE is not set"),
    ],
)
def test_a_log_that_is_not_there_is_told_at_once_and_without_its_password(
    uri: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "settings.yaml").write_text(f"mlflow_uri: '{uri.format(port=unused_port())}'")
    began = time.perf_counter()
    with pytest.raises(UserMistake, match=said) as told:
        register(Workspace(tmp_path), {})
    assert time.perf_counter() - began < 10
    assert not re.search("secret|Error|Exception|127.0.0.1", str(told.value)), "a sentence, and no address"


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.log_store.PATIENCE", 0.2)
    with socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        for scheme in ("http://", "postgresql+pg8000://anybody@"):
            uri = f"{scheme}127.0.0.1:{deaf.getsockname()[1]}"
            (tmp_path / "settings.yaml").write_text(f"mlflow_uri: '{uri}'")
            with pytest.raises(UserMistake, match="cannot be used") as told:
                check_log(Workspace(tmp_path))
            assert told.value.problems[0] == "it does not answer in time"


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("")
    (tmp_path / "mlflow.db").write_text("not a database, but long enough to be taken for one" * 9)
    with pytest.raises(UserMistake, match="cannot be used"):
        check_log(Workspace(tmp_path))


def test_a_disk_that_fills_up_while_training_is_a_sentence(
    earlyhelp_command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*given: Any, **named: Any) -> None:
        Path("/dev/full").write_bytes(b"a model")

    (tmp_path / "settings.yaml").write_text("")
    monkeypatch.setattr("training.run.train", fill)
    code, _, said = earlyhelp_command("train", "--workspace", tmp_path)
    assert code == 2 and "The disk is full" in said and "running the command again is safe" in said


def test_training_is_not_begun_where_its_log_is_away(county_copy: Any, earlyhelp_command: Any) -> None:
    (county_copy.root / "settings.yaml").write_text(f"mlflow_uri: http://127.0.0.1:{unused_port()}")
    before = set(county_copy.workspace.models.iterdir())
    code, _, said = earlyhelp_command("train", "--workspace", county_copy.root)
    assert code == 2 and "The training log cannot be used" in said and "fitting" not in said
    assert set(county_copy.workspace.models.iterdir()) == before


@pytest.mark.parametrize("stopped", ["_write", "pq.write_table", "content_hash", "registry.record"])
def test_an_export_is_whole_or_not_there(
    stopped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at whatever it does, what lies under a hash is what the hash says."""
    workspace, found = made_in(tmp_path / "w")
    other = replace(draft(sums(), slope=0.5), card={**CARD, "kind": "logistic"})

    def killed(*given: Any, **named: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(f"models.candidate.{stopped}", killed)
        export_candidate(workspace, other, reference_of(other, panel(30).X))
    folders = [path for path in workspace.models.iterdir() if path.is_dir() and path.name[0] != "."]
    assert all(content_hash(folder) == folder.name for folder in folders)
    assert {e.sha256 for e in entries(workspace.models)} == {each.sha256 for each in found.values()}
    assert export_candidate(workspace, other, reference_of(other, panel(30).X)).slope == 0.5
    assert not [path for path in workspace.models.iterdir() if path.name[0] == "."]
