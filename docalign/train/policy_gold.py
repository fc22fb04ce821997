"""The reference gold policy: where chunks start in a document whose headings are known.

A chunk is a leaf section. A following section joins it while both fit the target, it is no higher in the outline
and the chunk is still under 0.6 × target. A section over the limit is divided near even parts at block ends. A
heading stays with what follows it, and no chunk is over the limit: blocks that are too long are cut at sentence
ends, then at words, before anything else. Transcripts start at their topics and have no sizes.

From one corpus document come three conditions: `marked` (headings look like headings), `bare` (heading lines are
there, unmarked) and `headless` (heading lines are gone; only the words tell). Counts are `words*1.35`.

The packing of sections is the rule behind the prompt's outline hint (`chunker.outline`); the limit is kept here. This
module draws nothing at random and picks no sizes: callers choose target, limit and condition.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any, Final, Literal, Protocol, cast

from docalign.chunker.outline import Section, pack_sections
from docalign.counting import TOKENS_PER_WORD, WORDS, count_words
from docalign.document import Block, Document, Kind
from docalign.errors import UsageError
from docalign.train.gold import GoldLine

__all__ = [
    "CONDITIONS",
    "MAX_BLOCKS",
    "POLICY",
    "SIZES",
    "Condition",
    "StartsPolicy",
    "Unit",
    "gold_line",
    "gold_starts",
    "keep_within",
    "precut",
]

Condition = Literal["marked", "bare", "headless"]
CONDITIONS: Final[tuple[Condition, ...]] = ("marked", "bare", "headless")

SIZES: Final = ((150, 256), (250, 400), (350, 512))
"""(target, limit) pairs the reference gold is made for."""

MAX_BLOCKS: Final = 120
POLICY: Final = "reference/1"

_MIN_BLOCKS: Final = 20
_MIN_BLOCKS_KEPT: Final = 15
_MIN_STARTS: Final = 3
_HEADING_SCALE: Final = 1.4
_SENTENCE_END: Final = re.compile(r"(?<=[.!?;])\s+")


@dataclass(frozen=True, slots=True)
class Unit:
    """What the policy knows of a block. `level` is 1–6 for headings, None otherwise."""

    text: str
    kind: str
    level: int | None
    tokens: int

    @classmethod
    def of(cls, text: str, kind: str, level: int | None) -> Unit:
        return cls(text, kind, level, max(1, count_words(text)))

    @property
    def is_heading(self) -> bool:
        return self.kind == "heading"


class StartsPolicy(Protocol):
    """Where chunks start among units that are already cut to the limit."""

    def __call__(self, units: Sequence[Unit], *, target: int, limit: int) -> Sequence[int]: ...


def gold_line(
    document: Mapping[str, Any],
    *,
    target: int,
    limit: int,
    condition: Condition,
    first_block: int = 0,
    max_blocks: int = MAX_BLOCKS,
    policy: str = POLICY,
    starts_of: StartsPolicy | None = None,
) -> GoldLine | None:
    """The gold line of a window of a corpus document, or None where the window teaches too little.

    The window begins at corpus block `first_block` and holds at most `max_blocks` blocks. A window is dropped when
    it has under 20 blocks, under 3 chunks, or under 15 blocks once its headings are gone. A window that does not
    begin the document has the id `DOCUMENT@FIRST`; `document.source` stays the id of the corpus document.
    For transcripts (documents with `topic_starts`) both sizes are ignored, and None in the line. Another policy than
    the reference gives its name in `policy` and itself as `starts_of`.

    Raises:
        UsageError: sizes below 1, or a target over the limit.
    """
    _check_sizes(target, limit)
    starts_of = starts_of or gold_starts
    units = [_unit(b) for b in document["blocks"] if b["text"].strip()][first_block:][:max_blocks]
    topics: Sequence[int] | None = document.get("topic_starts")
    if topics is None:
        units = list(precut(units, limit))[:max_blocks]
    if len(units) < _MIN_BLOCKS:
        return None
    if topics is None:
        starts = list(starts_of(units, target=target, limit=limit))
    else:
        starts = sorted({0} | {t - first_block for t in topics if first_block < t < first_block + len(units)})
        if len(starts) < _MIN_STARTS:
            return None
    if condition == "headless":
        units, starts = _without_headings(units, starts)
    if len(starts) < _MIN_STARTS or len(units) < _MIN_BLOCKS_KEPT:
        return None
    name = str(document["id"])
    return GoldLine(
        id=f"{name}@{first_block}" if first_block else name,
        domain=document.get("domain"),
        document=_document(name, units, marked=condition == "marked"),
        starts=tuple(starts),
        counter=WORDS,
        target_tokens=target if topics is None else None,
        max_tokens=limit if topics is None else None,
        condition=condition,
        policy=policy,
    )


def precut(units: Iterable[Unit], limit: int) -> Iterator[Unit]:
    """The units, those over `limit` tokens cut at sentence ends, then at words; the parts are paragraphs."""
    max_words = max(1, int(limit / TOKENS_PER_WORD))
    for unit in units:
        if unit.tokens <= limit:
            yield unit
        else:
            for words in _parts(unit.text, max_words):
                yield Unit.of(" ".join(words), "paragraph", None)


def _parts(text: str, max_words: int) -> Iterator[list[str]]:
    """Words of `text` in runs of at most `max_words`; a sentence is divided only when it alone is longer."""
    part: list[str] = []
    for sentence in _SENTENCE_END.split(text):
        words = sentence.split()
        if part and len(words) <= max_words < len(part) + len(words):
            yield part
            part = []
        part = part + words
        while len(part) > max_words:
            yield part[:max_words]
            part = part[max_words:]
    if part:
        yield part


def gold_starts(units: Sequence[Unit], *, target: int, limit: int) -> list[int]:
    """Ids of the units that start a chunk, the first 0; the units are already `precut` to the limit."""
    if not units:
        return []
    sums = [0, *accumulate(u.tokens for u in units)]  # sums[j] - sums[i]: tokens of units[i:j]
    sections = [Section(u.tokens, (u.level or 0) if u.is_heading else None) for u in units]
    return keep_within(units, pack_sections(sections, target, limit, opening_level=units[0].level), limit, sums)


def keep_within(units: Sequence[Unit], starts: Sequence[int], limit: int, sums: Sequence[int]) -> list[int]:
    """`starts` and the cuts that bring every chunk under the limit; headings before a cut go with what follows."""
    result: list[int] = []
    for first, end in pairwise([*starts, len(units)]):
        result.append(first)
        for j in range(first + 1, end):
            if sums[j + 1] - sums[result[-1]] > limit:
                cut = j
                while cut - 1 > result[-1] and units[cut - 1].is_heading:
                    cut -= 1
                result.append(cut)
    return result


def _without_headings(units: Sequence[Unit], starts: Sequence[int]) -> tuple[list[Unit], list[int]]:
    """Headings dropped; a start moves to the next unit that is kept, one with nothing after it disappears."""
    kept = [i for i, unit in enumerate(units) if not unit.is_heading]
    moved = {next((new for new, old in enumerate(kept) if old >= s), 0) for s in starts}
    return [units[i] for i in kept], sorted(moved)


def _unit(block: Mapping[str, Any]) -> Unit:
    return Unit.of(block["text"], block["kind"], block.get("level"))


def _document(name: str, units: Sequence[Unit], *, marked: bool) -> Document:
    text = "\n\n".join(u.text for u in units)
    blocks: list[Block] = []
    position = 0
    for i, unit in enumerate(units):
        block = Block(id=i, start=position, end=position + len(unit.text), kind=_kind(unit, marked=marked))
        if block.kind == "heading":
            block = replace(block, level=unit.level, font_scale=_HEADING_SCALE, bold=True)
        blocks.append(block)
        position = block.end + 2
    return Document(
        source=name, sha256=hashlib.sha256(text.encode()).hexdigest(), text=text, blocks=tuple(blocks)
    ).check()


def _kind(unit: Unit, *, marked: bool) -> Kind:
    if unit.kind == "utterance" or (unit.is_heading and not marked):
        return "paragraph"
    return cast(Kind, unit.kind)


def _check_sizes(target: int, limit: int) -> None:
    if not 1 <= target <= limit:
        raise UsageError(
            f"a target of {target} tokens with a limit of {limit} makes no sense.",
            remedy="Give 1 <= target <= limit.",
        )
