"""JATS articles and TEI texts: their section trees as structured documents.

JATS: ANSI/NISO Z39.96 (https://jats.nlm.nih.gov). TEI: P5 (https://tei-c.org/guidelines/p5/). Only elements that hold
running text are read; reference lists and footnotes are left out, as they are no part of the section tree. Entities
and external files are never resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal
from xml.etree import ElementTree

from docalign.errors import DamagedInputError
from docalign.train.prepare.structured import Structured

__all__ = ["read_scholarly", "scholarly_kind"]

ScholarlyKind = Literal["jats", "tei"]
_HEAD: Final = 8192
_TEI: Final = "http://www.tei-c.org/ns/1.0"
_MAX_LEVEL: Final = 6
_MAX_DEPTH: Final = 60
_SKIPPED: Final = frozenset(
    {"ref-list", "fn-group", "fn", "note", "back", "listBibl", "object-id", "label", "graphic", "media", "teiHeader"}
)


def scholarly_kind(path: Path) -> ScholarlyKind | None:
    """Which of the two an XML file says it is, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if _TEI.encode() in head or b"<TEI" in head:
        return "tei"
    return "jats" if b"<article" in head else None


def read_scholarly(path: Path, kind: ScholarlyKind, *, name: str, domain: str | None) -> Structured:
    """The body of an article or text.

    Raises:
        DamagedInputError: no well-formed XML, or a document type with entities of its own.
    """
    root = _parse(path)
    walk: Callable[[ElementTree.Element], Iterator[dict[str, Any]]] = _jats if kind == "jats" else _tei
    blocks = [b for b in walk(root) if b["text"]]
    title = next((b["text"] for b in blocks if b["kind"] == "heading"), name)
    return Structured(name, kind, title, blocks, domain)


def _parse(path: Path) -> ElementTree.Element:
    data = path.read_bytes()
    if b"<!ENTITY" in data[: 1 << 16]:
        raise DamagedInputError("it declares entities, which are not read.", remedy="Expand them: xmllint --noent IN")
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - entities were refused above
    except (ElementTree.ParseError, ValueError) as error:
        raise DamagedInputError(f"it is no well-formed XML ({error}).", remedy="Mend it: xmllint IN") from error


def _jats(root: ElementTree.Element) -> Iterator[dict[str, Any]]:
    title = root.find(".//article-meta//article-title")
    if title is not None:
        yield _heading(title, 1)
    for abstract in root.findall(".//article-meta/abstract"):
        if abstract.get("abstract-type") is None:
            yield {"kind": "heading", "level": 2, "text": "Abstract"}
            yield from _children(abstract, 3, _JATS_KINDS, section="sec", head="title")
    body = root.find("body")
    if body is not None:
        yield from _children(body, 2, _JATS_KINDS, section="sec", head="title")


def _tei(root: ElementTree.Element) -> Iterator[dict[str, Any]]:
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    title = root.find(".//titleStmt/title")
    if title is not None:
        yield _heading(title, 1)
    for part in ("front", "body", "back"):
        for element in root.findall(f".//text/{part}"):
            yield from _children(element, 2, _TEI_KINDS, section="div", head="head")


_JATS_KINDS: Final = {
    "p": "paragraph",
    "list-item": "list_item",
    "caption": "caption",
    "table": "table",
    "code": "code",
    "preformat": "code",
    "disp-formula": "paragraph",
    "disp-quote": "paragraph",
}
_TEI_KINDS: Final = {
    "p": "paragraph",
    "item": "list_item",
    "figDesc": "caption",
    "table": "table",
    "lg": "paragraph",
    "quote": "paragraph",
    "sp": "paragraph",
    "code": "code",
}


def _children(
    parent: ElementTree.Element, level: int, kinds: dict[str, str], *, section: str, head: str, depth: int = 0
) -> Iterator[dict[str, Any]]:
    """Blocks below an element: `section` elements deepen, `head` names them, known kinds are leaves."""
    if depth > _MAX_DEPTH:
        raise DamagedInputError(f"its elements are nested more than {_MAX_DEPTH} deep.", remedy="Check its origin.")
    for element in parent:
        tag = str(element.tag)
        if tag in _SKIPPED:
            continue
        if tag == head:
            yield _heading(element, level - 1 if parent.tag == section else level)
        elif tag == section:
            yield from _children(element, level + 1, kinds, section=section, head=head, depth=depth + 1)
        elif tag in kinds:
            yield {"kind": kinds[tag], "level": None, "text": _text(element, kinds[tag])}
        else:
            yield from _children(element, level, kinds, section=section, head=head, depth=depth + 1)


def _heading(element: ElementTree.Element, level: int) -> dict[str, Any]:
    return {"kind": "heading", "level": max(1, min(_MAX_LEVEL, level)), "text": _flat(element)}


def _text(element: ElementTree.Element, kind: str) -> str:
    if kind == "code":
        return "".join(element.itertext()).strip("\n")
    if kind != "table":
        return _flat(element)
    rows = [r for r in element.iter() if r.tag in ("tr", "row")]
    cells = [[_flat(c) for c in row if c.tag in ("td", "th", "cell")] for row in rows]
    return "\n".join(" | ".join(row) for row in cells if any(row))


def _flat(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())
