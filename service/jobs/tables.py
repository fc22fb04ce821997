"""The tables of jobs. Times are milliseconds since 1970; JSON is text in ASCII, since names hold what they like.

An upload and a result are kept in pieces, so that neither is ever in memory whole on its way in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

from docalign.store import Schema

__all__ = ["SCHEMA", "jobs", "pieces"]

_METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s",
    }
)

jobs: Final = Table(
    "service_jobs",
    _METADATA,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("plan", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker", String(64)),
    Column("lease_ms", BigInteger, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("outcome", Text),
)
Index("ix_service_jobs_state", jobs.c.state, jobs.c.created_ms)
Index("ix_service_jobs_tenant", jobs.c.tenant, jobs.c.state)
Index("ix_service_jobs_expires", jobs.c.expires_ms)

pieces: Final = Table(
    "service_pieces",
    _METADATA,
    Column("job", String(32), ForeignKey("service_jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

SCHEMA: Final = Schema("service", _METADATA, Path(__file__).parent / "migrations")
