"""Render the blocks of a structured text as a PDF, so that training meets blocks as ingestion finds them.

One typst template, many looks: `look_for(seed)` draws columns, font, sizes, heading style, running head. Block texts
travel to the template as JSON data, never as markup, so no text can break it or reach the file system.

It does not degrade pages (`scan.py`), read them back, or carry labels over (`align.py`, `rendered.py`).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

__all__ = ["Look", "look_for", "printed_blocks", "render_pdf"]

_MARKER: Final = re.compile(r"^(\(?[0-9]{1,3}[.)]|\(?[a-zA-Z]{1,2}[.)]|\(?[ivxIVX]{1,6}[.)]|\[[0-9]+\])\s")
_NUMBERED: Final = re.compile(
    r"^(§|[0-9]+[.)]?\s|[0-9]+\.[0-9]|[IVX]+\.\s|(section|chapter|part|article|appendix)\b)", re.I
)
_FONTS: Final = (
    ("Libertinus Serif",),
    ("New Computer Modern",),
    ("Liberation Serif", "Libertinus Serif"),
    ("Liberation Sans", "New Computer Modern"),
    ("DejaVu Serif", "Libertinus Serif"),
    ("DejaVu Sans", "New Computer Modern"),
)
_SCALES: Final = ((1.7, 1.35, 1.15, 1.0), (1.5, 1.2, 1.05, 1.0), (2.0, 1.4, 1.2, 1.1), (1.3, 1.0, 1.0, 1.0))


@dataclass(frozen=True, slots=True)
class Look:
    """How a rendered document looks. Sizes in points; `scales` are heading sizes per level relative to the body."""

    paper: str
    columns: int
    font: tuple[str, ...]
    size_pt: float
    margin_pt: float
    leading_em: float
    justify: bool
    indent: bool
    scales: tuple[float, ...]
    bold_until: int
    """Headings down to this level are bold, deeper ones italic."""
    caps: bool
    centred: bool
    numbered: bool
    bullet: str
    grid: bool
    columns_max: int
    """Tables wider than this are printed as lines of text."""
    caption_italic: bool
    mark_at: str
    page_mark: str
    head_rule: bool
    head_italic: bool


def look_for(seed: int) -> Look:
    """The look that belongs to a seed; about a third have two columns, half number their headings."""
    draw = random.Random(f"look {seed}")
    columns = 2 if draw.random() < 0.35 else 1
    return Look(
        paper=draw.choice(("a4", "us-letter")),
        columns=columns,
        font=draw.choice(_FONTS),
        size_pt=draw.choice((8.5, 9.0, 9.5, 10.0) if columns == 2 else (9.5, 10.0, 11.0, 12.0)),
        margin_pt=draw.choice((48.0, 56.0) if columns == 2 else (62.0, 76.0, 96.0)),
        leading_em=draw.choice((0.5, 0.6, 0.7, 0.85)),
        justify=draw.random() < 0.6,
        indent=draw.random() < 0.3,
        scales=draw.choice(_SCALES),
        bold_until=draw.choice((2, 3, 6, 6)),
        caps=draw.random() < 0.15,
        centred=draw.random() < 0.25,
        numbered=draw.random() < 0.5,
        bullet=draw.choice(("•", "–", "•", "‣")),
        grid=draw.random() < 0.7,
        columns_max=4 if columns == 2 else 8,
        caption_italic=draw.random() < 0.5,
        mark_at=draw.choice(("head", "foot", "foot")),
        page_mark=draw.choice(("plain", "plain", "of", "dashes")),
        head_rule=draw.random() < 0.4,
        head_italic=draw.random() < 0.5,
    )


def printed_blocks(blocks: Iterable[Mapping[str, Any]], look: Look) -> list[dict[str, Any]]:
    """Blocks as the template takes them: headings numbered, table rows and cells apart, list markers recognised.

    Args:
        blocks: `kind`, `level`, `text` each, in reading order; kinds as in a Document, or `utterance`.
    """
    counters = [0] * 6
    printed: list[dict[str, Any]] = []
    for block in blocks:
        kind, text = str(block["kind"]), _printable(str(block["text"]))
        entry: dict[str, Any] = {"kind": kind, "text": text}
        if kind == "heading":
            entry["level"] = min(max(int(block.get("level") or 1), 1), 6)
            if look.numbered and entry["level"] > 1:
                entry["text"] = _numbered(text, entry["level"], counters)
        elif kind == "list_item":
            entry["marked"] = bool(_MARKER.match(text))
        elif kind == "table":
            entry["rows"] = [row.split(" | ") for row in text.split("\n") if row.strip()] or [[text]]
        printed.append(entry)
    return printed


def render_pdf(blocks: Iterable[Mapping[str, Any]], *, head: str, look: Look) -> bytes:
    """The PDF of a document, the same bytes for the same arguments and fonts.

    Args:
        blocks: as for `printed_blocks`.
        head: text of the running head, on every page.
    """
    import typst

    data = {"look": asdict(look), "head": _printable(head)[:70], "blocks": printed_blocks(blocks, look)}
    pdf = typst.compile(
        _template(),
        format="pdf",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        timestamp=0,
        pdf_tags=False,
        font_paths=_fonts(),
    )
    if not isinstance(pdf, bytes):
        raise TypeError(f"typst returned {type(pdf).__name__} instead of the bytes of one PDF")
    return pdf


def _numbered(text: str, level: int, counters: list[int]) -> str:
    """The heading with its number (`2.1 Sample`), the title (level 1) and already numbered ones left alone."""
    if _NUMBERED.match(text):
        return text
    depth = level - 2
    counters[depth] += 1
    counters[depth + 1 :] = [0] * (len(counters) - depth - 1)
    return ".".join(str(max(n, 1)) for n in counters[: depth + 1]) + " " + text


def _printable(text: str) -> str:
    """Without characters that JSON or a PDF cannot carry: controls other than line ends, lone surrogates."""
    return "".join(c for c in text if c in "\n\t" or (c >= " " and not "\ud800" <= c <= "\udfff" and c != "\x7f"))


@cache
def _template() -> bytes:
    return (files("docalign.train") / "templates" / "plain.typ").read_bytes()


@cache
def _fonts() -> Any:
    import typst

    return typst.Fonts(include_system_fonts=True)
