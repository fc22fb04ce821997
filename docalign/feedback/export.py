"""Opinions as training data: preference lines, gold lines, and the views that TRL's trainers read.

* `preferences`: `docalign.preference/1` lines. Ties stay in them: a reward model learns from them, DPO makes no pair.
  A corrected chunking wins over the candidate it was made from, or over all that were shown.
* `gold`: `docalign.gold/1` lines, one for each corrected chunking that keeps the limit (`fits.py`). One that does not
  stays a preference, its `provenance` says which of its chunks are over, and it is counted.
* `pairs`: TRL's `prompt`, `chosen`, `rejected`; a pair for each two candidates in order.
* `labels`: TRL's `prompt`, `completion`, `label`; the best of a ranking, the worst, all-bad candidates and thumbs.

In TRL's views a prompt shows the blocks with their numbers and a completion is the list of those that start a chunk.
Every line says where it comes from (`provenance`), and answers to one question share its weight. The split is by
document, by the rule that gold is split by. It decides nothing about training.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from docalign.counting import CHARS, WORDS, counter, counter_identity
from docalign.document import Document
from docalign.feedback.documents import document, list_documents
from docalign.feedback.excerpt import excerpt
from docalign.feedback.fits import chunks_over
from docalign.feedback.opinions import Opinion, opinions_of, shares
from docalign.preference import PreferenceLine, pairs_of
from docalign.train.corpus import is_held_out
from docalign.train.gold import GoldLine

if TYPE_CHECKING:
    from docalign.feedback.values import Stretch
    from docalign.store import Database

__all__ = ["VIEWS", "Export", "export", "prompt_text"]

Rewrite = Callable[[Document], Document]

_OVER: Final = "corrected_chunks_over_limit"


@dataclass(frozen=True, slots=True)
class Export:
    """Lines to write, as JSON values: those to train on, and those of held-out documents.

    `repeats` and `contradicted` say how many opinions were left out because they only repeat one, or because the same
    annotator later ordered the same chunkings the other way round; `over_limit`, how many corrections are no gold
    because no chunking that keeps the limit starts its chunks there.
    """

    train: tuple[Mapping[str, Any], ...]
    held_out: tuple[Mapping[str, Any], ...]
    opinions: int
    repeats: int
    contradicted: int
    over_limit: int = 0


def export(database: Database, view: str, *, rewrite: Rewrite | None = None, with_repeats: bool = False) -> Export:
    """Everything that stands in the store, as lines of `view` (a key of `VIEWS`).

    Args:
        rewrite: is applied to every document before it is written (redaction); it must keep blocks and lengths.
        with_repeats: repeats too; they measure a judge, and count a question twice.

    Raises:
        UsageError: a tokenizer that sizes were counted with is not there any more.
    """
    every = opinions_of(database)
    wanted = [opinion for opinion in every if with_repeats or not opinion.is_repeat]
    kept = _without_contradictions(wanted)
    weights = shares(kept)
    first_names: dict[str, str] = {}
    shas = {}
    for stored in list_documents(database):
        first_names.setdefault(stored.sha256, stored.source)
        shas[stored.id] = stored.sha256

    @lru_cache(maxsize=64)
    def whole(document_id: int) -> Document:
        return document(database, document_id)

    def stretch_of(stretch: Stretch) -> Document:
        part = excerpt(whole(stretch.document_id), stretch.first_block, stretch.after_block)
        return rewrite(part) if rewrite else part

    sides: tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]] = ([], [])
    over_limit = 0
    for opinion in kept:
        part = stretch_of(opinion.stretch)
        weighed = _checked(replace(opinion, weight=weights[opinion.id]), part)
        over_limit += _OVER in weighed.provenance
        held_out = is_held_out(first_names[shas[opinion.stretch.document_id]])
        sides[held_out].extend(VIEWS[view](weighed, part))
    return Export(
        train=tuple(sides[0]),
        held_out=tuple(sides[1]),
        opinions=len(kept),
        repeats=len(every) - len(wanted),
        contradicted=len(wanted) - len(kept),
        over_limit=over_limit,
    )


def _checked(opinion: Opinion, document: Document) -> Opinion:
    """The opinion; where its correction does not keep the limit, its provenance says which chunks do not."""
    stretch = opinion.stretch
    if opinion.corrected is None or stretch.max_tokens is None:
        return opinion
    over = chunks_over(document, opinion.corrected, stretch.max_tokens, counter(stretch.counter))
    return replace(opinion, provenance={**opinion.provenance, _OVER: list(over)}) if over else opinion


def preference_lines(opinion: Opinion, document: Document) -> list[PreferenceLine]:
    """The ranking as a line, and the correction as one of its own where it was made from one candidate."""
    lines = []
    starts = tuple(c.starts for c in opinion.candidates)
    makers = tuple(_maker(c.generator, c.model_version) for c in opinion.candidates)
    line = PreferenceLine(
        id=opinion.id,
        document=document,
        candidates=starts,
        ranking=opinion.ranking,
        source=opinion.source,
        annotator=opinion.annotator,
        target_tokens=opinion.stretch.target_tokens,
        max_tokens=opinion.stretch.max_tokens,
        counter=opinion.stretch.counter,
        counter_sha256=_identity(opinion.stretch.counter),
        weight=opinion.weight,
        makers=makers,
    )
    if len(starts) > 1 and opinion.ranking:
        lines.append(line)
    if opinion.corrected is not None:
        beaten = range(len(starts)) if opinion.corrected_from is None else [opinion.corrected_from]
        beaten = [p for p in beaten if starts[p] != opinion.corrected]
        if beaten:
            candidates = (opinion.corrected, *(starts[p] for p in beaten))
            names = (f"corrected by {opinion.annotator}", *(makers[p] for p in beaten))
            ranking = ((0,), tuple(range(1, len(candidates))))
            lines.append(
                replace(line, id=f"{opinion.id}/corrected", candidates=candidates, makers=names, ranking=ranking)
            )
    return lines


def prompt_text(document: Document, target_tokens: int | None, max_tokens: int | None) -> str:
    """A document as the prompt of a generative trainer: every block with its number, and what is asked."""
    blocks = "\n".join(f"[{b.id}] {' '.join(document.block_text(b).split())}" for b in document.blocks)
    sizes = [
        f"about {target_tokens} tokens each" if target_tokens else "",
        f"at most {max_tokens}" if max_tokens else "",
    ]
    asked = ", ".join(size for size in sizes if size)
    return f"{blocks}\n\nList the numbers of the blocks that start a chunk{f' ({asked})' if asked else ''}.\n"


def _preferences(opinion: Opinion, document: Document) -> Iterator[Mapping[str, Any]]:
    for line in preference_lines(opinion, document):
        yield line.to_json() | {"provenance": _provenance(opinion)}


def _gold(opinion: Opinion, document: Document) -> Iterator[Mapping[str, Any]]:
    if opinion.corrected is None or _OVER in opinion.provenance:
        return
    stretch = opinion.stretch
    line = GoldLine(
        id=f"{opinion.source}/{opinion.id}",
        domain=None,
        document=document,
        starts=opinion.corrected,
        counter=stretch.counter,
        target_tokens=stretch.target_tokens,
        max_tokens=stretch.max_tokens,
        policy=f"corrected by {opinion.annotator}",
    )
    yield line.to_json() | {"provenance": _provenance(opinion), "weight": opinion.weight}


def _pairs(opinion: Opinion, document: Document) -> Iterator[Mapping[str, Any]]:
    for line in preference_lines(opinion, document):
        prompt = prompt_text(document, line.target_tokens, line.max_tokens)
        for pair in pairs_of(line):
            yield {
                "prompt": prompt,
                "chosen": _completion(line.candidates[pair.chosen]),
                "rejected": _completion(line.candidates[pair.rejected]),
                **_about(opinion, document, pair.weight),
            }


def _labels(opinion: Opinion, document: Document) -> Iterator[Mapping[str, Any]]:
    prompt = prompt_text(document, opinion.stretch.target_tokens, opinion.stretch.max_tokens)
    found = {opinion.candidates[p].starts: good for p, good in sorted(opinion.labels.items())}
    if opinion.corrected is not None:
        if opinion.corrected_from is not None:
            found.setdefault(opinion.candidates[opinion.corrected_from].starts, False)
        found[opinion.corrected] = True
    for starts, good in found.items():
        about = _about(opinion, document, opinion.weight / len(found))
        yield {"prompt": prompt, "completion": _completion(starts), "label": good, **about}


VIEWS: Final[Mapping[str, Callable[[Opinion, Document], Iterator[Mapping[str, Any]]]]] = {
    "preferences": _preferences,
    "gold": _gold,
    "pairs": _pairs,
    "labels": _labels,
}


def _without_contradictions(opinions: Sequence[Opinion]) -> list[Opinion]:
    """Without those that order two chunkings the other way round than a later opinion of the same annotator does."""
    known: set[tuple[Any, ...]] = set()
    kept = []
    for opinion in reversed(opinions):
        orders = {
            (opinion.source, opinion.annotator, opinion.stretch, better, worse) for better, worse in _orders(opinion)
        }
        if any((*who, worse, better) in known for *who, better, worse in orders):
            continue
        known |= orders
        kept.append(opinion)
    return kept[::-1]


def _orders(opinion: Opinion) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    starts = [c.starts for c in opinion.candidates]
    for rank, better in enumerate(opinion.ranking):
        for a in better:
            yield from ((starts[a], starts[b]) for b in chain.from_iterable(opinion.ranking[rank + 1 :]))
    if opinion.corrected is not None:
        beaten = starts if opinion.corrected_from is None else [starts[opinion.corrected_from]]
        yield from ((opinion.corrected, other) for other in beaten if other != opinion.corrected)


def _about(opinion: Opinion, document: Document, weight: float) -> dict[str, Any]:
    return {
        "source": opinion.source,
        "annotator": opinion.annotator,
        "document_sha256": document.sha256,
        "weight": weight,
        "provenance": _provenance(opinion),
    }


def _provenance(opinion: Opinion) -> dict[str, Any]:
    shown = [
        {"generator": c.generator, "model_version": c.model_version, "parameters": dict(c.parameters)}
        for c in opinion.candidates
    ]
    return {"opinion": opinion.id, "question": opinion.of, **opinion.provenance, "candidates": shown}


def _completion(starts: Sequence[int]) -> str:
    return json.dumps(list(starts))


def _maker(generator: str, version: str | None) -> str:
    return f"{generator} {version}" if version else generator


@lru_cache(maxsize=16)
def _identity(name: str) -> str | None:
    return None if name in (WORDS, CHARS) else counter_identity(name)
