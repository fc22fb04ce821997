"""Memory of one worker beside what it does its work with, bare: pdfplumber and Tesseract, in one run.

    DOCALIGN_DATA=… python benchmarks/ingest/memory.py [--out memory.json] [--pages 20] [--scan-pages 6]

Each arm is one process that reads the same pages, one after the other:

* `digital`: docalign's worker; bare pdfplumber (`extract_text` of each page, then `page.close()`);
* `scan`: docalign's worker on a PDF of page images at 200 dpi; bare Tesseract (tesserocr, the same trained data) on the
  same images.

Of each process, sampled every 20 ms: the peaks of RSS, PSS (shared pages divided among those who share them) and USS
(pages of its own), in MiB, and what is resident at the end. `worker over bare` are the ratios of peak RSS.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from cache import first_pages, scan_of

from docalign.ingest import IngestOptions, WorkerPool, ingest

_SOURCE = "pdfs/debian/developers-reference.pdf"
_EVERY_S = 0.02
_MIB = 1 << 20
_PDFPLUMBER = """
import sys, pdfplumber
with pdfplumber.open(sys.argv[1]) as pdf:
    for page in pdf.pages:
        page.extract_text()
        page.close()
"""
_TESSERACT = """
import sys, tesserocr
from PIL import Image
from docalign.ingest.ocr.tesseract import find_data
api = tesserocr.PyTessBaseAPI(path=str(find_data(("eng",))), lang="eng", oem=tesserocr.OEM.LSTM_ONLY)
for path in sys.argv[1:]:
    api.SetImage(Image.open(path))
    api.SetSourceResolution(200)
    api.Recognize()
    api.GetUTF8Text()
    api.Clear()
"""


class Sampler:
    """The peaks of the one child process of this one, until `stop`."""

    def __init__(self) -> None:
        self.peaks = {"rss": 0.0, "pss": 0.0, "uss": 0.0}
        self.last_rss = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def stop(self) -> dict[str, float]:
        self._stopped.set()
        self._thread.join()
        return {f"peak_{name}": round(value) for name, value in self.peaks.items()} | {"last_rss": round(self.last_rss)}

    def _sample(self) -> None:
        while not self._stopped.wait(_EVERY_S):
            for child in psutil.Process().children():
                try:
                    info = child.memory_full_info()
                except psutil.Error:
                    continue
                for name in self.peaks:
                    self.peaks[name] = max(self.peaks[name], getattr(info, name) / _MIB)
                self.last_rss = info.rss / _MIB or self.last_rss


def worker(path: Path) -> dict[str, float]:
    """docalign reading a file with one worker."""
    sampler = Sampler()
    with WorkerPool(1) as pool:
        ingest(path, options=IngestOptions(workers=1), pool=pool)
        return sampler.stop()


def bare(code: str, *paths: Path) -> dict[str, float]:
    """A program of its own reading files, one thread."""
    sampler = Sampler()
    threads = dict.fromkeys(("OMP_THREAD_LIMIT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True, env={**os.environ, **threads})
    return sampler.stop()


def measure(source: Path, pages: int, scan_pages: int, scratch: Path) -> dict[str, Any]:
    digital = first_pages(source, pages, scratch / "digital.pdf")
    scan = scan_of(first_pages(source, scan_pages, scratch / "few.pdf"), scratch / "scan.pdf")
    images = _images(scratch / "few.pdf", scratch)
    results: dict[str, Any] = {
        "pages": {"digital": pages, "scan": len(images)},
        "digital": {"docalign worker": worker(digital), "bare pdfplumber": bare(_PDFPLUMBER, digital)},
        "scan": {"docalign worker": worker(scan), "bare tesseract": bare(_TESSERACT, *images)},
    }
    for kind, other in (("digital", "bare pdfplumber"), ("scan", "bare tesseract")):
        own, their = results[kind]["docalign worker"], results[kind][other]
        results[kind]["worker over bare"] = round(own["peak_rss"] / their["peak_rss"], 2)
    return results


def _images(pdf: Path, scratch: Path) -> list[Path]:
    import pypdfium2 as pdfium

    paths = []
    with pdfium.PdfDocument(pdf) as opened:
        for number, page in enumerate(opened):
            paths.append(scratch / f"{number}.png")
            page.render(scale=200 / 72, grayscale=True).to_pil().save(paths[-1], dpi=(200, 200))
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of a worker beside bare pdfplumber and bare Tesseract.")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--scan-pages", type=int, default=6)
    options = parser.parse_args()
    if not os.environ.get("DOCALIGN_DATA"):
        raise SystemExit("Set DOCALIGN_DATA to the folder that holds pdfs/.")
    source = Path(os.environ["DOCALIGN_DATA"]) / _SOURCE
    with tempfile.TemporaryDirectory() as scratch:
        text = json.dumps(measure(source, options.pages, options.scan_pages, Path(scratch)), indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
