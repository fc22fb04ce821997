"""The work itself, as `docalign chunk` does it: read in worker processes, score through the batcher, write.

Runs in a thread that may block; every wait ends when its ticket is given up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from docalign.document import Document
from docalign.errors import DocalignError, LimitExceededError
from docalign.ingest import WorkerPool, ingest, refuse_empty
from docalign.ingest.paged import page_limits
from docalign.ingest.work.pool import PoolShare
from docalign.output import render

from .admission import Place
from .models import Loaded, Models
from .opinions import Opinions
from .order import Order
from .ticket import GaveUpError, Ticket
from .tracing import span

__all__ = ["OUT_OF_TIME", "Progress", "Result", "Work"]

OUT_OF_TIME: Final = "its time is over"
_CHARS_PER_BLOCK: Final = 208
_CHARS_PER_TOKEN: Final = 4
_TOKENS_BESIDE_TEXT: Final = 6

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total); stages are `reading` (pages) and `chunking` (blocks)."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a request is answered with."""

    data: bytes
    media_type: str
    model: str
    pages: int
    chunks: int
    warnings: tuple[str, ...]
    chunking: str | None = None
    """What feedback names it by."""


class Work:
    """Does orders, with one pool of worker processes and the models at hand."""

    def __init__(self, models: Models, workers: int | None) -> None:
        self.models = models
        self.pool = WorkerPool(workers)
        self.opinions: Opinions | None = None

    def close(self) -> None:
        self.pool.close()

    def do(
        self,
        source: bytes | Path,
        order: Order,
        ticket: Ticket,
        *,
        tenant: str,
        place: Place | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Read, chunk and write one input.

        Raises:
            DocalignError: as `docalign chunk`. GaveUpError: the ticket was given up.
        """
        loaded = self.models.begin()
        share = PoolShare(self.pool)
        try:
            with ticket:
                ticket.on_gone(share.stop)
                return self._done(source, order, ticket, share, loaded, tenant, place, progress)
        except (DocalignError, GaveUpError) as error:  # whichever wait the end of its time ended
            if ticket.gone and ticket.reason == OUT_OF_TIME:
                raise LimitExceededError(
                    "it takes longer than it may.", source=order.name, remedy="Send it to /v1/jobs, or split it."
                ) from error
            ticket.check()
            raise
        finally:
            self.models.end(loaded)

    def _done(
        self,
        source: bytes | Path,
        order: Order,
        ticket: Ticket,
        share: PoolShare,
        loaded: Loaded,
        tenant: str,
        place: Place | None,
        progress: Progress | None,
    ) -> Result:
        def reading(done: int, total: int) -> None:
            ticket.check()
            if place is not None and done <= 1:
                place.correct(pages=total)
            if progress is not None:
                progress("reading", done, total)

        def chunking(done: int, total: int) -> None:
            ticket.check()
            if progress is not None:
                progress("chunking", done, total)

        with span("docalign.read"):
            document = ingest(source, name=order.name, options=order.read, progress=reading, pool=share)
        ticket.check()
        refuse_empty(document)
        if place is not None:
            place.correct(pages=len(document.pages), tokens=_tokens(document))
        with span("docalign.chunk", blocks=len(document.blocks)):
            chunks = loaded.for_ticket(ticket).chunk(document, order.chunk, progress=chunking)
        pictures = self._pictures(source, order, document, share) if order.format == "html" else []
        with span("docalign.write", format=order.format):
            data = render(order.format, document, chunks, page_images=pictures)
        opinions = self.opinions
        return Result(
            data,
            order.media_type,
            loaded.version,
            len(document.pages),
            len(chunks),
            document.warnings,
            opinions.remember(document, chunks, order, loaded.version, tenant) if opinions is not None else None,
        )

    def _pictures(self, source: bytes | Path, order: Order, document: Document, share: PoolShare) -> list[bytes | None]:
        """Pictures of the pages, drawn where a hostile file can do no harm; none where that fails."""
        limits = replace(page_limits(order.read), timeout_s=order.read.file_timeout_s)
        given = source if isinstance(source, bytes) else str(source)
        try:
            made: list[bytes | None] = share.call(
                "docalign.view.pictures:pictures_in_worker", given, document, order.read.password, limits=limits
            )
        except DocalignError:
            return []
        return made


def _tokens(document: Document) -> int:
    """About how many prompt tokens a document has: blocks are shown by their beginning and end."""
    shown = (min(block.end - block.start, _CHARS_PER_BLOCK) for block in document.blocks)
    return sum(n // _CHARS_PER_TOKEN + _TOKENS_BESIDE_TEXT for n in shown)
