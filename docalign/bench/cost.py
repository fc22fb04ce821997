"""What each peer costs: start-up, pages a second, memory, and how all that grows from one page to a thousand.

Every peer runs in a fresh process of its own (`probe`), so that memory and start-up are its own. The text is generated:
real pages repeated would be furniture, and nothing here depends on what it says.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from docalign.bench.ask import Peer, SizeChoice
from docalign.bench.profiles import Profile
from docalign.bench.registry import OURS
from docalign.bench.samples import repository
from docalign.errors import MissingInputError

__all__ = ["growth", "ingest_speed", "measure_cost"]

_OUR_PATIENCE: Final = 10.0
"""docalign may take this many times longer than a peer, so that its growth is seen to the end."""
_REAL_SAMPLES: Final = ("report.pdf", "report-scan.pdf")


def measure_cost(
    peers: Sequence[Peer], sizes: Mapping[str, SizeChoice], profile: Profile, model: Path | str | None,
    *, say: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Pages a second at each length, and how the time grows: 1 is linear."""
    arms = {}
    for peer in peers:
        say(f"cost: {peer.name}")
        patience = profile.patience_s * (_OUR_PATIENCE if peer.name == OURS else 1.0)
        arms[peer.name] = _probe(peer.name, profile.pages, patience, sizes.get(peer.name, "target"), model)
    report: dict[str, Any] = {"pages": list(profile.pages), "arms": arms}
    say("cost: ingestion")
    report["ingestion"] = ingest_speed()
    return report


def growth(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """The exponent of time over pages between the first length of at least 10 pages and the longest."""
    long = [r for r in rows if r["pages"] >= 10 and r["cpu_s"] > 0.005]
    if len(long) < 2:
        return None
    first, last = long[0], long[-1]
    return round(math.log(last["cpu_s"] / first["cpu_s"]) / math.log(last["pages"] / first["pages"]), 2)


def ingest_speed() -> dict[str, Any]:
    """Pages a second of reading the samples, which comes before any chunker; a second reading with warm workers."""
    from docalign.ingest import IngestOptions, WorkerPool, ingest

    try:
        folder = repository() / "data" / "samples"
    except MissingInputError:
        return {}
    found = {}
    options = IngestOptions(use_cache=False)
    with WorkerPool() as pool:
        for name in _REAL_SAMPLES:
            ingest(folder / name, options=options, pool=pool)
            begun = time.perf_counter()
            document = ingest(folder / name, options=options, pool=pool)
            found[name] = round(len(document.pages) / (time.perf_counter() - begun), 2)
    return found


def _probe(
    name: str, pages: Sequence[int], patience_s: float, size: SizeChoice, model: Path | str | None
) -> dict[str, Any]:
    question = {
        "peer": name,
        "pages": list(pages),
        "patience_s": patience_s,
        "size": size,
        "model": model and str(model),
    }
    done = subprocess.run(
        [sys.executable, "-m", "docalign.bench.probe", json.dumps(question)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.strip().splitlines()
    try:
        found: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return {"error": f"the process ended with {done.returncode}: {last[:200]}", "lengths": []}
    found["growth"] = growth(found["lengths"])
    return found
