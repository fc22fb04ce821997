"""OCR quality: character error rate on pages with known text, and on scans that people transcribed.

Rendered prose in six fonts at 200 dpi, clean and with three strengths of damage (`docalign/train/scan.py` states their
ranges; `heavy` is set so that Tesseract alone reads next to nothing), and the scans of DOCALIGN_DATA. Pages go through
the worker pool as `docalign ingest` sends them. CER is of the page's text in reading order after the folding of
`likeness.py`; scans whose transcript has an order of its own get bag-of-words F1 and the CER of best-aligned lines.

    DOCALIGN_DATA=… python benchmarks/ingest/ocr.py [--pages N] [--engine auto|tesseract|hard] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from likeness import bag_f1, best_line_errors, character_errors
from ocr_pages import CONDITIONS, KnownPage, rendered_pages, transcribed_scans

from docalign.ingest import IngestOptions, WorkerPool
from docalign.ingest.page import PageContent
from docalign.ingest.paged import page_limits

_READER = "docalign.ingest.ocr.images:ImageReader"


def main() -> None:
    arguments = _arguments()
    data = os.environ.get("DOCALIGN_DATA")
    if not data:
        sys.exit("DOCALIGN_DATA is not set: the texts to render and the transcribed scans are found through it.")
    options = IngestOptions(ocr_engine=arguments.engine)
    with tempfile.TemporaryDirectory(prefix="docalign-bench-") as folder, WorkerPool() as pool:
        conditions = tuple(c for c in CONDITIONS if c in arguments.conditions)
        pages = list(rendered_pages(Path(data), Path(folder), pages=arguments.pages, conditions=conditions))
        if "transcribed" in arguments.conditions:
            pages += transcribed_scans(Path(data))
        rows = _read(pages, options, pool)
    report = {
        "schema": "docalign.benchmark.ocr/1",
        "engine": arguments.engine,
        "summary": _summary(rows),
        "pages": rows,
    }
    _print(report)
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=6, help="rendered pages for each condition")
    parser.add_argument("--conditions", nargs="+", default=[*CONDITIONS, "transcribed"])
    parser.add_argument("--engine", default="auto", choices=("auto", "tesseract", "hard"))
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _read(pages: Sequence[KnownPage], options: IngestOptions, pool: WorkerPool) -> list[dict[str, Any]]:
    """A row for each page."""
    calls = [(_READER, str(page.path), options, 0) for page in pages]
    results = pool.map("docalign.ingest.pages:read_page", calls, limits=page_limits(options))
    rows = []
    for page, found in zip(pages, results, strict=True):
        if isinstance(found, Exception):
            raise found
        rows.append(_row(page, found))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows


def _row(page: KnownPage, found: PageContent) -> dict[str, Any]:
    cells = [cell for table in found.tables for row in table.rows for cell in row if cell]
    read = "\n".join([*(line.text for line in found.lines), *cells])
    edits, length = character_errors("\n".join(page.lines), read)
    line_edits, line_length = best_line_errors(page.lines, read)
    return {
        "page": page.name,
        "condition": page.condition,
        "known_order": page.known_order,
        "cer": round(edits / length, 4),
        "line_cer": round(line_edits / line_length, 4),
        "bag_f1": round(bag_f1("\n".join(page.lines), read), 4),
        "characters": length,
        "confidence": None if found.confidence is None else round(found.confidence, 3),
        "noise": sum(len(text) for text, _ in found.dropped),
        "engine": found.engine,
    }


def _summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean over pages by condition; of the transcribed scans CER where the order is known, F1 of the rest."""
    summary: dict[str, Any] = {}
    for condition in dict.fromkeys(row["condition"] for row in rows):
        of = [row for row in rows if row["condition"] == condition]
        ordered, rest = [r for r in of if r["known_order"]], [r for r in of if not r["known_order"]]
        summary[condition] = {"pages": len(of)}
        if ordered:
            summary[condition] |= {"cer": round(mean(r["cer"] for r in ordered), 4)}
            summary[condition] |= {"worst_cer": max(r["cer"] for r in ordered)}
        if rest:
            summary[condition] |= {"bag_f1": round(mean(r["bag_f1"] for r in rest), 4)}
            summary[condition] |= {"worst_bag_f1": min(r["bag_f1"] for r in rest)}
    return summary


def _print(report: dict[str, Any]) -> None:
    for row in report["pages"]:
        order = "" if row["known_order"] else "  (order unknown)"
        print(
            f"{row['page']:42s} CER {row['cer']:.4f}  lines {row['line_cer']:.4f}  words F1 {row['bag_f1']:.4f}  "
            f"confidence {row['confidence'] or 0:.2f}  {row['engine']}{order}"
        )
    for condition, values in report["summary"].items():
        print(f"{condition:12s} " + "  ".join(f"{name} {value}" for name, value in values.items()))


if __name__ == "__main__":
    main()
