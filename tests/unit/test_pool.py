"""The worker pool: what crashes, hangs or raises in one call harms no other, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docalign.errors import DamagedInputError, EmptyInputError, PageTimeoutError
from docalign.ingest.pool import WorkerPool

ACT = "tests.support.saboteur:act"


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(2) as opened:
        yield opened


def run(pool: WorkerPool, *acts: str, timeout_s: float = 20.0) -> list[object]:
    return list(pool.map(ACT, [(act,) for act in acts], timeout_s=timeout_s))


def test_results_come_in_the_order_of_the_calls(pool: WorkerPool) -> None:
    names = [f"page {n}" for n in range(40)]
    assert run(pool, *names) == names


@pytest.mark.parametrize("how", ["crash", "abort"])
def test_a_worker_that_dies_costs_its_own_call_only(pool: WorkerPool, how: str) -> None:
    results = run(pool, "a", how, "b", "c", how, "d")
    assert [r for r in results if isinstance(r, str)] == ["a", "b", "c", "d"]
    assert all(isinstance(results[n], DamagedInputError) for n in (1, 4))
    assert "exit status 17" in str(results[1]) or "signal 6" in str(results[1])


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


def test_prints_of_libraries_do_not_break_the_protocol(pool: WorkerPool) -> None:
    assert run(pool, "talk", "after") == ["talk", "after"]


def test_one_call_raises(pool: WorkerPool) -> None:
    assert pool.call(ACT, "x", timeout_s=20) == "x"
    with pytest.raises(EmptyInputError):
        pool.call(ACT, "refuse", timeout_s=20)
    with pytest.raises(PageTimeoutError):
        pool.call(ACT, "hang", timeout_s=1.0)
    assert pool.call(ACT, "still here", timeout_s=20) == "still here"


def test_workers_are_kept_for_the_next_file_and_replaced_after_enough_calls() -> None:
    with WorkerPool(1, max_calls=3) as pool:
        pids = run(pool, *["pid"] * 7)
    assert pids[0] == pids[1] == pids[2] != pids[3]
    assert len(set(pids)) == 3


def test_no_more_calls_are_handed_out_than_the_window_holds() -> None:
    with WorkerPool(1) as pool:
        results = pool.map("tests.support.saboteur:act", Counted(1000), timeout_s=20)
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
        results = pool.map(ACT, [("first",), (f"hold:{marker}",)], timeout_s=600)
        assert next(results) == "first"
        wait_for(marker.exists)
        results.close()
        assert gone(int(marker.read_text()))
        assert run(pool, "usable") == ["usable"]


def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    code = (
        "from docalign.ingest.pool import WorkerPool\n"
        f"WorkerPool(1).call('tests.support.saboteur:hold', {str(marker)!r}, timeout_s=600)\n"
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
        "from docalign.ingest.pool import WorkerPool\n"
        f"list(WorkerPool(1).map('tests.support.saboteur:hold', [({str(marker)!r},)], timeout_s=600))\n"
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
        "from docalign.ingest.pool import WorkerPool\nprint(WorkerPool(1).call('operator:add', 40, 2, timeout_s=20))\n"
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
