"""A service in a thread of the tests, on a port of its own; and one in a process that can be killed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn

from docalign.config import IngestSettings, ServeSettings, Settings
from service.app import build_app
from service.state import Service

__all__ = ["Running", "in_process", "serving", "settings_for"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Running:
    url: str
    service: Service


def settings_for(folder: Path, **serve: Any) -> Settings:
    """Settings of a small service whose database is in `folder`."""
    small = ServeSettings(port=0, runners=2, job_workers=1, lease_s=2.0, drain_s=5.0)
    database = serve.pop("database", str(folder / "service.sqlite"))
    return Settings(serve=replace(small, database=database, **serve), ingest=IngestSettings(workers=2, use_cache=False))


@contextmanager
def serving(settings: Settings) -> Iterator[Running]:
    """A service with its model loaded."""
    app = build_app(settings, wait=True)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        end = time.monotonic() + 120
        while not server.started:
            assert thread.is_alive(), "the service did not start"
            assert time.monotonic() < end
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Running(f"http://127.0.0.1:{port}", app.state.service)
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def in_process(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`docalign serve` as a process; yields its address once it listens."""
    command = [sys.executable, "-c", "import sys; from docalign.cli import run; sys.exit(run(sys.argv[1:]))", "serve"]
    process = subprocess.Popen(
        [*command, "--port", "0", *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
    assert process.stderr is not None
    drain = threading.Thread(target=process.stderr.read, daemon=True)
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            found = re.search(r"listening on (http://\S+)", line)
            if found:
                break
        else:
            raise AssertionError(f"the service did not start: {''.join(said)}")
        drain.start()
        yield found[1], process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        if drain.ident is not None:
            drain.join(10)
        process.stderr.close()
