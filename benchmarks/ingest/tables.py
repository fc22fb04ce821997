"""Tables: cell F1 on rendered tables with known cells, header rows found, and tables invented on prose pages.

    [DOCALIGN_DATA=…] python benchmarks/ingest/tables.py [--seeds N] [--scans N] [--only NAME …] [--out FILE]

What a cell counts as is written in `cell_scores.py`, what is rendered in `table_pages.py`, which pages are prose in
`prose_pages.py`. F1 is per table, then averaged over a variant, then over the variants. With `--scans N` the first N
seeds of every ruled variant are also read as page images at 200 dpi.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

from cell_scores import adjacency_counts, cell_counts, f1, rows_of, tables_of
from prose_pages import prose_documents
from table_pages import BORDERLESS, RULED, Sample, render

from docalign.document import Document
from docalign.ingest import IngestOptions, ingest


def main() -> None:
    """Measure, print, and write the report where asked."""
    arguments = _arguments()
    report: dict[str, Any] = {"schema": "docalign.benchmark/1"}
    with tempfile.TemporaryDirectory(prefix="docalign-bench-") as folder:
        scratch = Path(folder)
        for name, variants in (("ruled", RULED), ("borderless", BORDERLESS)):
            chosen = [v for v in variants if not arguments.only or v in arguments.only]
            if chosen and arguments.seeds:
                report[name] = _variants(chosen, range(arguments.seeds), scratch, scan=False)
        chosen = [v for v in RULED if not arguments.only or v in arguments.only]
        if chosen and arguments.scans:
            report["ruled, scanned"] = _variants(chosen, range(arguments.scans), scratch, scan=True)
        if not arguments.only:
            report["prose"] = _prose(scratch)
    print(_text(report))
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6, help="tables of every variant")
    parser.add_argument("--scans", type=int, default=0, help="tables of every ruled variant to read as scans")
    parser.add_argument("--only", nargs="*", default=[], help="names of variants")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _variants(names: list[str], seeds: range, scratch: Path, *, scan: bool) -> dict[str, Any]:
    rows = {}
    for name in names:
        scores = [_score(sample, _read(sample, scratch, scan=scan)) for sample in (render(name, s) for s in seeds)]
        rows[name] = {key: round(fmean(s[key] for s in scores), 4) for key in scores[0]}
        print(f"{name}: {rows[name]}", file=sys.stderr, flush=True)
    mean = {key: round(fmean(r[key] for r in rows.values()), 4) for key in next(iter(rows.values()))}
    return {"mean": mean, "variants": rows}


def _read(sample: Sample, scratch: Path, *, scan: bool) -> Document:
    if not scan:
        (path := scratch / "table.pdf").write_bytes(sample.pdf)
        return ingest(path, options=IngestOptions(ocr="never"))
    import pypdfium2 as pdfium

    pages = [page.render(scale=200 / 72, grayscale=True).to_pil() for page in pdfium.PdfDocument(sample.pdf)]
    path = scratch / "table.tiff"
    pages[0].save(path, save_all=True, append_images=pages[1:], dpi=(200, 200))
    return ingest(path, options=IngestOptions())


def _score(sample: Sample, document: Document) -> dict[str, float]:
    truth, found = rows_of(sample.cells), tables_of(document)
    tables = [b for b in document.blocks if b.kind == "table"]
    return {
        "cell_f1": f1(*cell_counts(truth, found)),
        "adjacency_f1": f1(*adjacency_counts(truth, found)),
        "found": float(bool(tables)),
        "one_block": float(len(tables) == 1),
        "header_right": float(bool(tables) and all(b.header_rows == sample.header_rows for b in tables)),
    }


def _prose(scratch: Path) -> dict[str, Any]:
    pages, invented = 0, []
    for name, document in prose_documents(scratch):
        pages += len(document.pages)
        invented += [
            f"{name}, page {b.page}: {document.block_text(b)[:60]!r}" for b in document.blocks if b.kind == "table"
        ]
    return {"pages": pages, "invented": len(invented), "where": invented}


def _text(report: dict[str, Any]) -> str:
    lines = []
    for name, part in report.items():
        if isinstance(part, dict) and "variants" in part:
            lines += [f"{name}: {part['mean']}", *(f"  {k:42} {v}" for k, v in part["variants"].items())]
        elif isinstance(part, dict):
            lines += [f"{name}: {part['pages']} pages, {part['invented']} tables invented", *part["where"]]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
