"""Pairing: nothing near-identical together, number balanced, the least sure first, everything from stored seeds."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docalign.feedback.candidates import NEAR, distance
from docalign.feedback.pairing import (
    NUMBER_SHARE,
    REPEAT_GAP,
    Balance,
    fit_strengths,
    games_of,
    mostly_number,
    plan,
    priorities,
    repeat_of,
    shown_order,
    uncertainty,
)
from docalign.feedback.values import Candidate, Stretch, Task

generators = st.sampled_from(["policy", "previous", "pack", "rules"])
starts = st.sets(st.integers(1, 12), max_size=8).map(lambda s: (0, *sorted(s)))
candidates = st.lists(st.builds(Candidate, starts, generators), min_size=0, max_size=8)


def task(number: int, *made: Candidate) -> Task:
    return Task(Stretch(1, 0, 13), made, seed=number * 7919, id=number)


@given(candidates, st.integers(1, 6), st.integers(2, 4), st.integers(0, 99))
def test_groups_are_apart_repeatable_and_no_two_the_same(
    made: list[Candidate], number: int, width: int, seed: int
) -> None:
    groups, _ = plan(made, number=number, width=width, seed=seed)
    assert plan(made, number=number, width=width, seed=seed)[0] == groups
    assert len(groups) <= number
    assert len(set(groups)) == len(groups)
    for group in groups:
        assert 2 <= len(group) <= width
        for i, j in itertools.combinations(group, 2):
            assert distance(made[i].starts, made[j].starts) >= NEAR


@given(st.lists(candidates, min_size=1, max_size=12), st.integers(2, 4), st.integers(0, 99))
def test_more_and_fewer_chunks_are_balanced_between_generators(
    stretches: list[list[Candidate]], width: int, seed: int
) -> None:
    balance, lean, mostly, total = Balance(), Counter[tuple[str, str]](), 0, 0
    for made in stretches:
        groups, balance = plan(made, number=3, width=width, seed=seed, balance=balance)
        for group in groups:
            for a, b in itertools.combinations([made[i] for i in group], 2):
                total += 1
                if not mostly_number(a, b):
                    continue
                mostly += 1
                first, second = sorted((a, b), key=lambda c: c.generator)
                if first.generator != second.generator:
                    lean[first.generator, second.generator] += 1 if len(first.starts) > len(second.starts) else -1
    assert all(abs(value) <= 1 for value in lean.values())
    assert mostly <= max(1, NUMBER_SHARE * total)


def test_a_refinement_differs_mostly_in_number_and_a_moved_cut_does_not() -> None:
    fine, coarse, moved = Candidate((0, 2, 4, 6), "a"), Candidate((0, 4), "b"), Candidate((0, 5), "c")
    assert mostly_number(fine, coarse)
    assert not mostly_number(coarse, moved)


@given(st.integers(2, 4), st.integers(0, 2**48))
def test_an_order_is_a_permutation_that_its_seed_gives_again(number: int, seed: int) -> None:
    assert sorted(shown_order(number, seed)) == list(range(number))
    assert shown_order(number, seed) == shown_order(number, seed)


def test_no_side_is_preferred() -> None:
    first = Counter(shown_order(2, seed)[0] for seed in range(2000))
    assert 900 < first[0] < 1100


def test_strengths_recover_who_wins_and_are_surer_with_more_games() -> None:
    rng = random.Random(1)
    games = [("good", "bad", float(rng.random() < 0.8)) for _ in range(200)]
    few, many = fit_strengths(games[:10]), fit_strengths(games)
    mean, variance = many.margin("good", "bad")
    assert mean == pytest.approx(np.log(0.8 / 0.2), abs=0.4)
    assert variance < few.margin("good", "bad")[1] < fit_strengths([]).margin("good", "bad")[1]
    assert many.margin("bad", "good")[0] == pytest.approx(-mean)


def test_strengths_bear_a_generator_that_never_loses() -> None:
    found = fit_strengths([("best", "worst", 1.0)] * 500)
    assert np.isfinite(found.values).all()


def test_ties_are_half_a_win_each() -> None:
    a, b, c = Candidate((0, 1), "a"), Candidate((0, 2), "b"), Candidate((0, 3), "c")
    assert games_of(task(1, a, b, c), ((2,), (0, 1))) == [("a", "b", 0.5), ("a", "c", 0.0), ("b", "c", 0.0)]


def test_the_least_sure_comparison_is_worth_most() -> None:
    a, b, c = Candidate((0, 1), "a", id=1), Candidate((0, 2), "b", id=2), Candidate((0, 3), "new", id=3)
    strengths = fit_strengths([("a", "b", 1.0)] * 40)
    sure, open_ = uncertainty(task(1, a, b), strengths), uncertainty(task(2, a, c), strengths)
    assert open_ > sure
    even = uncertainty(task(1, a, b), strengths, {1: 0.3, 2: 0.3})
    assert even > uncertainty(task(1, a, b), strengths, {1: 4.0, 2: -4.0})


def test_a_fixed_share_of_tasks_is_in_an_order_no_model_touches() -> None:
    a, b, c = Candidate((0, 1), "a"), Candidate((0, 2), "b"), Candidate((0, 3), "c")
    tasks = [task(n, a, b) if n % 2 else task(n, b, c) for n in range(1, 401)]
    before, after = priorities(tasks, fit_strengths([])), priorities(tasks, fit_strengths([("a", "b", 1.0)] * 90))
    assert before.keys() == after.keys() == {t.id for t in tasks}
    assert all(0 <= p <= 1 for p in after.values())
    untouched = sum(before[t.id] == after[t.id] for t in tasks)
    assert 80 < untouched < 160  # 30 % of 400, give or take, and a few that moved nowhere
    halves = [np.mean([after[t.id] for t in tasks if t.id % 2 == side]) for side in (1, 0)]
    assert halves[0] < halves[1]  # a against b is settled, b against c is not


@given(st.integers(0, 400), st.integers(0, 9))
def test_one_in_ten_is_a_repeat_of_something_not_just_seen(number: int, seed: int) -> None:
    history: list[int] = []
    repeated: list[int] = []
    for new in range(number):
        history.append(new)
        again = repeat_of(history, repeated, seed)
        if again is not None:
            assert again in history[: len(history) - REPEAT_GAP]
            assert again not in repeated
            repeated.append(again)
    shown = len(history) + len(repeated)
    assert len(repeated) <= 0.1 * shown + 1e-9
    assert len(repeated) >= 0.1 * shown - 1 or shown < 20
