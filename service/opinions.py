"""Which chunkings were returned, so that POST /v1/feedback can name them; kept in the store of rankings.

Neither the document nor a comment is kept unless the operator says so (`[serve] keep_text`). Keeping happens behind the
answer, in a thread of its own: a commit that waits for the disk is not worth a slower request, nor a failed one.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from docalign.chunk import Chunk
from docalign.counting import WORDS
from docalign.document import Document
from docalign.errors import FeedbackError, RankingError, StoreError
from docalign.feedback.store import SCHEMA, remember_chunking
from docalign.feedback.values import Chunking
from docalign.store import Database, open_database

from .order import Order

__all__ = ["Opinions"]

log = logging.getLogger("docalign.service")

_MOST_PENDING: Final = 1000
_PATIENCE_S: Final = 10.0


class Opinions:
    """The store of rankings, as the service uses it."""

    def __init__(self, database: Database, *, keep_text: bool) -> None:
        self.database, self.keep_text = database, keep_text
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="docalign-opinions")
        self._room = threading.Semaphore(_MOST_PENDING)

    @classmethod
    def open(cls, url: str, *, keep_text: bool) -> Opinions:
        """
        Raises:
            StoreError, UsageError: the database cannot be opened.
        """
        return cls(open_database(url, SCHEMA), keep_text=keep_text)

    def close(self) -> None:
        self._thread.shutdown(wait=True)
        self.database.close()

    def up_to_date(self) -> Database:
        """The store, with everything in it that was returned before."""
        with suppress(TimeoutError, RuntimeError):
            self._thread.submit(_nothing).result(_PATIENCE_S)
        return self.database

    def remember(
        self, document: Document, chunks: Sequence[Chunk], order: Order, model: str, tenant: str
    ) -> str | None:
        """Have kept what was made of a tenant's document; the id that feedback names it by, None without room."""
        if not chunks or not document.blocks or not self._room.acquire(blocking=False):
            return None
        starts = {chunk.start for chunk in chunks}
        chunk_ids = tuple(chunk.id for chunk in chunks)
        made = Chunking(
            id=hashlib.sha256(" ".join(chunk_ids).encode()).hexdigest()[:32],
            document_sha256=document.sha256,
            blocks=len(document.blocks),
            starts=(0, *(b.id for b in document.blocks[1:] if b.start in starts)),
            chunk_ids=chunk_ids,
            model_version=model,
            target_tokens=order.chunk.target,
            max_tokens=order.chunk.max_tokens,
            counter=order.chunk.tokenizer or model.partition("@")[0] or WORDS,
        )
        try:
            self._thread.submit(self._keep, made, document if self.keep_text else None, tenant)
        except RuntimeError:  # closed meanwhile
            return None
        return made.id

    def _keep(self, made: Chunking, document: Document | None, tenant: str) -> None:
        try:
            remember_chunking(self.database, made, document, keep_text=self.keep_text, tenant=tenant)
        except (StoreError, FeedbackError, RankingError) as error:
            log.warning("a chunking cannot be remembered for feedback (%s)", type(error).__name__)
        finally:
            self._room.release()


def _nothing() -> None:
    """What the thread does when it has done all that was asked before."""
