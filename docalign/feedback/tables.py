"""The tables of rankings and feedback. What a row means is in `values`; who writes it, in the module of its name.

Judgements and feedback are only ever added. `claims` is the one table that changes: who holds or has judged which task,
so that handing out a task is one look at a small table. Everything that came from a document refers to it with
ON DELETE CASCADE. Ids are never used twice, so a page that is still open after a deletion cannot judge another task.
Times are milliseconds since 1970; JSON is text in ASCII, because documents may hold what databases refuse (NUL, lone
surrogates).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

__all__ = [
    "METADATA",
    "annotators",
    "candidates",
    "chunking_chunks",
    "chunking_tenants",
    "chunkings",
    "claims",
    "documents",
    "feedback",
    "judgements",
    "page_pictures",
    "stretches",
    "task_candidates",
    "tasks",
]

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _part_of(column: str) -> ForeignKey:
    """A reference that takes its row along when what it refers to is deleted."""
    return ForeignKey(column, ondelete="CASCADE")


def _id() -> Column[Any]:
    return Column("id", Integer, primary_key=True)


documents = Table(
    "documents",
    METADATA,
    _id(),
    Column("sha256", String(64), nullable=False, index=True),
    Column("source", Text, nullable=False),
    Column("json_sha256", String(64), nullable=False, unique=True),
    Column("document", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
page_pictures = Table(
    "page_pictures",
    METADATA,
    Column("document_id", Integer, _part_of("documents.id"), primary_key=True),
    Column("page", Integer, primary_key=True, autoincrement=False),
    Column("media_type", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False),
)
stretches = Table(
    "stretches",
    METADATA,
    _id(),
    Column("document_id", Integer, _part_of("documents.id"), nullable=False, index=True),
    Column("first_block", Integer, nullable=False),
    Column("after_block", Integer, nullable=False),
    Column("target_tokens", Integer),
    Column("max_tokens", Integer),
    Column("counter", Text, nullable=False),
    sqlite_autoincrement=True,
)
candidates = Table(
    "candidates",
    METADATA,
    _id(),
    Column("stretch_id", Integer, _part_of("stretches.id"), nullable=False, index=True),
    Column("starts", Text, nullable=False),
    Column("generator", String(100), nullable=False),
    Column("model_version", String(200)),
    Column("parameters", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
annotators = Table(
    "annotators",
    METADATA,
    _id(),
    Column("name", String(100), nullable=False, unique=True),
    Column("simulated", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
tasks = Table(
    "tasks",
    METADATA,
    _id(),
    Column("stretch_id", Integer, _part_of("stretches.id"), nullable=False, index=True),
    Column("seed", BigInteger, nullable=False),
    Column("is_repeat_of", Integer, _part_of("tasks.id"), index=True),
    Column("for_annotator", Integer, _part_of("annotators.id"), index=True),
    Column("priority", Float, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
task_candidates = Table(
    "task_candidates",
    METADATA,
    Column("task_id", Integer, _part_of("tasks.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("candidate_id", Integer, _part_of("candidates.id"), nullable=False, index=True),
)
judgements = Table(
    "judgements",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("task_id", Integer, _part_of("tasks.id"), nullable=False, index=True),
    Column("annotator_id", Integer, _part_of("annotators.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("ranking", Text),
    Column("corrected_starts", Text),
    Column("corrected_from", Integer),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("undo_of", String(64), _part_of("judgements.id"), unique=True),
    Column("milliseconds", BigInteger, nullable=False),
    Column("guideline_version", String(100), nullable=False),
    Column("weight", Float, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
claims = Table(
    "claims",
    METADATA,
    Column("task_id", Integer, _part_of("tasks.id"), primary_key=True),
    Column("annotator_id", Integer, _part_of("annotators.id"), primary_key=True),
    Column("claimed_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("overlap", Integer, nullable=False),
    Column("judgement_id", String(64), _part_of("judgements.id"), unique=True),
    Column("counts", Boolean, nullable=False),
    Index("ix_claims_annotator_id", "annotator_id"),
)
chunkings = Table(
    "chunkings",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("document_sha256", String(64), nullable=False, index=True),
    Column("document_id", Integer, _part_of("documents.id"), index=True),
    Column("blocks", Integer, nullable=False),
    Column("starts", Text, nullable=False),
    Column("model_version", String(200)),
    Column("target_tokens", Integer),
    Column("max_tokens", Integer),
    Column("counter", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
chunking_chunks = Table(
    "chunking_chunks",
    METADATA,
    Column("chunking_id", String(64), _part_of("chunkings.id"), primary_key=True),
    Column("chunk_id", String(64), primary_key=True, index=True),
)
chunking_tenants = Table(
    "chunking_tenants",
    METADATA,
    Column("chunking_id", String(64), _part_of("chunkings.id"), primary_key=True),
    Column("tenant", String(64), primary_key=True),
)
feedback = Table(
    "feedback",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("chunking_id", String(64), _part_of("chunkings.id"), nullable=False, index=True),
    Column("chunk_id", String(64)),
    Column("kind", String(16), nullable=False),
    Column("up", Boolean),
    Column("ranking", Text),
    Column("starts", Text),
    Column("comment", Text),
    Column("by", String(100), nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
