"""Reading order and words: how much of known text comes out in its order, with its words whole.

For every typeset case (`order_pages`), read as a digital PDF and, for `--scan-pages` of it, as an image at 200 dpi:

* `order`: the share of the body's word trigrams (within paragraphs) that are found in one piece and in the true order,
  i.e. the longest increasing run of their places in the document's text;
* `asides`: the share of the trigrams of footnotes, captions and sidebars found in one piece, anywhere;
* `glued_or_split`: the share of words that are missing because two stand together or one stands in two;
* `missing`: the share of words missing for any reason (on scans, reading errors too).

Words are letters only, so reference numbers behind a word do not count. Nothing outside the repository is read.

    python benchmarks/ingest/reading_order.py [--out order.json] [--scan-pages 2] [--only NAME]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pypdfium2 as pdfium
import typst
from order_pages import CASES, Case, make

from docalign.document import Document
from docalign.ingest.layout.build import build_document
from docalign.ingest.ocr.engine import choose_engine
from docalign.ingest.ocr.reading import read_image, to_content
from docalign.ingest.page import PageContent
from docalign.ingest.pdf.text import extract_page

_WORD: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_DPI: Final = 200


def words_of(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def trigrams(words: Sequence[str]) -> list[tuple[str, str, str]]:
    return list(zip(words, words[1:], words[2:], strict=False))


def in_order(paragraphs: Sequence[str], found: Sequence[str]) -> tuple[int, int]:
    """Trigrams of `paragraphs` found in order among the words `found`, and how many there are."""
    places: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for index, three in enumerate(trigrams(found)):
        places[three].append(index)
    tails: list[int] = []  # the smallest end of an increasing run of each length
    total = 0
    for paragraph in paragraphs:
        for three in trigrams(words_of(paragraph)):
            total += 1
            for place in reversed(places.get(three, ())):  # falling, so that one trigram lengthens a run once
                at = bisect_left(tails, place)
                tails[at : at + 1] = [place]
    return len(tails), total


def whole(texts: Sequence[str], found: Sequence[str]) -> tuple[int, int]:
    held = Counter(trigrams(found))
    wanted = Counter(three for text in texts for three in trigrams(words_of(text)))
    return (wanted & held).total(), wanted.total()


def glued_or_split(truth: Sequence[str], found: Sequence[str]) -> tuple[int, int]:
    """Words missing from `found` because of a wrong or missing space, and all missing ones."""
    missing, extra = Counter(truth) - Counter(found), Counter(found) - Counter(truth)
    joined = Counter(a + b for a, b in pairwise(truth))
    parts = Counter(a + b for a, b in pairwise(found))
    glued = sum(2 * n for word, n in extra.items() if word in joined)
    split = sum(n for word, n in missing.items() if word in parts)
    return min(glued + split, missing.total()), missing.total()


def score(case: Case, document: Document, paragraphs: Sequence[str], asides: Sequence[str]) -> dict[str, float]:
    found = words_of(document.text)
    everything = found + words_of(" ".join(f.text for f in document.furniture))
    truth = [w for text in (*paragraphs, *asides) for w in words_of(text)]
    order, count = in_order(paragraphs, found)
    kept, of = whole(asides, found)
    bad, missing = glued_or_split(truth, everything)
    return {
        "columns": case.columns,
        "pages": len(document.pages),
        "order": round(order / max(1, count), 4),
        "asides": round(kept / of, 4) if of else 1.0,
        "glued_or_split": round(bad / len(truth), 5),
        "missing": round(missing / len(truth), 5),
    }


def digital(pdf: pdfium.PdfDocument) -> Document:
    return _build([extract_page(pdf, index) for index in range(len(pdf))])


def scanned(pdf: pdfium.PdfDocument, pages: int) -> Document:
    """The first pages as clean images, read by the engine of this machine."""
    engine, contents = choose_engine("eng"), []
    for index in range(min(pages, len(pdf))):
        page = pdf[index]
        image = page.render(scale=_DPI / 72, grayscale=True).to_pil().convert("L")
        width, height = page.get_size()
        reading = read_image(engine, image, dpi=_DPI)
        contents.append(
            to_content(reading, number=index + 1, width=width, height=height, rotation=0, pixels=image.size)
        )
    return _build(contents)


def _build(pages: Sequence[PageContent]) -> Document:
    return build_document(pages, source="made.pdf", sha256="0")


def on_first_pages(case: Case, pdf: pdfium.PdfDocument, pages: int) -> tuple[list[str], list[str]]:
    """The texts of a case that stand wholly on its first pages (their words are in those pages' text layer)."""
    there: Counter[tuple[str, str, str]] = Counter()
    for index in range(min(pages, len(pdf))):
        there += Counter(trigrams(words_of(digital_text(pdf, index))))

    def stands(text: str) -> bool:
        wanted = trigrams(words_of(text))
        return bool(wanted) and sum(three in there for three in wanted) >= 0.6 * len(wanted)

    return [t for t in case.body if stands(t)], [t for t in case.asides if stands(t)]


def digital_text(pdf: pdfium.PdfDocument, index: int) -> str:
    """One page's text by docalign's own digital path (its order does not matter here, only what stands there)."""
    return _build([extract_page(pdf, index)]).text


def measure(*, scan_pages: int, only: str = "") -> dict[str, Any]:
    results: dict[str, Any] = {"digital": {}, "scan": {}}
    for name in CASES:
        if only not in name:
            continue
        case = make(name)
        pdf = pdfium.PdfDocument(typst.compile(case.source.encode()))
        results["digital"][name] = score(case, digital(pdf), case.body, case.asides)
        _show("digital", name, results["digital"][name])
        if scan_pages:
            body, asides = on_first_pages(case, pdf, scan_pages)
            results["scan"][name] = score(case, scanned(pdf, scan_pages), body, asides)
            _show("scan", name, results["scan"][name])
    for way in ("digital", "scan"):
        several = [r for r in results[way].values() if r["columns"] > 1]
        if several:
            results[f"{way}, two and three columns"] = {
                "order, mean": round(sum(r["order"] for r in several) / len(several), 4),
                "order, worst": min(r["order"] for r in several),
                "glued_or_split, mean": round(sum(r["glued_or_split"] for r in several) / len(several), 5),
            }
    return results


def _show(way: str, name: str, result: dict[str, float]) -> None:
    numbers = "  ".join(f"{key} {result[key]:.4f}" for key in ("order", "asides", "glued_or_split", "missing"))
    print(f"{way:8}{name[:56]:58}{result['pages']:3.0f} p  {numbers}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Reading order and whole words on typeset pages with known text.")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--scan-pages", type=int, default=2, help="pages of each case that are read as images too")
    parser.add_argument("--only", default="", help="only cases whose name holds this")
    options = parser.parse_args()
    results = json.dumps(measure(scan_pages=options.scan_pages, only=options.only), indent=1)
    if options.out:
        options.out.write_text(results + "\n", encoding="utf-8")
    else:
        print(results)


if __name__ == "__main__":
    main()
