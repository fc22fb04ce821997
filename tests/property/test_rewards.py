"""Prepared rewards equal the pure functions on any chunking; no reward leaves 0–1 or loses points without a reason."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docalign.counting import count_words, counter
from docalign.document import Block, Document
from docalign.rewards.composite import Composite, Part
from docalign.rewards.pieces import block_spans
from docalign.rewards.reward import Sizes
from docalign.rewards.rules import RULE_REWARDS
from tests.support.documents import document_of
from tests.support.nasty import documents

_KINDS = ["heading1", "heading2", "heading3", "paragraph", "paragraph", "list_item", "table", "caption", "code"]
_TEXTS = [
    "Scope", "The committee met in spring and asked for a second sample.", "However, it did not.", "and went on",
    "this is one sentence that", "The steps are:", "(a) first", "second thing", "Name: Ada Lovelace",
    "ada@example.org", "Phone: +44 20 7946 0958", "12", "| a | b |", "~~ ;; .. -- ~~ ;;", "Figure 1. A curve.",
    "word " * 30 + "end.",
]  # fmt: skip


@st.composite
def structured(draw: st.DrawFn) -> Document:
    """Documents with everything the rules look for."""
    parts = draw(st.lists(st.tuples(st.sampled_from(_KINDS), st.sampled_from(_TEXTS)), min_size=1, max_size=25))
    document = document_of(parts)
    page = draw(st.sampled_from([None, 3]))
    blocks = [
        Block(b.id, b.start, b.end, b.kind, b.level, confidence=draw(st.sampled_from([None, None, 0.3, 0.9])),
              page=None if page is None else b.id // page + 1,
              depth=draw(st.sampled_from([None, 1, 2])) if b.kind == "list_item" else None)
        for b in document.blocks
    ]  # fmt: skip
    return Document(document.source, document.sha256, document.text, tuple(blocks)).check()


def chunkings(document: Document, data: st.DataObject) -> list[list[int]]:
    more = st.sets(st.integers(0, len(document.blocks) - 1), max_size=len(document.blocks))
    drawn = data.draw(st.lists(more, min_size=1, max_size=4))
    return [sorted({0} | starts) for starts in drawn]


SIZES = st.tuples(st.integers(2, 60) | st.none(), st.integers(2, 90) | st.none())


@given(document=structured() | documents(), sizes=SIZES, counting=st.sampled_from([count_words, len]), data=st.data())
def test_prepared_rewards_equal_the_pure_functions(document, sizes, counting, data):
    if document.blocks:
        asked = Sizes(*sizes, counting)
        _compare(document, asked, chunkings(document, data), exact=False)


@given(document=structured(), sizes=SIZES, data=st.data())
def test_with_a_tokenizer_they_are_equal_when_counting_exactly(tokenizer_path, document, sizes, data):
    _compare(document, Sizes(*sizes, counter(str(tokenizer_path))), chunkings(document, data), exact=True)


def _compare(document: Document, sizes: Sizes, drawn: list[list[int]], *, exact: bool) -> None:
    composite = Composite.of_rules()
    prepared = composite.prepare(document, sizes, exact=exact)
    batch = prepared.batch(drawn)
    for row, starts in enumerate(drawn):
        scored = composite.score(document, block_spans(document, starts), sizes)
        parts = {name: score.value for name, score in scored.parts.items() if score.applies}
        assert {name: float(values[row]) for name, values in batch.parts.items()} == pytest.approx(parts, abs=1e-9)
        assert batch.values[row] == pytest.approx(scored.value, abs=1e-9)
        lost = batch.lost[batch.chunks.sample == row]
        assert 1.0 - lost.sum() == pytest.approx(scored.value, abs=1e-9)
        by_chunk = [0.0] * len(starts)
        for loss in composite(document, block_spans(document, starts), sizes).losses:
            by_chunk[loss.chunk] += loss.points
        assert by_chunk == pytest.approx(lost.tolist(), abs=1e-9)


@given(document=structured() | documents(), sizes=SIZES, data=st.data())
def test_points_are_lost_for_reasons_whatever_the_cuts(document, sizes, data):
    cuts = data.draw(st.sets(st.integers(0, len(document.text)), max_size=12))
    spans = list(pairwise(sorted(cuts | {0, len(document.text)})))
    for name, reward in RULE_REWARDS.items():
        score = reward(document, spans, Sizes(*sizes, count_words))
        assert 0.0 <= score.value <= 1.0, name
        assert bool(score.reasons) == (score.value < 1.0), name
        assert sum(loss.points for loss in score.losses) == pytest.approx(1.0 - score.value), name
        assert all(0 <= loss.chunk < len(spans) and loss.points > 0 for loss in score.losses), name


@given(document=structured(), sizes=SIZES, data=st.data())
def test_whether_a_part_applies_does_not_depend_on_the_chunking(document, sizes, data):
    spans = [block_spans(document, starts) for starts in chunkings(document, data)]
    for reward in RULE_REWARDS.values():
        assert len({reward(document, s, Sizes(*sizes, count_words)).applies for s in spans}) == 1


@given(document=structured(), data=st.data())
def test_other_rewards_join_the_prepared_composite(document, data):
    def fewest(_: Document, spans: object, __: Sizes) -> object:
        return RULE_REWARDS["length_band"](document, spans, Sizes(20, 40, count_words))  # type: ignore[arg-type]

    rules = Composite.of_rules()
    composite = Composite((*rules.parts, Part("own", 2.0, fewest)))  # type: ignore[arg-type]
    sizes = Sizes(30, 60, count_words)
    drawn = chunkings(document, data)
    batch = composite.prepare(document, sizes).batch(drawn)
    for row, starts in enumerate(drawn):
        scored = composite.score(document, block_spans(document, starts), sizes)
        assert batch.values[row] == pytest.approx(scored.value)
        assert batch.parts["own"][row] == pytest.approx(scored.parts["own"].value)
        assert 1.0 - batch.lost[batch.chunks.sample == row].sum() == pytest.approx(scored.value)
