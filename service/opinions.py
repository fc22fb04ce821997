"""Which chunkings were returned, so that POST /v1/feedback can name them; kept in the store of rankings.

Neither the document nor a comment is kept unless the operator says so (`[serve] keep_text`). A chunking that cannot be
remembered is returned all the same: feedback is not worth a failed request.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence

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


class Opinions:
    """The store of rankings, as the service uses it."""

    def __init__(self, database: Database, *, keep_text: bool) -> None:
        self.database, self.keep_text = database, keep_text

    @classmethod
    def open(cls, url: str, *, keep_text: bool) -> Opinions:
        """
        Raises:
            StoreError, UsageError: the database cannot be opened.
        """
        return cls(open_database(url, SCHEMA), keep_text=keep_text)

    def close(self) -> None:
        self.database.close()

    def remember(self, document: Document, chunks: Sequence[Chunk], order: Order, model: str) -> str | None:
        """Keep what was made of a document; the id that feedback names it by, None where it could not be kept."""
        if not chunks or not document.blocks:
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
            return remember_chunking(
                self.database, made, document if self.keep_text else None, keep_text=self.keep_text
            ).id
        except (StoreError, FeedbackError, RankingError) as error:
            log.warning("a chunking cannot be remembered for feedback (%s)", type(error).__name__)
            return None
