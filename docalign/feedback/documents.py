"""Documents, their stretches and candidates: what there is to judge, and how all of it is deleted again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, func, insert, or_, select

from docalign.document import Document
from docalign.errors import FeedbackError, UnknownItemError
from docalign.feedback.checks import check_starts
from docalign.feedback.excerpt import excerpt
from docalign.feedback.records import QUEUE, add_row, from_json, now_ms, to_json
from docalign.feedback.tables import candidates, chunkings, documents, page_pictures, stretches
from docalign.feedback.values import Candidate, StoredDocument, Stretch

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from docalign.store import Database

__all__ = [
    "add_candidates",
    "add_document",
    "add_page_picture",
    "add_stretch",
    "candidate_of_row",
    "candidates_of",
    "delete_document",
    "document",
    "keep_document",
    "list_documents",
    "page_picture",
    "pages_with_pictures",
    "stretch_document",
    "stretch_of_row",
]


def add_document(database: Database, document: Document) -> StoredDocument:
    """Keep a document. Adding the same one again returns the one that is there."""
    with database.writing(QUEUE) as connection:
        return keep_document(connection, document)


def keep_document(connection: Connection, document: Document) -> StoredDocument:
    """`add_document` inside a transaction that waits in `QUEUE`."""
    text = to_json(document.to_json())
    digest = hashlib.sha256(text.encode("ascii")).hexdigest()
    found = connection.execute(select(documents.c.id).where(documents.c.json_sha256 == digest)).scalar()
    if found is None:
        source = document.source.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
        row = {"sha256": document.sha256, "source": source, "json_sha256": digest, "document": text}
        found = add_row(connection, documents, **row, created_ms=now_ms())
    return StoredDocument(found, document.sha256, document.source)


def list_documents(database: Database) -> list[StoredDocument]:
    """Every document, oldest first."""
    with database.reading() as connection:
        rows = connection.execute(
            select(documents.c.id, documents.c.sha256, documents.c.source).order_by(documents.c.id)
        )
        return [StoredDocument(row.id, row.sha256, row.source) for row in rows]


def document(database: Database, document_id: int) -> Document:
    """The document of this number.

    Raises:
        UnknownItemError: there is none.
    """
    with database.reading() as connection:
        text = connection.execute(select(documents.c.document).where(documents.c.id == document_id)).scalar()
    if text is None:
        raise UnknownItemError(f"there is no document {document_id}.", remedy="It may have been deleted.")
    return Document.from_json(from_json(text))


def stretch_document(database: Database, stretch: Stretch) -> Document:
    """The stretch as a document of its own, whose block ids are those that candidates' starts name.

    Raises:
        UnknownItemError: its document is not there any more.
    """
    return excerpt(document(database, stretch.document_id), stretch.first_block, stretch.after_block)


def add_page_picture(
    database: Database, document_id: int, page: int, data: bytes, media_type: str = "image/png"
) -> None:
    """Keep the picture of a page beside its document, so that judging needs no file; replaces an earlier one."""
    with database.writing(QUEUE) as connection:
        at = (page_pictures.c.document_id == document_id, page_pictures.c.page == page)
        connection.execute(delete(page_pictures).where(*at))
        connection.execute(
            insert(page_pictures).values(document_id=document_id, page=page, data=data, media_type=media_type)
        )


def page_picture(database: Database, document_id: int, page: int) -> tuple[bytes, str] | None:
    """The picture of a page and its media type; None where none was kept."""
    at = (page_pictures.c.document_id == document_id, page_pictures.c.page == page)
    with database.reading() as connection:
        row = connection.execute(select(page_pictures.c.data, page_pictures.c.media_type).where(*at)).first()
    return None if row is None else (bytes(row.data), row.media_type)


def pages_with_pictures(database: Database, document_id: int) -> frozenset[int]:
    """The pages of a document whose pictures were kept."""
    with database.reading() as connection:
        rows = connection.execute(select(page_pictures.c.page).where(page_pictures.c.document_id == document_id))
        return frozenset(row.page for row in rows)


def add_stretch(database: Database, stretch: Stretch) -> Stretch:
    """Keep a stretch; one that is there already is returned.

    Raises:
        UnknownItemError: no such document.
        FeedbackError: it has no blocks, or blocks the document does not have.
    """
    whole = document(database, stretch.document_id)
    if not 0 <= stretch.first_block < stretch.after_block <= len(whole.blocks):
        raise FeedbackError(
            f"blocks {stretch.first_block} to {stretch.after_block} are no stretch of {len(whole.blocks)} blocks.",
            remedy="Name a first block and the one after the last.",
        )
    if (stretch.target_tokens or 0) > (stretch.max_tokens or inf):
        raise FeedbackError(
            f"the target {stretch.target_tokens} is over the limit {stretch.max_tokens}.", remedy="Lower the target."
        )
    row = {
        name: getattr(stretch, name)
        for name in ("document_id", "first_block", "after_block", "target_tokens", "max_tokens", "counter")
    }
    with database.writing(QUEUE) as connection:
        same = [stretches.c[name].is_not_distinct_from(value) for name, value in row.items()]
        found = connection.execute(select(stretches.c.id).where(*same)).scalar()
        return replace(stretch, id=found if found is not None else add_row(connection, stretches, **row))


def add_candidates(database: Database, stretch: Stretch, new: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Keep candidates of a stretch, in this order; one that is there already (same starts and origin) is returned.

    Raises:
        RankingError: the starts of one are no chunking of the stretch.
        UnknownItemError: the stretch is not in the store.
    """
    for candidate in new:
        check_starts(candidate.starts, stretch.blocks, f"the starts of a candidate by {candidate.generator}")
    with database.writing(QUEUE) as connection:
        if connection.execute(select(stretches.c.id).where(stretches.c.id == stretch.id)).first() is None:
            raise UnknownItemError(
                f"there is no stretch {stretch.id}.", remedy="Add it, or its document may be deleted."
            )
        return tuple(_keep_candidate(connection, replace(c, stretch_id=stretch.id)) for c in new)


