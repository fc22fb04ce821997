"""Opening a database by URL: SQLite in a file by default, PostgreSQL where asked for, migrated before it is used.

In-memory databases are refused: the point of a store is that it is there tomorrow.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from docalign.errors import StoreError, UsageError
from docalign.store.database import READING, Database
from docalign.store.migrate import migrate
from docalign.store.schema import Schema

__all__ = ["open_database"]

BUSY_TIMEOUT_S: Final = 30.0
"""How long a transaction waits for another process's lock before it fails."""

_KNOWN: Final = "Give a file name, sqlite:///FILE, or postgresql://USER@HOST/NAME."
_PRAGMAS: Final = ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")


def open_database(url: str | Path, *schemas: Schema, must_exist: bool = False) -> Database:
    """Open `url` and bring `schemas` up to date; several processes may do so at once.

    Args:
        url: a file name, `sqlite:///FILE` or `postgresql://…`.
        schemas: whose tables must be there.
        must_exist: refuse a file that is not there instead of making it.

    Raises:
        UsageError: no such kind of database, one in memory, or a driver that is not installed.
        StoreError: it cannot be opened, or a newer docalign has written it.
    """
    address = _address(url)
    if must_exist and address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        raise StoreError("there is no such store.", source=address.database, remedy="Name the file of one that exists.")
    engine = _sqlite(address) if address.get_backend_name() == "sqlite" else _postgresql(address)
    database = Database(engine)
    try:
        for schema in schemas:
            migrate(database, schema)
    except BaseException:
        database.close()
        raise
    return database


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


def _sqlite(address: URL) -> Engine:
    name = address.database
    if not name or name == ":memory:" or address.query:
        raise UsageError("the database must be a file.", source=str(address), remedy=_KNOWN)
    path = Path(name)
    if not path.absolute().parent.is_dir():
        raise StoreError("its folder does not exist.", source=name, remedy="Make the folder, or name another file.")
    engine = create_engine(address, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, in `_begin_sqlite`
    _use_wal(connection)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


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
