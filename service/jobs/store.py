"""Jobs in the shared database: who takes which, what is kept of each, and for how long.

receiving → waiting → running → done or failed. A job is acknowledged when it is `waiting`, which is after its upload is
committed. Whoever runs a job holds a lease and renews it; when it runs out, the next who asks for work takes the job
over. Only the holder of the lease may end it, so a worker that was thought dead and comes back changes nothing.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from docalign.errors import DocalignError, NotFoundError, StoreError
from docalign.store import open_database

from ..admission import busy
from ..order import Order
from .tables import SCHEMA, jobs, pieces

if TYPE_CHECKING:
    from docalign.store import Database

    from ..auth import Caller
    from ..work import Result

__all__ = ["ATTEMPTS", "Claim", "Job", "Jobs"]

ATTEMPTS: Final = 3
"""So many workers may die of a job before it is given up."""
_PIECE: Final = 1 << 20
_HOUR_MS: Final = 3_600_000
_RECEIVING_H: Final = 1
_OPEN: Final = ("receiving", "waiting", "running")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its owner sees it; `outcome` is what a finished one says of its result, or its error."""

    id: str
    state: str
    name: str
    bytes: int
    stage: str
    done: int
    total: int
    attempts: int
    created_ms: int
    expires_ms: int
    outcome: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this worker holds."""

    id: str
    order: Order
    worker: str
    tenant: str


class Jobs:
    """Every method is one short transaction; threads and replicas may call them at once."""

    def __init__(self, database: Database, *, lease_s: float, ttl_h: float) -> None:
        self._database = database
        self._lease_ms, self._ttl_ms = int(lease_s * 1000), int(ttl_h * _HOUR_MS)

    @classmethod
    def open(cls, url: str, *, lease_s: float, ttl_h: float) -> Jobs:
        """
        Raises:
            StoreError, UsageError: the database cannot be opened.
        """
        return cls(open_database(url, SCHEMA), lease_s=lease_s, ttl_h=ttl_h)

    def close(self) -> None:
        self._database.close()

    def answers(self) -> bool:
        """Whether the database is there."""
        try:
            with self._database.reading() as connection:
                connection.execute(sa.select(jobs.c.id).limit(1))
        except StoreError:
            return False
        return True

    def add(self, caller: Caller, order: Order, upload: IO[bytes] | bytes) -> Job:
        """Keep an upload as a new job; when this returns, the job will be done or end with an error.

        Raises:
            BusyError: the tenant has as many unfinished jobs as it may. StoreError: the database failed.
        """
        job = secrets.token_hex(16)
        data = [upload] if isinstance(upload, bytes) else iter(lambda: upload.read(_PIECE), b"")
        with self._database.writing(f"jobs of {caller.tenant}") as connection:
            now = self._now(connection)
            if caller.jobs is not None:
                unfinished = sa.select(sa.func.count()).where(jobs.c.tenant == caller.tenant, jobs.c.state.in_(_OPEN))
                if connection.execute(unfinished).scalar_one() >= caller.jobs:
                    raise busy("this tenant has as many unfinished jobs as it may.", 10)
            connection.execute(
                jobs.insert().values(
                    id=job,
                    tenant=caller.tenant,
                    state="receiving",
                    plan=json.dumps(order.to_json()),
                    bytes=0,
                    created_ms=now,
                    expires_ms=now + _RECEIVING_H * _HOUR_MS,
                    attempts=0,
                    lease_ms=0,
                    stage="waiting",
                    done=0,
                    total=0,
                )
            )
        size = self._put(job, "upload", data)
        with self._database.writing() as connection:
            now = self._now(connection)
            connection.execute(
                jobs.update().where(jobs.c.id == job).values(state="waiting", bytes=size, expires_ms=now + self._ttl_ms)
            )
        return self.get(job, caller.tenant)

    def get(self, job: str, tenant: str) -> Job:
        """
        Raises:
            NotFoundError: this tenant has no such job.
        """
        with self._database.reading() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == job, jobs.c.tenant == tenant)).one_or_none()
        if row is None:
            raise NotFoundError("there is no such job.", remedy="Results are deleted some time after they are made.")
        return _job(row)

    def delete(self, job: str, tenant: str) -> None:
        """Forget a job, its upload and its result; a running one is stopped at its next heartbeat.

        Raises:
            NotFoundError: this tenant has no such job.
        """
        with self._database.writing() as connection:
            gone = connection.execute(jobs.delete().where(jobs.c.id == job, jobs.c.tenant == tenant))
        if gone.rowcount == 0:
            raise NotFoundError("there is no such job.", remedy="It may have been deleted already.")

    def content(self, job: str, kind: str) -> Iterator[bytes]:
        """The pieces of an upload or a result, in order."""
        number = 0
        while True:
            with self._database.reading() as connection:
                found = connection.execute(
                    sa.select(pieces.c.data).where(
                        pieces.c.job == job, pieces.c.kind == kind, pieces.c.number == number
                    )
                ).scalar_one_or_none()
            if found is None:
                return
            yield bytes(found)
            number += 1

    def claim(self, worker: str) -> Claim | None:
        """The oldest job that nobody works on, now held by `worker`; None when there is none.

        A job that too many workers have died of is ended on the way.
        """
        with self._database.writing() as connection:
            now = self._now(connection)
            free = sa.or_(jobs.c.state == "waiting", sa.and_(jobs.c.state == "running", jobs.c.lease_ms < now))
            row = connection.execute(
                sa.select(jobs.c.id, jobs.c.tenant, jobs.c.plan, jobs.c.attempts)
                .where(free)
                .order_by(jobs.c.created_ms, jobs.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)  # SQLite, where this says nothing, holds the write lock already
            ).one_or_none()
            if row is None:
                return None
            if row.attempts >= ATTEMPTS:
                poison = _poison()
                self._end(connection, row.id, "failed", {"error": poison.as_json(), "status": poison.http_status})
                return None
            connection.execute(
                jobs.update()
                .where(jobs.c.id == row.id)
                .values(
                    state="running",
                    worker=worker,
                    attempts=row.attempts + 1,
                    lease_ms=now + self._lease_ms,
                    stage="reading",
                    done=0,
                    total=0,
                )
            )
        return Claim(row.id, Order.from_json(json.loads(row.plan)), worker, row.tenant)

    def renew(self, claim: Claim, stage: str, done: int, total: int) -> bool:
        """Hold on to a job and say how far it is; False when it was taken over or deleted."""
        with self._database.writing() as connection:
            now = self._now(connection)
            held = connection.execute(
                jobs.update()
                .where(*_held(claim))
                .values(lease_ms=now + self._lease_ms, stage=stage, done=done, total=total)
            )
        return held.rowcount == 1

    def finish(self, claim: Claim, result: Result) -> bool:
        """Keep a result; False, and nothing kept, when the job is no longer held."""
        with self._database.writing() as connection:
            if connection.execute(sa.select(jobs.c.id).where(*_held(claim)).with_for_update()).one_or_none() is None:
                return False
            mine = (pieces.c.job == claim.id, pieces.c.kind == "result")
            connection.execute(pieces.delete().where(*mine))
            for number, data in enumerate(_cut(result.data)):
                connection.execute(pieces.insert().values(job=claim.id, kind="result", number=number, data=data))
            outcome = {
                "media_type": result.media_type,
                "model": result.model,
                "pages": result.pages,
                "chunks": result.chunks,
                "warnings": list(result.warnings),
                "chunking": result.chunking,
            }
            self._end(connection, claim.id, "done", outcome)
        return True

    def fail(self, claim: Claim, error: DocalignError) -> bool:
        """End a job with an error; False when it is no longer held."""
        with self._database.writing() as connection:
            if connection.execute(sa.select(jobs.c.id).where(*_held(claim)).with_for_update()).one_or_none() is None:
                return False
            self._end(connection, claim.id, "failed", {"error": error.as_json(), "status": error.http_status})
        return True

    def give_back(self, claim: Claim) -> None:
        """Leave a job to another worker; this try does not count."""
        with self._database.writing() as connection:
            connection.execute(
                jobs.update()
                .where(*_held(claim))
                .values(state="waiting", worker=None, lease_ms=0, attempts=jobs.c.attempts - 1, stage="waiting")
            )

    def purge(self) -> int:
        """Delete what has outlived its time; how many jobs that were."""
        with self._database.writing() as connection:
            now = self._now(connection)
            old = sa.and_(jobs.c.expires_ms < now, jobs.c.state != "running")
            return connection.execute(jobs.delete().where(old)).rowcount

    def counts(self) -> tuple[dict[str, int], float]:
        """Jobs by state, and how many seconds the oldest one that waits has waited."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)).all()
            first = sa.select(sa.func.min(jobs.c.created_ms)).where(jobs.c.state == "waiting")
            oldest = connection.execute(first).scalar_one()
            now = self._now(connection)
        known = dict.fromkeys((*_OPEN, "done", "failed"), 0)
        return known | {str(state): int(count) for state, count in rows}, (
            max(0, now - oldest) / 1000 if oldest else 0.0
        )

    def _put(self, job: str, kind: str, data: Iterable[bytes]) -> int:
        size = 0
        for number, piece in enumerate(data):
            with self._database.writing() as connection:
                connection.execute(pieces.insert().values(job=job, kind=kind, number=number, data=piece))
            size += len(piece)
        return size

    def _end(self, connection: sa.Connection, job: str, state: str, outcome: dict[str, Any]) -> None:
        """The upload goes, the result and its time to live stay."""
        connection.execute(pieces.delete().where(pieces.c.job == job, pieces.c.kind == "upload"))
        expires = self._now(connection) + self._ttl_ms
        connection.execute(
            jobs.update()
            .where(jobs.c.id == job)
            .values(state=state, outcome=json.dumps(outcome), lease_ms=0, stage=state, expires_ms=expires)
        )

    def _now(self, connection: sa.Connection) -> int:
        """The database's clock where replicas share one, so that leases do not depend on theirs."""
        if self._database.is_sqlite:
            return int(time.time() * 1000)
        return int(connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp()) * 1000")).scalar_one())


def _held(claim: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    return jobs.c.id == claim.id, jobs.c.worker == claim.worker, jobs.c.state == "running"


def _cut(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


def _poison() -> DocalignError:
    return DocalignError(f"{ATTEMPTS} workers ended while they did this job.", remedy="The file may be hostile.")


def _job(row: sa.Row[Any]) -> Job:
    return Job(
        id=row.id,
        state=row.state,
        name=json.loads(row.plan)["name"],
        bytes=row.bytes,
        stage=row.stage,
        done=row.done,
        total=row.total,
        attempts=row.attempts,
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        outcome=json.loads(row.outcome) if row.outcome else None,
    )
