"""Opening a database by URL: SQLite in a file by default, PostgreSQL where asked for.

Who may write has it migrated first, and made where it is not there. Who only reads gets what is there or an error: a
path that was meant to be another one must come out of it as it was.

In-memory databases are refused: the point of a store is that it is there tomorrow.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from docalign.errors import StoreError, UsageError
from docalign.store.database import READING, Database, shown
from docalign.store.migrate import is_known, migrate, require_current
from docalign.store.schema import Schema

__all__ = ["open_database"]

BUSY_TIMEOUT_S: Final = 30.0
"""How long a transaction waits for another process's lock before it fails."""

_KNOWN: Final = "Give a file name, sqlite:///FILE, or postgresql://USER@HOST/NAME."
_NAME_ONE: Final = "Name the store that `docalign rank`, `docalign serve` or `docalign feedback import` keeps."
_SQLITE: Final = b"SQLite format 3\0"
_PRAGMAS: Final = ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")


def open_database(url: str | Path, *schemas: Schema, must_exist: bool = False, read_only: bool = False) -> Database:
    """Open `url` and bring `schemas` up to date; several processes may do so at once.

    Args:
        url: a file name, `sqlite:///FILE` or `postgresql://…`.
        schemas: whose tables must be there.
        must_exist: refuse what does not hold the tables yet instead of making them.
        read_only: the same, and nothing can be written: no migration, no table, no file.

    Raises:
        UsageError: no such kind of database, one in memory, a driver that is not installed, or no docalign store where
            one must exist.
        StoreError: it cannot be opened, or another version of docalign has written it.
    """
    address = _address(url)
    if must_exist or read_only:
        _require_store(address, schemas)
    database = Database(_engine(address, read_only=read_only))
    try:
        for schema in schemas:
            require_current(database, schema) if read_only else migrate(database, schema)
    except BaseException:
        database.close()
        raise
    return database


def _require_store(address: URL, schemas: Sequence[Schema]) -> None:
    """Raises:
    UsageError: the database is not there, or does not hold the tables of `schemas`."""
    source = shown(address)
    if address.get_backend_name() == "sqlite":
        source = address.database or ""
        if _is_no_sqlite(Path(source)):
            raise _no_store(source)
    probe = Database(_engine(address, read_only=True))
    try:
        if not all(is_known(probe, schema) for schema in schemas):
            raise _no_store(source)
    finally:
        probe.close()


def _is_no_sqlite(path: Path) -> bool:
    """Whether a file is no SQLite database; an empty one is none yet.

    Raises:
        UsageError: there is no such file. StoreError: it cannot be read.
    """
    if not path.is_file():
        raise UsageError("there is no such store.", source=str(path), remedy=_NAME_ONE)
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) != _SQLITE
    except OSError as error:
        raise StoreError(f"cannot be read ({error.strerror}).", source=str(path), remedy="Check who may.") from error


def _no_store(source: str) -> UsageError:
    return UsageError("this is no docalign store; it was left as it is.", source=source, remedy=_NAME_ONE)


def _engine(address: URL, *, read_only: bool) -> Engine:
    return _sqlite(address, read_only) if address.get_backend_name() == "sqlite" else _postgresql(address)


def _address(url: str | Path) -> URL:
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=str(url))
    try:
        address = make_url(url)
        name = address.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError("this is no database URL.", source=url, remedy=_KNOWN) from error
    if name not in ("sqlite", "postgresql"):
        raise UsageError(f"no such kind of database: {name!r}.", remedy=_KNOWN)
    return address


def _sqlite(address: URL, read_only: bool) -> Engine:
    name = address.database
    if not name or name == ":memory:" or address.query:
        raise UsageError("the database must be a file.", source=shown(address), remedy=_KNOWN)
    path = Path(name)
    if not path.absolute().parent.is_dir():
        raise StoreError("its folder does not exist.", source=name, remedy="Make the folder, or name another file.")
    engine = create_engine(address, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _forbid_writing if read_only else _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, in `_begin_sqlite`
    _use_wal(connection)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _forbid_writing(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. Unlike other statements this one does not wait for a lock, so we do."""
    patience = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > patience:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _postgresql(address: URL) -> Engine:
    try:
        return create_engine(address.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise UsageError(
            "PostgreSQL needs the driver psycopg, which is not installed.",
            remedy="pip install '.[postgres]' in the docalign folder, or use a file.",
        ) from error
