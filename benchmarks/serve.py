"""The service under load, beside a naive one, in one run: two processes on loopback, clients in this one.

The naive server is the same FastAPI, the same reading, the same model, with one request's windows run by the plain
engine in the request's own thread, as one would write it first: once with a lock (a model is used by one at a time),
once without. Clients are closed loops: each sends the next document when the last is answered. Documents are texts of
1 to 40 paragraphs (4 on average), the same for every arm, drawn by each client for itself. Beside the rate stands the
processor time of an answer, which other work on the machine disturbs less; seconds in which nobody was answered are
listed with what the machine did meanwhile (`stalls.py`). The last part sends more than the queue holds and counts how
every request ends.

    python benchmarks/serve.py [--clients 1 4 16 64] [--seconds 20] [--overload-s 60] [--out FILE]

Needs the extra `serve` and `psutil` (extra `bench`).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
from fastapi import Request  # here, because FastAPI looks annotations up in the module

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.stalls import StallWatch, cpu_s

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
ARMS = ("naive-lock", "naive-threads", "service")
_WORDS = (
    "the", "of", "a", "section", "table", "limit", "model", "window", "text", "page", "chunk", "reader", "archive",
    "letter", "court", "note",
)  # fmt: skip


def main() -> None:
    arguments = _arguments()
    if arguments.naive:
        serve_naive(locked=arguments.naive == "lock")
        return
    report: dict[str, Any] = {"schema": "docalign.benchmark/1", "seconds": arguments.seconds, "load": []}
    texts = documents(arguments.documents)
    report["documents"] = {"count": len(texts), "mean_characters": round(statistics.mean(map(len, texts)))}
    for repeat in range(arguments.repeats):
        for arm in ARMS:
            with server(arm) as (url, process):
                ask_all(url, texts[:4], clients=2, seconds=2)
                for clients in arguments.clients:
                    before = counters(url) if arm == "service" else {}
                    found: list[tuple[int, float, bool]] = []
                    began, had = time.monotonic(), cpu_s(process.pid)
                    with StallWatch(process.pid, found.__len__) as watch:
                        ask_all(url, texts, clients=clients, seconds=arguments.seconds, found=found)
                    took = time.monotonic() - began  # the last answers come after the last questions
                    row = {"arm": arm, "clients": clients, "repeat": repeat, **summary(found, took)}
                    row["cpu_ms_per_answer"] = round((cpu_s(process.pid) - had) * 1000 / max(1, len(found)), 1)
                    row["stalls"] = watch.stalls
                    if arm == "service":
                        row |= padding(before, counters(url))
                    row["rss_mib"] = rss_mib(process)
                    report["load"].append(row)
                    say(row)
    if arguments.overload_s:
        report["overload"] = overload(texts, arguments.overload_s)
        say(report["overload"])
    print(table(report["load"]))
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


def documents(count: int) -> list[str]:
    """Texts of 1 to 40 paragraphs; most are short, as what people send to a service is."""
    rng = random.Random(7)
    return [
        "\n\n".join(
            " ".join(rng.choices(_WORDS, k=rng.randint(8, 60))).capitalize() + "."
            for _ in range(min(40, 1 + int(rng.expovariate(1 / 3))))
        )
        for _ in range(count)
    ]


def ask_all(
    url: str, texts: list[str], *, clients: int, seconds: float, found: list[tuple[int, float, bool]] | None = None
) -> list[tuple[int, float, bool]]:
    """(status, seconds, whether a refusal said when to come again) of every request; 0 for one that was lost. `found`
    gets them as they come."""
    end = time.monotonic() + seconds
    found = [] if found is None else found

    def ask(number: int) -> None:
        rng = random.Random(number)
        with httpx.Client(base_url=url, timeout=300) as client:
            while time.monotonic() < end:
                began = time.monotonic()
                text = rng.choice(texts)
                try:
                    answer = client.post("/v1/chunk", content=text, headers={"Content-Type": "text/plain"})
                    status, told = answer.status_code, "retry-after" in answer.headers
                except httpx.HTTPError:
                    status, told = 0, False
                found.append((status, time.monotonic() - began, told))
                if status in (429, 503):
                    time.sleep(0.05)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, range(clients)))
    return found


def summary(found: list[tuple[int, float, bool]], seconds: float) -> dict[str, Any]:
    took = sorted(s for status, s, _ in found if status == 200)
    if not took:
        return {"answered": 0}
    return {
        "answered": len(took),
        "per_s": round(len(took) / seconds, 2),
        **{f"p{p}_s": round(took[min(len(took) - 1, len(took) * p // 100)], 3) for p in (50, 95, 99)},
        "statuses": dict(Counter(str(status) for status, _, _ in found)),
    }


def overload(texts: list[str], seconds: float) -> dict[str, Any]:
    """Four times the clients that the service has places for; memory is looked at all the while."""
    with server("service", DOCALIGN_SERVE_ACTIVE_REQUESTS="8") as (url, process):
        ask_all(url, texts[:4], clients=2, seconds=2)
        memory, stop = [], threading.Event()

        def watch() -> None:
            while not stop.wait(1.0):
                memory.append(rss_mib(process))

        watcher = threading.Thread(target=watch)
        watcher.start()
        found = ask_all(url, texts, clients=32, seconds=seconds)
        stop.set()
        watcher.join()
    refused = [told for status, _, told in found if status in (429, 503)]
    half = len(memory) // 2
    return {
        "seconds": seconds,
        "statuses": dict(Counter(str(status) for status, _, _ in found)),
        "lost": sum(status not in (200, 429, 503) for status, _, _ in found),
        "refused_without_retry_after": refused.count(False),
        "rss_mib": {"first_half": max(memory[:half] or [0]), "second_half": max(memory[half:] or [0])},
    }


@contextmanager
def server(arm: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """One of the arms as a process of its own."""
    import os

    with tempfile.TemporaryDirectory(prefix="docalign-bench-") as folder:
        if arm == "service":
            start = "import sys; from docalign.cli import run; sys.exit(run(sys.argv[1:]))"
            command = [sys.executable, "-c", start, "serve", "--port", "0", "--database", f"{folder}/jobs.sqlite"]
        else:
            command = [sys.executable, __file__, "--naive", arm.removeprefix("naive-")]
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "DOCALIGN_SERVE_ACTIVE_REQUESTS": "64", **environment}
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        url = next(found[1] for line in process.stderr if (found := re.search(r"listening on (http://\S+)", line)))
        threading.Thread(target=process.stderr.read, daemon=True).start()
        try:
            while httpx.get(f"{url}/readyz", timeout=60).status_code != 200:
                time.sleep(0.2)
            yield url, process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def serve_naive(*, locked: bool) -> None:
    """One request, one forward after the other."""
    import uvicorn
    from fastapi import FastAPI
    from fastapi.concurrency import run_in_threadpool
    from fastapi.responses import Response

    from docalign.chunker import Chunker, ChunkOptions
    from docalign.ingest import ingest
    from docalign.output import render

    chunker, lock, app = Chunker.load(threads=1), threading.Lock(), FastAPI()

    def work(data: bytes) -> bytes:
        document = ingest(data, name="-")
        if not locked:
            return render("jsonl", document, chunker.chunk(document, ChunkOptions()))
        with lock:
            return render("jsonl", document, chunker.chunk(document, ChunkOptions()))

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/v1/chunk")
    async def chunk(request: Request) -> Response:
        return Response(await run_in_threadpool(work, await request.body()), media_type="application/x-ndjson")

    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"listening on http://127.0.0.1:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])


def counters(url: str) -> dict[str, float]:
    text = httpx.get(f"{url}/metrics", timeout=60).text
    return {name: float(value) for name, value in re.findall(r"^(docalign_\w+_total) (\S+)$", text, re.M)}


def padding(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Padding as a share of all attention saw; matrix products see none. And how many windows a run had."""

    def more(name: str) -> float:
        return after[f"docalign_{name}_total"] - before[f"docalign_{name}_total"]

    tokens, pad = more("tokens"), more("padding_tokens")
    return {
        "padding_share": round(pad / (tokens + pad), 4) if tokens else 0.0,
        "windows_a_run": round(more("windows") / max(1.0, more("runs")), 2),
        "tokens_per_window": round(tokens / max(1.0, more("windows")), 1),
    }


