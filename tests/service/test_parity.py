"""Parity: the service gives the bytes of the command line, and its batcher the log-odds of the plain engine.

On a card the engine is another (float16, and called so): there, the tests hold the service against a chunker loaded for
the card.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from benchmarks.serve import documents
from docalign.chunker import Chunker, ChunkOptions
from docalign.chunker.context import Window
from docalign.cli import run
from docalign.ingest import ingest
from docalign.output import render
from docalign.runtime.batching import choose_device, load_engine
from service.batcher import Batcher, TicketEngine
from service.ticket import Ticket
from tests.support.serving import Running, serving, settings_for

SAMPLES = sorted(
    p for p in (Path(__file__).parents[2] / "data" / "samples").iterdir() if p.suffix not in (".py", ".typ")
)
CLIENTS = 32
WINDOWS = 1000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(
        settings_for(tmp_path_factory.mktemp("parity"), active_requests=CLIENTS, request_timeout_s=3600.0)
    ) as running:
        yield running


@pytest.fixture(scope="module")
def chunker() -> Chunker:
    """What the command line loads; on a card, what the service loads."""
    device = choose_device()
    if device == "cpu":
        return Chunker.load(threads=1)
    return Chunker.load(make_engine=lambda graph, precision: load_engine(graph, precision, device))


class Recorder:
    """Keeps the windows that a chunker asks an engine about."""

    def __init__(self, engine: Any) -> None:
        self.name, self._engine = engine.name, engine
        self.windows: list[Window] = []

    def log_odds(self, windows: Any) -> Any:
        self.windows += windows
        return self._engine.log_odds(windows)


def answered(url: str, name: str, data: bytes) -> bytes:
    with httpx.Client(base_url=url, timeout=3600) as client:
        answer = client.post("/v1/chunk", files={"file": (name, data)})
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.mark.slow
def test_every_sample_alone_and_among_32_clients(service: Running, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    expected = {}
    for path in SAMPLES:
        assert run(["chunk", str(path), "--quiet", "--no-cache"]) == 0
        expected[path] = capfdbinary.readouterr().out
    for path, data in expected.items():
        assert answered(service.url, path.name, path.read_bytes()) == data, path.name
    asked = [path for path in SAMPLES for _ in range(2)]
    random.Random(1).shuffle(asked)
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(lambda path: answered(service.url, path.name, path.read_bytes()), asked))
    assert all(data == expected[path] for path, data in zip(asked, found, strict=True))


@pytest.mark.slow
def test_a_thousand_windows_alone_and_among_32_clients(service: Running, chunker: Chunker) -> None:
    recorder = Recorder(chunker.engine)
    plain = chunker.with_engine(recorder)
    expected: dict[str, bytes] = {}
    for text in documents(2 * WINDOWS):
        document = ingest(text.encode(), name="a.txt")
        expected[text] = render("jsonl", document, plain.chunk(document, ChunkOptions()))
        if len(recorder.windows) >= WINDOWS:
            break
    assert len(recorder.windows) >= WINDOWS
    for text, data in list(expected.items())[: len(expected) // 4]:
        assert answered(service.url, "a.txt", text.encode()) == data
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(lambda text: answered(service.url, "a.txt", text.encode()), expected))
    assert found == list(expected.values())
    # And the numbers themselves, window by window, when 32 requests share the batcher.
    truth = [scores.tolist() for scores in chunker.engine.log_odds(recorder.windows)]
    assert batched(recorder.windows, chunker) == truth


def batched(windows: list[Window], chunker: Chunker) -> list[list[float]]:
    """The log-odds of the windows, asked for by 32 requests at a time, one to eight windows each."""
    device = choose_device()
    graph = Path(chunker.tokenizer).parent / "model.onnx"
    batcher = Batcher(load_engine(graph, "int8", device), budget=1024, runners=2)
    rng, parts, at = random.Random(2), [], 0
    while at < len(windows):
        size = rng.randint(1, 8)
        parts.append(windows[at : at + size])
        at += size
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            found = list(pool.map(lambda part: TicketEngine(batcher, Ticket()).log_odds(part), parts))
    finally:
        batcher.close()
    return [scores.tolist() for part in found for scores in part]


def test_windows_of_many_requests_have_the_log_odds_of_the_plain_engine(chunker: Chunker) -> None:
    rng = np.random.default_rng(4)
    windows = [
        Window(rng.integers(6, 40_000, n), np.array([n // 2, n - 1], dtype=np.int64), (0, 1))
        for n in rng.integers(4, 60, 60)
    ]
    assert batched(windows, chunker) == [scores.tolist() for scores in chunker.engine.log_odds(windows)]
