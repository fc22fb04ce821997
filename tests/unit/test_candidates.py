"""Candidates and stretches: chunkings of the stretch, no two alike, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docalign.chunk import violations
from docalign.chunker.prior import LengthPrior
from docalign.chunker.segment import segment
from docalign.counting import WORDS, counter
from docalign.document import Document
from docalign.evaluate.spans import spans_of, starts_of
from docalign.feedback.candidates import NEAR, Scores, distance, distinct, policy_candidates, rule_candidates
from docalign.feedback.stretches import MAX_BLOCKS, MIN_BLOCKS, stretches_of
from docalign.feedback.values import Candidate
from tests.support.documents import document_of, paged_document

COUNT = counter(WORDS)
TARGET, LIMIT = 40, 60

kinds = st.sampled_from(["heading2", "paragraph", "paragraph", "list_item"])
parts = st.lists(st.tuples(kinds, st.integers(1, 30).map(lambda n: " ".join(["word"] * n))), min_size=2, max_size=30)
log_odds_seeds = st.integers(0, 2**32)


def scores_of(document: Document, seed: int, target: int = TARGET) -> Scores:
    values = np.random.default_rng(seed).normal(0, 2, len(document.blocks))
    return Scores(values, target, LIMIT, LengthPrior(), "made@1")


def pool(document: Document, seed: int) -> list[Candidate]:
    scores = [scores_of(document, seed), scores_of(document, seed, TARGET // 2)]
    rules = rule_candidates(document, target_tokens=TARGET, max_tokens=LIMIT, counter_name=WORDS)
    return policy_candidates(document, scores, COUNT, seed=seed) + rules


@given(parts, log_odds_seeds)
def test_every_candidate_is_a_chunking_and_seeds_repeat(made: list[tuple[str, str]], seed: int) -> None:
    document = document_of(made)
    found = pool(document, seed)
    for candidate in found:
        starts = candidate.starts
        assert starts[0] == 0
        assert list(starts) == sorted(set(starts))
        assert starts[-1] < len(document.blocks)
    assert pool(document, seed) == found
    assert {c.generator for c in found} >= {"policy", "policy-resized", "policy-sampled", "policy-raw", "pack"}


@given(parts, log_odds_seeds)
def test_the_first_candidate_is_what_the_model_would_answer(made: list[tuple[str, str]], seed: int) -> None:
    document = document_of(made)
    scores = scores_of(document, seed)
    answer = segment(document, scores.log_odds, count=COUNT, max_tokens=LIMIT, target=TARGET, prior=scores.prior)
    expected = starts_of(document, [(s.start, s.end) for s in answer])
    assert list(policy_candidates(document, [scores], COUNT, seed=seed)[0].starts) == expected


@given(parts, log_odds_seeds)
def test_samples_of_the_legal_policy_leave_no_heading_behind(made: list[tuple[str, str]], seed: int) -> None:
    document = document_of(made)
    for candidate in policy_candidates(document, [scores_of(document, seed)], COUNT, seed=seed):
        if candidate.generator == "policy-sampled":
            broken = violations(document, spans_of(document, candidate.starts), COUNT, LIMIT)
            assert broken.orphan_headings == 0


@given(parts, log_odds_seeds)
def test_near_identical_candidates_are_never_both_kept(made: list[tuple[str, str]], seed: int) -> None:
    kept = distinct(pool(document_of(made), seed))
    assert kept
    for i, a in enumerate(kept):
        assert all(distance(a.starts, b.starts) >= NEAR for b in kept[i + 1 :])


def test_distance_is_the_share_of_cuts_not_in_common() -> None:
    assert distance((0,), (0,)) == 0.0
    assert distance((0, 3), (0, 3)) == 0.0
    assert distance((0, 3), (0, 4)) == 1.0
    assert distance((0, 3, 6, 9), (0, 3, 6)) == pytest.approx(1 / 3)


def test_the_limit_of_distinct_keeps_the_first() -> None:
    made = [Candidate((0, i), f"g{i}") for i in range(1, 9)]
    assert distinct(made, 3) == tuple(made[:3])


@given(parts, st.booleans(), st.integers(1, 6), st.integers(10, 80))
def test_stretches_follow_one_another_and_can_be_judged(
    made: list[tuple[str, str]], paged: bool, per_page: int, target: int
) -> None:
    document = paged_document(made, blocks_per_page=per_page) if paged else document_of(made)
    tokens = [max(1, COUNT(document.block_text(b))) for b in document.blocks]
    spans = stretches_of(document, tokens, target)
    end = 0
    for first, after in spans:
        assert end <= first < after <= len(document.blocks)
        assert MIN_BLOCKS <= after - first <= MAX_BLOCKS
        assert sum(tokens[first:after]) > target
        end = after
        if paged:
            assert len({document.blocks[i].page for i in range(first, after)}) <= 2
    few = stretches_of(document, tokens, target, limit=1, seed=3)
    assert len(few) == min(1, len(spans))
    assert set(few) <= set(spans)


def test_a_text_stretch_ends_before_a_heading_where_it_can() -> None:
    section = [("heading2", "A section"), *[("paragraph", "word " * 24)] * 4]
    document = document_of([(kind, text.strip()) for kind, text in section * 4])
    tokens = [COUNT(document.block_text(b)) for b in document.blocks]
    spans = stretches_of(document, tokens, 40)
    assert all(document.blocks[first].kind == "heading" for first, _ in spans)
