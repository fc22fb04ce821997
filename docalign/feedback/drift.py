"""Drift: how the documents and rankings that came since the last update differ from those before.

A number for each thing worth watching, with its mean before and since and the difference in standard deviations; what
is half a deviation off is said to be `moved`. Words are compared by the Jensen–Shannon divergence of their
frequencies, beside that of two halves of the earlier documents, which is what chance alone makes. It judges nothing:
whether drift is bad is for the gate and for people to say.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any, Final, TypeVar

from docalign.counting import counter
from docalign.document import Document
from docalign.preference import PreferenceLine

__all__ = ["MOVED", "SCHEMA", "drift", "drift_text"]

SCHEMA: Final = "docalign.drift/1"
MOVED: Final = 0.5
"""Standard deviations from which a difference is said to have moved something: a convention, not a test."""

_T = TypeVar("_T")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")


def drift(
    before: Sequence[PreferenceLine],
    since: Sequence[PreferenceLine],
    *,
    agreement: Mapping[str, float],
    reference: Sequence[Document] = (),
) -> dict[str, Any]:
    """What differs between two sets of rankings.

    Args:
        agreement: by the id of a line, the share of its pairs that the served model orders as it does.
        reference: documents to compare with where there are no rankings before (development gold).
    """
    old_documents, new_documents = _distinct(before) or list(reference), _distinct(since)
    return {
        "schema": SCHEMA,
        "compared_with": "rankings before" if before else "development gold" if reference else "nothing",
        "documents": {"before": len(old_documents), "since": len(new_documents)},
        "rankings": {"before": _counts(before), "since": _counts(since)},
        "annotators_new": sorted({r.annotator for r in since} - {r.annotator for r in before}),
        "of_documents": {name: _shift(f, old_documents, new_documents) for name, f in _OF_DOCUMENTS.items()},
        "of_rankings": {name: _shift(f, before, since) for name, f in _OF_RANKINGS.items()}
        | {"served_agreement": _moved([agreement[r.id] for r in before if r.id in agreement],
                                      [agreement[r.id] for r in since if r.id in agreement])},
        "words": _of_words(old_documents, new_documents),
    }  # fmt: skip


def drift_text(found: Mapping[str, Any]) -> list[str]:
    """What moved, a sentence each; one sentence where nothing did."""
    said = []
    for group in ("of_documents", "of_rankings"):
        for name, shift in found[group].items():
            if shift is not None and shift["moved"]:
                said.append(f"{name.replace('_', ' ')} {shift['before']:.3g} → {shift['since']:.3g}")
    words = found["words"]
    if words is not None and words["moved"]:
        said.append(f"words differ by {words['divergence']:.2f} (two halves of the earlier: {words['of_halves']:.2f})")
    if found["annotators_new"]:
        said.append(f"new annotators: {', '.join(found['annotators_new'])}")
    return said or [f"compared with {found['compared_with']}, nothing moved by {MOVED:g} standard deviations"]


def _distinct(lines: Sequence[PreferenceLine]) -> list[Document]:
    return list({line.document.text: line.document for line in lines}.values())


def _counts(lines: Sequence[PreferenceLine]) -> dict[str, int]:
    return dict(sorted(Counter(line.source for line in lines).items()))


def _share(kind: str) -> Callable[[Document], float | None]:
    return lambda d: sum(b.kind == kind for b in d.blocks) / len(d.blocks)


def _ocr(document: Document) -> float | None:
    known = [b.confidence for b in document.blocks if b.confidence is not None]
    return fmean(known) if known else None


def _best_size(line: PreferenceLine) -> float | None:
    """Mean tokens of the chunks of the best candidates, relative to the target."""
    if line.target_tokens is None:
        return None
    count = counter(line.counter)
    total = sum(count(line.document.block_text(b)) for b in line.document.blocks)
    return fmean(total / len(line.candidates[i]) for i in line.ranking[0]) / line.target_tokens


def _spread(line: PreferenceLine) -> float | None:
    """How far apart the candidates are: the share of blocks that not all of them treat alike."""
    sets: list[set[int]] = [set(c) for c in line.candidates]
    return len(sets[0].union(*sets) - sets[0].intersection(*sets)) / len(line.document.blocks)


_OF_DOCUMENTS: Final[Mapping[str, Callable[[Document], float | None]]] = {
    "blocks": lambda d: float(len(d.blocks)),
    "characters_per_block": lambda d: len(d.text) / len(d.blocks),
    "share_of_headings": _share("heading"),
    "share_of_list_items": _share("list_item"),
    "share_of_tables": _share("table"),
    "ocr_confidence": _ocr,
}
_OF_RANKINGS: Final[Mapping[str, Callable[[PreferenceLine], float | None]]] = {
    "candidates": lambda r: float(len(r.candidates)),
    "blocks_apart": _spread,
    "best_size_to_target": _best_size,
    "blocks_per_best_chunk": lambda r: fmean(len(r.document.blocks) / len(r.candidates[i]) for i in r.ranking[0]),
    "ties": lambda r: 1 - len(r.ranking) / sum(map(len, r.ranking)),
}


def _shift(of: Callable[[_T], float | None], before: Sequence[_T], since: Sequence[_T]) -> dict[str, Any] | None:
    return _moved(*([v for v in map(of, items) if v is not None] for items in (before, since)))


def _moved(before: Sequence[float], since: Sequence[float]) -> dict[str, Any] | None:
    """Means and their difference in standard deviations of both together; None where one side is empty."""
    if not before or not since:
        return None
    old, new = fmean(before), fmean(since)
    spread = pstdev([*before, *since])
    deviations = (new - old) / spread if spread > 0 else 0.0
    return {
        "before": round(old, 4),
        "since": round(new, 4),
        "deviations": round(deviations, 3),
        "moved": abs(deviations) >= MOVED,
    }


def _of_words(before: Sequence[Document], since: Sequence[Document]) -> dict[str, Any] | None:
    if len(before) < 2 or not since:
        return None
    divergence = _divergence(_words(before), _words(since))
    chance = _divergence(_words(before[::2]), _words(before[1::2]))
    return {
        "divergence": round(divergence, 4),
        "of_halves": round(chance, 4),
        "moved": divergence > chance + 0.1,
    }


def _words(documents: Sequence[Document]) -> Counter[str]:
    return Counter(word for d in documents for word in _WORD.findall(d.text.lower()))


def _divergence(a: Counter[str], b: Counter[str]) -> float:
    """Jensen–Shannon, in bits: 0 for the same frequencies, 1 for no word in common."""
    total_a, total_b = a.total() or 1, b.total() or 1
    found = 0.0
    for word in a.keys() | b.keys():
        p, q = a[word] / total_a, b[word] / total_b
        middle = (p + q) / 2
        found += sum(x / 2 * math.log2(x / middle) for x in (p, q) if x > 0)
    return max(0.0, found)
