"""Where the training log is kept, and what is said where it cannot be used.

SQLite in the workspace unless the setting `mlflow_uri` names another: a database such as PostgreSQL, or a
server. A run that could not be registered after twenty minutes of fitting should not have been begun:
`check_log` asks first; with MLflow, whose own patience is minutes long, only a server that has answered.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from features.errors import MAKE_ROOM, EarlyHelpError, UserMistake, caused_by, disk_is_full
from features.progress import Tell, quiet
from features.workspace import Workspace
from models.out_of_reach import NOT_LET_IN, why

PATIENCE = 5
"""Seconds to wait for a database or server to answer at all."""
SERVER_PATIENCE = 30
"""Seconds to wait for a server's answer while it is written to; it may be sent a model."""
SERVERS, PLATFORMS = ("http://", "https://"), ("databricks",)
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
"""What MLflow keeps a log in; folders of files it no longer does."""


def log_uri(workspace: Workspace) -> str:
    """Where MLflow keeps the log. Raises UserMistake where it cannot be kept in what the settings name."""
    given = workspace.mlflow_uri
    if given.startswith("$"):
        given = os.environ.get(given[1:], "")
        if not given:
            raise UserMistake(
                f"The environment variable {workspace.mlflow_uri[1:]} is not set.",
                problems=["settings.yaml names it as where the training log is (mlflow_uri)"],
            )
    if given.startswith((*SERVERS, *PLATFORMS)):
        return given
    try:
        url = sa.make_url(given)
    except SQLAlchemyError:
        raise _not_a_place() from None
    if url.get_backend_name() not in DATABASES:
        raise _not_a_place()
    if url.drivername == "postgresql":  # whose driver would be another, which does not come with us
        return url.set(drivername="postgresql+pg8000").render_as_string(hide_password=False)
    return given


def check_log(workspace: Workspace) -> None:
    """Ask, within seconds, whether the training log can be used; nothing is logged. Raises UserMistake."""
    uri = log_uri(workspace)
    try:
        if uri.startswith(SERVERS):
            _ask_server(uri)
        elif not uri.startswith(PLATFORMS):
            _connect(sa.make_url(uri))
    except (SQLAlchemyError, OSError, HTTPException, ValueError, ModuleNotFoundError, TypeError) as error:
        raise _cannot_be_used(error) from None  # a TypeError: a database without a user


def _ask_server(uri: str) -> None:
    """See that a server answers, and that it lets us in, by whatever MLflow's variables say of us."""
    if urlsplit(uri).username is not None:
        raise UserMistake(
            "The address of the training log holds a user name.",
            problems=[
                "give it in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or a token in "
                "MLFLOW_TRACKING_TOKEN, and leave it out of mlflow_uri (settings.yaml)"
            ],
        )
    try:
        urlopen(f"{uri.rstrip('/')}/health", timeout=PATIENCE).close()
    except HTTPError as error:
        if error.code >= 500:
            raise  # somebody answers in its place
    with told():
        _client(uri).search_experiments(max_results=1)


def _connect(url: sa.URL) -> None:
    """Connect to a database, and read what tables it has; a file may yet be made."""
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "")
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            return
    known = url.drivername in ("sqlite", "postgresql+pg8000")
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"timeout": PATIENCE} if known else {})
    with engine.connect() as con:
        sa.inspect(con).get_table_names()


def open_log(workspace: Workspace, *, tell: Tell = quiet) -> Any:
    """MLflow's client of the workspace's training log, its telemetry off. Raises UserMistake."""
    tell("opening the training log")
    check_log(workspace)
    return _client(log_uri(workspace))


def _client(uri: str) -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(SERVER_PATIENCE))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    import mlflow

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    return mlflow.MlflowClient()


def experiment_of(client: Any, workspace: Workspace, name: str) -> str:
    """The id of the experiment of a name, made if need be.

    A server says itself where its artefacts lie. Others lie in the workspace, not where we are called.
    MLflow never moves an experiment's artefacts: in a workspace that was copied or moved, another one
    named after the new place keeps them from being written to the old.
    """
    found = client.get_experiment_by_name(name)
    if log_uri(workspace).startswith((*SERVERS, *PLATFORMS)):
        return found.experiment_id if found else client.create_experiment(name)
    artefacts = (workspace.root / "mlartifacts").resolve()
    if found is not None and found.artifact_location != artefacts.as_uri():
        name = f"{name} in {workspace.root.resolve()}"
        found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    return client.create_experiment(name, artifact_location=artefacts.as_uri())


@contextmanager
def told() -> Iterator[None]:
    """What keeps the training log from being used, as a sentence; never its address, which may hold a
    password. Other errors go through as they are."""
    try:
        yield
    except EarlyHelpError:
        raise
    except Exception as error:
        if disk_is_full(error):
            raise UserMistake(
                "The disk is full: the training log could not be written.",
                problems=[MAKE_ROOM, "then run the command again: what is there already is not made twice"],
            ) from None
        if not _is_away(error):
            raise
        raise _cannot_be_used(error) from None


def _is_away(error: BaseException) -> bool:
    """Whether it comes of a database or a server that is not there, or does not let us in."""
    from mlflow.exceptions import MlflowException, RestException
    from requests.exceptions import RequestException

    away = (DBAPIError, RequestException, RestException, ConnectionError, TimeoutError, PermissionError)
    return any(
        isinstance(cause, away)
        or (isinstance(cause, MlflowException) and cause.get_http_status_code() in NOT_LET_IN)
        for cause in caused_by(error)
    )


def _cannot_be_used(error: BaseException) -> UserMistake:
    return UserMistake(
        "The training log cannot be used.",
        problems=[
            why(error),
            "see that it runs, and that mlflow_uri (settings.yaml) names its place",
            "then run the command again: what is there already is not made twice",
        ],
    )


def _not_a_place() -> UserMistake:
    return UserMistake(
        "mlflow_uri names nothing that a training log can be kept in.",
        problems=[
            "such as postgresql://writer:password@host/name, https://mlflow.council.example, "
            "sqlite:////folder/mlflow.db, or $NAME of a variable that holds it; empty: in the workspace",
        ],
    )