def rss_mib(process: subprocess.Popen[str]) -> int:
    parent = psutil.Process(process.pid)
    total = parent.memory_info().rss
    for child in parent.children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total >> 20


def table(rows: list[dict[str, Any]]) -> str:
    heads = {"per s": 8, "p50": 8, "p95": 8, "p99": 8, "cpu ms": 8, "padding": 9, "win/run": 9, "MiB": 7}
    lines = [f"{'arm':<15}{'clients':>8}" + "".join(f"{name:>{width}}" for name, width in heads.items())]
    for row in rows:
        if not row["answered"]:
            continue
        lines.append(
            f"{row['arm']:<15}{row['clients']:>8}{row['per_s']:>8}{row['p50_s']:>8}{row['p95_s']:>8}{row['p99_s']:>8}{row['cpu_ms_per_answer']:>8}"
            f"{row.get('padding_share', ''):>9}{row.get('windows_a_run', ''):>9}{row['rss_mib']:>7}"
        )
    return "\n".join(lines)


def say(what: dict[str, Any]) -> None:
    print(f"… {json.dumps(what)}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--overload-s", type=float, default=60.0, help="how long to overload; 0 for not at all")
    parser.add_argument("--out", type=Path, help="write the JSON here")
    parser.add_argument("--naive", choices=["lock", "threads"], help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
