"""Opening a database: who may, how often, at once, and what is said when it cannot be."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from docalign.cli import run
from docalign.errors import StoreError, UsageError
from docalign.feedback.store import SCHEMA, add_annotator, list_annotators, open_store
from docalign.store import Database, open_database
from docalign.store.migrate import alembic_config


def test_what_was_written_is_there_when_opened_again(url: str) -> None:
    with open_store(url) as database:
        made = add_annotator(database, "Ada")
    with open_store(url) as database:
        assert list_annotators(database) == [made]


def test_migrations_make_the_tables_that_the_code_uses(store: Database) -> None:
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": SCHEMA.version_table})
        differences = compare_metadata(context, SCHEMA.tables)
    ours = [d for d in differences if SCHEMA.version_table not in str(d)]
    assert ours == []


def test_migrations_can_be_taken_back(url: str) -> None:
    store = open_database(url, SCHEMA)
    config = alembic_config(SCHEMA)
    with store.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with store.reading() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {SCHEMA.version_table, "sqlite_sequence"}
    store.close()


def _open_and_add(url: str, name: str) -> None:
    with open_store(url) as database:
        add_annotator(database, name)


def test_processes_that_open_a_new_database_at_once_all_get_it(url: str) -> None:
    fork = multiprocessing.get_context("spawn")
    processes = [fork.Process(target=_open_and_add, args=(url, f"n{i}")) for i in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [p.exitcode for p in processes] == [0] * 4
    with open_store(url) as database:
        assert {a.name for a in list_annotators(database)} == {f"n{i}" for i in range(4)}


def test_a_database_of_a_newer_docalign_is_refused(url: str) -> None:
    with open_store(url) as database, database.writing() as connection:
        connection.execute(sa.text(f"UPDATE {SCHEMA.version_table} SET version_num = 'feedback_9999'"))
    with pytest.raises(StoreError, match="does not know"), open_store(url):
        pass


def test_sqlite_syncs_every_commit_and_keeps_references(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db") as database, database.reading() as connection:
        found = {p: connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous")}
        assert found == {"journal_mode": "wal", "synchronous": 2}
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


@pytest.mark.parametrize("bad", ["sqlite://", "sqlite:///:memory:", "mysql://host/name", "://", ":memory:"])
def test_what_is_no_lasting_database_is_refused(bad: str) -> None:
    with pytest.raises(UsageError):
        open_database(bad)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="folder"), open_store(tmp_path / "none" / "a.db"):
        pass


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="not a database"), open_store(path):
        pass


def test_a_file_held_by_another_program_is_said_to_be_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docalign.store.open.BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "a.db"
    with open_store(path):
        pass
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with open_store(path) as database, pytest.raises(StoreError, match="locked"):
        add_annotator(database, "Ada")
    holder.close()


def _other_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE moz_places (url TEXT)")
    connection.close()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


MAKERS = {
    "nothing": lambda _: None,
    "empty": Path.touch,
    "text": lambda path: path.write_text("this is no database"),
    "another program's": _other_program,
}


@pytest.mark.parametrize("made", MAKERS)
@pytest.mark.parametrize("command", ["report", "export", "delete"])
def test_a_wrong_store_is_refused_and_left_as_it_is(
    made: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.db"
    MAKERS[made](path)
    before = _files(tmp_path)
    more = ["0" * 64] if command == "delete" else []
    assert run(["feedback", command, *more, "--store", str(path)]) == 2
    assert f"{path}: " in (said := capsys.readouterr().err)
    assert "docalign rank" in said
    assert _files(tmp_path) == before


def test_reading_migrates_nothing_and_cannot_write(url: str) -> None:
    with pytest.raises((UsageError, StoreError)), open_store(url, read_only=True):
        pass
    with open_store(url) as database:
        add_annotator(database, "Ada")
    with open_store(url, read_only=True) as database:
        assert [a.name for a in list_annotators(database)] == ["Ada"]
        if database.is_sqlite:
            with pytest.raises(StoreError, match="readonly"):
                add_annotator(database, "Bo")


def test_a_store_of_an_older_docalign_is_named_and_migrated_by_who_writes(url: str) -> None:
    store = open_database(url, SCHEMA)
    config = alembic_config(SCHEMA)
    with store.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "feedback_0001")
    store.close()
    for _ in range(2):  # the first try changed nothing
        with pytest.raises(StoreError, match=r"older docalign \(feedback_0001\)"), open_store(url, read_only=True):
            pass
    with open_store(url, must_exist=True):
        pass
    with open_store(url, read_only=True) as database:
        assert list_annotators(database) == []
