"""The training mixture: gold windows of structured corpora, in every condition and at many sizes.

A window is a stretch of one document, from a random block on; its target and limit, the condition (marked, bare,
headless) and its length are drawn per window, all from the seed. Sources are balanced by the square root of their
blocks, so that a big corpus teaches more but not everything. Documents held out for evaluation never appear.

Renderings to PDF and scans are in `rendered.py`; this module draws plain blocks only.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from docalign.train.corpus import is_held_out, read_corpus
from docalign.train.gold import GoldLine
from docalign.train.policy_gold import MAX_BLOCKS, Condition, gold_line

__all__ = ["CONDITION_WEIGHTS", "Draw", "documents_by_source", "draw_lines", "draws"]

_CONDITIONS: Final[tuple[Condition, ...]] = ("marked", "bare", "headless")
CONDITION_WEIGHTS: Final = (0.25, 0.4, 0.35)
"""Shares of marked, bare and headless windows."""
_TARGETS: Final = (90, 700)
"""Targets are drawn between these, log-uniformly, in tokens of the line's counter."""
_LIMIT_OVER_TARGET: Final = (1.35, 1.8)
_MIN_WINDOW: Final = 40


@dataclass(frozen=True, slots=True)
class Draw:
    """One window to make: where it begins, how long it is, what sizes it asks for."""

    document: Mapping[str, Any]
    first_block: int
    max_blocks: int
    target: int
    limit: int
    condition: Condition
    seed: int

    def line(self) -> GoldLine | None:
        """The gold line, or None where the window teaches too little."""
        line = gold_line(
            self.document,
            target=self.target,
            limit=self.limit,
            condition=self.condition,
            first_block=self.first_block,
            max_blocks=self.max_blocks,
        )
        return line and replace(line, id=f"{line.id}~{self.seed}", source=str(self.document["source"]))


def documents_by_source(corpora: Path) -> dict[str, list[Mapping[str, Any]]]:
    """The documents of a corpus directory that may be trained on, by source."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for document in read_corpus(corpora):
        if not is_held_out(document["id"]):
            found[document["source"]].append(document)
    return found


def draws(
    documents: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    seed: int,
    weights: Sequence[float] = CONDITION_WEIGHTS,
) -> Iterator[Draw]:
    """An endless, seeded sequence of windows over the documents; `weights` of marked, bare and headless."""
    rng = random.Random(seed)
    sources = sorted(documents)
    shares = [math.sqrt(sum(len(d["blocks"]) for d in documents[s])) for s in sources]
    number = 0
    while True:
        (source,) = rng.choices(sources, shares)
        document = rng.choice(documents[source])
        target = round(math.exp(rng.uniform(*(math.log(t) for t in _TARGETS))))
        first = rng.randrange(max(1, len(document["blocks"]) - _MIN_WINDOW)) if rng.random() < 0.75 else 0
        number += 1
        yield Draw(
            document=document,
            first_block=first,
            max_blocks=MAX_BLOCKS if "topic_starts" in document else rng.randint(_MIN_WINDOW, MAX_BLOCKS),
            target=target,
            limit=round(target * rng.uniform(*_LIMIT_OVER_TARGET)),
            condition=rng.choices(_CONDITIONS, weights)[0],
            seed=number,
        )


def draw_lines(
    documents: Mapping[str, Sequence[Mapping[str, Any]]],
    number: int,
    *,
    seed: int,
    weights: Sequence[float] = CONDITION_WEIGHTS,
) -> Iterator[GoldLine]:
    """`number` plain gold lines of the mixture."""
    made = 0
    for draw in draws(documents, seed=seed, weights=weights):
        line = draw.line()
        if line is not None:
            yield line
            made += 1
        if made == number:
            return
