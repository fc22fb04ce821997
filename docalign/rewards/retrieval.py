"""Retrieval: how well a chunking serves questions whose answers are known.

Two rewards. `PrecisionOmega` needs no embedder: PΩ of Chroma's report "Evaluating Chunking Strategies for Retrieval",
the precision there would be if retrieval found every chunk that holds part of the answer (perfect recall): the answer's
share of those chunks. `BudgetRecall` retrieves with an embedder, within the document, until a budget of tokens is
spent, and scores the share of the answer that was found. Text is measured in characters, for PΩ without white space.

PΩ loves crumbs: a chunk for every block is close to perfect. Budget recall does not, but it sees no more than the
embedder's first few hundred tokens of a chunk, and retrieval within one document is easier than in an archive. So
neither is a reward by itself; beside the length rewards they say whether answers stay whole.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, Protocol

import numpy as np

from docalign.document import Document
from docalign.rewards.one_by_one import OneByOne
from docalign.rewards.questions import Question, QuestionLine
from docalign.rewards.reward import NOT_JUDGED, Loss, Prepared, Score, Sizes, Span, lose

__all__ = ["BudgetRecall", "Embed", "Passage", "PrecisionOmega", "Retrieved", "retrieve"]

DEFAULT_BUDGET: Final = 2.0
"""Retrieved tokens, as a multiple of the target."""


class Embed(Protocol):
    """Texts → unit vectors, one row each: equal rows for equal texts, whatever else is in the call."""

    def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]: ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that can be retrieved: `text` of document number `document`, from `start` to `end`; its tokens."""

    document: int
    start: int
    end: int
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What retrieval within a budget found of one question's answer: shares of characters, 0–1."""

    recall: float
    precision: float
    iou: float


def _questions_by_document(lines: Iterable[QuestionLine]) -> dict[str, tuple[Question, ...]]:
    return {line.document.sha256: line.questions for line in lines}


