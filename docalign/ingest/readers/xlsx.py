"""Excel files: each sheet is a heading (its name) and the tables its filled cells make; an empty row parts tables.

Values are shown, not formulas; dates and percentages as their format says. A formula whose result the file does not
hold is shown as it is, with a warning. Hidden sheets and comments are invisible, page headers and footers furniture.
A table whose first row is all text over rows that are not has a header.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.document import Document
from docalign.errors import DamagedInputError, LimitExceededError
from docalign.ingest.readers.archive import Archive, open_archive
from docalign.ingest.readers.extras import library
from docalign.ingest.readers.flow import FlowBuilder, Item
from docalign.ingest.readers.ooxml import A, related, relations

if TYPE_CHECKING:
    from docalign.ingest.options import IngestOptions

__all__ = ["read_xlsx"]

_MAX_CELLS: Final = 5_000_000
"""Cells looked at in one file, empty ones between filled ones included."""
_NO_RESULT: Final = re.compile(
    rb"<(?:\w+:)?f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_FOOT_CODE: Final = re.compile(r"&(?:[LCRPNDTAFZGBIUSEXYH]|\"[^\"]*\"|\d{1,3}|K[0-9A-F]{6})")
_PERCENT: Final = re.compile(r"(?:0(?:\.(0+))?)%")

_Row = tuple[Any, ...]


def read_xlsx(path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:
    """An Excel workbook as a Document.

    Raises:
        UnsupportedFormatError: openpyxl is not installed. DamagedInputError: a broken archive or part.
        LimitExceededError: too many cells, or it would inflate beyond the limits. EmptyInputError: no cell is filled.
    """
    openpyxl = library("openpyxl", package="openpyxl", extra="office", what="Excel files")
    builder = FlowBuilder()
    with open_archive(path, options) as archive:
        archive.check_xml()
        book = _opened(openpyxl, path, values=True)
        parts = _sheet_parts(archive)
        seen = 0
        for sheet in book.worksheets:
            part = parts.get(sheet.title, "")
            rows, seen = _rows(openpyxl, path, archive, sheet, part, builder, seen)
            _add_sheet(builder, sheet, rows)
            _set_aside(archive, part, builder)
        for sheet in book.chartsheets:
            builder.warn(f"the chart sheet {sheet.title!r} has no cells and was left out.")
        book.close()
    if not any(item.kind == "table" for item in builder.items) and all(i.kind == "heading" for i in builder.items):
        builder.items.clear()  # the names of empty sheets alone are no content
    return builder.build(source=source, sha256=sha256)


def _opened(openpyxl: Any, path: str, *, values: bool) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what openpyxl cannot keep when saving does not matter here
            # A file object, because openpyxl judges names by their suffix.
            return openpyxl.load_workbook(
                io.BytesIO(Path(path).read_bytes()), read_only=True, data_only=values, keep_links=False
            )
    except Exception as error:
        raise DamagedInputError(
            f"its Excel structure is broken ({type(error).__name__}: {error}).", remedy="Save it again and retry."
        ) from error


def _sheet_parts(archive: Archive) -> dict[str, str]:
    """Sheet name → its part."""
    workbook = next(iter(related(archive, "", "officeDocument")), "")
    targets = {relation.id: relation.target for relation in relations(archive, workbook)}
    parts = {}
    for element in archive.xml(workbook).iter() if workbook else ():
        if element.tag.endswith("}sheet"):
            key = next((value for name, value in element.items() if name.endswith("}id")), "")
            parts[element.get("name", "")] = targets.get(key, "")
    return {name: part for name, part in parts.items() if part in archive.names}


def _rows(
    openpyxl: Any, path: str, archive: Archive, sheet: Any, part: str, builder: FlowBuilder, seen: int
) -> tuple[list[list[str]], int]:
    """The sheet's rows as shown, empty ones too, and how many cells have been looked at so far."""
    rows: list[list[str]] = []
    for row in _cells(sheet):
        seen += max(1, len(row))
        if seen > _MAX_CELLS:
            raise LimitExceededError(
                f"its sheets span more than {_MAX_CELLS} cells.", remedy="Split the workbook, or clear far-off cells."
            )
        rows.append([_shown(cell) for cell in row])
    if part and _NO_RESULT.search(archive.read(part)):
        count = _fill_formulas(openpyxl, path, sheet.title, rows)
        if count:
            builder.warn(
                f"sheet {sheet.title!r}: {count} formulas have no stored result and are shown as formulas; "
                "save the workbook in a spreadsheet program to store them."
            )
    return rows, seen


