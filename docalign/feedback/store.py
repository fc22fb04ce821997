"""The store of rankings and feedback: everything the page, the service and the commands may do with it.

    with open_store("rankings.db") as store: …      # a docalign.store.Database

    stored    = add_document(store, document)
    stretch   = add_stretch(store, Stretch(stored.id, 0, 40, target_tokens=300, max_tokens=512))
    shown     = add_candidates(store, stretch, [Candidate((0, 4), "pack"), Candidate((0, 3, 9), "policy", "v1")])
    add_task(store, Task(stretch, shown, seed=7))

    me   = add_annotator(store, "Ada")
    task = next_task(store, me.id)
    judge(store, Judgement(uuid, task.id, me.id, "ranking", ranking=((1,), (0,)), milliseconds=5400))

Each function is one transaction; when it returns, what it stored survives a kill. Errors are those of
`docalign.errors`, with the HTTP status a page answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from docalign.feedback.annotators import add_annotator, annotator, list_annotators
from docalign.feedback.chunkings import (
    add_feedback,
    chunking,
    latest_chunking,
    list_chunkings,
    list_feedback,
    remember_chunking,
)
from docalign.feedback.documents import (
    add_candidates,
    add_document,
    add_page_picture,
    add_stretch,
    candidates_of,
    delete_document,
    document,
    list_documents,
    page_picture,
    pages_with_pictures,
    stretch_document,
)
from docalign.feedback.judgements import active_judgements, all_judgements, has_judgement, judge, last_judgement, undo
from docalign.feedback.progress import progress
from docalign.feedback.tables import METADATA
from docalign.feedback.tasks import add_task, list_tasks, next_task, release, set_priorities, task, tasks_of_annotator
from docalign.store import Database, Schema, open_database

__all__ = [
    "SCHEMA",
    "active_judgements",
    "add_annotator",
    "add_candidates",
    "add_document",
    "add_feedback",
    "add_page_picture",
    "add_stretch",
    "add_task",
    "all_judgements",
    "annotator",
    "candidates_of",
    "chunking",
    "delete_document",
    "document",
    "has_judgement",
    "judge",
    "last_judgement",
    "latest_chunking",
    "list_annotators",
    "list_chunkings",
    "list_documents",
    "list_feedback",
    "list_tasks",
    "next_task",
    "open_store",
    "page_picture",
    "pages_with_pictures",
    "progress",
    "release",
    "remember_chunking",
    "set_priorities",
    "stretch_document",
    "task",
    "tasks_of_annotator",
    "undo",
]

SCHEMA: Final = Schema("feedback", METADATA, Path(__file__).parent / "migrations")


@contextmanager
def open_store(url: str | Path, *, must_exist: bool = False, read_only: bool = False) -> Iterator[Database]:
    """Open the store at `url` (see `open_database`) and close it afterwards.

    Args:
        must_exist: refuse what is no store yet instead of making one of it.
        read_only: the same, and write nothing.

    Raises:
        UsageError, StoreError: as `open_database`.
    """
    database = open_database(url, SCHEMA, must_exist=must_exist, read_only=read_only)
    try:
        yield database
    finally:
        database.close()
