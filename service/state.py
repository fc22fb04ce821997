"""Everything a running service holds, started and ended together."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.ingest.work.limits import Limits

from . import disk
from .admission import Admission
from .auth import LOCAL, Caller, Tokens
from .metrics import Metrics
from .models import Models
from .opinions import Opinions
from .problems import not_ready
from .settings import bounds
from .work import Work

if TYPE_CHECKING:
    from starlette.requests import Request

    from docalign.config import Settings
    from docalign.errors import DocalignError
    from docalign.store import Database

    from .jobs.runner import Runner
    from .jobs.store import Jobs

__all__ = ["Service", "service_of"]

log = logging.getLogger("docalign.service")

_PING: Final = Limits(timeout_s=10.0)


class Service:
    """The parts and how they hang together. `start` loads the model; until then nothing is ready."""

    def __init__(self, settings: Settings) -> None:
        serve = settings.serve
        self.settings = settings
        self.metrics = Metrics()
        self.tokens = Tokens.read(Path(serve.tokens_file)) if serve.tokens_file else None
        self.models = Models(serve, settings.model.path, self.metrics.saw)
        self.work = Work(self.models, settings.ingest.workers)
        self.now = bounds(settings, job=False)
        self.later = bounds(settings, job=True)
        self.admission = Admission(
            requests=serve.active_requests, pages=serve.queue_pages, tokens=serve.queue_tokens, rate=self._rate
        )
        self.threads = ThreadPoolExecutor(serve.active_requests, thread_name_prefix="docalign-request")
        self.aside = ThreadPoolExecutor(4, thread_name_prefix="docalign-aside")
        """For what must not wait behind requests: probes, the store of jobs."""
        self.draining = False
        self.failure = ""
        self.problem: DocalignError | None = None
        self.jobs: Jobs | None = None
        self.runner: Runner | None = None

    def allow(self, authorization: str | None) -> Caller:
        return LOCAL if self.tokens is None else self.tokens.caller(authorization)

    def most_bytes(self, path: str) -> int:
        """How long the body of a request may be; forms are a little longer than their file."""
        kept = self.later.bytes if path == "/v1/jobs" else self.now.bytes
        return kept + (1 << 16)

    def start(self) -> None:
        """Load the model and open the store; blocks.

        Raises:
            ModelError: the model cannot be loaded. StoreError: the database cannot be opened.
        """
        from .jobs.runner import Runner
        from .jobs.store import Jobs

        self.models.load()
        serve = self.settings.serve
        self.work.opinions = Opinions.open(self.settings.rankings, keep_text=serve.keep_text)
        kept = self.work.opinions.database.shown
        log.info("rankings and feedback are kept in %s", kept)
        self.jobs = Jobs.open(serve.database or default_database(), lease_s=serve.lease_s, ttl_h=serve.job_ttl_h)
        if serve.job_workers:
            self.runner = Runner(self.jobs, self.work, serve)
            self.runner.start()

    def stop(self) -> None:
        self.draining = True
        if self.runner is not None:
            self.runner.stop()
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.aside.shutdown(wait=False, cancel_futures=True)
        self.work.close()
        self.models.close()
        if self.jobs is not None:
            self.jobs.close()
        if self.work.opinions is not None:
            self.work.opinions.close()

    def opinions(self) -> Database:
        """The store of rankings.

        Raises:
            NotReadyError: it is not open yet.
        """
        if self.work.opinions is None:
            raise not_ready("the store of feedback is not open yet.")
        return self.work.opinions.up_to_date()

    async def checks(self) -> dict[str, str]:
        """Each part → `ok` or what is wrong with it. Never waits for requests at work."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self.aside, self._checks)
        self.metrics.ready.set(all(said == "ok" for said in found.values()))
        return found

    def _checks(self) -> dict[str, str]:
        current = self.models.current
        model = "ok"
        if current is None:
            model = self.failure or "loading"
        elif not current.batcher.revive():
            model = "the engine failed"
        return {
            "serving": "draining" if self.draining else "ok",
            "model": model,
            "workers": self._workers(),
            "disk": disk.room(),
            "store": self._store(),
        }

    def _store(self) -> str:
        if self.jobs is None:
            return "not open yet"
        return "ok" if self.jobs.answers() else "the database does not answer"

    def _workers(self) -> str:
        """Whether files can be read. A pool with all hands full is at work, and not asked."""
        if self.work.pool.busy:
            return "ok"
        try:
            self.work.pool.call("os:getpid", limits=_PING)
        except Exception as error:  # noqa: BLE001 - whatever it is, files cannot be read
            return f"no worker process answers ({type(error).__name__})"
        return "ok"

    def _rate(self) -> float:
        current = self.models.current
        return current.batcher.tokens_per_s if current is not None else 0.0

    def observe(self) -> None:
        """Bring the gauges up to date."""
        used = self.admission.used
        self.metrics.queue_requests.set(self.admission.requests)
        self.metrics.queue_pages.set(used.pages)
        self.metrics.queue_tokens.set(used.tokens)
        if self.jobs is not None:
            counts, age = self.jobs.counts()
            for state, number in counts.items():
                self.metrics.jobs.labels(state).set(number)
            self.metrics.job_age.set(age)


def default_database() -> str:
    """Where jobs of a single node are kept."""
    from docalign.models import cache_dir

    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / "service.sqlite")


def service_of(request: Request) -> Service:
    """The service a request came to."""
    service: Any = request.app.state.service
    assert isinstance(service, Service)
    return service
