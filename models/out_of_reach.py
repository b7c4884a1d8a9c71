"""Why a database or a server cannot be used, in plain words: drivers put it in the names of their classes.

What is told names no address, which may hold a password. What a database itself answers is repeated, but
for the values that its details may hold.
"""

from __future__ import annotations

import socket
from http.client import InvalidURL
from sqlite3 import Error as SQLiteError
from urllib.error import HTTPError

from sqlalchemy.exc import NoSuchModuleError

from features.errors import caused_by

OTHERWISE = "it is not there, does not answer, or may not be written"
NOT_LET_IN = (401, 403)


def why(error: BaseException) -> str:
    """The reason, without a full stop; of several that led to each other the one it began with."""
    return next(filter(None, map(_said, reversed(caused_by(error)))), OTHERWISE)


def _said(cause: BaseException) -> str:
    first = next(iter(cause.args), "")
    if isinstance(first, dict):  # as pg8000 tells what PostgreSQL answers
        return f"the database says: {first['M']}" if first.get("M") else ""
    if isinstance(cause, SQLiteError):
        return f"the database says: {first}"
    if (status := _status(cause)) in NOT_LET_IN:
        return f"it does not let us in ({status})"
    if status >= 500:
        return f"what answers there is not well ({status})"
    if isinstance(cause, socket.gaierror):
        return "no machine of that name is found"
    if isinstance(cause, TimeoutError):
        return "it does not answer in time"
    if isinstance(cause, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(cause, ConnectionError):
        return "the connection broke off"
    if isinstance(cause, PermissionError):
        return "it may not be written"
    if isinstance(cause, ModuleNotFoundError | NoSuchModuleError):
        return "its driver is not installed"
    return "its address cannot be read" if isinstance(cause, InvalidURL) else ""


def _status(cause: BaseException) -> int:
    """The status that a server answered with, where it is one; MLflow's errors carry it too, but say 500 of
    anything of their own."""
    if isinstance(cause, HTTPError):
        return cause.code
    given = getattr(cause, "get_http_status_code", lambda: 0)()
    return given if given in NOT_LET_IN else 0
