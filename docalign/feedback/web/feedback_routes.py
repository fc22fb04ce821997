"""`POST /v1/feedback`: what users of the service say of chunkings it returned, into the store of rankings.

The service mounts the router, calls `remember_chunking` for what it returns, and turns `DocalignError` into an answer
with its status. Whether text is kept (the documents and people's comments) is the operator's decision, off by default.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from docalign.errors import FeedbackError
from docalign.feedback.chunkings import add_feedback, latest_chunking
from docalign.feedback.values import Feedback, FeedbackKind
from docalign.store import Database

__all__ = ["SCHEMA", "FeedbackBody", "feedback_router"]

SCHEMA: Final = "docalign.feedback/1"

_MAX_STARTS: Final = 200_000
_MAX_RANKED: Final = 50


class FeedbackBody(BaseModel):
    """One thing said of one chunking: `up`, a `ranking`, or corrected `starts`.

    The chunking is named by `chunking_id`, by a chunk of it (`chunk_id`), or as the latest of a document
    (`document_sha256`). Sending the same `id` again stores nothing twice.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: str | None = Field(None, description="8 to 64 letters, digits, - or _, of your making.")
    chunking_id: str | None = None
    chunk_id: str | None = None
    document_sha256: str | None = None
    up: StrictBool | None = Field(None, description="Thumbs up or down.")
    ranking: list[list[str]] | None = Field(
        None, max_length=_MAX_RANKED, description="Ids of chunkings of one document, best first; ties share a list."
    )
    starts: list[StrictInt] | None = Field(
        None, max_length=_MAX_STARTS, description="Ids of the blocks that should start a chunk, the first 0."
    )
    comment: str | None = Field(None, description="Kept only where the operator keeps text.")
    simulated: bool = Field(False, description="A program says this, not a person.")


def feedback_router(
    database: Callable[[], Database],
    *,
    keep_text: bool = False,
    who: Callable[[Request], str] = lambda _request: "",
    tenant: Callable[[Request], str | None] = lambda _request: None,
) -> APIRouter:
    """The router.

    Args:
        database: the open store; asked for at every request.
        keep_text: keep comments; `remember_chunking` decides about documents.
        who: the name to keep with feedback, such as that of the API key.
        tenant: whose chunkings a request may be about; None for all.
    """
    router = APIRouter()

    @router.post("/v1/feedback", summary="Say what you think of a chunking")
    def post_feedback(body: FeedbackBody, request: Request) -> dict[str, Any]:
        theirs = tenant(request)
        said = _feedback(database(), body, who(request), theirs)
        stored = add_feedback(database(), said, keep_text=keep_text, tenant=theirs)
        return {
            "schema": SCHEMA,
            "id": stored.id,
            "chunking_id": stored.chunking_id,
            "kind": stored.kind,
            "comment_kept": stored.comment is not None,
        }

    return router


def _feedback(database: Database, body: FeedbackBody, by: str, tenant: str | None) -> Feedback:
    chunking_id = body.chunking_id
    if chunking_id is None and body.chunk_id is None and body.document_sha256 is None:
        if not body.ranking or not body.ranking[0]:
            raise FeedbackError(
                "the feedback names no chunking.", remedy="Send chunking_id, chunk_id, document_sha256, or a ranking."
            )
        chunking_id = body.ranking[0][0]
    if chunking_id is None and body.chunk_id is None:
        chunking_id = latest_chunking(database, body.document_sha256 or "", tenant=tenant).id
    return Feedback(
        id=body.id or str(uuid.uuid4()),
        chunking_id=chunking_id or "",
        kind=_kind(body),
        chunk_id=body.chunk_id,
        up=body.up,
        ranking=tuple(tuple(group) for group in body.ranking or ()),
        starts=None if body.starts is None else tuple(body.starts),
        comment=body.comment,
        by=by,
        simulated=body.simulated,
    )


def _kind(body: FeedbackBody) -> FeedbackKind:
    if body.up is not None:
        return "thumbs"
    return "ranking" if body.ranking is not None else "starts"
