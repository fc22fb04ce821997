"""The text path beside bare pdfplumber and bare pypdfium2: pages per second of all in one run, repeats interleaved.

docalign: `ingest()` with two warm workers, from the file to the Document: characters with size, weight and colour,
triage, tables, layout. pdfplumber: `chars` of every page, which hold font and size. pypdfium2: every character with its
box, font size, weight and colour, by one call each, in Python. Both in two warm processes, a page at a time, so that
all arms may use two cores. Rates are of wall time; `cpu_s_per_page` is the steadier number where other work runs,
and `two_cores_of_cpu` is the rate that two cores give when nothing else runs on them: 2 / cpu_s_per_page.

    [DOCALIGN_DATA=…] python benchmarks/ingest/text_speed.py [--pages N] [--repeats N] [--out FILE]

Without DOCALIGN_DATA the sample report is read, often; with it a book, a manual, a report and a protocol.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cache import first_pages

from docalign.ingest import IngestOptions, WorkerPool, ingest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from speed.timing import interleaved

_SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "report.pdf"
_FILES = (
    "debian/developers-reference.pdf",
    "debian/bashref.pdf",
    "federal_reports/2019-annual-performance-report.pdf",
    "nih_protocols/NCT06149832_Prot_000.pdf",
)
_WORKERS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=40, help="the first pages of each file")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="docalign-bench-") as folder,
        WorkerPool(_WORKERS) as pool,
        ProcessPoolExecutor(_WORKERS, get_context("spawn")) as bare,
    ):
        files = [first_pages(path, asked.pages, Path(folder, path.name)) for path in _sources()]
        report = [_measured(file, asked.repeats, pool, bare) for file in files]
    pages = sum(row["pages"] for row in report)
    whole: dict[str, Any] = {"set": "all", "pages": pages}
    for arm in ("docalign", "pdfplumber", "pypdfium2"):
        cpu_s = sum(row[arm]["cpu_s_per_page"] * row["pages"] for row in report) / pages
        wall_s = sum(row["pages"] / row[arm]["pages_per_s"] for row in report)
        whole[arm] = {
            "pages_per_s": round(pages / wall_s, 1),
            "cpu_s_per_page": round(cpu_s, 4),
            "two_cores_of_cpu": round(_WORKERS / cpu_s, 1),
        }
    for row in [*report, whole]:
        print(json.dumps(row))
    if asked.out:
        asked.out.write_text(
            json.dumps({"schema": "docalign.benchmark.text_speed/1", "sets": [*report, whole]}, indent=1) + "\n"
        )


def _sources() -> list[Path]:
    data = os.environ.get("DOCALIGN_DATA")
    if not data:
        return [_SAMPLE]
    named = [Path(data, "pdfs", name) for name in _FILES]
    return [path for path in named if path.exists()]


def _measured(file: Path, repeats: int, pool: WorkerPool, bare: ProcessPoolExecutor) -> dict[str, Any]:
    pages = len(ingest(file, pool=pool).pages)
    calls = [str(file)] * pages, range(pages)
    arms: dict[str, Callable[[], object]] = {
        "docalign": lambda: ingest(file, pool=pool, options=IngestOptions()),
        "pdfplumber": lambda: list(bare.map(_with_pdfplumber, *calls, chunksize=4)),
        "pypdfium2": lambda: list(bare.map(_with_pdfium, *calls, chunksize=4)),
    }
    timed = interleaved(arms, repeats, warmed_up=lambda: None)
    rates = {name: arm.rate(pages) for name, arm in timed.items()}
    return {"set": file.name, "pages": pages, "repeats": repeats} | rates


_opened: tuple[str, str, Any] | None = None


def _file(path: str, library: str, opening: Callable[[str], Any]) -> Any:
    """The file as a library has it open; the last one is kept, as docalign's workers do."""
    global _opened
    if _opened is None or _opened[:2] != (path, library):
        _opened = (path, library, opening(path))
    return _opened[2]


def _with_pdfplumber(path: str, index: int) -> int:
    import pdfplumber

    page = _file(path, "pdfplumber", pdfplumber.open).pages[index]
    count = len(page.chars)
    page.close()
    return count


def _with_pdfium(path: str, index: int) -> int:
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    page = _file(path, "pypdfium2", pdfium.PdfDocument)[index]
    text = page.get_textpage()
    count = max(0, raw.FPDFText_CountChars(text))
    box, colour = raw.FS_RECTF(), [ctypes.c_uint() for _ in range(4)]
    for at in range(count):
        raw.FPDFText_GetUnicode(text, at)
        raw.FPDFText_GetLooseCharBox(text, at, box)
        raw.FPDFText_GetFontSize(text, at)
        raw.FPDFText_GetFontWeight(text, at)
        raw.FPDFText_GetFillColor(text, at, *colour)
    text.close()
    page.close()
    return count


if __name__ == "__main__":
    main()
