"""The solver against enumeration of all segmentations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest

from docalign.chunker.prior import KNOTS, LengthPrior
from docalign.chunker.solve import (
    Problem,
    boundary_marginals,
    log_partition,
    margins,
    reach_within,
    sample,
    score,
    viterbi,
)
from docalign.errors import ModelIncompatibleError

FINE = 2.0**36
"""A grid so fine that rounding cannot be seen at 1e-6."""


def all_starts(count: int) -> Iterator[list[int]]:
    for size in range(count):
        for chosen in combinations(range(1, count), size):
            yield [0, *chosen]


def plain_score(problem: Problem, starts: list[int]) -> float:
    """score(y), written as DESIGN.md writes it, with nothing shared with the solver but the prior."""
    total = 0.0
    for first, end in zip(starts, [*starts[1:], len(problem.sizes)], strict=True):
        size = sum(problem.sizes[first:end])
        if problem.reach is not None:
            if end > problem.reach[first]:
                return -np.inf
        elif problem.cap is not None and size > problem.cap and end - first > 1:
            return -np.inf
        if problem.target is not None:
            phi = float(problem.prior(np.array([size / problem.target]))[0])
            total += round(phi * problem.grid) / problem.grid
    for i in starts[1:]:
        total += round(problem.log_odds[i] * problem.grid) / problem.grid
        total -= 0 if problem.orphan is None else 2**20 * problem.orphan[i]
    return total


def problems(number: int, *, grid: float, seed: int = 3, coarse: bool = False) -> Iterator[Problem]:
    rng = np.random.default_rng(seed)
    for _ in range(number):
        count = int(rng.integers(1, 10))
        odds = rng.normal(0, 2, count)
        sizes = rng.integers(0, 60, count).astype(float)
        cap = float(rng.integers(20, 200)) if rng.random() < 0.7 else None
        reach = None
        if cap is not None and rng.random() < 0.3:
            reach = np.minimum(reach_within(sizes, cap), np.arange(count) + rng.integers(1, 5, count))
        yield Problem(
            # Coarse numbers make ties common.
            log_odds=np.round(odds) if coarse else odds,
            sizes=np.full(count, 10.0) if coarse else sizes,
            target=float(rng.integers(10, 90)) if rng.random() < 0.8 else None,
            cap=cap,
            orphan=rng.choice([0.0, 0.0, 1.0, 1000.0], count) if rng.random() < 0.5 else None,
            prior=LengthPrior(tuple(-np.abs(rng.normal(0, 3, len(KNOTS))))) if rng.random() < 0.5 else LengthPrior(),
            reach=reach,
            grid=grid,
        )


@pytest.mark.parametrize("coarse", [False, True])
def test_viterbi_finds_the_best_segmentation_and_breaks_ties_by_fewer_then_earlier_cuts(coarse):
    tied = 0
    for problem in problems(150, grid=1024.0, coarse=coarse):
        ranked = sorted((-plain_score(problem, y), len(y), y) for y in all_starts(len(problem.sizes)))
        tied += len(ranked) > 1 and ranked[0][0] == ranked[1][0]
        assert viterbi(problem) == ranked[0][2]
    assert not coarse or tied > 10, "the coarse problems must have ties for this to say anything"


def test_score_is_what_the_design_states():
    for problem in problems(60, grid=FINE):
        for y in all_starts(len(problem.sizes)):
            assert score(problem, y) == pytest.approx(plain_score(problem, y), abs=1e-6)


def test_log_partition_and_marginals_agree_with_enumeration():
    for problem in problems(120, grid=FINE):
        count = len(problem.sizes)
        scored = [(y, plain_score(problem, y)) for y in all_starts(count)]
        log_z = np.logaddexp.reduce([s for _, s in scored])
        # Orphan costs are 2³⁰ and more: what is compared there has that many digits fewer.
        scale = max(1.0, abs(log_z))
        assert log_partition(problem) == pytest.approx(log_z, abs=1e-6 * scale)
        expected = np.zeros(count)
        for y, s in scored:
            expected[y] += np.exp(s - log_z)
        np.testing.assert_allclose(boundary_marginals(problem), expected, atol=1e-6)


def test_samples_come_as_often_as_their_probability_says():
    odds, sizes = np.array([0.0, 0.5, -1.0, 1.5, 0.25]), np.array([10.0, 25.0, 5.0, 30.0, 12.0])
    problem = Problem(odds, sizes, target=40.0, cap=60.0, grid=FINE)
    number = 6000
    drawn = Counter(tuple(y) for y in sample(problem, np.random.default_rng(5), number))
    log_z = log_partition(problem)
    chances = {tuple(y): np.exp(plain_score(problem, y) - log_z) for y in all_starts(5)}
    assert all(chances[y] > 0 for y in drawn)
    common = {y: p for y, p in chances.items() if p * number >= 5}
    statistic = sum((drawn[y] - p * number) ** 2 / (p * number) for y, p in common.items())
    # 99.99 % of a chi-square with k degrees of freedom lies below k + 4√(2k) + 10 for the k at hand.
    assert len(common) >= 8
    assert statistic < len(common) + 4 * np.sqrt(2 * len(common)) + 10


def test_an_atom_over_the_cap_is_a_chunk_by_itself():
    problem = Problem(np.full(4, -50.0), np.array([5.0, 99.0, 5.0, 5.0]), 10.0, 20.0)
    assert viterbi(problem) == [0, 1, 2]


def test_an_orphan_outweighs_any_evidence():
    problem = Problem(np.array([0.0, 0.0, 500.0]), np.full(3, 5.0), 10.0, 20.0, orphan=np.array([0.0, 0.0, 1000.0]))
    assert 2 not in viterbi(problem)


def test_no_atoms_no_segmentation():
    empty = Problem(np.zeros(0), np.zeros(0), 10.0, 20.0)
    assert viterbi(empty) == []
    assert boundary_marginals(empty).shape == (0,)
    assert log_partition(empty) == 0.0


def test_without_sizes_and_limit_a_long_document_is_solved_cut_by_cut():
    count = 200_000
    odds = np.random.default_rng(2).normal(0, 2, count)
    problem = Problem(odds, np.ones(count), None, None)
    starts = viterbi(problem)
    marginals = boundary_marginals(problem)
    assert starts == [0, *(np.flatnonzero(np.round(odds[1:] * 1024) > 0) + 1).tolist()]
    np.testing.assert_allclose(marginals[1:], 1 / (1 + np.exp(-np.round(odds[1:] * 1024) / 1024)), atol=1e-12)


def test_values_are_rounded_so_that_noise_in_the_last_bits_changes_nothing():
    rng = np.random.default_rng(1)
    for problem in problems(40, grid=1024.0):
        on_grid = np.round(problem.log_odds * 256) / 256
        noise = rng.normal(0, 1e-7, len(on_grid))
        make = {k: getattr(problem, k) for k in ("sizes", "target", "cap", "orphan", "prior", "reach")}
        clean, noisy = Problem(on_grid, **make), Problem(on_grid + noise, **make)
        assert viterbi(clean) == viterbi(noisy)
        assert boundary_marginals(clean).tobytes() == boundary_marginals(noisy).tobytes()


def test_the_prior_is_linear_between_knots_and_keeps_falling_beyond_the_last():
    prior = LengthPrior()
    assert prior(np.array([1.0]))[0] == 0.0
    assert prior(np.array([2.5]))[0] == pytest.approx((prior.values[-3] + prior.values[-2]) / 2)
    assert prior(np.array([6.0]))[0] == pytest.approx(prior.values[-1] - 12.0)
    assert LengthPrior.from_json(prior.to_json()) == prior


@pytest.mark.parametrize(
    ("values", "knots"),
    [
        ((0.5, *LengthPrior().values[1:]), KNOTS),
        (LengthPrior().values[:-1], KNOTS),
        ((float("nan"), *LengthPrior().values[1:]), KNOTS),
        (LengthPrior().values, KNOTS[::-1]),
        ((), ()),
    ],
)
def test_a_prior_that_is_none_is_refused(values, knots):
    with pytest.raises(ModelIncompatibleError):
        LengthPrior(values, knots)


def test_margins_are_what_the_best_chunking_loses_without_each_cut():
    forced = 0
    for problem in problems(120, grid=1024.0, seed=11):
        starts = viterbi(problem)
        scores = {tuple(y): plain_score(problem, y) for y in all_starts(len(problem.sizes))}
        best = max(scores.values())
        for start, margin in zip(starts, margins(problem, starts), strict=True):
            without = max((v for y, v in scores.items() if start not in y), default=-np.inf)
            if without == -np.inf:
                forced += start > 0
                assert margin == np.inf
            else:
                assert margin == pytest.approx(best - without, abs=1e-9)
                assert margin >= 0
    assert forced > 10
