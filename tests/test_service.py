"""The service: the list's own scores and reasons, behind a key, and nothing personal in its logs."""

import base64
import json
import logging
import os
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from features.errors import UserMistake
from features.workspace import Workspace
from models.candidate import NOT_APPROVED
from serving.access import api_key
from serving.server import serve
from serving.weekly_list import kept_list

ROOT = Path(__file__).parent.parent
KEY = "a-key-for-these-tests-alone"
SECRET = "Zebedee Quillfeather"
HOLDS_KEY = {"x-api-key": KEY}


@pytest.fixture(scope="module")
def client(county: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The service in this process, over the session's county."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EARLYHELP_API_KEY", KEY)
        environment.setenv("EARLYHELP_WORKSPACE", str(county.root))
        # Without it the counters' page waits for other processes until the request times out.
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            environment.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path_factory.mktemp("counters")))
        from starlette.testclient import TestClient

        from serving.service import EarlyHelp

        with TestClient(EarlyHelp.to_asgi()) as client:
            yield client


@pytest.fixture(scope="module")
def weekly(county: Any) -> dict[str, Any]:
    kept = kept_list(Workspace(county.root), county.as_of)
    assert kept is not None
    return kept


def ask(client: Any, **body: object) -> Any:
    return client.post("/api/v1/score", json=body, headers=HOLDS_KEY)


def test_scores_and_reasons_are_the_lists_to_the_last_bit(client: Any, weekly: dict[str, Any]) -> None:
    people = [f["person_id"] for f in weekly["flags"]]
    restricted = {f["person_id"] for f in weekly["flags"] if f["restricted"]}
    told = [f for f in weekly["flags"] if not f["restricted"]]  # of the others it is told that they are there
    found = ask(client, people=people, as_of=weekly["as_of"]).json()
    assert (found["model"], found["approval"]) == (weekly["model"], weekly["approval"])
    assert found["approval"].startswith(NOT_APPROVED)
    assert [s["person_id"] for s in found["scores"]] == [f["person_id"] for f in told]
    assert {refused["person_id"] for refused in found["refused"]} == restricted
    for score, listed in zip(found["scores"], told, strict=True):
        assert score["eligible"]
        for part in ("log_odds", "chance", "chance_words", "other_share", "not_held"):
            assert score[part] == listed[part]
        for part in ("reasons", "strengths"):
            without_channel = [{k: v for k, v in r.items() if k != "channel"} for r in listed[part]]
            assert score[part] == without_channel


def test_one_person_alone_scores_the_same(client: Any, weekly: dict[str, Any]) -> None:
    last = next(f for f in reversed(weekly["flags"]) if not f["restricted"])
    (score,) = ask(client, people=[last["person_id"]]).json()["scores"]
    assert score["log_odds"] == last["log_odds"]


def test_somebody_without_records_has_no_score(client: Any) -> None:
    found = ask(client, people=["P00000000000"]).json()
    assert found["scores"] == [] and found["silent"] == ["P00000000000"]


def test_another_morning_can_be_asked_for(client: Any, county: Any, weekly: dict[str, Any]) -> None:
    person = weekly["flags"][0]["person_id"]
    morning = county.as_of - timedelta(days=3)
    found = ask(client, people=[person], as_of=str(morning)).json()
    assert found["as_of"] == str(morning)


