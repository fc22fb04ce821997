"""Which lines a build makes: windows of the documents, each with its sizes, condition and form, all from the seed.

What a window asks for depends on the seed, its document's id and its number alone, so adding a document or killing the
build changes no other line.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from docalign.train.policy_gold import CONDITIONS, MAX_BLOCKS, Condition
from docalign.train.prepare.structured import Structured

__all__ = ["FORMS", "Form", "Task", "plan"]

Form = Literal["native", "plain", "pdf", "scan"]
FORMS: Final[tuple[Form, ...]] = ("native", "plain", "pdf", "scan")

_MIN_WINDOW: Final = 40
_LIMIT_OVER_TARGET: Final = (1.35, 1.8)


@dataclass(frozen=True, slots=True)
class Task:
    """One line to make: the window of document number `document` from `first_block` on, and what it asks for."""

    document: int
    first_block: int
    max_blocks: int
    target: int
    limit: int
    condition: Condition
    form: Form
    seed: int


def plan(
    documents: Sequence[Structured],
    *,
    number: int | None,
    targets: tuple[int, int],
    conditions: dict[str, float],
    forms: dict[str, float],
    seed: int,
) -> list[Task]:
    """The lines to make, in order of documents.

    Args:
        number: how many; then windows are drawn so that a source's share grows with the square root of its blocks.
            None: one pass over every document.
        targets: smallest and largest target in tokens; drawn between them log-uniformly.
        conditions, forms: weights by name. A document that is no file of its own has no native form: plain then.
    """
    tasks = [
        _task(document, index, window, targets, conditions, forms, seed)
        for index, document in enumerate(documents)
        for window in range(_windows(document))
    ]
    if number is None or number >= len(tasks):
        return tasks
    blocks = Counter[str]()
    for document in documents:
        blocks[document.source] += len(document.blocks)

    def key(task: Task) -> float:  # weighted sampling without replacement (Efraimidis & Spirakis, 2006)
        source = documents[task.document].source
        weight = math.sqrt(blocks[source]) / blocks[source]
        return math.log(max(random.Random(task.seed).random(), 1e-12)) / weight

    chosen = sorted(range(len(tasks)), key=lambda i: key(tasks[i]), reverse=True)[:number]
    return [tasks[i] for i in sorted(chosen)]


def _windows(document: Structured) -> int:
    """As many windows as a pass over the document takes."""
    return max(1, round(len(document.blocks) / (0.75 * MAX_BLOCKS)))


def _task(
    document: Structured,
    index: int,
    window: int,
    targets: tuple[int, int],
    conditions: dict[str, float],
    forms: dict[str, float],
    seed: int,
) -> Task:
    own = int.from_bytes(hashlib.sha256(f"{seed}/{document.id}/{window}".encode()).digest()[:6], "big")
    rng = random.Random(own)
    target = round(math.exp(rng.uniform(math.log(targets[0]), math.log(targets[1]))))
    latest = max(1, len(document.blocks) - _MIN_WINDOW)
    first = 0 if window == 0 else rng.randrange(latest)
    (form,) = rng.choices(FORMS, [forms.get(f, 0.0) for f in FORMS])
    (condition,) = rng.choices(CONDITIONS, [conditions.get(c, 0.0) for c in CONDITIONS])
    if document.topic_starts is not None or (form == "native" and document.native is None):
        form = "plain"
    if form == "native":
        condition = "marked"
    return Task(
        document=index,
        first_block=first,
        max_blocks=MAX_BLOCKS if document.topic_starts is not None else rng.randint(_MIN_WINDOW, MAX_BLOCKS),
        target=target,
        limit=round(target * rng.uniform(*_LIMIT_OVER_TARGET)),
        condition=condition,
        form=form,
        seed=own,
    )
