"""Paragraphs and tables of PowerPoint shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from docalign.ingest.readers.flow import Item

__all__ = ["paragraph_items", "shape_text", "table_item"]

_BREAK: Final = "\x0b"


def paragraph_items(shape: Any, *, title: bool, body: bool) -> Iterator[Item]:
    """A title is one heading. Elsewhere bulleted, numbered and indented paragraphs are list items, as are all
    paragraphs of a placeholder for body text that has several."""
    paragraphs = [p for p in shape.text_frame.paragraphs if _text(p).strip()]
    if title:
        yield Item("heading", " ".join(_text(p).replace("\n", " ") for p in paragraphs), level=1)
        return
    numbers: dict[int, int] = {}
    for paragraph in paragraphs:
        text, depth = _text(paragraph), int(paragraph.level)
        mark = _mark(paragraph, inherits=body and len(paragraphs) > 1)
        for deeper in [d for d in numbers if d > depth or (d == depth and mark != "number")]:
            del numbers[deeper]
        if mark == "number":
            numbers[depth] = numbers.get(depth, _first(paragraph) - 1) + 1
            yield Item("list_item", f"{numbers[depth]}. {text}", depth=depth + 1)
        elif mark == "bullet":
            yield Item("list_item", f"• {text}", depth=depth + 1)
        else:
            yield Item("paragraph", text, bold=_is_bold(paragraph))


def shape_text(shape: Any) -> str:
    """All text of a shape, for what is set aside."""
    if shape.has_text_frame:
        return "\n".join(_text(p) for p in shape.text_frame.paragraphs)
    if getattr(shape, "has_table", False) and shape.has_table:
        return "\n".join(" ".join(cell.text for cell in row.cells) for row in shape.table.rows)
    return ""


def table_item(table: Any) -> Item:
    """The table; a merged cell has its text where it begins."""
    rows = [["" if cell.is_spanned else cell.text.replace(_BREAK, "\n") for cell in row.cells] for row in table.rows]
    return Item("table", rows=rows, header_rows=int(bool(table.first_row) and len(rows) > 1))


def _text(paragraph: Any) -> str:
    """Its text with fields and formulas; a line break is a line break."""
    parts: list[str] = []
    for element in paragraph._p.iter():
        name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
        if name == "t":
            parts.append(element.text or "")
        elif name == "br":
            parts.append("\n")
    return "".join(parts)


def _mark(paragraph: Any, *, inherits: bool) -> str | None:
    properties = paragraph._p.pPr
    names = set() if properties is None else {child.tag.rpartition("}")[2] for child in properties}
    if "buAutoNum" in names:
        return "number"
    if names & {"buChar", "buBlip"}:
        return "bullet"
    if "buNone" in names:
        return None
    return "bullet" if inherits or paragraph.level else None


def _first(paragraph: Any) -> int:
    starts = paragraph._p.xpath("./a:pPr/a:buAutoNum/@startAt")
    return int(starts[0]) if starts and starts[0].isdigit() else 1


def _is_bold(paragraph: Any) -> bool:
    runs = [run for run in paragraph.runs if run.text.strip()]
    return bool(runs) and all(run.font.bold for run in runs)
