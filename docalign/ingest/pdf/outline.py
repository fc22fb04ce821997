"""The outline (bookmarks) of a PDF: what its author says the headings are, on which page and how deep.

Only reading, bounded: a cycle ends where it closes, what is nested deeper than `_DEEPEST` or comes after `_MOST`
entries is left out. Whether the outline fits the text is judged in `outline`, not here.
"""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING, Final

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from docalign.ingest.page import OutlineEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_outline"]

_DEEPEST: Final = 15
_MOST: Final = 20_000
_LONGEST_BYTES: Final = 4_000


def read_outline(pdf: pdfium.PdfDocument) -> tuple[OutlineEntry, ...]:
    """The entries that have a title and a page of this file, in the outline's order; empty without an outline."""
    # pypdfium2 logs what it cuts off; a hostile outline is no news to the user.
    logging.getLogger("pypdfium2").setLevel(logging.ERROR)
    return tuple(_entries(pdf))


def _entries(pdf: pdfium.PdfDocument) -> Iterator[OutlineEntry]:
    pages = len(pdf)
    for bookmark in islice(pdf.get_toc(max_depth=_DEEPEST), _MOST):
        if raw.FPDFBookmark_GetTitle(bookmark, None, 0) > _LONGEST_BYTES:
            continue
        try:
            title = " ".join(bookmark.get_title().split())
        except UnicodeDecodeError:
            continue
        target = bookmark.get_dest()
        index = target.get_index() if target else None
        if title and target is not None and index is not None and index < pages:
            yield OutlineEntry(title, bookmark.level + 1, index + 1, _height(target))


def _height(target: pdfium.PdfDest) -> float | None:
    """The y coordinate a destination names (PDF coordinates, points upwards), where it names one."""
    mode, place = target.get_view()
    at = {raw.PDFDEST_VIEW_XYZ: 1, raw.PDFDEST_VIEW_FITH: 0, raw.PDFDEST_VIEW_FITBH: 0, raw.PDFDEST_VIEW_FITR: 3}
    index = at.get(mode)
    return float(place[index]) if index is not None and index < len(place) else None
