"""One task of a plan becomes one gold line, or the reason why it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from docalign.counting import WORDS
from docalign.errors import DocalignError
from docalign.train.gold import GoldLine
from docalign.train.policy_gold import POLICY, StartsPolicy, Unit, gold_line, gold_starts
from docalign.train.prepare.native import stretch_of
from docalign.train.prepare.plan import Task
from docalign.train.prepare.structured import Structured
from docalign.train.prepare.tree_policy import TREE_POLICY, tree_starts
from docalign.train.rendered import Mode, rendered_gold
from docalign.train.rendered_lines import MIN_QUALITY

if TYPE_CHECKING:
    from docalign.ingest import WorkerPool

__all__ = ["POLICIES", "Why", "make_line"]

Why = str
"""Why a task made no line: `too little`, `FORM copy misaligned`, `FORM copy not rendered`."""

POLICIES: Final[dict[str, tuple[str, StartsPolicy]]] = {
    "reference": (POLICY, gold_starts),
    "tree": (TREE_POLICY, tree_starts),
}
"""Gold policies by name: what lines call them, and the function."""

_MIN_BLOCKS: Final = 8
_MIN_STARTS: Final = 2


def make_line(task: Task, document: Structured, policy: str, pool: WorkerPool | None = None) -> GoldLine | Why:
    """The gold line of a task, or why there is none: the window teaches too little, its rendered copy could not be
    aligned with it (under `MIN_QUALITY`), or it could not be rendered."""
    line = _native(task, document, policy) if task.form == "native" else _plain(task, document, policy)
    if line is None:
        return "too little"
    line = replace(line, id=f"{line.id}~{task.seed:012x}", source=document.source, licence=document.licence)
    if task.form not in ("pdf", "scan"):
        return line
    return _rendered(line, document, task, task.form, pool)


def _plain(task: Task, document: Structured, policy: str) -> GoldLine | None:
    name, starts_of = POLICIES[policy]
    # A printed heading looks like one: there is no bare copy on paper.
    printed = task.form in ("pdf", "scan") and task.condition == "bare"
    return gold_line(
        document.as_corpus(),
        target=task.target,
        limit=task.limit,
        condition="marked" if printed else task.condition,
        first_block=task.first_block,
        max_blocks=task.max_blocks,
        policy=name,
        starts_of=starts_of,
    )


def _native(task: Task, document: Structured, policy: str) -> GoldLine | None:
    """Gold on the Document as ingestion made it; a block over the limit stays whole (the solver cuts it)."""
    assert document.native is not None
    name, starts_of = POLICIES[policy]
    end = min(task.first_block + task.max_blocks, len(document.blocks))
    units = [Unit.of(b["text"], b["kind"], b["level"]) for b in document.blocks[task.first_block : end]]
    capped = [replace(u, tokens=min(u.tokens, task.limit)) for u in units]
    if len(units) < _MIN_BLOCKS:
        return None
    found = starts_of(capped, target=task.target, limit=task.limit)
    # A heading before a block too long for both stays with the part of it that the solver cuts off.
    starts = tuple(s for s in found if s == 0 or not units[s - 1].is_heading)
    if len(starts) < _MIN_STARTS:
        return None
    return GoldLine(
        id=f"{document.id}@{task.first_block}" if task.first_block else document.id,
        domain=document.domain,
        document=replace(stretch_of(document.native, task.first_block, end), source=document.id),
        starts=starts,
        counter=WORDS,
        target_tokens=task.target,
        max_tokens=task.limit,
        condition="native",
        policy=name,
    )


def _rendered(line: GoldLine, document: Structured, task: Task, mode: Mode, pool: WorkerPool | None) -> GoldLine | Why:
    """The line on a printed or scanned copy of its own blocks."""
    blocks = [{"kind": b.kind, "level": b.level, "text": line.document.block_text(b)} for b in line.document.blocks]
    source = {"id": line.id, "title": document.title, "blocks": blocks}
    try:
        copy, starts, quality = rendered_gold(source, line.starts, seed=task.seed, mode=mode, pool=pool)
    except DocalignError:
        return f"{mode} copy not rendered"
    if quality < MIN_QUALITY or len(starts) < _MIN_STARTS:
        return f"{mode} copy misaligned"
    return replace(
        line,
        id=f"{line.id}~{mode}",
        document=replace(copy, source=document.id),
        starts=starts,
        condition=f"{mode}-{line.condition}",
        alignment=round(quality, 4),
    )
