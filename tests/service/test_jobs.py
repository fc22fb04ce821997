"""Jobs: acknowledged work ends with a result or a named error, whoever dies meanwhile; nobody else sees it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from docalign.chunker import Chunker, ChunkOptions
from docalign.errors import BusyError, DamagedInputError, NotFoundError
from docalign.ingest import IngestOptions, ingest
from docalign.output import render
from docalign.store import Database
from service.auth import Caller
from service.jobs.store import ATTEMPTS, Jobs
from service.jobs.tables import SCHEMA
from service.order import Order
from service.work import Result
from tests.support.postgres import fresh_database, postgres_server
from tests.support.serving import Running, in_process, serving, settings_for

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
ORDER = Order("a.md", IngestOptions(), ChunkOptions(), "jsonl")
ANN, BOB = Caller("ann", jobs=2), Caller("bob")
RESULT = Result(b"x" * 3_000_000, "application/x-ndjson", "model@1", 3, 5, ("a warning",))
LONG = b"".join(b"Paragraph %d says something of its own.\n\n" % i for i in range(600))


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Jobs]:
    if request.param == "sqlite":
        made = Jobs.open(str(tmp_path / "jobs.sqlite"), lease_s=0.2, ttl_h=1)
        yield made
        made.close()
        return
    with fresh_database(request.getfixturevalue("postgres")) as url:
        made = Jobs.open(url, lease_s=0.2, ttl_h=1)
        yield made
        made.close()


def database(store: Jobs) -> Database:
    return store._database


def test_a_job_goes_its_way(store: Jobs) -> None:
    job = store.add(ANN, ORDER, b"# Hello\n")
    assert (job.state, job.name, job.bytes) == ("waiting", "a.md", 8)
    claim = store.claim("w1")
    assert claim is not None
    assert (claim.id, claim.order) == (job.id, ORDER)
    assert b"".join(store.content(job.id, "upload")) == b"# Hello\n"
    assert store.renew(claim, "reading", 3, 9)
    seen = store.get(job.id, "ann")
    assert (seen.state, seen.stage, seen.done, seen.total) == ("running", "reading", 3, 9)
    assert store.finish(claim, RESULT)
    done = store.get(job.id, "ann")
    assert done.state == "done"
    assert done.outcome is not None
    assert done.outcome["chunks"] == 5
    assert b"".join(store.content(job.id, "result")) == RESULT.data
    assert list(store.content(job.id, "upload")) == [], "the upload is not kept longer than it is needed"


def test_a_job_is_claimed_once_and_in_order(store: Jobs) -> None:
    first, second = (store.add(BOB, ORDER, b"x").id for _ in range(2))
    claims = [store.claim(f"w{i}") for i in range(3)]
    assert {c.id for c in claims if c} == {first, second}
    assert claims[2] is None


def test_a_dead_workers_job_is_taken_over_and_the_dead_change_nothing(store: Jobs) -> None:
    store.add(BOB, ORDER, b"x")
    dead = store.claim("dead")
    assert dead is not None
    assert store.claim("other") is None
    time.sleep(0.3)
    alive = store.claim("alive")
    assert alive is not None
    assert alive.id == dead.id
    assert not store.renew(dead, "reading", 1, 1)
    assert not store.finish(dead, RESULT)
    assert not store.fail(dead, DamagedInputError("late"))
    store.give_back(dead)
    assert store.get(alive.id, "bob").state == "running"
    assert store.finish(alive, RESULT)


def test_a_job_that_kills_its_workers_ends_with_an_error(store: Jobs) -> None:
    job = store.add(BOB, ORDER, b"x").id
    for attempt in range(ATTEMPTS):
        assert store.claim(f"w{attempt}") is not None
        time.sleep(0.3)
    assert store.claim("last") is None
    found = store.get(job, "bob")
    assert found.state == "failed"
    assert found.outcome is not None
    assert "workers ended" in found.outcome["error"]["what"]


def test_a_job_given_back_is_free_at_once_and_the_try_does_not_count(store: Jobs) -> None:
    job = store.add(BOB, ORDER, b"x").id
    for worker in "abcde":
        claim = store.claim(worker)
        assert claim is not None
        store.give_back(claim)
    assert store.get(job, "bob").attempts == 0


def test_tenants_see_and_delete_their_own_jobs_only(store: Jobs) -> None:
    job = store.add(ANN, ORDER, b"x").id
    for call in (store.get, store.delete):
        with pytest.raises(NotFoundError):
            call(job, "bob")
    claim = store.claim("w")
    assert claim is not None
    store.delete(job, "ann")
    assert not store.renew(claim, "reading", 1, 2)
    assert list(store.content(job, "upload")) == []


def test_a_tenant_has_so_many_unfinished_jobs_and_no_more(store: Jobs) -> None:
    for _ in range(2):
        store.add(ANN, ORDER, b"x")
    with pytest.raises(BusyError):
        store.add(ANN, ORDER, b"x")
    store.add(BOB, ORDER, b"x")


def test_what_has_outlived_its_time_is_deleted(store: Jobs) -> None:
    kept, old = store.add(BOB, ORDER, b"x").id, store.add(BOB, ORDER, b"x").id
    with database(store).writing() as connection:
        table = SCHEMA.tables.tables["service_jobs"]
        connection.execute(table.update().where(table.c.id == old).values(expires_ms=1))
    assert store.purge() == 1
    assert store.get(kept, "bob").state == "waiting"
    with database(store).reading() as connection:
        left = connection.execute(sa.select(SCHEMA.tables.tables["service_pieces"].c.job)).scalars().all()
    assert left == [kept]


def test_the_migrations_make_the_tables(store: Jobs) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database(store).reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": SCHEMA.version_table})
        assert compare_metadata(context, SCHEMA.tables) == []


def test_counts_tell_how_long_the_oldest_waits(store: Jobs) -> None:
    assert store.counts()[1] == 0
    store.add(BOB, ORDER, b"x")
    time.sleep(0.05)
    counts, age = store.counts()
    assert counts["waiting"] == 1
    assert age > 0


# Over HTTP


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings_for(tmp_path_factory.mktemp("jobs"))) as running:
        yield running


def finished(client: httpx.Client, job: str, timeout_s: float = 120) -> dict[str, object]:
    return until(client, job, lambda seen: seen["state"] in ("done", "failed"), timeout_s)


def until(
    client: httpx.Client, job: str, wanted: Callable[[dict[str, object]], bool], timeout_s: float = 120
) -> dict[str, object]:
    end = time.monotonic() + timeout_s
    while True:
        seen: dict[str, object] = client.get(f"/v1/jobs/{job}").json()
        if wanted(seen):
            return seen
        assert time.monotonic() < end, seen
        time.sleep(0.05)


def expected(data: bytes, name: str) -> bytes:
    document = ingest(data, name=name)
    return render("jsonl", document, Chunker.load().chunk(document))


def test_a_job_over_http_gives_the_bytes_of_the_command_line(service: Running) -> None:
    data = (SAMPLES / "contract.pdf").read_bytes()
    with httpx.Client(base_url=service.url, timeout=60) as client:
        made = client.post("/v1/jobs", files={"file": ("contract.pdf", data)})
        assert made.status_code == 202
        path = made.headers["location"]
        early = client.get(f"{path}/result")
        assert early.status_code in (200, 409)
        seen = finished(client, made.json()["id"])
        assert seen["state"] == "done"
        assert client.get(f"{path}/result").content == expected(data, "contract.pdf")
        assert client.delete(path).status_code == 204
        assert client.get(path).status_code == 404


def test_a_job_that_fails_says_why_as_a_problem(service: Running) -> None:
    with httpx.Client(base_url=service.url, timeout=60) as client:
        job = client.post("/v1/jobs", files={"file": ("a.pdf", b"%PDF-1.4 garbage")}).json()["id"]
        seen = finished(client, job)
        assert seen["state"] == "failed"
        assert seen["error"]["error"] == "DamagedInputError"  # type: ignore[index]
        answer = client.get(f"/v1/jobs/{job}/result")
        assert (answer.status_code, answer.json()["error"]) == (422, "DamagedInputError")


def test_a_deleted_job_stops(service: Running) -> None:
    with httpx.Client(base_url=service.url, timeout=60) as client:
        job = client.post("/v1/jobs", files={"file": ("a.txt", LONG)}).json()["id"]
        until(client, job, lambda seen: seen["state"] == "running")
        assert client.delete(f"/v1/jobs/{job}").status_code == 204
        after = client.post("/v1/jobs", files={"file": ("b.txt", b"Short.")}).json()["id"]
        assert finished(client, after)["state"] == "done", "the worker is free again"


def test_ids_that_are_none_are_refused(service: Running) -> None:
    with httpx.Client(base_url=service.url, timeout=60) as client:
        assert client.get("/v1/jobs/x").status_code == 400
        assert client.get(f"/v1/jobs/{'0' * 32}").status_code == 404


@pytest.mark.slow
def test_a_job_outlives_the_server_that_was_killed_with_it(tmp_path: Path) -> None:
    data = LONG
    url = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    environment = {"DOCALIGN_SERVE_DATABASE": url, "DOCALIGN_SERVE_LEASE_S": "1"}
    with in_process(environment=environment) as (first, process), httpx.Client(base_url=first, timeout=60) as client:
        ready(client)
        job = client.post("/v1/jobs", files={"file": ("a.txt", data)}).json()["id"]
        until(client, job, lambda seen: seen["state"] == "running")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    with in_process(environment=environment) as (second, _), httpx.Client(base_url=second, timeout=60) as client:
        ready(client)
        seen = finished(client, job, 300)
        assert seen["state"] == "done"
        assert seen["attempts"] == 2
        assert client.get(f"/v1/jobs/{job}/result").content == expected(data, "a.txt")


def ready(client: httpx.Client) -> None:
    end = time.monotonic() + 120
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
def test_a_server_told_to_stop_gives_its_job_back(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with (
        in_process("--database", str(path)) as (address, process),
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        ready(client)
        job = client.post("/v1/jobs", files={"file": ("a.txt", LONG)}).json()["id"]
        until(client, job, lambda seen: seen["state"] == "running")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)
    store = Jobs.open(str(path), lease_s=30, ttl_h=1)
    found = store.get(job, "local")
    store.close()
    assert (found.state, found.attempts) == ("waiting", 0)


def test_a_worker_process_that_is_killed_costs_nobody_the_service(service: Running) -> None:
    data = (SAMPLES / "contract.pdf").read_bytes()
    with httpx.Client(base_url=service.url, timeout=60) as client:
        assert client.post("/v1/chunk", files={"file": ("c.pdf", data)}).status_code == 200
        pool = service.service.work.pool
        for worker in list(pool._idle):
            os.kill(worker._process.pid, signal.SIGKILL)
        assert client.post("/v1/chunk", files={"file": ("c.pdf", data)}).status_code == 200
        assert client.get("/readyz").status_code == 200


def test_a_full_disk_is_a_named_error_and_the_service_goes_on(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    import docalign.ingest.source as source

    def full(*_: object) -> None:
        raise source._no_room(OSError(28, "No space left on device"))

    with httpx.Client(base_url=service.url, timeout=60) as client:
        monkeypatch.setattr(source, "_write_all", full)
        answer = client.post("/v1/chunk", files={"file": ("c.txt", b"Words.")})
        assert (answer.status_code, answer.json()["error"]) == (507, "OutputError")
        monkeypatch.undo()
        assert client.post("/v1/chunk", files={"file": ("c.txt", b"Words.")}).status_code == 200


def test_a_full_database_is_a_named_error_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, job_workers=0)) as running:
        jobs = running.service.jobs
        assert jobs is not None

        @sa.event.listens_for(database(jobs).engine, "connect")
        def small(connection: object, _: object) -> None:
            connection.execute("PRAGMA max_page_count=60")  # type: ignore[attr-defined]

        database(jobs).engine.dispose()
        with httpx.Client(base_url=running.url, timeout=60) as client:
            answer = client.post("/v1/jobs", files={"file": ("c.txt", b"Words. " * 200_000)})
            assert (answer.status_code, answer.json()["error"]) == (503, "StoreError")
            assert json.loads(answer.text)["detail"]


@pytest.mark.slow
def test_a_database_that_goes_away_and_comes_back_loses_no_acknowledged_job(postgres: str, tmp_path: Path) -> None:
    with fresh_database(postgres) as url:
        name = sa.make_url(url).database
        keeper = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
        with (
            serving(settings_for(tmp_path, database=url)) as running,
            httpx.Client(base_url=running.url, timeout=60) as client,
        ):
            job = client.post("/v1/jobs", files={"file": ("a.txt", LONG)}).json()["id"]
            until(client, job, lambda seen: seen["state"] == "running")
            with keeper.connect() as connection:
                connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
                kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
                connection.exec_driver_sql(kill, (name,))
                readiness = client.get("/readyz")
                assert readiness.status_code == 503
                assert readiness.json()["checks"]["store"] == "the database does not answer"
                refused = client.post("/v1/jobs", files={"file": ("b.txt", b"Words.")})
                assert (refused.status_code, refused.json()["error"]) == (503, "StoreError")
                connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            assert finished(client, job, 300)["state"] == "done"
            assert client.get("/readyz").status_code == 200
        keeper.dispose()
