"""Stores with something to judge in them."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence

from docalign.document import Document
from docalign.feedback.store import add_candidates, add_document, add_stretch, add_task
from docalign.feedback.values import Candidate, Judgement, Stretch, Task
from docalign.store import Database
from tests.support.documents import document_of

__all__ = ["client_id", "judgement", "letter", "tasks_of"]


def letter(number: int = 0, blocks: int = 8) -> Document:
    """A document of `blocks` blocks, every fourth a heading; `number` makes it a different one."""
    kinds = ["heading" if i % 4 == 0 else "paragraph" for i in range(blocks)]
    return document_of([(kind, f"{kind} {i} of letter {number}") for i, kind in enumerate(kinds)])


def tasks_of(
    database: Database, documents: int = 1, *, starts: Sequence[Sequence[int]] = ((0, 4), (0, 2, 4))
) -> list[Task]:
    """One task a document, with these candidates."""
    made = []
    for number in range(documents):
        document = letter(number)
        stored = add_document(database, document)
        stretch = add_stretch(database, Stretch(stored.id, 0, len(document.blocks), 300, 512))
        new = [Candidate(tuple(s), f"rule{i}", "1", {"i": i}) for i, s in enumerate(starts)]
        made.append(add_task(database, Task(stretch, add_candidates(database, stretch, new), seed=number)))
    return made


def client_id() -> str:
    return str(uuid.uuid4())


_TIMES = itertools.count(1000)


def judgement(task: Task, annotator_id: int, *order: Sequence[int], **more: object) -> Judgement:
    """A ranking of the task, best first; the order shown where none is given."""
    ranking = tuple(tuple(group) for group in order) or tuple((p,) for p in range(len(task.candidates)))
    fields = {"id": client_id(), "kind": "ranking", "ranking": ranking, "milliseconds": next(_TIMES)} | more
    return Judgement(task_id=task.id, annotator_id=annotator_id, **fields)  # type: ignore[arg-type]