@pytest.mark.parametrize(
    "headers",
    [{}, {"x-api-key": "another"}, {"x-api-key": KEY[:-1]}, {"authorization": "Basic ?"}, {"x-api-key": "é"}],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/flags/2026-06-29", "/lists/2026-06-29", "/docs.json"])
def test_nobody_without_the_key(client: Any, headers: dict[str, str], path: str) -> None:
    refused = client.get(path, headers={name: value.encode() for name, value in headers.items()})
    assert refused.status_code == 401
    assert "key" in refused.json()["error"]


def test_a_browser_may_send_the_key_as_its_password(client: Any) -> None:
    coded = base64.b64encode(f"team:{KEY}".encode()).decode()
    page = client.get("/", headers={"authorization": f"Basic {coded}"})
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_health_and_counters_are_open(client: Any, path: str) -> None:
    assert client.get(path).status_code == 200


def test_pages_load_and_store_nothing(client: Any, weekly: dict[str, Any]) -> None:
    page = client.get("/", headers=HOLDS_KEY)
    assert NOT_APPROVED in page.text and weekly["hash"] in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_flags_of_a_week(client: Any, weekly: dict[str, Any]) -> None:
    found = client.get(f"/api/v1/flags/{weekly['as_of']}", headers=HOLDS_KEY)
    assert found.status_code == 200
    assert json.loads(found.text) == weekly


@pytest.mark.parametrize(
    ("week", "sentence"),
    [
        ("2020-01-06", "There is no list of 2020-01-06; the newest is of"),
        ("next-monday", "A list is asked for by the date of its morning"),
        ("2026-06-31", "A list is asked for by the date of its morning"),
    ],
)
def test_no_list_is_said_in_a_sentence(client: Any, week: str, sentence: str) -> None:
    found = client.get(f"/api/v1/flags/{week}", headers=HOLDS_KEY)
    assert found.status_code == 404
    assert found.json()["error"].startswith(sentence)


@pytest.mark.parametrize(
    "body",
    [
        {"people": ["SECRET-NAME"]},
        {"people": []},
        {"people": ["P0123456789a"], "as_of": "SECRET-DAY"},
        {"people": ["P0123456789a"], "SECRET": "SECRET"},
        {"people": "SECRET"},
        {},
    ],
)
def test_a_refused_value_is_not_logged(
    client: Any,
    body: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    refused = ask(client, **body)
    printed = capfd.readouterr()
    assert refused.status_code == 400
    for text in (caplog.text, printed.out, printed.err):
        assert "SECRET" not in text


def test_our_own_fault_is_logged_without_its_text(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("serving.service.Desk.score", fails)
    assert ask(client, people=["P0123456789a"]).status_code == 500
    assert "RuntimeError" in caplog.text and "in fails" in caplog.text
    assert SECRET not in caplog.text


def test_an_answer_is_not_logged(
    client: Any,
    weekly: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    first = weekly["flags"][0]
    assert ask(client, people=[first["person_id"]]).status_code == 200
    printed = capfd.readouterr()
    for text in (caplog.text, printed.out, printed.err):
        assert first["person_id"] not in text and first["name"] not in text


@pytest.mark.parametrize(("key", "why"), [(None, "is not set"), ("short", "is only 5 characters long")])
def test_no_start_without_a_good_key(
    county: Any, monkeypatch: pytest.MonkeyPatch, key: str | None, why: str
) -> None:
    monkeypatch.delenv("EARLYHELP_API_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("EARLYHELP_API_KEY", key)
    with pytest.raises(UserMistake, match=why):
        api_key()
    with pytest.raises(UserMistake, match="does not start without a key"):
        serve(Workspace(county.root), host="127.0.0.1", port=0)


def test_no_start_where_another_program_listens(county: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARLYHELP_API_KEY", KEY)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserMistake, match="choose another with --port"):
            serve(Workspace(county.root), host="127.0.0.1", port=taken.getsockname()[1])


def test_the_bento_asks_for_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bento = yaml.safe_load((ROOT / "bentofile.yaml").read_text(encoding="utf-8"))
    assert set(bento["python"]["packages"]) <= set(project["dependencies"])


@pytest.mark.nightly
def test_the_bento_holds_code_only_and_runs(county: Any, tmp_path: Path) -> None:
    """Built from bentofile.yaml it has no model, no table and no record; served, it answers."""
    home = tmp_path / "bentoml"
    environment = {
        **os.environ,
        "BENTOML_HOME": str(home),
        "BENTOML_DO_NOT_TRACK": "True",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = [sys.executable, "-m", "bentoml", "build", "-f", "bentofile.yaml", "-o", "tag", str(ROOT)]
    built = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT, check=False)
    assert built.returncode == 0, built.stderr
    (manifest,) = home.glob("bentos/earlyhelp/*/bento.yaml")
    source = manifest.parent / "src"
    files = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files if path.name not in ("bento.yaml", "bentofile.yaml")}
    assert kinds <= {".py", ".yaml", ".html", ".css"}, kinds
    assert {path.parts[0] for path in files if len(path.parts) > 1} <= {"features", "models", "serving"}
    assert yaml.safe_load(manifest.read_text(encoding="utf-8"))["models"] == []
    answer, metrics = served(source, county, environment)
    weekly = kept_list(Workspace(county.root), county.as_of) or {}
    assert answer["scores"][0]["log_odds"] == weekly["flags"][0]["log_odds"]
    assert "earlyhelp_scored_total" in metrics


def served(source: Path, county: Any, environment: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Serve a folder's service in processes of its own; returns a score and the counters."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    person = (kept_list(Workspace(county.root), county.as_of) or {})["flags"][0]["person_id"]
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:EarlyHelp", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--working-dir", str(source), "--host", "127.0.0.1"],
        env={**environment, "EARLYHELP_API_KEY": KEY, "EARLYHELP_WORKSPACE": str(county.root)},
        cwd=source,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HOLDS_KEY, timeout=60) as client:
            wait(client)
            body = {"people": [person]}
            answer = client.post("/api/v1/score", json=body).json()
            seconds = []
            for _ in range(20):
                start = time.perf_counter()
                client.post("/api/v1/score", json=body)
                seconds.append(time.perf_counter() - start)
            print(f"one person scored and explained over HTTP: p50 {1000 * sorted(seconds)[10]:.0f} ms")
            return answer, client.get("/metrics").text
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait(client: httpx.Client) -> None:
    for _ in range(120):
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise AssertionError("the service did not get ready within a minute")
