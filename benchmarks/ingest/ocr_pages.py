"""Pages whose text is known: rendered prose, clean or damaged as by a scanner, and scans that people transcribed."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

__all__ = ["CONDITIONS", "KNOWN_ORDER", "KnownPage", "rendered_pages", "transcribed_scans"]

CONDITIONS = ("clean", "light", "medium", "heavy")
KNOWN_ORDER = ("singlecol_01", "filing_01", "deposition_02")
"""Scans whose transcript has the reading order; those of tables and columns go by another one."""
_SOURCES = ("openstax", "peps", "plos")
_KINDS = ("heading", "paragraph", "list_item")
_LATIN = re.compile(r"[\x20-\xff‘’“”–—…]+$")
_ENOUGH = 9_000
"""Characters a document must have, for its second page to be full."""
_MOST_BLOCKS = 60
_FONTS = (
    ("Libertinus Serif",),
    ("New Computer Modern",),
    ("Liberation Serif", "Libertinus Serif"),
    ("Liberation Sans", "New Computer Modern"),
    ("DejaVu Serif", "Libertinus Serif"),
    ("DejaVu Sans", "New Computer Modern"),
)


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page image in a file, and its true lines from top to bottom; jumbled where `known_order` is false."""

    name: str
    condition: str
    path: Path
    lines: tuple[str, ...]
    known_order: bool = True


def rendered_pages(data: Path, scratch: Path, *, pages: int, conditions: tuple[str, ...]) -> Iterator[KnownPage]:
    """The second page of `pages` documents in one column, fonts in turn, under every condition; 200 dpi.

    `clean` is the rendering itself; the others are the strengths of `docalign.train.scan`, which states their ranges.
    """
    import cv2

    from docalign.train.render import look_for, render_pdf
    from docalign.train.scan import page_pixels, scan_page

    for number, blocks in enumerate(islice(_prose(data), pages)):
        look = replace(look_for(number), columns=1, font=_FONTS[number % len(_FONTS)], size_pt=10 + number % 5 / 2)
        pdf = render_pdf(blocks, head=f"Page set {number}", look=look)
        pixels = list(page_pixels(pdf))[1]
        lines = _printed_lines(pdf, 1)
        for condition in conditions:
            if condition == "clean":
                image = cv2.imencode(".png", pixels)[1].tobytes()
            else:
                image = scan_page(pixels, seed=number, strength=condition)  # type: ignore[arg-type]
            path = scratch / f"{condition}-{number}.{'png' if condition == 'clean' else 'jpg'}"
            path.write_bytes(image)
            yield KnownPage(f"{condition}/{number} {look.font[0]} {look.size_pt:g} pt", condition, path, lines)


def _prose(data: Path) -> Iterator[list[dict[str, Any]]]:
    """Headings, paragraphs and list items in Latin letters, of one document after the other, sources in turn."""
    with ExitStack() as stack:
        paths = [data / "corpora" / "dev" / f"{source}.jsonl.xz" for source in _SOURCES]
        opened = [stack.enter_context(lzma.open(path, "rt", encoding="utf-8")) for path in paths]
        for line in (line for lines in zip(*opened, strict=False) for line in lines):
            blocks = [b for b in json.loads(line)["blocks"] if b["kind"] in _KINDS and _LATIN.match(b["text"])]
            if sum(len(b["text"]) for b in blocks) >= _ENOUGH:
                yield blocks[:_MOST_BLOCKS]


def _printed_lines(pdf: bytes, index: int) -> tuple[str, ...]:
    """The lines of a digital page, top to bottom, as printed (hyphens at line ends stay)."""
    import pypdfium2 as pdfium

    from docalign.ingest.pdf.text import extract_page

    document = pdfium.PdfDocument(pdf)
    try:
        found = extract_page(document, index).lines
    finally:
        document.close()
    # A printed line may come in parts (a list marker and its text): same baseline, left to right.
    ordered = sorted(found, key=lambda line: (round(line.box[3] / 4), line.box[0]))
    return tuple(line.text for line in ordered)


def transcribed_scans(data: Path) -> Iterator[KnownPage]:
    """The scans with human transcripts."""
    for path in sorted((data / "pdfs" / "scans").glob("*.png")):
        lines = tuple(path.with_suffix(".txt").read_text("utf-8").splitlines())
        yield KnownPage(path.stem, "transcribed", path, lines, path.stem in KNOWN_ORDER)
