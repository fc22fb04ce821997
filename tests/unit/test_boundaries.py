"""Boundary metrics: segeval's values, the textbook cases, and the edges where formulas divide by zero."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docalign.evaluate.boundaries import (
    bootstrap_interval,
    boundary_f1,
    boundary_precision,
    boundary_recall,
    boundary_scores,
    boundary_similarity,
    pk,
    window_size,
    windowdiff,
)

CASES = json.loads((Path(__file__).parent / "segeval_fixture.json").read_text(encoding="utf-8"))["cases"]

starts_of_30 = st.lists(st.integers(1, 29), unique=True).map(lambda s: [0, *sorted(s)])


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_same_values_as_segeval(case: dict) -> None:
    predicted, gold, blocks = case["predicted"], case["gold"], case["blocks"]
    assert window_size(gold, blocks) == case["window_size"]
    assert pk(predicted, gold, blocks) == pytest.approx(case["pk"], abs=1e-9)
    assert windowdiff(predicted, gold, blocks) == pytest.approx(case["windowdiff"], abs=1e-9)
    assert boundary_similarity(predicted, gold) == pytest.approx(case["boundary_similarity"], abs=1e-9)


def test_f1_precision_recall_of_a_small_case() -> None:
    assert boundary_precision([0, 2, 5], [0, 2, 4, 7]) == 1 / 2
    assert boundary_recall([0, 2, 5], [0, 2, 4, 7]) == 1 / 3
    assert boundary_f1([0, 2, 5], [0, 2, 4, 7]) == pytest.approx(2 / 5)


def test_block_0_is_no_boundary() -> None:
    assert boundary_f1([0], [0, 4]) == 0.0
    assert boundary_f1([0, 3], [0, 4]) == 0.0
    assert boundary_scores([0, 4], [0, 4], 9) == boundary_scores([4], [4], 9)


def test_nothing_to_find_and_nothing_found_is_perfect() -> None:
    scores = boundary_scores([0], [0], 12)
    assert (scores.boundary_f1, scores.precision, scores.recall, scores.boundary_similarity) == (1.0, 1.0, 1.0, 1.0)
    assert (scores.pk, scores.windowdiff) == (0.0, 0.0)


def test_near_miss_costs_half_in_boundary_similarity_and_everything_in_f1() -> None:
    assert boundary_similarity([0, 5], [0, 6]) == 0.5
    assert boundary_similarity([0, 5], [0, 7]) == 0.0
    assert boundary_f1([0, 5], [0, 6]) == 0.0


def test_a_boundary_is_a_near_miss_of_one_other_only() -> None:
    assert boundary_similarity([0, 5], [0, 4, 6]) == pytest.approx(1 - 1.5 / 2)


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_documents_of_a_few_blocks_have_metrics(blocks: int) -> None:
    for gold in ([0], list(range(blocks))):
        for predicted in ([0], list(range(blocks))):
            scores = boundary_scores(predicted, gold, blocks)
            assert 0.0 <= scores.pk <= 1.0
            assert 0.0 <= scores.windowdiff <= 1.0


@given(starts_of_30, starts_of_30)
def test_metrics_stay_in_range_and_are_perfect_only_on_gold(predicted: list[int], gold: list[int]) -> None:
    scores = boundary_scores(predicted, gold, 30)
    values = [getattr(scores, f) for f in scores.__slots__]
    assert all(0.0 <= v <= 1.0 for v in values)
    assert (scores.boundary_f1 == 1.0) == (predicted == gold) == (scores.boundary_similarity == 1.0)
    if predicted == gold:
        assert scores.pk == scores.windowdiff == 0.0


def test_bootstrap_interval_is_seeded_and_holds_the_mean() -> None:
    values = [0.1, 0.9, 0.4, 0.5, 0.7, 0.3, 0.8, 0.2]
    low, high = bootstrap_interval(values, seed=1)
    assert (low, high) == bootstrap_interval(values, seed=1)
    assert low < sum(values) / len(values) < high
    assert bootstrap_interval(values, seed=2) != (low, high)
    assert bootstrap_interval([0.5] * 4) == (0.5, 0.5)
    narrow = bootstrap_interval(values, level=0.5, seed=1)
    assert low < narrow[0] < narrow[1] < high


def test_bootstrap_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval([])
