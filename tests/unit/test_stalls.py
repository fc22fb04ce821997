"""The watch of the service's benchmark tells a server that stands still from a machine that does."""

from __future__ import annotations

import os
import time

from benchmarks.stalls import StallWatch, cpu_s, waiting_s


def test_seconds_without_an_answer_become_stalls_and_say_who_stood_still() -> None:
    watch = StallWatch(os.getpid(), lambda: 0)
    second, none = 1.0, 0
    watch._seconds = [
        (second, 5, 0.9, 0.2),
        (second, none, 0.0, 0.9),
        (second, none, 0.2, 1.0),
        (second, 3, 0.9, 0.2),
        (second, none, 0.9, 0.2),  # one second is how a long document looks
        (second, 1, 0.9, 0.2),
        (second, none, 0.0, -1.0),
        (second, none, 0.0, -1.0),
    ]
    assert watch.stalls == [
        {"at_s": 1.0, "seconds": 2.0, "server_cores": 0.1, "machine_waited": 0.95},
        {"at_s": 6.0, "seconds": 2.0, "server_cores": 0.0, "machine_waited": None},
    ]


def test_it_looks_at_a_process_while_it_runs() -> None:
    answers: list[int] = []
    with StallWatch(os.getpid(), answers.__len__, every_s=0.01) as watch:
        end = time.process_time() + 0.05
        while time.process_time() < end:
            answers.append(1)
    assert watch.stalls == []
    assert cpu_s(os.getpid()) > 0
    assert waiting_s() == -1 or waiting_s() >= 0
