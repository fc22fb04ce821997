"""Peak memory of `docalign chunk` and all its worker processes, by number of pages.

Resident sizes are summed over the process tree, so what processes share counts once per process: an upper bound.
"""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from speed.digital import COMMAND
from speed.machine import ROOT

__all__ = ["measure_memory"]

_EVERY_S = 0.05
_PARAGRAPHS_PER_PAGE = 7
_SYLLABLES = ("an", "be", "con", "der", "el", "for", "gen", "hor", "ka", "lor", "men", "nor", "op", "qua", "res", "ver")


def measure_memory(page_counts: Sequence[int], scratch: Path, model: str | None) -> list[dict[str, Any]]:
    """Chunk a generated PDF of each size in a process of its own."""
    rows = []
    for wanted in page_counts:
        pdf, pages = _document(wanted, scratch)
        begun = time.perf_counter()
        peak, processes = _peak(
            [*COMMAND, "chunk", str(pdf), "--out", f"{pdf}.jsonl", *(["--model", model] if model else [])]
        )
        seconds = time.perf_counter() - begun
        rows.append(
            {
                "pages": pages,
                "peak_rss_mib": round(peak / 2**20),
                "processes": processes,
                "seconds": round(seconds, 1),
                "pages_per_s": round(pages / seconds, 2),
                "chunks": len(Path(f"{pdf}.jsonl").read_text("utf-8").splitlines()),
            }
        )
    return rows


def _peak(command: Sequence[str]) -> tuple[int, int]:
    """The largest sum of resident bytes seen over the process tree of `command`, and of how many processes."""
    child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    root, peak, processes = psutil.Process(child.pid), 0, 0
    while child.poll() is None:
        resident = 0
        tree = _tree(root)
        for process in tree:
            try:
                resident += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        peak, processes = max(peak, resident), max(processes, len(tree))
        time.sleep(_EVERY_S)
    if child.returncode:
        raise SystemExit(f"docalign chunk ended with exit code {child.returncode}")
    return peak, processes


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _document(pages: int, scratch: Path) -> tuple[Path, int]:
    """A report of about `pages` pages of generated words, with headings and running heads; its real page count.

    Pages of a sample repeated would not do: text that stands on every page at the same place is furniture.
    """
    import pypdfium2 as pdfium
    import typst

    draw = random.Random(pages)
    source = scratch / f"{pages}.typ"
    parts = [
        '#set page(paper: "a4", margin: 2.5cm, numbering: "1", header: [Annual record])',
        "#set text(size: 10.5pt)",
    ]
    for number in range(pages):
        parts.append(f"{'=' if number % 5 == 0 else '=='} {_words(draw, draw.randint(2, 6)).capitalize()}")
        parts += [_sentences(draw, draw.randint(3, 6)) for _ in range(_PARAGRAPHS_PER_PAGE)]
        parts.append("#pagebreak(weak: true)")
    source.write_text("\n\n".join(parts), "utf-8")
    pdf = scratch / f"{pages}-pages.pdf"
    typst.compile(str(source), output=str(pdf), ignore_system_fonts=True)
    with pdfium.PdfDocument(pdf) as made:
        return pdf, len(made)


def _sentences(draw: random.Random, count: int) -> str:
    return " ".join(_words(draw, draw.randint(6, 18)).capitalize() + "." for _ in range(count))


def _words(draw: random.Random, count: int) -> str:
    return " ".join("".join(draw.choices(_SYLLABLES, k=draw.randint(1, 3))) for _ in range(count))
