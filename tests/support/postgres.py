"""A PostgreSQL to test on: the one DOCALIGN_TEST_POSTGRES names, else a private cluster where the server is installed.

The cluster lives in a temporary folder and listens on a socket in it. PostgreSQL refuses to run as root, so root
becomes the user `postgres`, which Debian's package makes.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

__all__ = ["PrivateServer", "fresh_database", "postgres_server", "private_server"]


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a server whose database `postgres` may be used to create others; skips where there is none."""
    named = os.environ.get("DOCALIGN_TEST_POSTGRES")
    if named:
        yield named.replace("postgresql://", "postgresql+psycopg://", 1)
        return
    with private_server() as server:
        yield server.url


class PrivateServer:
    """A cluster in a folder of its own, which may be killed and started again."""

    def __init__(self, folder: str, control: list[str]) -> None:
        self.url = f"postgresql+psycopg://docalign@/postgres?host={folder}"
        self._folder, self._control = folder, control

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder} -c max_connections=60"
        _run([*self._control, "--wait", "--log", f"{self._folder}/log", "--options", options, "start"], self._folder)

    def kill(self) -> None:
        """SIGKILL to every process of it; what it wrote last is left to its log to restore."""
        first = int((Path(self._folder) / "data" / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(first)
        everything = [postmaster, *postmaster.children(recursive=True)]
        for process in everything:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(everything, timeout=30)

    def stop(self) -> None:
        _run([*self._control, "--wait", "--mode=immediate", "stop"], self._folder)


@contextmanager
def private_server() -> Iterator[PrivateServer]:
    """A cluster for one test alone; skips where PostgreSQL is not installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL: set DOCALIGN_TEST_POSTGRES or install Debian's postgresql")
    as_user = _other_user()
    with tempfile.TemporaryDirectory(prefix="docalign-pg-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        if as_user:
            shutil.chown(folder, user="postgres")
        control = [*as_user, str(programs / "pg_ctl"), "--pgdata", str(data)]
        init = [*as_user, str(programs / "initdb"), "--pgdata", str(data), "--auth=trust", "--username=docalign"]
        _run([*init, "--no-sync", "--encoding=UTF8", "--locale=C"], folder)
        server = PrivateServer(folder, control)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """The URL of an empty database on `server`, dropped afterwards."""
    name = f"docalign_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        url = sa.make_url(server).set(drivername="postgresql", database=name)
        yield url.render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        engine.dispose()


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


def _other_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _run(command: list[str], folder: str) -> None:
    # Output goes to a file: a server that pg_ctl leaves behind would keep a pipe open for ever.
    log = Path(folder) / "commands.log"
    with log.open("ab") as file:
        done = subprocess.run(command, stdout=file, stderr=file, stdin=subprocess.DEVNULL, cwd=folder, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[-1]} of PostgreSQL failed:\n{log.read_text(errors='replace')[-2000:]}")
