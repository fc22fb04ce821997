"""What Prometheus is told. Labels are of few values: routes, statuses, kinds; never names of files or tenants."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from .batcher import Run

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180)


class Metrics:
    """One registry for one app, so that tests and several apps in a process do not share counts."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "docalign_requests_total", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "docalign_request_seconds", "From the first byte to the last.", ["route"], buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self.gone = Counter("docalign_clients_gone_total", "Requests whose client left before.", registry=registry)
        self.pages = Counter("docalign_pages_total", "Pages read.", registry=registry)
        self.chunks = Counter("docalign_chunks_total", "Chunks made.", registry=registry)
        self.windows = Counter("docalign_windows_total", "Windows scored.", registry=registry)
        self.tokens = Counter("docalign_tokens_total", "Prompt tokens scored.", registry=registry)
        self.padding = Counter("docalign_padding_tokens_total", "Padding beside them in attention.", registry=registry)
        self.runs = Counter("docalign_runs_total", "Runs of the model.", registry=registry)
        self.run_seconds = Histogram("docalign_run_seconds", "One run.", buckets=_SECONDS, registry=registry)
        self.wait_seconds = Histogram(
            "docalign_window_wait_seconds", "The oldest window's wait for a run.", buckets=_SECONDS, registry=registry
        )
        self.queue_requests = Gauge("docalign_queue_requests", "Requests at work.", registry=registry)
        self.queue_pages = Gauge("docalign_queue_pages", "Pages they may have.", registry=registry)
        self.queue_tokens = Gauge("docalign_queue_tokens", "Prompt tokens they may have.", registry=registry)
        self.jobs = Gauge("docalign_jobs", "Jobs in the store.", ["state"], registry=registry)
        self.job_age = Gauge(
            "docalign_jobs_oldest_waiting_seconds", "How long the oldest waiting job waits.", registry=registry
        )
        self.ready = Gauge("docalign_ready", "1 where /readyz says 200.", registry=registry)

    def saw(self, run: Run) -> None:
        """Count one run of the model."""
        self.runs.inc()
        self.windows.inc(run.windows)
        self.tokens.inc(run.tokens)
        self.padding.inc(run.padded - run.tokens)
        self.run_seconds.observe(run.took_s)
        self.wait_seconds.observe(run.waited_s)

    def text(self) -> bytes:
        return generate_latest(self.registry)
