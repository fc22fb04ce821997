"""Database: transactions that read, transactions that write, and what an acknowledged write is worth.

When `writing()` returns, what was written survives the death of this process and of the machine: SQLite syncs its
write-ahead log at every commit (`synchronous=FULL`), PostgreSQL does by default. Writers queue instead of failing: on
SQLite a writing transaction takes the write lock when it begins (one that began by reading could never get it later),
on PostgreSQL those that name a `queue` wait for each other on an advisory lock.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from docalign.errors import StoreBusyError, StoreError

__all__ = ["READING", "Database", "shown"]

READING: Final = "docalign_reading"
"""Execution option of a transaction that only reads; on SQLite it begins without the write lock."""


@dataclass(frozen=True, slots=True)
class Database:
    """An open database. Safe to share between threads; every process opens its own."""

    engine: Engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def shown(self) -> str:
        """Its address, for messages; without the password."""
        return shown(self.engine.url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads and sees one state of the database throughout.

        Raises:
            StoreError: the database cannot be reached or read.
        """
        with _named(self), self.engine.connect() as connection:
            connection = connection.execution_options(**{READING: True})
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, queue: str | None = None) -> Iterator[Connection]:
        """A transaction that is committed when the block ends, and undone when it raises.

        Args:
            queue: transactions that name the same queue run one after the other, whatever the database.

        Raises:
            StoreError: the database cannot be reached or written, or stayed locked for too long.
        """
        with _named(self), self.engine.begin() as connection:
            if queue is not None and not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(queue)})
            yield connection

    def close(self) -> None:
        """Close every connection that no thread is using."""
        self.engine.dispose()


def shown(address: URL) -> str:
    """An address as people write it. SQLAlchemy quotes it as UTF-8, which a file's name need not be."""
    if address.get_backend_name() == "sqlite":
        return f"sqlite:///{address.database or ''}"
    return address.render_as_string(hide_password=True)


def lock_key(name: str) -> int:
    """The number of an advisory lock; the same in every process."""
    return zlib.crc32(f"docalign:{name}".encode())


@contextmanager
def _named(database: Database) -> Iterator[None]:
    """Failures of the database, as errors that say which database and what to do."""
    try:
        yield
    except DBAPIError as error:
        reason = (str(error.orig).strip().splitlines() or [type(error).__name__])[0]
        where = database.shown
        if isinstance(error, OperationalError) and "locked" in reason:
            raise StoreBusyError(
                f"the database stayed locked ({reason}).",
                source=where,
                remedy="Try again; if it stays so, look for a program that holds the file open.",
            ) from error
        raise StoreError(
            f"the database failed: {reason}.", source=where, remedy="Check that it is there, and its disk."
        ) from error
