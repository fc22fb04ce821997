"""The runs of a Word paragraph: its text, and what its runs hold beside text (notes, text boxes, deleted words)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from docalign.ingest.readers.docx_styles import is_bold, is_hidden
from docalign.ingest.readers.ooxml import MC, WP, M, W

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

__all__ = ["Deleted", "NoteReference", "Runs", "children", "read_runs"]

DELETED: Final = frozenset((f"{W}del", f"{W}moveFrom"))
_BREAKS: Final = {
    f"{W}tab": "\t",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "\u2011",
    f"{W}softHyphen": "\u00ad",
    f"{W}ptab": "\t",
}


@dataclass(frozen=True, slots=True)
class NoteReference:
    kind: Literal["footnote", "endnote"]
    id: str


@dataclass(frozen=True, slots=True)
class Deleted:
    text: str
    reason: str


@dataclass(slots=True)
class Runs:
    """`parts` in order: text, and notes referred to. The rest was found on the way."""

    parts: list[str | NoteReference] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    deleted: list[Deleted] = field(default_factory=list)
    boxes: list[ET.Element] = field(default_factory=list)
    """Contents of text boxes."""
    alternatives: list[str] = field(default_factory=list)
    bold: int = 0
    plain: int = 0
    """Visible characters in bold and in other type."""


def children(element: ET.Element) -> Iterator[ET.Element]:
    """Child elements; of alternatives for old and new programs, the first alone (they say the same)."""
    for child in element:
        if child.tag == f"{MC}AlternateContent":
            chosen = child.find(f"{MC}Choice")
            chosen = chosen if chosen is not None and len(chosen) else child.find(f"{MC}Fallback")
            if chosen is not None:
                yield from children(chosen)
        else:
            yield child


def read_runs(paragraph: ET.Element, *, bold: Callable[[ET.Element | None], bool] = is_bold) -> Runs:
    """Everything in the paragraph but its properties."""
    runs = Runs()
    _walk(paragraph, runs, bold)
    return runs


def _walk(element: ET.Element, runs: Runs, bold: Callable[[ET.Element | None], bool]) -> None:
    for child in children(element):
        if child.tag == f"{W}r":
            _run(child, runs, bold)
        elif child.tag in DELETED:
            text = "".join(t.text or "" for t in child.iter() if t.tag in (f"{W}delText", f"{W}t"))
            runs.deleted.append(Deleted(text, "deleted revision" if child.tag == f"{W}del" else "moved revision"))
        elif child.tag == f"{M}t":
            runs.parts.append(child.text or "")
        elif child.tag != f"{W}pPr":
            _walk(child, runs, bold)


def _run(run: ET.Element, runs: Runs, bold: Callable[[ET.Element | None], bool]) -> None:
    properties = run.find(f"{W}rPr")
    hidden = is_hidden(properties)
    before = len(runs.parts)
    for child in children(run):
        tag = child.tag
        if tag == f"{W}t":
            runs.parts.append(child.text or "")
        elif tag in _BREAKS:
            runs.parts.append("" if child.get(f"{W}type") in ("page", "column") else _BREAKS[tag])
        elif tag == f"{W}sym":
            runs.parts.append(_symbol(child.get(f"{W}char", "")))
        elif tag == f"{W}delText":
            runs.deleted.append(Deleted(child.text or "", "deleted revision"))
        elif tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
            kind: Literal["footnote", "endnote"] = "footnote" if tag.endswith("footnoteReference") else "endnote"
            runs.parts.append(NoteReference(kind, child.get(f"{W}id", "")))
        elif tag in (f"{W}drawing", f"{W}pict", f"{W}object"):
            _drawing(child, runs)
        elif tag == f"{W}ruby":
            for text in child.iter(f"{W}t"):
                runs.parts.append(text.text or "")
    new = [part for part in runs.parts[before:] if isinstance(part, str)]
    if hidden:
        runs.hidden.extend(new)
        runs.parts[before:] = [part for part in runs.parts[before:] if not isinstance(part, str)]
        return
    count = sum(1 for part in new for c in part if not c.isspace())
    if bold(properties):
        runs.bold += count
    else:
        runs.plain += count


def _drawing(element: ET.Element, runs: Runs) -> None:
    """Text boxes in order, not those inside other boxes; alternative texts."""
    for child in children(element):
        if child.tag == f"{W}txbxContent":
            runs.boxes.append(child)
            continue
        if child.tag == f"{WP}docPr":
            runs.alternatives += [child.get("title", ""), child.get("descr", "")]
        elif child.tag.endswith("}textpath"):
            runs.parts.append(child.get("string", ""))
        _drawing(child, runs)


def _symbol(code: str) -> str:
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    return chr(number) if 0x20 <= number <= 0xFFFD else ""
