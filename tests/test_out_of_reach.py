"""Why a database or a server cannot be used is said in words, without what a row or an address holds."""

from sqlite3 import OperationalError

import pytest
from sqlalchemy.exc import DBAPIError

from models.out_of_reach import OTHERWISE, why

REFUSED = {"S": "FATAL", "M": "permission denied for table approvals", "D": "Key (name)=(Mary Example)"}


def wrapped(cause: Exception) -> Exception:
    """As SQLAlchemy hands on what a driver raised."""
    error = DBAPIError("INSERT INTO t VALUES ('Mary Example')", None, cause)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (Exception(REFUSED), "the database says: permission denied for table approvals"),
        (Exception({"S": "FATAL"}), OTHERWISE),
        (OperationalError("database is locked"), "the database says: database is locked"),
        (ConnectionResetError("me at their.place"), "the connection broke off"),
        (PermissionError(13, "Mary Example"), "it may not be written"),
        (ValueError("Mary Example"), OTHERWISE),
    ],
)
def test_what_a_driver_raised_is_a_sentence(cause: Exception, said: str) -> None:
    assert why(cause) == why(wrapped(cause)) == said
