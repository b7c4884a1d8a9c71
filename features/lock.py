"""One writer at a time: what ingest and link do to the tables, nobody else does meanwhile.

Each clears away what a crash left without a ledger row. Without the lock, two at once would take
each other's unfinished rows for such leavings, or number their own alike.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

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
