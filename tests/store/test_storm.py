"""A storm of judgements and a server that is killed in the middle of it, again and again.

What was acknowledged must be there, exactly once; what was not may be there or not, and sending it again must make it
so exactly once.
"""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from docalign.feedback import store as feedback
from tests.support.rankings import client_id, tasks_of

ROOT = Path(__file__).parents[2]
JUDGEMENTS = 200
CLIENTS = 4
KILLED_AFTER = (23, 71, 128, 180)
"""How many judgements are acknowledged when the server is killed."""

LOST = (ConnectionError, http.client.HTTPException, TimeoutError)


@dataclass
class Server:
    """The server, killed whenever the next number of acknowledgements is reached and started again."""

    url: str
    process: subprocess.Popen[str] | None = None
    port: int = 0
    acknowledged: list[tuple[str, int, int]] = field(default_factory=list)
    killed: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.support.judging_server", self.url]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.process.stdout.close()

    def ask(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """One request; whoever loses the server waits for the next one and asks again."""
        while True:
            with self.changed:
                port = self.port
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read())
            except LOST:
                with self.changed:
                    assert self.changed.wait_for(lambda lost=port: self.port != lost, timeout=120)
            finally:
                connection.close()

    def acknowledge(self, name: str, task: int, annotator: int) -> None:
        with self.changed:
            self.acknowledged.append((name, task, annotator))
            if self.killed < len(KILLED_AFTER) and len(self.acknowledged) >= KILLED_AFTER[self.killed]:
                self.killed += 1
                self.kill()
                self.start()
                self.changed.notify_all()


@contextmanager
def serving(url: str) -> Iterator[Server]:
    server = Server(url)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def work(server: Server, annotator: int) -> None:
    while True:
        status, task = server.ask("/next", {"annotator": annotator})
        assert status == 200
        if task is None:
            return
        ranking = [[p] for p in range(task["candidates"])]
        body = {"id": client_id(), "task": task["task"], "annotator": annotator, "ranking": ranking}
        status, stored = server.ask("/judge", body)
        assert status == 200, stored
        server.acknowledge(stored["id"], task["task"], annotator)


def test_what_was_acknowledged_survives_kills_exactly_once(url: str) -> None:
    with feedback.open_store(url) as store:
        (first,) = tasks_of(store)
        tasks = {first.id} | {feedback.add_task(store, replace(first, seed=n)).id for n in range(1, JUDGEMENTS)}
        annotators = [feedback.add_annotator(store, f"client {i}").id for i in range(CLIENTS)]
    with serving(url) as server, ThreadPoolExecutor(CLIENTS) as clients:
        for done in [clients.submit(work, server, annotator) for annotator in annotators]:
            done.result()
    assert server.killed == len(KILLED_AFTER)
    with feedback.open_store(url) as store:
        record = feedback.all_judgements(store)
        assert feedback.active_judgements(store) == record
    assert Counter((j.id, j.task_id, j.annotator_id) for j in record) == Counter(server.acknowledged)
    assert Counter(j.task_id for j in record) == dict.fromkeys(tasks, 1)
    assert {j.annotator_id for j in record} == set(annotators)
