"""Errors written for the reader who can mend them, and the exit code each ends with.

Four kinds, by who has to act: the user, the sender of the data, whoever keeps the gates, us.
A message says what was given, what was expected and what to do, all problems at once, and
never holds a personal value (`shape` turns one into its outline).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from difflib import get_close_matches

LONGEST_SHAPE = 24
"""Characters of a value's outline; of a longer one the number is told."""


MAKE_ROOM = (
    "make room: of a workspace data/panels and data/shards may be deleted, which are made again when they "
    "are needed; nothing else of it may"
)
"""What to do about a full disk."""


class EarlyHelpError(Exception):
    """Base of every error that ends in a sentence rather than a traceback."""

    exit_code = 1
    heading = "Something went wrong in Early Help itself"

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        self.message = message
        self.problems = list(problems)
        self.done = ""  # what was done before it and stands, as its user reads it
        super().__init__("\n".join([message, *(f"  - {p}" for p in self.problems)]))


class UserMistake(EarlyHelpError):
    """The command, a setting or a declaration is wrong; the user can mend it. Exit code 2."""

    exit_code = 2
    heading = "That cannot be done as asked"


class DataRefused(EarlyHelpError):
    """A delivery was refused whole; nothing of it was kept. Exit code 3."""

    exit_code = 3
    heading = "The data was refused"


class GateFailed(EarlyHelpError):
    """A check that must pass before going on did not. Exit code 4."""

    exit_code = 4
    heading = "A gate was not passed"


def caused_by(error: BaseException) -> list[BaseException]:
    """An error and what it came of, the last first."""
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__ or cause.__context__
    return found


def disk_is_full(error: BaseException) -> bool:
    """Whether an error comes of a full disk, or of a share of one that is used up.

    The system has a number for it; what comes through SQLite, DuckDB or Delta Lake has only its words.

    >>> disk_is_full(OSError(28, "No space left on device")), disk_is_full(OSError(2, "No such file"))
    (True, False)
    """
    return any(
        (isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT))
        or re.search("no space left on device|disk is full|disk quota exceeded", str(cause), re.IGNORECASE)
        for cause in caused_by(error)
    )


def nearest(given: str, names: Sequence[str]) -> str:
    """What would do in the place of a name that nothing has: the names that look most alike.

    >>> nearest("polcie", ["police", "schools"]), nearest("?", ["police", "schools"])
    ('did you mean police?', 'there are police, schools, …')
    """
    close = get_close_matches(given, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names[:3])}, …"


def shape(value: object) -> str:
    """The outline of a value, safe to print: letters become `a`/`A`, digits `9`, the rest stays.

    >>> shape("31/02/2024"), shape("O'Neil"), shape(None)
    ('99/99/9999', "A'Aaaa", 'empty')
    """
    if value is None or str(value) == "":
        return "empty"
    text = re.sub(r"[^\W\d_]", lambda m: "A" if m.group().isupper() else "a", str(value))
    text = re.sub(r"\d", "9", text)
    text = re.sub(r"[^\x20-\x7e]", "?", text)
    return text if len(text) <= LONGEST_SHAPE else f"{text[:LONGEST_SHAPE]}… ({len(str(value))} characters)"
