"""`docalign chunk --server`: the same files, options and results, with a service doing the work.

Takes the place of `Pipeline`: several inputs are with the service at a time, results come in order.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Self

from docalign.client import Answer, Client
from docalign.commands.inputs import Input
from docalign.commands.messages import warn
from docalign.commands.progress import Bar
from docalign.commands.reading import standard_input
from docalign.errors import UsageError
from docalign.ingest.options import IngestOptions
from docalign.output import check_format

if TYPE_CHECKING:
    from docalign.config import Settings

__all__ = ["RemotePipeline"]

_AT_A_TIME: Final = 8
_READING: Final = ("ocr", "languages", "ocr_engine", "strict", "use_outline", "use_tags")
"""What of `[ingest]` is a caller's choice; limits are the service's."""


class RemotePipeline:
    """From one input to its rendered chunks, by way of a service."""

    def __init__(self, settings: Settings) -> None:
        """
        Raises:
            UsageError: no address, httpx is missing, or a model is chosen, which is the service's to choose.
        """
        assert settings.client.server is not None
        if settings.model.path is not None:
            raise UsageError("the service has its own model.", remedy="Leave --model out, or --server.")
        self.format = check_format(settings.chunk.format)
        self.readers = settings.ingest.workers or _AT_A_TIME
        self._settings = settings
        self._client = Client(settings.client.server, token=settings.client.token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def prepare(self) -> None:
        """
        Raises:
            DocalignError: the service cannot be reached, or does not know us.
        """
        self._model()

    def run(self, job: Input, bar: Bar) -> bytes:
        """Have one input chunked.

        Raises:
            DocalignError: as the service says.
        """
        bar.file(job.name)
        bar.stage("waiting for the service with")
        return self.finish(job, self.read(job), bar)

    def read(self, job: Input) -> Answer:
        """Send one input and wait for its chunks. Several threads may call this at a time."""
        if job.problem is not None:
            raise job.problem
        ingest = self._settings.ingest
        options = asdict(self._settings.chunk) | {key: getattr(ingest, key) for key in _READING}
        source = job.path if job.path is not None else standard_input(IngestOptions().max_bytes)
        return self._client.chunk(source, name=job.name, password=ingest.password, **options)

    def finish(self, job: Input, read: Answer, bar: Bar) -> bytes:  # noqa: ARG002 - the shape of a pipeline
        for warning in read.warnings:
            warn(f"{job.name}: {warning}")
        return read.content

    def fingerprint(self) -> dict[str, Any]:
        """What decides the bytes of a result, as far as a client can know."""
        reading = {key: getattr(self._settings.ingest, key) for key in _READING}
        return {"service": self._model(), "chunk": asdict(self._settings.chunk), "ingest": reading}

    def _model(self) -> str:
        return next((str(m["version"]) for m in self._client.models() if m["current"]), "none")
