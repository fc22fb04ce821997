"""Batches of one-page images: read one after the other, and read ahead as `docalign chunk` does. Reading alone, no LLM.

    python benchmarks/ingest/batches.py [--out batches.json] [--copies 1] [--repeats 2]

Both arms read the same files through a pool of one worker a core, in one run, in turn; the page cache is off. `ahead
over one by one` is the ratio of their rates: the number of cores at best. Needs no data but data/samples.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import pypdfium2

from docalign.commands.ahead import read_ahead
from docalign.ingest import IngestOptions, WorkerPool, ingest
from docalign.ingest.work.pool import available_cores

_SAMPLE = Path(__file__).parent.parent.parent / "data" / "samples" / "report.pdf"
_DPI = 200


def images(folder: Path, copies: int) -> list[Path]:
    """Each page of the sample as a PNG, as many times as asked."""
    made = []
    with pypdfium2.PdfDocument(_SAMPLE) as pdf:
        for number, page in enumerate(pdf):
            picture = page.render(scale=_DPI / 72, grayscale=True).to_pil()
            for copy in range(copies):
                made.append(folder / f"{number}-{copy}.png")
                picture.save(made[-1], dpi=(_DPI, _DPI))
    return made


def seconds(files: list[Path], pool: WorkerPool, threads: int) -> float:
    """Wall time of reading all files with so many of them in work at a time."""
    began = time.perf_counter()
    for read in read_ahead(
        files, lambda path: ingest(path, options=IngestOptions(), pool=pool), threads=threads, ahead=threads + 1
    ):
        if isinstance(read, Exception):
            raise read
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    times: dict[str, list[float]] = {"one by one": [], "ahead": []}
    with tempfile.TemporaryDirectory() as folder, WorkerPool() as pool:
        files = images(Path(folder), arguments.copies)
        seconds(files[: pool.workers], pool, pool.workers)  # workers started, engines loaded
        for _ in range(arguments.repeats):
            times["one by one"].append(seconds(files, pool, 1))
            times["ahead"].append(seconds(files, pool, pool.workers))
    best = {name: min(found) for name, found in times.items()}
    report = {
        "files": len(files),
        "cores": available_cores(),
        "pages per second": {name: round(len(files) / s, 2) for name, s in best.items()},
        "ahead over one by one": round(best["one by one"] / best["ahead"], 2),
    }
    text = json.dumps(report, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
