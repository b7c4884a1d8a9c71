"""Start the service: what would stop it is said before it starts, as a sentence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from features.errors import EarlyHelpError, UserMistake
from features.workspace import Workspace
from models.candidate import newest_candidate
from serving.access import api_key

ROOT = Path(__file__).parent.parent


def serve(workspace: Workspace, *, host: str, port: int) -> None:
    """Run the service over a workspace until it is stopped.

    Raises UserMistake without a key, without a candidate, or where the address is taken.
    """
    api_key()
    newest_candidate(workspace, workspace.settings.model)
    environment = {
        **os.environ,
        "EARLYHELP_WORKSPACE": str(workspace.root.resolve()),
        "BENTOML_DO_NOT_TRACK": "True",
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),
    }
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:EarlyHelp"]
    command += ["--working-dir", str(ROOT), "--host", host, "--port", str(port)]
    _free(host, port)
    try:
        code = subprocess.run(command, env=environment, check=False).returncode
    except KeyboardInterrupt:  # the server has had it too, and has stopped
        return
    if code:
        raise EarlyHelpError(f"The service ended with code {code}; what it said is above.")


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
