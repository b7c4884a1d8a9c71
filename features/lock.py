"""One writer at a time: what ingest and link do to the tables, nobody else does meanwhile.

Each clears away what a crash left without a ledger row. Without the lock, two at once would take
each other's unfinished rows for such leavings, or number their own alike. What takes a moment only, such as a
line in a log, waits for its turn instead.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.errors import UserMistake
from features.workspace import Workspace


@contextmanager
def only_writer(workspace: Workspace) -> Iterator[None]:
    """Hold a workspace's dated tables; the system lets go of them if the process dies.

    Raises UserMistake if somebody else holds them.
    """
    workspace.data.mkdir(parents=True, exist_ok=True)
    with (workspace.data / "writer.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserMistake(
                "Another ingest or link run is at work in this workspace.",
                problems=["wait for it to end, then try again"],
            ) from None
        yield


@contextmanager
def in_turn(folder: Path) -> Iterator[None]:
    """Hold a folder, made if need be, once nobody else does; the system lets go of it if the process dies.

    Who holds it must not ask for it again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
