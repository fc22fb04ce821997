"""Every test of the store runs on SQLite and, where there is one, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from docalign.feedback.store import SCHEMA, open_store
from docalign.store import Database
from tests.support.postgres import fresh_database, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'rankings.db'}"
        return
    with fresh_database(request.getfixturevalue("postgres")) as made:
        yield made


@pytest.fixture(scope="session")
def postgres_store(postgres: str) -> Iterator[Database]:
    """A store on PostgreSQL, made once: making a database takes longer than most tests."""
    with fresh_database(postgres) as made, open_store(made) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty store."""
    if request.param == "sqlite":
        with open_store(tmp_path / "rankings.db") as database:
            yield database
        return
    shared: Database = request.getfixturevalue("postgres_store")
    names = ", ".join(table.name for table in SCHEMA.tables.sorted_tables)
    with shared.writing() as connection:
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    yield shared
