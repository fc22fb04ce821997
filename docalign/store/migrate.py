"""Bringing a schema up to date: what Alembic's `upgrade head` does, safe when several processes start at once.

The check costs one query. Only a database that is behind takes the lock, and whoever gets it second finds nothing left
to do. All of a schema's pending migrations are one transaction, on SQLite too: a killed migration leaves no trace.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from docalign.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from docalign.store.database import Database
    from docalign.store.schema import Schema

__all__ = ["alembic_config", "is_known", "migrate", "require_current"]

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(database: Database, schema: Schema) -> None:
    """Run the migrations of `schema` that the database has not seen.

    Raises:
        StoreError: the database has seen one that this version does not know.
    """
    config = alembic_config(schema)
    scripts = ScriptDirectory.from_config(config)
    with database.reading() as connection:
        if _version(connection, schema) == scripts.get_current_head():
            return
    with database.writing("migrations") as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise _of_another(database, schema, str(error)) from error


def is_known(database: Database, schema: Schema) -> bool:
    """Whether the database has ever held the tables of `schema`."""
    with database.reading() as connection:
        return _version(connection, schema) is not None


def require_current(database: Database, schema: Schema) -> None:
    """Check what `migrate` would bring about, for those who must not write.

    Raises:
        StoreError: the tables are of an older docalign, or of one that this version does not know.
    """
    scripts = ScriptDirectory.from_config(alembic_config(schema))
    with database.reading() as connection:
        version = _version(connection, schema)
    if version == scripts.get_current_head():
        return
    if version not in {script.revision for script in scripts.walk_revisions()}:
        raise _of_another(database, schema, str(version))
    raise StoreError(
        f"its {schema.name} tables are of an older docalign ({version}), and reading does not change them.",
        source=database.shown,
        remedy="Open it once with `docalign rank --store …` (Ctrl-C ends it), which brings it up to date.",
    )


def _of_another(database: Database, schema: Schema, what: str) -> StoreError:
    return StoreError(
        f"its {schema.name} tables are of a version this docalign does not know ({what}).",
        source=database.shown,
        remedy="Use the docalign that wrote it, or a newer one.",
    )


def alembic_config(schema: Schema) -> Config:
    """Alembic's configuration for `schema`, without any ini file."""
    config = Config()
    config.set_main_option("script_location", _escaped(_SCRIPTS))
    config.set_main_option("version_locations", _escaped(schema.migrations))
    config.set_main_option("path_separator", "newline")
    config.attributes["schema"] = schema
    return config


def _version(connection: Connection, schema: Schema) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": schema.version_table})
    return context.get_current_revision()


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
