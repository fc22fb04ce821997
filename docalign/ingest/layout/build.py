"""Pages to a Document: the order of the steps, and the joints between pages.

`build_document` is a pure function of the extracted pages, the same for digital text and OCR: set furniture aside,
find columns, group rows to blocks, join what a column or page break cut, mark headings, write the text. Each step
lives in its own module; this one only strings them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docalign.document import Document, Dropped, Leftover, Page
from docalign.ingest.layout.assemble import assemble
from docalign.ingest.layout.blocks import Draft, group, measure
from docalign.ingest.layout.captions import tie_captions
from docalign.ingest.layout.columns import reading_order
from docalign.ingest.layout.continuation import join_breaks
from docalign.ingest.layout.direction import with_direction
from docalign.ingest.layout.footnotes import Stream, is_ended, opens_note, part_notes
from docalign.ingest.layout.frame import from_reading, union
from docalign.ingest.layout.furniture import find_furniture, is_sideways
from docalign.ingest.layout.headings import mark_headings
from docalign.ingest.layout.initials import with_initials
from docalign.ingest.layout.line_numbers import part_line_numbers
from docalign.ingest.layout.lists import set_depths
from docalign.ingest.layout.outline import tell_headings
from docalign.ingest.layout.rows import Item, Row, Sheet, make_sheet, merge_rows
from docalign.ingest.layout.tagged import with_artifacts
from docalign.ingest.tables.joins import join_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from docalign.ingest.layout.blocks import Style
    from docalign.ingest.page import OutlineEntry, PageContent

__all__ = ["build_document"]


def build_document(
    pages: Sequence[PageContent], *, source: str, sha256: str, outline: Sequence[OutlineEntry] = ()
) -> Document:
    """The document of `pages`, in the order given; page numbers must be distinct. `outline` is the file's own.

    Never raises on any content of the pages. Every non-space character of the pages' lines and tables is, after NFKC,
    in the text, the furniture or `dropped`; invisible text is carried over.
    """
    pages = [with_direction(page) for page in pages]
    sheets, line_numbers = part_line_numbers([make_sheet(page) for page in pages])
    sheets = [with_initials(sheet) for sheet in sheets]
    found = with_artifacts(sheets, find_furniture(sheets))
    furniture = [[*rows, *numbers] for rows, numbers in zip(found, line_numbers, strict=True)]
    columns = [_streams(sheet, rows) for sheet, rows in zip(sheets, furniture, strict=True)]
    style = measure([stream for streams in columns for stream in streams])
    streams = _with_notes(sheets, columns, style)
    groups = [_group(stream, column, style) for column, stream in enumerate(streams)]
    drafts, repeated = join_tables(join_breaks(groups, style))
    drafts = tell_headings(drafts, outline, style, {sheet.page.number: sheet.height for sheet in sheets})
    mark_headings(drafts, style)
    set_depths(drafts)
    assembly = assemble(drafts, style, {page.number: page for page in pages})
    dropped = [Dropped(page.number, text, reason) for page in pages for text, reason in page.dropped]
    return Document(
        source=source,
        sha256=sha256,
        text=assembly.text,
        blocks=tie_captions(assembly.blocks, assembly.text),
        pages=tuple(_page(p) for p in pages),
        furniture=(
            *(f for sheet, rows in zip(sheets, furniture, strict=True) for f in _furniture(sheet, rows)),
            *repeated,
        ),
        invisible=tuple(
            Leftover(p.number, line.text, line.box) for p in pages for line in p.invisible if line.text.strip()
        ),
        dropped=tuple(sorted([*dropped, *assembly.dropped], key=lambda d: d.page or 0)),
        warnings=tuple(_warnings(pages)),
    ).check()


def _page(page: PageContent) -> Page:
    kind = None if page.error else page.kind  # nobody knows what a page that could not be read is
    return Page(page.number, page.width, page.height, page.ocr, page.confidence, kind, page.engine, page.rotation)


def _streams(sheet: Sheet, furniture: Sequence[Row]) -> list[list[Item]]:
    """The page's columns in reading order; sideways text last, each line a stream of its own."""
    aside = set(map(id, furniture))
    rows = [r for r in sheet.rows if id(r) not in aside]
    across = [r for r in rows if not is_sideways(r)]
    streams = reading_order([*across, *sheet.tables])
    streams.extend([r] for r in rows if is_sideways(r))
    return streams


def _with_notes(sheets: Sequence[Sheet], columns: Sequence[Sequence[list[Item]]], style: Style) -> list[Stream]:
    streams: list[Stream] = []
    for sheet, found in zip(sheets, columns, strict=True):
        last = next((s for s in reversed(streams) if s.note), None)
        unfinished = last is not None and last.items[-1].page == sheet.page.number - 1 and not is_ended(last.items)
        streams.extend(part_notes(found, sheet, style.body, unfinished=unfinished))
    return streams


def _group(stream: Stream, column: int, style: Style) -> list[Draft]:
    drafts = group(stream.items, column, style)
    for index, draft in enumerate(drafts if stream.note else ()):
        draft.note = True
        if draft.rows and opens_note(draft.rows[0], first=index == 0):
            draft.kind = "paragraph"
    return drafts


def _furniture(sheet: Sheet, rows: Sequence[Row]) -> Iterator[Leftover]:
    page = sheet.page
    flat = [r for r in rows if not is_sideways(r)]
    for row in [*merge_rows(flat), *(r for r in rows if is_sideways(r))]:
        box = union(w.box for w in row.words)
        yield Leftover(page.number, row.text, from_reading(box, page))


def _warnings(pages: Sequence[PageContent]) -> Iterator[str]:
    for page in pages:
        yield from (f"page {page.number}: {warning}" for warning in page.warnings)
        if page.error:
            yield f"page {page.number}: {page.error}"
