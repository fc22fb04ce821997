"""What a second reading costs: each file read with an empty cache, then again, then without any cache.

    DOCALIGN_DATA=… python benchmarks/ingest/cache.py [--out cache.json] [--pages 12]

The first pages of one digital PDF, and the same pages as a scan (images at 200 dpi in a PDF), read through the Python
API in this process with a warm pool of workers. For each: wall seconds of reading without a cache, with an empty one
and with a full one; the ratio of the last to the first; whether all three documents are the same; bytes kept a page.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium

from docalign.document import Document
from docalign.ingest import IngestOptions, WorkerPool, ingest

_SOURCE = "pdfs/debian/developers-reference.pdf"


def first_pages(source: Path, pages: int, target: Path) -> Path:
    """The first pages of a PDF as a PDF."""
    with pdfium.PdfDocument(source) as pdf, pdfium.PdfDocument.new() as part:
        part.import_pages(pdf, list(range(min(pages, len(pdf)))))
        part.save(target)
    return target


def scan_of(digital: Path, target: Path) -> Path:
    """The pages of a PDF as grey images at 200 dpi, in a PDF."""
    with pdfium.PdfDocument(digital) as pdf:
        images = [page.render(scale=200 / 72, grayscale=True).to_pil() for page in pdf]
    images[0].save(target, "PDF", save_all=True, append_images=images[1:], resolution=200)
    return target


def measure(path: Path, pool: WorkerPool, folder: Path) -> dict[str, Any]:
    """One file three ways, after one unmeasured reading that starts the workers."""
    cached = IngestOptions(use_cache=True, cache_dir=str(folder))
    ingest(path, pool=pool)
    without, without_s = _timed(lambda: ingest(path, pool=pool))
    first, first_s = _timed(lambda: ingest(path, pool=pool, options=cached))
    second, second_s = _timed(lambda: ingest(path, pool=pool, options=cached))
    kept = sum(p.stat().st_size for p in folder.rglob("*.page"))
    return {
        "pages": len(without.pages),
        "without_cache_s": round(without_s, 3),
        "first_s": round(first_s, 3),
        "second_s": round(second_s, 3),
        "second_over_without": round(second_s / without_s, 5),
        "first_over_without": round(first_s / without_s, 3),
        "same_document": without == first == second,
        "kib_a_page": round(kept / 1024 / len(without.pages), 1),
    }


def _timed(read: Callable[[], Document]) -> tuple[Document, float]:
    began = time.perf_counter()
    return read(), time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description="What reading a file again costs with the page cache.")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pages", type=int, default=12)
    options = parser.parse_args()
    if not os.environ.get("DOCALIGN_DATA"):
        raise SystemExit("Set DOCALIGN_DATA to the folder that holds pdfs/.")
    source = Path(os.environ["DOCALIGN_DATA"]) / _SOURCE
    results = {}
    with tempfile.TemporaryDirectory() as scratch, WorkerPool() as pool:
        digital = first_pages(source, options.pages, Path(scratch) / "digital.pdf")
        files = {"digital": digital, "scan": scan_of(digital, Path(scratch) / "scan.pdf")}
        for name, path in files.items():
            results[name] = measure(path, pool, Path(scratch) / name)
    text = json.dumps(results, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