class PrecisionOmega:
    """PΩ as a reward: the mean over a document's questions. Documents without questions are not judged."""

    def __init__(self, lines: Iterable[QuestionLine]) -> None:
        self._questions: Mapping[str, Sequence[Question]] = _questions_by_document(lines)

    def __call__(self, document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:  # noqa: ARG002
        questions = self._questions.get(document.sha256, ())
        if not questions:
            return NOT_JUDGED
        edges, ink = [spans[0][0], *(end for _, end in spans)], _ink(document.text)
        losses = []
        for question in questions:
            chunks = _holding(question, edges)
            size = sum(ink[edges[i + 1]] - ink[edges[i]] for i in chunks) or 1
            answer = sum(ink[e] - ink[s] for s, e in question.spans)
            why = f"{question.question[:80]!r} needs chunks {_listed(chunks)}; {answer / size:.0%} of them answers it."
            for i in chunks:
                low, high = edges[i], edges[i + 1]
                inside = sum(ink[max(low, min(e, high))] - ink[min(high, max(s, low))] for s, e in question.spans)
                losses.append(Loss(i, (ink[high] - ink[low] - inside) / size, why))
        return lose(losses, len(questions))

    def prepare(self, document: Document, sizes: Sizes) -> Prepared | None:  # noqa: ARG002
        questions = self._questions.get(document.sha256, ())
        return _PreparedOmega(document, questions, _ink(document.text)) if questions else None


@dataclass(frozen=True, slots=True)
class _PreparedOmega:
    document: Document
    questions: Sequence[Question]
    ink: Sequence[int]

    def values(self, chunkings: Sequence[Sequence[int]]) -> list[float]:
        ink, questions = self.ink, self.questions
        begins = [b.start for b in self.document.blocks]
        values = []
        for starts in chunkings:
            edges = [0, *(begins[s] for s in starts if s), len(self.document.text)]
            total = 0.0
            for question in questions:
                chunks = _holding(question, edges)
                answer = sum(ink[e] - ink[s] for s, e in question.spans)
                total += answer / (sum(ink[edges[i + 1]] - ink[edges[i]] for i in chunks) or 1)
            values.append(total / len(questions))
        return values


def _ink(text: str) -> list[int]:
    """How many characters that are no white space stand before each place of a text, `(characters + 1,)`."""
    return [0, *accumulate(not c.isspace() for c in text)]


def _holding(question: Question, edges: Sequence[int]) -> list[int]:
    """The chunks that hold part of the answer."""
    chunks: dict[int, None] = {}
    for start, end in question.spans:
        chunks |= dict.fromkeys(range(bisect_right(edges, start) - 1, bisect_left(edges, end)))
    return list(chunks)


def _listed(chunks: Sequence[int]) -> str:
    return ", ".join(map(str, chunks[:6])) + (", …" if len(chunks) > 6 else "")


def retrieve(
    passages: Sequence[Passage], questions: Sequence[tuple[int, Question]], embed: Embed, *, budget_tokens: float
) -> list[Retrieved]:
    """For each question (with the number of its document) the best passages until the budget is spent.

    The last passage is cut to what the budget leaves, so that chunkings of any size retrieve equally much. Ties go to
    the earlier passage.
    """
    if not passages or not questions:
        return [Retrieved(0.0, 0.0, 0.0) for _ in questions]
    vectors = np.asarray(embed([p.text for p in passages]), dtype=np.float64)
    asked = np.asarray(embed([q.question for _, q in questions]), dtype=np.float64)
    found = []
    for (document, question), query in zip(questions, asked, strict=True):
        # Rounded, so that equal texts are equally like whatever order a sum was taken in.
        likeness = np.round(vectors @ query, 6)
        order = np.argsort(-likeness, kind="stable").tolist()
        found.append(_spend(order, passages, document, question, budget_tokens))
    return found


def _spend(
    order: Sequence[int], passages: Sequence[Passage], document: int, question: Question, budget_tokens: float
) -> Retrieved:
    left, seen, hit = budget_tokens, 0, 0
    for i in order:
        if left <= 0:
            break
        passage = passages[i]
        share = min(1.0, left / passage.tokens) if passage.tokens else 1.0
        end = passage.start + round(share * (passage.end - passage.start))
        left -= passage.tokens
        seen += end - passage.start
        if passage.document == document:
            hit += sum(max(0, min(e, end) - max(s, passage.start)) for s, e in question.spans)
    answer = sum(e - s for s, e in question.spans)
    return Retrieved(hit / answer, hit / seen if seen else 0.0, hit / (seen + answer - hit))


@dataclass(frozen=True, slots=True)
class BudgetRecall:
    """Recall within a budget of retrieved tokens as a reward: the mean over a document's questions.

    `budget` is a multiple of the target (of 350 tokens where none was asked for).
    """

    lines: tuple[QuestionLine, ...]
    embed: Embed
    budget: float = DEFAULT_BUDGET
    _known: dict[str, tuple[Question, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known.update(_questions_by_document(self.lines))

    def prepare(self, document: Document, sizes: Sizes) -> Prepared | None:
        return OneByOne(self, document, sizes) if document.sha256 in self._known else None

    def __call__(self, document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
        questions = self._known.get(document.sha256, ())
        if not questions:
            return NOT_JUDGED
        passages = [Passage(0, a, b, document.text[a:b], sizes.count(document.text[a:b])) for a, b in spans]
        budget = self.budget * (sizes.target_tokens or 350)
        found = retrieve(passages, [(0, q) for q in questions], self.embed, budget_tokens=budget)
        reasons = tuple(
            f"{q.question[:80]!r}: {f.recall:.0%} of its answer is in the best {budget:.0f} tokens."
            for q, f in zip(questions, found, strict=True)
            if f.recall < 1.0
        )
        return Score(sum(f.recall for f in found) / len(found), reasons)
