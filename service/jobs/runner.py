"""Threads that do jobs: take one, hold its lease, leave its result. A stopping service gives its jobs back."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docalign.errors import DocalignError, NotReadyError, OutputError, StoreError

from .. import disk
from ..ticket import GaveUpError, Ticket
from ..work import OUT_OF_TIME, Work

if TYPE_CHECKING:
    from docalign.config import ServeSettings

    from .store import Claim, Jobs

__all__ = ["Runner"]

log = logging.getLogger("docalign.service")

_LOOK_EVERY_S: Final = 1.0
_PURGE_EVERY_S: Final = 60.0
_STOPPING: Final = "the service is stopping"


class Runner:
    """`job_workers` threads. `wake` tells them that there is a job; without it they look every second."""

    def __init__(self, store: Jobs, work: Work, settings: ServeSettings) -> None:
        self._store, self._work, self._settings = store, work, settings
        self._name = f"{socket.gethostname()[:24]}-{os.getpid()}"
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._purged = 0.0
        self._tickets: set[Ticket] = set()
        self._threads = [
            threading.Thread(target=self._live, name=f"docalign-job-{i}", daemon=True)
            for i in range(settings.job_workers)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        self._wake.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Give back what is under way, and end."""
        self._stopped.set()
        self._wake.set()
        for ticket in list(self._tickets):
            ticket.give_up(_STOPPING)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout_s)

    def _live(self) -> None:
        while not self._stopped.is_set():
            try:
                claim = self._next()
                if claim is not None:
                    self._do(claim)
                    continue
            except StoreError as error:
                log.warning("jobs wait for the database (%s)", type(error).__name__)
            except Exception as error:  # noqa: BLE001 - this thread must go on; the job's lease runs out and it is retried
                log.error("a job ended in %s", type(error).__name__)
            self._wake.wait(_LOOK_EVERY_S)
            self._wake.clear()

    def _next(self) -> Claim | None:
        if time.monotonic() - self._purged > _PURGE_EVERY_S:
            self._purged = time.monotonic()
            self._store.purge()
        if self._work.models.current is None or disk.room() != "ok":
            return None  # else a replica whose disk is full would take every job, and fail it
        return self._store.claim(f"{self._name}-{secrets.token_hex(8)}")

    def _do(self, claim: Claim) -> None:
        ticket, lease = Ticket(), _Lease(self._store, claim, self._settings.lease_s)
        self._tickets.add(ticket)
        lease.start(ticket, self._settings.job_timeout_s)
        try:
            with _folder() as folder:
                upload = self._fetched(claim, folder)
                result = self._work.do(upload, claim.order, ticket, tenant=claim.tenant, progress=lease.report)
            lease.stop()
            self._store.finish(claim, result)
        except GaveUpError:
            lease.stop()
            if self._stopped.is_set():
                self._store.give_back(claim)
        except NotReadyError:
            lease.stop()
            self._store.give_back(claim)
            self._wake.wait(_LOOK_EVERY_S)
        except StoreError:
            raise
        except DocalignError as error:
            lease.stop()
            self._store.fail(claim, error.with_source(claim.order.name))
        except Exception as error:  # noqa: BLE001 - one job's surprise is that job's error
            lease.stop()
            log.error("job %s ended in %s", claim.id, type(error).__name__)
            said = DocalignError(f"unexpected {type(error).__name__}.", remedy="Report it with the id of the job.")
            self._store.fail(claim, said)
        finally:
            lease.stop()
            self._tickets.discard(ticket)

    def _fetched(self, claim: Claim, folder: Path) -> Path:
        """The upload in a file, for readers to open.

        Raises:
            OutputError: there is no room for it.
        """
        path = folder / "upload"
        try:
            with path.open("wb") as file:
                for piece in self._store.content(claim.id, "upload"):
                    file.write(piece)
        except OSError as error:
            raise OutputError(
                f"the upload cannot be copied to the temporary folder ({error.strerror}).", remedy="Free space there."
            ) from error
        return path


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for one job, gone afterwards.

    Raises:
        OutputError: there is no room for it.
    """
    try:
        made = tempfile.TemporaryDirectory(prefix="docalign-job-", ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputError(f"there is no temporary folder ({error.strerror}).", remedy="Free space there.") from error
    with made as folder:
        yield Path(folder)


class _Lease:
    """Renews a job's lease in the background and carries its progress along."""

    def __init__(self, store: Jobs, claim: Claim, lease_s: float) -> None:
        self._store, self._claim, self._every_s = store, claim, lease_s / 4
        self._ended = threading.Event()
        self._progress = ("reading", 0, 0)
        self._thread: threading.Thread | None = None

    def start(self, ticket: Ticket, timeout_s: float) -> None:
        self._thread = threading.Thread(
            target=self._hold, args=(ticket, time.monotonic() + timeout_s), name="docalign-lease", daemon=True
        )
        self._thread.start()

    def report(self, stage: str, done: int, total: int) -> None:
        self._progress = (stage, done, total)

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _hold(self, ticket: Ticket, end: float) -> None:
        told = self._progress
        renewed = time.monotonic()
        while not self._ended.wait(min(0.5, self._every_s)):
            if time.monotonic() > end:
                ticket.give_up(OUT_OF_TIME)
            if self._progress == told and time.monotonic() - renewed < self._every_s:
                continue
            with suppress(StoreError):  # tried again; if it lasts, the lease runs out and another takes over
                told, renewed = self._progress, time.monotonic()
                if not self._store.renew(self._claim, *told):
                    ticket.give_up("the job was deleted or taken over")
