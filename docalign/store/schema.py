"""Schema: the tables of one room and the migrations that make them.

Every room has a history of its own, in a version table of its own, so that the service's tables and the rankings can
live in one database and neither has to know the other's migrations.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import MetaData

__all__ = ["Schema"]


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables called `name` and where their migrations (Alembic revision files) are.

    A room's tables refer by foreign key to no other room's tables.
    """

    name: str
    tables: MetaData
    migrations: Path

    @property
    def version_table(self) -> str:
        """Where the database notes how far this schema has been migrated."""
        return f"{self.name}_version"
