"""From a document to tasks in the store: its pictures, stretches, candidates of each, and which of them are compared.

Preparing the same document again, with the same models and seed, adds nothing: a run that was killed is completed by
another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from docalign.chunker import ChunkOptions
from docalign.counting import counter
from docalign.errors import UsageError
from docalign.feedback import store
from docalign.feedback.candidates import Scores, distinct, policy_candidates, rule_candidates
from docalign.feedback.excerpt import excerpt
from docalign.feedback.pairing import Balance, plan, shown_order
from docalign.feedback.stretches import stretches_of
from docalign.feedback.values import Candidate, Stretch, Task

if TYPE_CHECKING:
    from docalign.chunker import Chunker
    from docalign.document import Document
    from docalign.store import Database

__all__ = ["Preparation", "Preparer"]

_SIZES: Final = (0.6, 1.5)
"""The current model is also asked for chunks of these multiples of the target."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is asked of the preparation.

    Attributes:
        width: how many candidates a task compares, 2 to 4.
        comparisons: tasks for each stretch, as far as its candidates differ.
        stretches: at most so many of each document.
    """

    chunk: ChunkOptions
    width: int = 2
    comparisons: int = 3
    stretches: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.width <= 4:
            raise UsageError(f"{self.width} candidates cannot be compared at once.", remedy="Give --candidates 2 to 4.")


class Preparer:
    """Fills a store with tasks, one document after the other; holds the balance of what was chosen so far."""

    def __init__(
        self, database: Database, chunker: Chunker, *, previous: Chunker | None = None, asked: Preparation
    ) -> None:
        self._database = database
        self._chunker = chunker
        self._previous = previous
        self._asked = asked
        self._balance = Balance()
        self._known = {_key(task) for task in store.list_tasks(database)}

    def add(self, document: Document, pictures: Sequence[bytes | None] = ()) -> int:
        """Add the tasks of a document; returns how many are new.

        Args:
            pictures: of its pages, upright, in page order (`docalign.view.page_images`).
        """
        options = self._asked.chunk
        name = options.tokenizer or self._chunker.tokenizer
        count = counter(name)
        target, limit = options.target, options.max_tokens
        if target is None or limit is None:
            raise UsageError("candidates are made to a size.", remedy="Give --max-tokens.")
        tokens = [max(1, count(document.block_text(b))) for b in document.blocks]
        spans = stretches_of(document, tokens, target, limit=self._asked.stretches, seed=self._asked.seed)
        if not spans:
            return 0
        stored = store.add_document(self._database, document)
        for page, data in zip(document.pages, pictures, strict=False):
            if data is not None:
                store.add_page_picture(self._database, stored.id, page.number, data, _media_type(data))
        scores = self._scores(document, name, target, limit)
        added = 0
        for first, after in spans:
            stretch = Stretch(stored.id, first, after, target, limit, name)
            added += self._add_stretch(stretch, excerpt(document, first, after), scores)
        return added

    def _scores(self, document: Document, name: str, target: int, limit: int) -> list[tuple[str, list[Scores]]]:
        """What each model says of the whole document: stretches are judged in their context."""
        targets = [target, *(t for share in _SIZES if (t := min(limit, max(1, round(share * target)))) != target)]
        models = [("policy", self._chunker, targets)]
        if self._previous is not None:
            models.append(("previous", self._previous, [target]))
        found = []
        for generator, model, sizes in models:
            asked = [ChunkOptions(max_tokens=limit, target_tokens=size, tokenizer=name) for size in sizes]
            made = [
                Scores(model.log_odds(document, o), size, limit, model.prior, model.model_name)
                for o, size in zip(asked, sizes, strict=True)
            ]
            found.append((generator, made))
        return found

    def _add_stretch(self, stretch: Stretch, part: Document, scores: Sequence[tuple[str, list[Scores]]]) -> int:
        candidates = self._candidates(stretch, part, scores)
        seed = _seed(self._asked.seed, part.sha256, stretch.first_block, stretch.after_block)
        groups, balance = plan(
            candidates, number=self._asked.comparisons, width=self._asked.width, seed=seed, balance=self._balance
        )
        if not groups:
            return 0
        self._balance = balance
        kept = store.add_stretch(self._database, stretch)
        shown = store.add_candidates(self._database, kept, candidates)
        added = 0
        for group in groups:
            own = _seed(seed, *group)
            chosen = tuple(shown[group[i]] for i in shown_order(len(group), own))
            task = Task(kept, chosen, own)
            if _key(task) not in self._known:
                self._known.add(_key(task))
                store.add_task(self._database, task)
                added += 1
        return added

    def _candidates(
        self, stretch: Stretch, part: Document, scores: Sequence[tuple[str, list[Scores]]]
    ) -> tuple[Candidate, ...]:
        """One from each source in turn, so that all of them have candidates left when the near-identical are gone."""
        count, (first, after) = counter(stretch.counter), (stretch.first_block, stretch.after_block)
        seed = _seed(self._asked.seed, part.sha256, first, after)
        pools = []
        for generator, made in scores:
            own = [
                Scores(s.log_odds[first:after], s.target_tokens, s.max_tokens, s.prior, s.model_version) for s in made
            ]
            pools.append(policy_candidates(part, own, count, generator=generator, seed=seed))
        assert stretch.target_tokens is not None
        assert stretch.max_tokens is not None
        pools.append(
            rule_candidates(
                part,
                target_tokens=stretch.target_tokens,
                max_tokens=stretch.max_tokens,
                counter_name=stretch.counter,
            )
        )
        return distinct(c for turn in zip_longest(*pools) for c in turn if c is not None)


def _key(task: Task) -> tuple[int, frozenset[int]]:
    return task.stretch.id, frozenset(c.id for c in task.candidates)


def _seed(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6], "big")


def _media_type(data: bytes) -> str:
    if data.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if data[8:12] == b"WEBP" else "image/jpeg"
