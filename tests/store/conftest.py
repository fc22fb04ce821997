"""Every test of the store runs on SQLite and, where there is one, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from docalign.feedback.store import open_store
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


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    with open_store(url) as database:
        yield database
