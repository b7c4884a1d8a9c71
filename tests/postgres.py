"""A PostgreSQL of a test's own."""

import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL that is gone afterwards; skips where there is none to be started."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    if initdb is None:
        pytest.skip("PostgreSQL is not installed here (no initdb): its tests are left out")
    as_whom = {}
    if os.geteuid() == 0:  # it does not run as root
        try:
            as_whom = {"user": pwd.getpwnam("postgres").pw_uid}
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user `postgres`")
    home = Path(tempfile.mkdtemp())
    if as_whom:
        os.chown(home, as_whom["user"], -1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, run = home / "data", {**as_whom, "check": True, "capture_output": True, "cwd": home}
    control = [str(Path(initdb).with_name("pg_ctl")), "-D", str(data), "-w"]
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        subprocess.run(
            [initdb, "-D", str(data), "-U", "reader", "--auth=trust", "--no-sync", "-E", "UTF8"], **run
        )
        subprocess.run([*control, "-o", options, "-l", str(home / "log"), "start"], **run)
        with pytest.MonkeyPatch.context() as patch:
            # It offers no TLS, and reading the certificates of the machine takes longer than connecting.
            patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
            yield f"postgresql+pg8000://reader@127.0.0.1:{port}/postgres"
        subprocess.run([*control, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(home, ignore_errors=True)
