"""The worker pool: what crashes, hangs or raises in one call harms no other, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from docalign.errors import (
    DamagedInputError,
    DocalignError,
    EmptyInputError,
    LimitExceededError,
    OcrFailedError,
    PageTimeoutError,
)
from docalign.ingest.work.limits import Limits
from docalign.ingest.work.pool import WorkerPool

ACT = "tests.support.saboteur:act"


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(2) as opened:
        yield opened


def run(pool: WorkerPool, *acts: str, timeout_s: float = 20.0, **more: int) -> list[object]:
    return list(pool.map(ACT, [(act,) for act in acts], limits=Limits(timeout_s=timeout_s, **more)))


def test_results_come_in_the_order_of_the_calls(pool: WorkerPool) -> None:
    names = [f"page {n}" for n in range(40)]
    assert run(pool, *names) == names


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    # A silent abort is how PDFium ends when an allocation fails.
    [("crash", DamagedInputError, "exit status 17"), ("abort", LimitExceededError, "more memory")],
)
def test_a_worker_that_dies_costs_its_own_call_only(pool: WorkerPool, how: str, kind: type, said: str) -> None:
    results = run(pool, "a", how, "b", "c", how, "d")
    assert [r for r in results if isinstance(r, str)] == ["a", "b", "c", "d"]
    assert all(isinstance(results[n], kind) for n in (1, 4))
    assert said in str(results[1])


def test_a_hanging_call_is_killed_and_the_rest_goes_on(pool: WorkerPool) -> None:
    results = run(pool, "a", "hang", "b", timeout_s=3.0)
    assert isinstance(results[1], PageTimeoutError)
    assert "3 s" in str(results[1])
    assert (results[0], results[2]) == ("a", "b")


def test_errors_are_values_and_keep_what_they_say(pool: WorkerPool) -> None:
    raised, refused, fine = run(pool, "raise", "refuse", "fine")
    assert isinstance(raised, DamagedInputError)
    assert "ZeroDivisionError: sabotage" in str(raised)
    assert isinstance(refused, EmptyInputError)
    assert (refused.source, refused.remedy, fine) == ("page", "Go away.", "fine")


def test_a_call_that_needs_too_much_memory_is_a_named_limit(pool: WorkerPool) -> None:
    results = run(pool, "a", "fill:800", "swallow:800", "bad_alloc", "fill:10", memory_mib=400)
    assert (results[0], results[4]) == ("a", "held 10 MiB")
    for refused in results[1:4]:
        assert type(refused) is LimitExceededError
        assert "400 MiB" in refused.what
        assert "worker_memory_mib" in refused.remedy
    assert run(pool, "fill:800", memory_mib=2000) == ["held 800 MiB"]


def test_an_answer_that_is_too_long_is_never_taken_over(pool: WorkerPool) -> None:
    small, large, after = run(pool, "answer:1", "answer:9", "after", output_mib=4)
    assert isinstance(small, str)
    assert len(small) == 1 << 20
    assert type(large) is LimitExceededError
    assert "gives 9 MiB" in large.what
    assert "worker_output_mib" in large.remedy
    assert after == "after"


def test_a_crash_is_tried_again_in_a_fresh_worker(tmp_path: Path, pool: WorkerPool) -> None:
    marker = tmp_path / "crashed"
    assert run(pool, "a", f"once:{marker}", "b") == ["a", f"once:{marker}", "b"]
    assert marker.exists()


def test_an_ocr_engine_out_of_order_gets_a_fresh_start(tmp_path: Path, pool: WorkerPool) -> None:
    marker = tmp_path / "failed"
    assert run(pool, "pid", f"ocr-once:{marker}")[1] == f"ocr-once:{marker}"
    always = run(pool, "pid", "ocr-fail", "after")
    assert isinstance(always[1], OcrFailedError)
    assert always[2] == "after"


def test_a_worker_that_garbles_its_answers_is_a_crash(pool: WorkerPool) -> None:
    before, garbled, after = run(pool, "a", "garbage", "b")
    assert (before, after) == ("a", "b")
    assert isinstance(garbled, DamagedInputError | LimitExceededError)


def test_much_noise_on_standard_error_fills_nothing(pool: WorkerPool) -> None:
    assert run(pool, "shout", "after") == ["shout", "after"]


def test_a_worker_that_grew_is_replaced() -> None:
    with WorkerPool(1, max_rss_mib=200, max_calls=30) as pool:
        slow = run(pool, *["leak:210", *["pid"] * 5])
        assert len(set(slow)) == 2, "kept for a tenth of max_calls, then replaced"
        fast = run(pool, "leak:1", "leak:210", "leak:1", "leak:1", memory_mib=400)
        assert fast[0] == fast[1] != fast[2] == fast[3]


def test_threads_share_a_pool_without_more_processes_than_it_has(tmp_path: Path) -> None:
    with WorkerPool(2) as pool:
        lists: dict[int, list[object]] = {}
        threads = [Thread(target=lambda n=n: lists.update({n: run(pool, *["pid"] * 20)})) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({pid for pids in lists.values() for pid in pids}) <= 2
    assert [len(lists[n]) for n in range(4)] == [20] * 4


def test_closing_the_pool_ends_what_other_threads_have_running(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    pool = WorkerPool(1)
    caught: list[DocalignError] = []

    def hold() -> None:
        try:
            pool.call(ACT, f"hold:{marker}", limits=Limits(timeout_s=600))
        except DocalignError as error:
            caught.append(error)

    threads = [Thread(target=hold) for _ in range(2)]  # one holds the worker, one waits for it
    for thread in threads:
        thread.start()
    wait_for(marker.exists)
    pool.close()
    for thread in threads:
        thread.join(20)
    assert len(caught) == 2
    assert all("stopped" in error.what for error in caught)
    assert gone(int(marker.read_text()))
    with pytest.raises(DocalignError, match="stopped"):
        pool.call(ACT, "late", limits=Limits(timeout_s=5))


def test_prints_of_libraries_do_not_break_the_protocol(pool: WorkerPool) -> None:
    assert run(pool, "talk", "after") == ["talk", "after"]


def test_one_call_raises(pool: WorkerPool) -> None:
    assert pool.call(ACT, "x", limits=Limits(timeout_s=20)) == "x"
    with pytest.raises(EmptyInputError):
        pool.call(ACT, "refuse", limits=Limits(timeout_s=20))
    with pytest.raises(PageTimeoutError):
        pool.call(ACT, "hang", limits=Limits(timeout_s=1.0))
    assert pool.call(ACT, "still here", limits=Limits(timeout_s=20)) == "still here"


def test_workers_are_kept_for_the_next_file_and_replaced_after_enough_calls() -> None:
    with WorkerPool(1, max_calls=3) as pool:
        pids = run(pool, *["pid"] * 7)
    assert pids[0] == pids[1] == pids[2] != pids[3]
    assert len(set(pids)) == 3


def test_no_more_calls_are_handed_out_than_the_window_holds() -> None:
    with WorkerPool(1) as pool:
        results = pool.map("tests.support.saboteur:act", Counted(1000), limits=Limits(timeout_s=20))
        next(results)
        results.close()
    assert Counted.handed < 20


class Counted:
    """A thousand calls; notes how far the pool has reached."""

    handed = 0

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> tuple[str]:
        Counted.handed = max(Counted.handed, index)
        return (str(index),)


def test_leaving_early_kills_what_runs(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    with WorkerPool(2) as pool:
        results = pool.map(ACT, [("first",), (f"hold:{marker}",)], limits=Limits(timeout_s=600))
        assert next(results) == "first"
        wait_for(marker.exists)
        results.close()
        assert gone(int(marker.read_text()))
        assert run(pool, "usable") == ["usable"]


def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    code = (
        "from docalign.ingest.work.limits import Limits\nfrom docalign.ingest.work.pool import WorkerPool\n"
        f"WorkerPool(1).call('tests.support.saboteur:hold', {str(marker)!r}, limits=Limits(timeout_s=600))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    wait_for(marker.exists)
    worker = int(marker.read_text())
    assert not gone(worker)
    parent.kill()
    parent.wait()
    wait_for(lambda: gone(worker))


def test_ctrl_c_ends_the_workers(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    code = (
        "from docalign.ingest.work.limits import Limits\nfrom docalign.ingest.work.pool import WorkerPool\n"
        f"list(WorkerPool(1).map('tests.support.saboteur:hold', [({str(marker)!r},)], limits=Limits(timeout_s=600)))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
    )
    wait_for(marker.exists)
    parent.send_signal(signal.SIGINT)
    _, said = parent.communicate(timeout=20)
    assert b"KeyboardInterrupt" in said
    wait_for(lambda: gone(int(marker.read_text())))


def test_a_script_without_a_main_guard_works(tmp_path: Path) -> None:
    script = tmp_path / "plain.py"
    script.write_text(
        "from docalign.ingest.work.limits import Limits\nfrom docalign.ingest.work.pool import WorkerPool\n"
        "print(WorkerPool(1).call('operator:add', 40, 2, limits=Limits(timeout_s=20)))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.stdout, done.stderr) == ("42\n", "")


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"  # dead, and nobody has asked how


def wait_for(condition: Callable[[], bool], limit_s: float = 15.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)