def _keep_candidate(connection: Connection, candidate: Candidate) -> Candidate:
    row = {
        "stretch_id": candidate.stretch_id,
        "starts": to_json(list(candidate.starts)),
        "generator": candidate.generator,
        "model_version": candidate.model_version,
        "parameters": to_json(dict(candidate.parameters)),
    }
    same = [candidates.c[name].is_not_distinct_from(value) for name, value in row.items()]
    found = connection.execute(select(candidates.c.id).where(*same)).scalar()
    if found is None:
        found = add_row(connection, candidates, **row, created_ms=now_ms())
    return replace(candidate, id=found)


def candidates_of(database: Database, stretch: Stretch) -> tuple[Candidate, ...]:
    """Every candidate of a stretch, oldest first."""
    with database.reading() as connection:
        rows = connection.execute(
            select(candidates).where(candidates.c.stretch_id == stretch.id).order_by(candidates.c.id)
        )
        return tuple(candidate_of_row(row) for row in rows)


def delete_document(database: Database, sha256: str) -> int:
    """Delete a document and all that came from it: every reading of the file, pictures, stretches, candidates, tasks,
    judgements, chunkings and feedback. On SQLite the deleted bytes are overwritten and the log is emptied.

    Returns:
        How many documents (readings of the file) and chunkings without text were deleted.

    Raises:
        UnknownItemError: nothing here came from such a file.
    """
    with database.writing(QUEUE) as connection:
        of_file = or_(
            chunkings.c.document_sha256 == sha256,
            chunkings.c.document_id.in_(select(documents.c.id).where(documents.c.sha256 == sha256)),
        )
        gone = connection.execute(select(func.count()).select_from(chunkings).where(of_file)).scalar_one()
        connection.execute(delete(chunkings).where(of_file))
        gone += connection.execute(delete(documents).where(documents.c.sha256 == sha256)).rowcount
        if not gone:
            raise UnknownItemError(
                f"no document has the sha256 {sha256}.", remedy="`docalign feedback report` counts them."
            )
    if database.is_sqlite:
        with database.engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return int(gone)


def stretch_of_row(row: Row[Any]) -> Stretch:
    return Stretch(
        row.document_id, row.first_block, row.after_block, row.target_tokens, row.max_tokens, row.counter, row.id
    )


def candidate_of_row(row: Row[Any]) -> Candidate:
    starts, parameters = tuple(from_json(row.starts)), from_json(row.parameters)
    return Candidate(starts, row.generator, row.model_version, parameters, row.stretch_id, row.id)
