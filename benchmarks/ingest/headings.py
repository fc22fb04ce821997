"""Headings and their levels: on real PDFs against their outlines, and on typeset documents with full truth.

Part `outlines` (PDFs with outlines under DOCALIGN_DATA/pdfs; outline and tags are hidden from the reader):

* `recall`: the share of outline entries whose title is the text of a heading on the entry's page or the next. Compared
  are letters and digits only, with and without section number (`2.1`, `Appendix B`); an entry of 48 characters or more
  may be cut off. Entries that are no headings in print (captions, beginnings of paragraphs) count as missed.
* `level, strict`: of the entries found, those whose level is the outline's; `level, shifted`: after adding the constant
  that suits the document best (an outline may or may not count the title); `level, steps`: of neighbouring entries
  found, those of which the second is deeper, level or shallower than the first in both.
* `told`: the same with outline and tags in use.
* `scans`: recall on pages with entries, rendered at 200 dpi and read by OCR; a fifth of a title's letters may differ.

Part `renders` (nothing outside the repository): precision, recall and F1 of headings on typeset documents, digital and
as images (the first `--render-pages` pages), and the levels of those found.

    python benchmarks/ingest/headings.py [--part outlines|renders] [--scan-pages 40] [--render-pages 2] [--out h.json]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import pypdfium2 as pdfium
import typst
from heading_styles import STYLES, make

from docalign.document import Block, Document
from docalign.ingest.layout.build import build_document
from docalign.ingest.ocr.engine import choose_engine
from docalign.ingest.ocr.reading import read_image, to_content
from docalign.ingest.options import IngestOptions
from docalign.ingest.page import PageContent
from docalign.ingest.pdf.reader import PdfReader
from docalign.ingest.pdf.text import extract_page

_DPI: Final = 200
_CUT: Final = 48
_LIKENESS: Final = 0.8
_NUMBERS: Final = (
    re.compile(r"^\s*(?:(?:chapter|section|appendix|part|annex|article)\s+)?[A-Z]?\d+(?:\.\d+)*[.:)]*\s*", re.I),
    re.compile(r"^\s*(?:chapter|section|appendix|part|annex|article)\s+(?:[A-Z]|[IVXLC]+)\b[.:)]*\s*", re.I),
    re.compile(r"^\s*(?:[A-Z](?:\.\d+)*|[IVXLC]+)[.:)]*\s+"),
)
Entry = dict[str, Any]


def letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def forms(text: str) -> set[str]:
    """A title as it is compared: letters and digits, with its section number and without."""
    return {form for form in (letters(text), *(letters(n.sub("", text, count=1)) for n in _NUMBERS)) if form}


def same(title: str, heading: str, *, fuzzy: bool) -> bool:
    wanted, found = forms(title), forms(heading)
    if wanted & found or (len(title) >= _CUT and any(h.startswith(t) for h in found for t in wanted)):
        return True
    return fuzzy and any(
        SequenceMatcher(None, t, h[: len(t) + 3] if len(title) >= _CUT else h, autojunk=False).ratio() >= _LIKENESS
        for t in wanted
        for h in found
    )


def found_entries(document: Document, entries: Sequence[Entry], *, fuzzy: bool = False) -> list[tuple[Entry, Block]]:
    """The outline entries that are headings; each heading answers one entry."""
    by_page: defaultdict[int | None, list[Block]] = defaultdict(list)
    for block in document.blocks:
        if block.kind == "heading":
            by_page[block.page].append(block)
    taken: set[int] = set()
    pairs = []
    for entry in entries:
        for block in (*by_page[entry["page"]], *by_page[entry["page"] + 1]):
            if block.id not in taken and same(entry["title"], document.block_text(block), fuzzy=fuzzy):
                taken.add(block.id)
                pairs.append((entry, block))
                break
    return pairs


def levels_of(pairs: Sequence[tuple[int, int]]) -> dict[str, int]:
    """Of (true, found) levels: how many agree, agree after the best shift, and step alike from one to the next."""
    shifts = Counter(found - true for true, found in pairs)

    def step(a: int, b: int) -> int:
        return (b > a) - (b < a)

    steps = [step(a[0], b[0]) == step(a[1], b[1]) for a, b in pairwise(pairs)]
    return {
        "found": len(pairs),
        "strict": shifts[0],
        "shifted": max(shifts.values(), default=0),
        "steps": sum(steps),
        "steps of": len(steps),
    }


def shares(counts: dict[str, int], entries: int) -> dict[str, float]:
    found = max(1, counts["found"])
    return {
        "entries": entries,
        "recall": round(counts["found"] / max(1, entries), 4),
        "level, strict": round(counts["strict"] / found, 4),
        "level, shifted": round(counts["shifted"] / found, 4),
        "level, steps": round(counts["steps"] / max(1, counts["steps of"]), 4),
    }


def read_outlined(path: str) -> dict[str, Any]:
    """One PDF read twice from one extraction: outline and tags hidden, and in use."""
    entries = json.loads(Path(path.removesuffix(".pdf") + ".outline.json").read_text("utf-8"))
    reader = PdfReader(path, IngestOptions(ocr="never"))
    pages = [reader.page(index) for index in range(reader.pages)]
    outline = reader.outline
    reader.close()
    bare = [replace(p, lines=tuple(replace(line, role=None) for line in p.lines)) for p in pages]
    result: dict[str, Any] = {"entries": len(entries), "pages": len(pages)}
    for name, content, told in (("hidden", bare, ()), ("told", pages, outline)):
        document = build_document(content, source=path, sha256="0", outline=told)
        pairs = found_entries(document, entries)
        result[name] = levels_of([(e["level"], b.level or 0) for e, b in pairs])
        result[name]["headings"] = sum(b.kind == "heading" for b in document.blocks)
    return result


def scan_of(pdf: pdfium.PdfDocument, index: int) -> PageContent:
    """A page as a clean image, read by the engine of this machine."""
    page = pdf[index]
    image = page.render(scale=_DPI / 72, grayscale=True).to_pil().convert("L")
    width, height = page.get_size()
    page.close()
    reading = read_image(choose_engine("eng"), image, dpi=_DPI)
    return to_content(reading, number=index + 1, width=width, height=height, rotation=0, pixels=image.size)


def read_scanned(path: str, numbers: list[int]) -> dict[str, Any]:
    """The pages `numbers` of one PDF as a scanned document of their own."""
    entries = json.loads(Path(path.removesuffix(".pdf") + ".outline.json").read_text("utf-8"))
    pdf = pdfium.PdfDocument(path)
    contents = [scan_of(pdf, number - 1) for number in numbers]
    document = build_document(contents, source=path, sha256="0")
    wanted = [e for e in entries if e["page"] in numbers]
    pairs = found_entries(document, wanted, fuzzy=True)
    return {"entries": len(wanted), **levels_of([(e["level"], b.level or 0) for e, b in pairs])}


def sample(paths: Sequence[str], pages: int) -> dict[str, list[int]]:
    """About `pages` pages that have entries, drawn evenly from the files by hash."""
    chosen = {}
    for place, path in enumerate(paths):
        entries = json.loads(Path(path.removesuffix(".pdf") + ".outline.json").read_text("utf-8"))
        with_entries = sorted(
            {e["page"] for e in entries}, key=lambda p: hashlib.sha256(f"{Path(path).name}:{p}".encode()).hexdigest()
        )
        share = pages // len(paths) + (place < pages % len(paths))
        chosen[path] = sorted(with_entries[:share])
    return {path: numbers for path, numbers in chosen.items() if numbers}


def outlines(pool: ProcessPoolExecutor, *, scan_pages: int) -> dict[str, Any]:
    data = os.environ.get("DOCALIGN_DATA")
    if not data:
        return {"not run": "DOCALIGN_DATA names no directory with pdfs/."}
    paths = sorted(str(p).replace(".outline.json", ".pdf") for p in Path(data, "pdfs").rglob("*.outline.json"))
    results: dict[str, Any] = {"files": {}}
    total = {way: Counter[str]() for way in ("hidden", "told", "scans")}
    entries: Counter[str] = Counter()
    for path, read in zip(paths, pool.map(read_outlined, paths), strict=True):
        name = Path(path).name
        results["files"][name] = {way: shares(read[way], read["entries"]) for way in ("hidden", "told")}
        results["files"][name]["headings"] = read["hidden"]["headings"]
        for way in ("hidden", "told"):
            total[way].update({k: v for k, v in read[way].items() if k != "headings"})
            entries[way] += read["entries"]
        _show(name, results["files"][name]["hidden"])
    chosen = sample(paths, scan_pages) if scan_pages else {}
    for _, read in zip(chosen, pool.map(read_scanned, chosen, chosen.values()), strict=True):
        entries["scans"] += read.pop("entries")
        total["scans"].update(read)
    for way in ("hidden", "told", "scans"):
        if entries[way]:
            results[way] = shares(total[way], entries[way])
            _show(f"all, {way}", results[way])
    rates = [f["hidden"] for f in results["files"].values()]
    results["hidden, mean of files"] = {
        k: round(sum(r[k] for r in rates) / len(rates), 4) for k in ("recall", "level, strict", "level, shifted")
    }
    results["scanned pages"] = sum(map(len, chosen.values()))
    return results


def read_render(name: str, seed: int, scan_pages: int) -> dict[str, Any]:
    """One typeset document, digital and (its first pages) scanned, against its truth."""
    made = make(name, seed)
    pdf = pdfium.PdfDocument(typst.compile(made.source.encode()))
    digital = build_document([extract_page(pdf, i) for i in range(len(pdf))], source=name, sha256="0")
    result = {"digital": against_truth(digital, made.headings, fuzzy=False)}
    if scan_pages:
        count = min(scan_pages, len(pdf))
        there = letters(" ".join(pdf[i].get_textpage().get_text_bounded() for i in range(count)))
        truth = [(t, level) for t, level in made.headings if letters(t) in there]
        scanned = build_document([scan_of(pdf, i) for i in range(count)], source=name, sha256="0")
        result["scan"] = against_truth(scanned, truth, fuzzy=True)
    return result


def against_truth(document: Document, truth: Sequence[tuple[str, int]], *, fuzzy: bool) -> dict[str, int]:
    headings = [b for b in document.blocks if b.kind == "heading"]
    left = list(headings)
    pairs = []
    for text, level in truth:
        match = next((b for b in left if same(text, document.block_text(b), fuzzy=fuzzy)), None)
        if match is not None:
            left.remove(match)
            pairs.append((level, match.level or 0))
    counts = levels_of(pairs)
    return {**counts, "matched": len(pairs), "true": len(truth), "called": len(headings)}


def renders(pool: ProcessPoolExecutor, *, seeds: int, scan_pages: int) -> dict[str, Any]:
    jobs = [(name, seed, scan_pages if seed == 0 else 0) for name in STYLES for seed in range(seeds)]
    results: dict[str, Any] = {"digital": {}, "scan": {}}
    sums: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (name, _, _), read in zip(jobs, pool.map(read_render, *zip(*jobs, strict=True)), strict=True):
        for way, counts in read.items():
            sums[way, name].update(counts)
            sums[way, "all"].update(counts)
    for (way, name), counts in sums.items():
        precision, recall = counts["matched"] / max(1, counts["called"]), counts["matched"] / max(1, counts["true"])
        results[way][name] = {
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "f1": round(2 * precision * recall / max(1e-9, precision + recall), 4),
            "level, strict": round(counts["strict"] / max(1, counts["found"]), 4),
            "level, shifted": round(counts["shifted"] / max(1, counts["found"]), 4),
        }
        _show(f"{way}, {name}", results[way][name])
    return results


def _show(name: str, numbers: dict[str, float]) -> None:
    print(f"{name[:52]:54}" + "  ".join(f"{k} {v:g}" for k, v in numbers.items()), file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Headings and levels against outlines and on typeset documents.")
    parser.add_argument("--part", choices=("outlines", "renders", "all"), default="all")
    parser.add_argument("--scan-pages", type=int, default=40, help="pages of the PDFs that are read as images too")
    parser.add_argument("--render-pages", type=int, default=2, help="pages of a typeset document read as images too")
    parser.add_argument("--seeds", type=int, default=4, help="typeset documents of each style")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.environ["OMP_THREAD_LIMIT"] = "1"
    results: dict[str, Any] = {}
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        if options.part in ("outlines", "all"):
            results["outlines"] = outlines(pool, scan_pages=options.scan_pages)
        if options.part in ("renders", "all"):
            results["renders"] = renders(pool, seeds=options.seeds, scan_pages=options.render_pages)
    text = json.dumps(results, indent=1)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
