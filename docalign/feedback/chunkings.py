"""Feedback after deployment: what the service returned, and what its users said of it.

The service calls `remember_chunking` for what it returns, so that feedback can name it and be checked against it. The
same chunking may be returned to several tenants; each may speak of it, and to all others it is unknown. Where no tenant
is given there are none, and every chunking is known.
The document itself and the words people write are kept only where the operator turned that on; without them feedback
still counts, but nothing can be trained on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, insert, select

from docalign.errors import AlreadyJudgedError, FeedbackError, RankingError, UnknownItemError
from docalign.feedback.checks import MAX_NAME_CHARS, check_client_id, check_starts, check_storable, check_text
from docalign.feedback.documents import keep_document
from docalign.feedback.records import QUEUE, add_row, from_json, now_ms, to_json
from docalign.feedback.tables import chunking_chunks, chunking_tenants, chunkings, feedback
from docalign.feedback.values import Chunking, Feedback

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from docalign.document import Document
    from docalign.store import Database

__all__ = ["add_feedback", "chunking", "latest_chunking", "list_chunkings", "list_feedback", "remember_chunking"]


def remember_chunking(
    database: Database,
    new: Chunking,
    document: Document | None = None,
    *,
    keep_text: bool = False,
    tenant: str | None = None,
) -> Chunking:
    """Keep what feedback needs of a chunking that is about to be returned; one that is known is returned as it is.

    Args:
        document: what was chunked; kept only with `keep_text`.
        tenant: to whom it is returned.

    Raises:
        RankingError: the starts are no chunking of that many blocks.
        FeedbackError: an id or hash that is none.
    """
    check_client_id(new.id)
    check_storable(new.document_sha256, "document's hash")
    check_starts(new.starts, new.blocks)
    with database.writing(QUEUE) as connection:
        known = _known(connection, [new.id])
        made = known[new.id] if known else _add(connection, new, document if keep_text else None)
        if tenant is not None and not _known(connection, [new.id], tenant):
            connection.execute(insert(chunking_tenants).values(chunking_id=new.id, tenant=tenant))
        return made


def add_feedback(database: Database, new: Feedback, *, keep_text: bool = False, tenant: str | None = None) -> Feedback:
    """Store what a user said; sending it again returns the one that is there.

    A chunk's id alone will do in place of a chunking's: it is looked up, the latest chunking that holds it.

    Args:
        keep_text: keep the comment too; without it the comment is dropped.
        tenant: whose chunkings it may be about.

    Raises:
        UnknownItemError: no such chunking or chunk, or not of this tenant.
        RankingError: a ranking of chunkings of different documents, or starts that are no chunking.
        AlreadyJudgedError: the id is taken by other feedback.
        TooLongError: a comment or name too long to be one.
        FeedbackError: content that does not suit its kind.
    """
    _check_content(new)
    new = replace(new, comment=(new.comment or None) if keep_text else None)
    with database.writing(QUEUE) as connection:
        new = replace(new, chunking_id=new.chunking_id or _chunking_of(connection, new.chunk_id, tenant))
        row = connection.execute(select(feedback).where(feedback.c.id == new.id)).first()
        if row is not None:
            known = _feedback_of_row(row)
            if replace(known, number=0, created_ms=0) != replace(new, number=0, created_ms=0):
                raise AlreadyJudgedError(f"the id {new.id} is taken by other feedback.", remedy="Make a new id.")
            return known
        _check_against_store(connection, new, tenant)
        created = now_ms()
        values = {name: getattr(new, name) for name in ("id", "chunking_id", "chunk_id", "kind", "up", "comment", "by")}
        number = add_row(
            connection,
            feedback,
            **values,
            simulated=new.simulated,
            ranking=to_json(new.ranking) if new.ranking else None,
            starts=None if new.starts is None else to_json(new.starts),
            created_ms=created,
        )
        return replace(new, number=number, created_ms=created)


def chunking(database: Database, chunking_id: str) -> Chunking:
    """The chunking of this id.

    Raises:
        UnknownItemError: there is none.
    """
    with database.reading() as connection:
        return _existing(connection, [chunking_id])[chunking_id]


def latest_chunking(database: Database, document_sha256: str, *, tenant: str | None = None) -> Chunking:
    """The chunking of a document that was returned last (to this tenant).

    Raises:
        UnknownItemError: none was.
        FeedbackError: it is no hash.
    """
    check_storable(document_sha256, "document's hash")
    of_document = select(chunkings.c.id).where(chunkings.c.document_sha256 == document_sha256)
    with database.reading() as connection:
        found = connection.execute(
            _of_tenant(of_document, tenant).order_by(chunkings.c.created_ms.desc(), chunkings.c.id).limit(1)
        ).scalar()
        if found is None:
            raise UnknownItemError("no chunking of such a document was returned.", remedy="Chunk it first.")
        return _existing(connection, [found])[found]


def list_chunkings(database: Database) -> dict[str, Chunking]:
    """Every chunking by its id, oldest first."""
    with database.reading() as connection:
        return _known(connection, None)


def list_feedback(database: Database) -> list[Feedback]:
    """Everything users said, oldest first."""
    with database.reading() as connection:
        return [_feedback_of_row(row) for row in connection.execute(select(feedback).order_by(feedback.c.number))]


def _add(connection: Connection, new: Chunking, document: Document | None) -> Chunking:
    kept = keep_document(connection, document).id if document is not None else None
    new = replace(new, document_id=kept)
    row = {name: getattr(new, name) for name in ("id", "document_sha256", "document_id", "blocks", "model_version")}
    sizes = {name: getattr(new, name) for name in ("target_tokens", "max_tokens", "counter")}
    starts = to_json(new.starts)
    connection.execute(insert(chunkings).values(**row, **sizes, starts=starts, created_ms=now_ms()))
    if new.chunk_ids:
        names = [{"chunking_id": new.id, "chunk_id": chunk} for chunk in dict.fromkeys(new.chunk_ids)]
        connection.execute(insert(chunking_chunks), names)
    return new


def _check_content(new: Feedback) -> None:
    check_client_id(new.id)
    for name in (new.chunking_id, new.chunk_id or "", *(name for group in new.ranking for name in group)):
        check_storable(name, "id of a chunking or chunk")
    check_text(new.comment or "", "comment")
    check_text(new.by, "name", limit=MAX_NAME_CHARS)
    given = {"thumbs": new.up is not None, "ranking": bool(new.ranking), "starts": new.starts is not None}
    if [kind for kind, there in given.items() if there] != [new.kind]:
        raise FeedbackError(
            f"feedback of the kind {new.kind!r} carries that and nothing else.",
            remedy="Send one of up (true or false), ranking, or starts.",
        )


def _check_against_store(connection: Connection, new: Feedback, tenant: str | None) -> None:
    ranked = [name for group in new.ranking for name in group]
    known = _existing(connection, [new.chunking_id, *ranked], tenant)
    if new.chunk_id is not None and new.chunk_id not in known[new.chunking_id].chunk_ids:
        raise UnknownItemError(f"chunking {new.chunking_id} has no chunk {new.chunk_id}.", remedy="Check the ids.")
    if new.starts is not None:
        check_starts(new.starts, known[new.chunking_id].blocks)
    if not ranked:
        return
    if len(set(ranked)) < 2 or len(set(ranked)) < len(ranked) or new.chunking_id not in ranked or not all(new.ranking):
        raise RankingError(
            "a ranking names two or more chunkings once each, the one it is about among them.",
            remedy="Rank what you were shown.",
        )
    if len({(known[name].document_sha256, known[name].blocks) for name in ranked}) > 1:
        raise RankingError("the chunkings are of different documents.", remedy="Rank chunkings of one document.")


def _chunking_of(connection: Connection, chunk_id: str | None, tenant: str | None) -> str:
    holding = (
        select(chunkings.c.id)
        .join(chunking_chunks, chunking_chunks.c.chunking_id == chunkings.c.id)
        .where(chunking_chunks.c.chunk_id == (chunk_id or ""))
    )
    found = connection.execute(
        _of_tenant(holding, tenant).order_by(chunkings.c.created_ms.desc(), chunkings.c.id).limit(1)
    ).scalar()
    if found is None:
        raise UnknownItemError(f"no chunking holds a chunk {chunk_id}.", remedy="Send the id the service returned.")
    return str(found)


def _existing(connection: Connection, ids: Sequence[str], tenant: str | None = None) -> Mapping[str, Chunking]:
    known = _known(connection, ids, tenant)
    missing = [name for name in ids if name not in known]
    if missing:
        raise UnknownItemError(
            f"there is no chunking {missing[0]}.", remedy="Send an id that the service returned; it may be deleted."
        )
    return known


def _of_tenant(wanted: Select[Any], tenant: str | None) -> Select[Any]:
    """Of a choice of chunkings, those returned to this tenant."""
    if tenant is None:
        return wanted
    theirs = select(chunking_tenants.c.chunking_id).where(chunking_tenants.c.tenant == tenant)
    return wanted.where(chunkings.c.id.in_(theirs))


def _known(connection: Connection, ids: Sequence[str] | None, tenant: str | None = None) -> dict[str, Chunking]:
    wanted = chunkings.c.id.is_not(None) if ids is None else chunkings.c.id.in_(ids)
    chunks: dict[str, list[str]] = {}
    names = select(chunking_chunks).join(chunkings, chunkings.c.id == chunking_chunks.c.chunking_id).where(wanted)
    for row in connection.execute(_of_tenant(names, tenant)):
        chunks.setdefault(row.chunking_id, []).append(row.chunk_id)
    rows = connection.execute(
        _of_tenant(select(chunkings).where(wanted), tenant).order_by(chunkings.c.created_ms, chunkings.c.id)
    )
    return {row.id: _chunking_of_row(row, chunks.get(row.id, [])) for row in rows}


def _chunking_of_row(row: Row[Any], chunk_ids: Sequence[str]) -> Chunking:
    return Chunking(
        row.id,
        row.document_sha256,
        row.blocks,
        tuple(from_json(row.starts)),
        tuple(chunk_ids),
        row.model_version,
        row.target_tokens,
        row.max_tokens,
        row.counter,
        row.document_id,
    )


def _feedback_of_row(row: Row[Any]) -> Feedback:
    return Feedback(
        row.id,
        row.chunking_id,
        row.kind,
        row.chunk_id,
        row.up,
        tuple(tuple(group) for group in from_json(row.ranking)) if row.ranking else (),
        tuple(from_json(row.starts)) if row.starts else None,
        row.comment,
        row.by,
        row.simulated,
        row.created_ms,
        row.number,
    )