def _cells(sheet: Any) -> Iterator[_Row]:
    sheet.reset_dimensions()  # what the file says of its size need not be so
    try:
        yield from sheet.iter_rows()
    except Exception as error:
        raise DamagedInputError(
            f"its sheet {sheet.title!r} is broken ({type(error).__name__}: {error}).", remedy="Save it again and retry."
        ) from error


def _fill_formulas(openpyxl: Any, path: str, title: str, rows: list[list[str]]) -> int:
    book = _opened(openpyxl, path, values=False)
    count = 0
    for row, formulas in zip(rows, _cells(book[title]), strict=False):
        for column, cell in enumerate(formulas):
            if column < len(row) and not row[column] and isinstance(cell.value, str) and cell.value.startswith("="):
                row[column] = cell.value
                count += 1
    book.close()
    return count


def _add_sheet(builder: FlowBuilder, sheet: Any, rows: Sequence[Sequence[str]]) -> None:
    tables = list(_tables(rows))
    if sheet.sheet_state != "visible":
        for table in tables:
            builder.set_aside("invisible", "\n".join(" | ".join(row) for row in [[sheet.title], *table]))
        builder.warn(f"the hidden sheet {sheet.title!r} is kept beside the text.")
        return
    builder.add(Item("heading", sheet.title, level=1))
    for table in tables:
        if len(table) == 1 and sum(map(bool, table[0])) == 1:
            builder.add(Item("paragraph", next(filter(None, table[0]))))
        else:
            builder.add(Item("table", rows=table, header_rows=_header_rows(table)))


def _tables(rows: Sequence[Sequence[str]]) -> Iterator[list[list[str]]]:
    """Runs of rows that are not empty, without the columns that are empty in all of the run."""
    run: list[Sequence[str]] = []
    for row in [*rows, ()]:
        if any(row):
            run.append(row)
        elif run:
            yield _trimmed(run)
            run = []


def _trimmed(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    filled = sorted({column for row in rows for column, text in enumerate(row) if text})
    return [[row[column] if column < len(row) else "" for column in filled] for row in rows]


def _header_rows(rows: Sequence[Sequence[str]]) -> int:
    first, rest = rows[0], rows[1:]
    words = all(text and not _is_number(text) for text in first)
    return int(words and len(first) > 1 and bool(rest))


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?[\d.,]+(?:e[-+]?\d+)?%?|\d{4}-\d\d-\d\d.*", text, re.I))


def _shown(cell: Any) -> str:
    """A cell's value as the sheet shows it, nearly: dates in ISO form, numbers unrounded."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, (int, float)):
        return _number(value, str(getattr(cell, "number_format", "") or ""))
    return str(value)


def _number(value: float, shown_as: str) -> str:
    percent = _PERCENT.fullmatch(shown_as)
    if percent:
        return f"{value * 100:.{len(percent[1] or '')}f}%"
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"


def _set_aside(archive: Archive, part: str, builder: FlowBuilder) -> None:
    """Comments, headers and footers, and text boxes of a sheet."""
    if not part:
        return
    for name in related(archive, part, "comments", "threadedComment"):
        for comment in archive.xml(name).iter():
            if comment.tag.endswith(("}comment", "}threadedComment")):
                texts = [t.text or "" for t in comment.iter() if t.tag.endswith(("}t", "}text"))]
                builder.set_aside("invisible", "".join(texts))
    for name in related(archive, part, "drawing"):
        root = archive.xml(name)
        for shape in (e for e in root.iter() if e.tag.endswith("}txBody")):
            paragraphs = ["".join(t.text or "" for t in p.iter(f"{A}t")) for p in shape.iter(f"{A}p")]
            builder.add(Item("paragraph", "\n".join(paragraphs)))
        for picture in (e for e in root.iter() if e.tag.endswith("}cNvPr")):
            builder.set_aside("invisible", picture.get("descr", ""))
    foot = re.findall(rb"<(?:odd|even|first)(?:Header|Footer)>([^<]*)<", archive.read(part))
    for text in foot:
        builder.set_aside("furniture", _FOOT_CODE.sub(" ", _unescaped(text.decode("utf-8", "replace"))))


def _unescaped(text: str) -> str:
    from html import unescape

    return unescape(text)
