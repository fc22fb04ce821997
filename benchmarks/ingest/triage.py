"""Is garbage in text layers caught, and is any good page sent to OCR?

    python benchmarks/ingest/triage.py [--pages 40] [--out triage.json]

Three counts: planted garbage that triage sends to OCR (all of it should); unusual good pages made here and pages of
the real PDFs in DOCALIGN_DATA/pdfs (up to `--pages` a file, evenly spread) that a *doubted text layer* sends there
(none should; scans and hidden layers are listed apart, they have no text layer to trust). And the cost: CPU
milliseconds a page of reading the text layer alone and with triage, in one run, and the share of pages that needed a
spot check.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_THREAD_LIMIT", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

import pypdfium2 as pdfium

from benchmarks.ingest.planted import garbage_pages, unusual_pages
from docalign.ingest.options import IngestOptions
from docalign.ingest.pdf.reader import PdfReader, Triaged
from docalign.ingest.pdf.text import extract_page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=40, help="pages a file of the real PDFs")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    result: dict[str, Any] = {"planted": _planted(), "unusual": _unusual()}
    root = os.environ.get("DOCALIGN_DATA")
    if root:
        result["real"] = _real(Path(root) / "pdfs", arguments.pages)
    else:
        print("DOCALIGN_DATA is not set: no real PDFs to read", file=sys.stderr)
    text = json.dumps(result, indent=1)
    if arguments.out:
        arguments.out.write_text(text + "\n")
    print(text)
    return 0


def _planted() -> dict[str, Any]:
    pages, caught, missed = Counter[str](), Counter[str](), []
    for kind, name, data in garbage_pages():
        found = _triage(data)
        pages[kind] += 1
        caught[kind] += found.verdict.read == "ocr"
        if found.verdict.read != "ocr":
            missed.append({"kind": kind, "page": name, **_about(found)})
    by_kind = {kind: f"{caught[kind]}/{count}" for kind, count in pages.items()}
    return {"pages": pages.total(), "caught": caught.total(), "by_kind": by_kind, "missed": missed}


def _unusual() -> dict[str, Any]:
    found = {name: _triage(data) for name, data in unusual_pages()}
    return {
        "pages": len(found),
        "spot_checked": sum(f.check is not None for f in found.values()),
        "to_ocr": [{"page": name, **_about(f)} for name, f in found.items() if f.verdict.read in ("ocr", "try")],
        "unsure": [{"page": n, **_about(f)} for n, f in found.items() if f.verdict.kind == "suspect"],
    }


def _triage(data: bytes) -> Triaged:
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(data)
        file.flush()
        reader = PdfReader(file.name, IngestOptions())
        try:
            return reader.triage(0)
        finally:
            reader.close()


def _about(found: Triaged) -> dict[str, Any]:
    check = found.check
    return {
        "kind": found.verdict.kind,
        "read": found.verdict.read,
        "reasons": list(found.verdict.reasons),
        "agreement": None if check is None or check.agreement is None else round(check.agreement, 3),
        "witnesses": None if check is None else check.lines,
    }


def _real(folder: Path, per_file: int) -> dict[str, Any]:
    kinds, checked, agreements = Counter[str](), 0, []
    layer_s = triage_s = 0.0
    doubted, other, unsure = [], [], []
    files = sorted(folder.glob("*/*.pdf"))
    for path in files:
        reader = PdfReader(str(path), IngestOptions())
        with pdfium.PdfDocument(path) as plain:
            for index in _spread(reader.pages, per_file):
                began = time.process_time()
                extract_page(plain, index)
                layer_s += time.process_time() - began
                began = time.process_time()
                found = reader.triage(index)
                triage_s += time.process_time() - began
                kinds[found.verdict.kind] += 1
                if found.check is not None:
                    checked += 1
                    if found.check.agreement is not None:
                        agreements.append(round(found.check.agreement, 3))
                about = {"file": path.name, "page": index + 1, **_about(found)}
                if found.verdict.read in ("ocr", "try"):
                    (doubted if found.verdict.kind == "suspect" else other).append(about)
                elif found.verdict.kind == "suspect":
                    unsure.append(about)
        reader.close()
    pages = kinds.total()
    agreements.sort()
    return {
        "files": len(files),
        "pages": pages,
        "kinds": dict(sorted(kinds.items())),
        "good_pages_sent_to_ocr": doubted,
        "suspect_pages_that_keep_their_layer": unsure,
        "scans_and_hybrids": other,
        "share_checked": round(checked / pages, 4),
        "agreement_lowest": agreements[:10],
        "layer_ms_a_page": round(1000 * layer_s / pages, 1),
        "triage_ms_a_page": round(1000 * triage_s / pages, 1),
    }


def _spread(count: int, most: int) -> list[int]:
    return sorted({int((n + 0.5) * count / min(count, most)) for n in range(min(count, most))})


if __name__ == "__main__":
    sys.exit(main())
