"""Whatever dies or fills up: acknowledged jobs end with a result or a named error, and readiness tells the truth.

The death of a worker process and of the server is in `test_jobs.py`, clients that hang up in `test_http.py`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from docalign.chunker import Chunker
from docalign.config import IngestSettings
from docalign.ingest import ingest
from docalign.output import render
from service.jobs.tables import SCHEMA
from tests.service.test_hostile import HOSTILE
from tests.support.postgres import private_server
from tests.support.serving import in_process, serving, settings_for

LONG = b"".join(b"Paragraph %d says something of its own.\n\n" % i for i in range(400))


def expected(data: bytes, name: str) -> bytes:
    document = ingest(data, name=name)
    return render("jsonl", document, Chunker.load().chunk(document))


def until(look: Callable[[], Any], wanted: Callable[[Any], bool], timeout_s: float = 300) -> Any:
    end = time.monotonic() + timeout_s
    while not wanted(seen := look()):
        assert time.monotonic() < end, seen
        time.sleep(0.05)
    return seen


def job(client: httpx.Client, name: str) -> Callable[[], dict[str, Any]]:
    return lambda: client.get(f"/v1/jobs/{name}").json()  # type: ignore[no-any-return]


@pytest.mark.slow
def test_postgresql_is_killed_during_jobs_and_comes_back(tmp_path: Path) -> None:
    with private_server() as database:
        url = database.url.replace("postgresql+psycopg://", "postgresql://", 1)
        with (
            serving(settings_for(tmp_path, database=url)) as running,
            httpx.Client(base_url=running.url, timeout=60) as client,
        ):
            given = {"a.txt": LONG, "b.txt": b"Words of a second job."}
            made = {n: client.post("/v1/jobs", files={"file": (n, data)}).json()["id"] for n, data in given.items()}
            until(job(client, made["a.txt"]), lambda seen: seen["state"] == "running")
            database.kill()
            ready = until(lambda: client.get("/readyz"), lambda answer: answer.status_code == 503)
            assert ready.json()["checks"]["store"] == "the database does not answer"
            assert client.get("/livez").status_code == 200
            refused = client.post("/v1/jobs", files={"file": ("c.txt", b"Words.")})
            assert (refused.status_code, refused.json()["error"]) == (503, "StoreError")
            assert client.post("/v1/chunk", files={"file": ("d.txt", b"Words.")}).status_code == 200
            database.start()
            until(lambda: client.get("/readyz").status_code, lambda status: status == 200)
            for name, number in made.items():
                seen = until(job(client, number), lambda seen: seen["state"] in ("done", "failed"))
                assert seen["state"] == "done"
                assert client.get(f"/v1/jobs/{number}/result").content == expected(given[name], name)


@pytest.mark.slow
def test_a_killed_replicas_job_is_finished_by_another_meanwhile() -> None:
    with private_server() as database:
        url = database.url.replace("postgresql+psycopg://", "postgresql://", 1)
        environment = {"DOCALIGN_SERVE_DATABASE": url, "DOCALIGN_SERVE_LEASE_S": "1"}
        with in_process(environment=environment) as first, in_process(environment=environment) as second:
            clients = {process.pid: httpx.Client(base_url=url, timeout=120) for url, process in (first, second)}
            for client in clients.values():
                until(lambda client=client: client.get("/readyz").status_code, lambda status: status == 200)
            number = client.post("/v1/jobs", files={"file": ("a.txt", LONG)}).json()["id"]
            until(job(client, number), lambda seen: seen["state"] == "running")
            victim = worker_of(database.url, number)
            os.killpg(victim, signal.SIGKILL)
            clients.pop(victim).close()
            ((_, other),) = clients.items()
            seen = until(job(other, number), lambda seen: seen["state"] in ("done", "failed"))
            assert (seen["state"], seen["attempts"]) == ("done", 2)
            assert other.get(f"/v1/jobs/{number}/result").content == expected(LONG, "a.txt")
            other.close()


def worker_of(database: str, number: str) -> int:
    """The process that has the job."""
    table = SCHEMA.tables.tables["service_jobs"]
    engine = sa.create_engine(database)
    with engine.connect() as connection:
        name = connection.execute(sa.select(table.c.worker).where(table.c.id == number)).scalar_one()
    engine.dispose()
    return int(name.split("-")[-2])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 100 MB; skips where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=100m", "docalign-test", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here: needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_up(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))


@pytest.mark.slow
def test_a_disk_that_is_full_and_then_is_not(small_disk: Path, tmp_path: Path) -> None:
    environment = {"TMPDIR": str(small_disk), "DOCALIGN_SERVE_LEASE_S": "1"}
    with (
        in_process("--database", str(tmp_path / "jobs.sqlite"), environment=environment) as (address, _),
        httpx.Client(base_url=address, timeout=120) as client,
    ):
        until(lambda: client.get("/readyz").status_code, lambda status: status == 200)
        fill = small_disk / "fill"
        fill_up(fill)
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["disk"]) == (503, "the temporary folder is full")
        data = b"Words. " * 400_000
        answer = client.post("/v1/chunk", files={"file": ("a.txt", data)})
        assert (answer.status_code, answer.json()["error"]) == (507, "OutputError")
        # A job that fits into memory on its way to the database is acknowledged, and waits for a disk with room.
        waiting = client.post("/v1/jobs", files={"file": ("b.txt", b"Words.")})
        assert waiting.status_code == 202
        time.sleep(3)  # longer than a worker takes to look for jobs
        assert job(client, waiting.json()["id"])()["state"] == "waiting"
        fill.unlink()
        until(lambda: client.get("/readyz").status_code, lambda status: status == 200)
        seen = until(job(client, waiting.json()["id"]), lambda seen: seen["state"] in ("done", "failed"))
        assert seen["state"] == "done"
        assert client.post("/v1/chunk", files={"file": ("a.txt", b"Words.")}).status_code == 200


@pytest.mark.slow
def test_a_job_that_eats_memory_or_time_ends_with_a_named_error_and_the_next_is_done(tmp_path: Path) -> None:
    small = IngestSettings(workers=2, use_cache=False, page_timeout_s=8.0, worker_memory_mib=700)
    with (
        serving(replace(settings_for(tmp_path), ingest=small)) as running,
        httpx.Client(base_url=running.url, timeout=120) as client,
    ):
        jobs = {
            name: client.post("/v1/jobs", files={"file": (f"{name}.pdf", data)}).json()["id"]
            for name, data in HOSTILE.items()
        }
        after = client.post("/v1/jobs", files={"file": ("ok.txt", b"Words.")}).json()["id"]
        for number in jobs.values():
            seen = until(job(client, number), lambda seen: seen["state"] in ("done", "failed"))
            if seen["state"] == "failed":
                named = ("LimitExceededError", "PageTimeoutError", "DamagedInputError", "EmptyInputError")
                assert seen["error"]["error"] in named
            assert seen["attempts"] == 1, "no worker of the service died of it"
        assert until(job(client, after), lambda seen: seen["state"] in ("done", "failed"))["state"] == "done"
        assert client.get("/readyz").status_code == 200
