"""Start the service: what would stop it is said before it starts, as a sentence."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from features.errors import UserMistake
from features.workspace import Workspace
from models.approvals import candidate_in_use
from serving.access import api_key

ROOT = Path(__file__).parent.parent


def serve(workspace: Workspace, *, host: str, port: int) -> NoReturn:
    """Run the service over a workspace until it is stopped.

    This process becomes the server, so that whatever stops it stops all of it. Raises UserMistake
    without a key, without a candidate, or where the address is taken.
    """
    api_key()
    candidate_in_use(workspace, workspace.settings.model)
    _free(host, port)
    environment = {
        **os.environ,
        "EARLYHELP_WORKSPACE": str(workspace.root.resolve()),
        "BENTOML_DO_NOT_TRACK": "True",
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),
    }
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:EarlyHelp"]
    command += ["--working-dir", str(ROOT), "--host", host, "--port", str(port)]
    os.execve(sys.executable, command, environment)


def _free(host: str, port: int) -> None:
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as error:
            raise UserMistake(
                f"The service cannot listen on {host}:{port}: {error.strerror}.",
                problems=["another program may be there; choose another with --port"],
            ) from None
