"""The batcher: what runs together, what is dropped, and that nothing of it is lost or waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docalign.chunker.context import Window
from docalign.errors import DocalignError, NotReadyError
from service.batcher import Batcher, Run, TicketEngine
from service.packing import MOST_PADDING, bucketed, choose
from service.ticket import GaveUpError, Ticket

LENGTHS = st.lists(st.integers(1, 700), min_size=1, max_size=60)
POISON = 13


def window(length: int, first: int = 5) -> Window:
    ids = np.full(length, 7, dtype=np.int64)
    ids[0] = first
    return Window(ids, np.array([length - 1], dtype=np.int64), (0,))


class Scripted:
    """An engine that answers with each window's length. It waits for `go`, throws at POISON, and breaks on demand."""

    name = "scripted"

    def __init__(self) -> None:
        self.runs: list[list[int]] = []
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Event()
        self.broken = False

    def log_odds(self, windows: Sequence[Window]) -> list[np.ndarray]:
        self.entered.set()
        assert self.go.wait(10)
        self.runs.append([len(w.ids) for w in windows])
        if self.broken:
            raise RuntimeError("CUDA out of memory")
        if any(w.ids[0] == POISON for w in windows):
            raise ZeroDivisionError("poison")
        return [np.array([float(len(w.ids))]) for w in windows]


@contextmanager
def batcher(engine: Scripted, budget: int = 1000, **more: object) -> Iterator[Batcher]:
    made = Batcher(engine, budget=budget, **more)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        engine.go.set()
        made.close(5)


def in_thread(call: object, results: list[object]) -> threading.Thread:
    def run() -> None:
        try:
            results.append(call())  # type: ignore[operator]
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@given(LENGTHS, st.integers(1, 2000), st.sampled_from([1, 16, 64]))
def test_a_run_keeps_the_budget_and_the_oldest_is_in_it(lengths: list[int], budget: int, bucket: int) -> None:
    chosen = choose(lengths, budget, bucket=bucket)
    assert chosen[0] == 0
    assert chosen == sorted(set(chosen))
    width = max(bucketed(lengths[i], bucket) for i in chosen)
    assert len(chosen) == 1 or width * len(chosen) <= budget
    if bucket == 1:
        real = sum(lengths[i] for i in chosen)
        assert len(chosen) * width - real <= MOST_PADDING * len(chosen) * width


@given(LENGTHS, st.integers(1, 2000))
def test_whatever_waits_is_run_in_as_many_runs_as_there_are_windows_at_most(lengths: list[int], budget: int) -> None:
    left = list(range(len(lengths)))
    runs = 0
    while left:
        chosen = choose([lengths[i] for i in left], budget)
        left = [i for at, i in enumerate(left) if at not in chosen]
        runs += 1
    assert runs <= len(lengths)


def test_equal_windows_fill_a_run() -> None:
    assert choose([100] * 20, 1000) == list(range(10))


def test_a_window_over_the_budget_runs_alone() -> None:
    engine = Scripted()
    with batcher(engine, budget=100) as made:
        assert made.submit([window(900), window(10)], Ticket())[0].tolist() == [900.0]
    assert [900] in engine.runs


def test_windows_of_many_requests_share_runs_and_answers_go_to_their_own() -> None:
    engine, seen = Scripted(), list[Run]()
    engine.go.clear()
    results: list[object] = []
    with batcher(engine, watch=seen.append) as made:
        first = in_thread(lambda: made.submit([window(100)], Ticket()), results)
        assert engine.entered.wait(5)
        threads = [in_thread(lambda n=n: made.submit([window(90 + n)] * 2, Ticket()), results) for n in range(4)]
        while made.waiting_tokens < 2 * (90 + 91 + 92 + 93):
            pass
        engine.go.set()
        for thread in (first, *threads):
            thread.join(5)
    found = sorted(int(score[0]) for scores in results for score in scores)  # type: ignore[attr-defined]
    assert found == [90, 90, 91, 91, 92, 92, 93, 93, 100]
    assert [len(run) for run in engine.runs] == [1, 8]
    assert sum(run.windows for run in seen) == 9
    assert all(run.padded >= run.tokens for run in seen)


def test_one_bad_window_fails_alone() -> None:
    engine, results = Scripted(), list[object]()
    engine.go.clear()
    with batcher(engine) as made:
        first = in_thread(lambda: made.submit([window(50)], Ticket()), results)
        assert engine.entered.wait(5)
        bad: list[object] = []
        threads = [
            in_thread(lambda: made.submit([window(60)], Ticket()), results),
            in_thread(lambda: made.submit([window(60, POISON)], Ticket()), bad),
            in_thread(lambda: made.submit([window(60)], Ticket()), results),
        ]
        while made.waiting_tokens < 180:
            pass
        engine.go.set()
        for thread in (first, *threads):
            thread.join(5)
        assert not made.broken
    assert len(results) == 3
    assert not any(isinstance(r, Exception) for r in results)
    assert isinstance(bad[0], DocalignError)
    assert "poison" not in str(bad[0]), "what an engine says may quote the input"


def test_a_broken_engine_says_so_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Scripted()
    with batcher(engine) as made:
        engine.broken = True
        with pytest.raises(NotReadyError):
            made.submit([window(10)], Ticket())
        assert made.broken
        with pytest.raises(NotReadyError):
            made.submit([window(10)], Ticket())
        assert not made.revive()
        engine.broken = False
        monkeypatch.setattr("service.batcher._PROBE_EVERY_S", 0.0)
        assert made.revive()
        assert made.submit([window(10)], Ticket())[0].tolist() == [10.0]


def test_work_of_a_client_that_left_is_not_run() -> None:
    engine, results = Scripted(), list[object]()
    engine.go.clear()
    gone = Ticket()
    with batcher(engine) as made:
        first = in_thread(lambda: made.submit([window(100)], Ticket()), results)
        assert engine.entered.wait(5)
        second = in_thread(lambda: made.submit([window(77)] * 3, gone), results)
        while made.waiting_tokens < 3 * 77:
            pass
        gone.give_up()
        second.join(5)
        assert made.waiting_tokens == 0
        engine.go.set()
        first.join(5)
    assert any(isinstance(r, GaveUpError) for r in results)
    assert engine.runs == [[100]]
    with pytest.raises(GaveUpError):
        TicketEngine(made, gone).log_odds([window(5)])


def test_closing_finishes_what_waits_and_takes_no_more() -> None:
    engine = Scripted()
    made = Batcher(engine, budget=100)
    assert made.submit([window(5)], Ticket())
    made.close(5)
    with pytest.raises(NotReadyError):
        made.submit([window(5)], Ticket())
