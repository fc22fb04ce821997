"""One peer in a process of its own: how long it takes to start, and time and memory by number of pages.

    python -m docalign.bench.probe '{"peer": "semchunk", "pages": [1, 10], "patience_s": 30, "size": "target"}'

Prints one JSON object. Called by `cost`; no command of its own.
"""

from __future__ import annotations

import hashlib
import json
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any, Final

from docalign.bench.ask import Ask, Cut, Setup
from docalign.bench.registry import OURS, chosen
from docalign.counting import WORDS
from docalign.document import Block, Document, Kind

__all__ = ["generated", "main", "probe"]

_SYLLABLES: Final = ("an", "be", "con", "der", "el", "for", "gen", "hor", "ka", "lor", "men", "nor", "op", "qua", "ver")
_PARAGRAPHS: Final = 6
_TARGET, _LIMIT = 350, 512


def main(arguments: list[str]) -> None:
    """Answer one question, a JSON object in the first argument."""
    print(json.dumps(probe(json.loads(arguments[0]))))  # noqa: T201 - its only output


def probe(question: dict[str, Any]) -> dict[str, Any]:
    """Load the peer and chunk generated documents of the asked lengths, the shortest first.

    A length is not begun when the one before says that it will take longer than `patience_s`.
    """
    name, patience_s = question["peer"], float(question["patience_s"])
    peer = next(p for p in chosen([name]) if p.name == name)
    before_mib = _peak_mib()
    begun = time.perf_counter()
    cut = peer.load(Setup(model=question.get("model")))
    cut(_ask(1, question, seed=-1))  # another page than the ones measured: answers may be kept
    startup_s = time.perf_counter() - begun
    engine = _timed_engine() if name == OURS else None
    lengths: list[dict[str, Any]] = []
    stopped = None
    for pages in question["pages"]:
        if lengths and lengths[-1]["seconds"] * pages / lengths[-1]["pages"] > patience_s:
            stopped = pages
            break
        lengths.append(_measure(cut, _ask(pages, question), pages, engine))
    return {
        "startup_s": round(startup_s, 2),
        "base_mib": round(before_mib),
        "lengths": lengths,
        "stopped_before_pages": stopped,
    }


def _measure(cut: Cut, ask: Ask, pages: int, engine: Any) -> dict[str, Any]:
    spent = engine.seconds if engine else 0.0
    begun, cpu = time.perf_counter(), time.process_time()
    chunks = len(cut(ask))
    seconds, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    row = {
        "pages": pages,
        "seconds": round(seconds, 4),
        "cpu_s": round(cpu_s, 4),
        "pages_per_s": round(pages / seconds, 2),
        "pages_per_cpu_s": round(pages / max(cpu_s, 1e-9), 2),
        "peak_mib": round(_peak_mib()),
        "chunks": chunks,
    }
    return row | ({"llm_share": round((engine.seconds - spent) / seconds, 3)} if engine else {})


def _timed_engine() -> Any:
    from docalign.bench.peers import ours

    scorer = next(iter(ours.loaded().values()))
    scorer.chunker.engine = timed = ours.TimedEngine(scorer.chunker.engine)
    return timed


def _peak_mib() -> float:
    """The most memory this process has held at a time.

    On Linux from `VmHWM`: what getrusage says there begins with the parent's at the fork. Elsewhere from getrusage, in
    kibibytes, on macOS bytes.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(s for s in status.read_text("ascii").splitlines() if s.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _ask(pages: int, question: dict[str, Any], *, seed: int = 0) -> Ask:
    return Ask(generated(pages, seed=seed), _TARGET, _LIMIT, WORDS, question["size"])


def generated(pages: int, *, seed: int = 0) -> Document:
    """A document of generated words: on every page a heading and six paragraphs of 40 to 90 words."""
    draw = random.Random(f"{pages} {seed}")
    blocks: list[Block] = []
    parts: list[str] = []
    position = 0
    for page in range(pages):
        kinds: list[Kind] = ["heading"]
        kinds += ["paragraph"] * _PARAGRAPHS
        for kind in kinds:
            text = _sentence(draw, 4)[:-1] if kind == "heading" else _paragraph(draw)
            level = (1 if page % 5 == 0 else 2) if kind == "heading" else None
            blocks.append(Block(len(blocks), position, position + len(text), kind, level=level))
            parts.append(text)
            position += len(text) + 2
    text = "\n\n".join(parts)
    return Document("generated", hashlib.sha256(text.encode()).hexdigest(), text, tuple(blocks))


def _paragraph(draw: random.Random) -> str:
    return " ".join(_sentence(draw, draw.randint(8, 18)) for _ in range(5))


def _sentence(draw: random.Random, words: int) -> str:
    made = ["".join(draw.choices(_SYLLABLES, k=draw.randint(1, 3))) for _ in range(words)]
    return " ".join(made).capitalize() + "."


if __name__ == "__main__":
    main(sys.argv[1:])
