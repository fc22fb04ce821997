"""What is missing or broken on one PDF page, said so that nothing gets lost in silence.

PDFium reads what it can of a damaged page: of a content stream that breaks off it shows the first part, of one whose
object is missing nothing, and what follows a string that does not end it takes for that string. It reports none of it.
This looks at the page's objects and names what is not there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from docalign.ingest.pdf.structure import PdfFile, picture_fault, stream_damage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pikepdf

__all__ = ["page_damage"]

_FONT_USED: Final = re.compile(rb"/([^\s/\[\]()<>{}%]+)\s+[-+.\d]+\s+Tf\b")
_OBJECT_USED: Final = re.compile(rb"/([^\s/\[\]()<>{}%]+)\s+Do\b")
_OPEN_TEXT: Final = re.compile(rb"(?<![^\s])BT\s[^\0]*?\bTf\b")
_INLINE_PICTURE: Final = re.compile(rb"(?<!\S)BI\s.*?\sID\s.*?\sEI(?!\S)", re.S)
_ESCAPED: Final = re.compile(rb"\\.", re.S)
_STRING: Final = re.compile(rb"\([^()]*\)")
_COMMENT: Final = re.compile(rb"%[^\r\n]*")
_MARK: Final = re.compile(rb"[()]|%[^\r\n]*")
_NO_HEX: Final = re.compile(rb"(?<!<)<(?!<)[\s0-9A-Fa-f]*+[^\s0-9A-Fa-f>]")
_MAX_SCANNED: Final = 4 << 20
_MAX_FORMS: Final = 200
_MAX_DEPTH: Final = 5


@dataclass(frozen=True, slots=True)
class _Search:
    """What was seen already, by object number, and whether the page is a scan."""

    scan: bool
    seen: set[tuple[int, int]] = field(default_factory=set)


def page_damage(structure: pikepdf.Pdf, file: PdfFile, index: int, *, scan: bool = False) -> tuple[str, ...]:
    """What is damaged on page `index` (from 0), a clause each ("its content …"); nothing for a sound page.

    `scan`: its text is in its pictures, so all of their data are looked through, some milliseconds a picture.
    """
    try:
        return tuple(dict.fromkeys(_damage(structure, file, index, _Search(scan))))
    except Exception as error:  # noqa: BLE001 - a second opinion only: what it cannot look at, it says so
        return (f"its objects cannot be read ({type(error).__name__}: {error})",)


def _damage(structure: pikepdf.Pdf, file: PdfFile, index: int, search: _Search) -> Iterator[str]:
    page = structure.pages[index]
    contents: Any = page.obj.get("/Contents")
    if contents is None:
        if _names_contents(file, index):
            yield "its content is missing from the file"
        return
    parts: list[Any] = list(contents) if _kind(contents) == "Array" else [contents]
    drawn, broken = b"", False
    for number, part in enumerate(parts, start=1):
        what = "its content" if len(parts) == 1 else f"part {number} of {len(parts)} of its content"
        if part is None:
            yield f"{what} is missing from the file"
        elif _kind(part) != "Stream":
            yield f"{what} is no stream"
        else:
            data, fault = stream_damage(part)
            drawn += data + b"\n"
            broken = broken or fault is not None
            if fault:
                yield f"{what} {fault}"
    if (
        not broken
        and drawn.rfind(b"BT") > drawn.rfind(b"ET")
        and _OPEN_TEXT.search(drawn, max(0, drawn.rfind(b"BT") - 1))
    ):
        yield "its content ends in the middle of its text"
    if not broken and _has_endless_string(drawn):
        yield "its content holds a string that does not end, so text may be missing"
    yield from _missing(drawn, page.resources, 0, search)


def _has_endless_string(drawn: bytes) -> bool:
    """Whether drawing commands hold a string, in brackets or in hexadecimal, that swallows the commands after it.

    Where brackets come in pairs, as nearly everywhere, that costs next to nothing.
    """
    plain = _INLINE_PICTURE.sub(b" ", drawn[:_MAX_SCANNED]) if b"EI" in drawn else drawn[:_MAX_SCANNED]
    plain = _ESCAPED.sub(b"", plain)
    if plain.count(b"(") > plain.count(b")") and _open_brackets(plain):
        return len(drawn) <= _MAX_SCANNED
    while len(shorter := _STRING.sub(b"", plain)) < len(plain):
        plain = shorter
    return _NO_HEX.search(_COMMENT.sub(b"", plain)) is not None


def _open_brackets(plain: bytes) -> int:
    """How many brackets are open at the end; those in comments, which begin outside of strings, do not count."""
    depth = comment_ends = 0
    for mark in _MARK.finditer(plain):
        for at, byte in enumerate(mark.group(), mark.start()):
            if at < comment_ends:
                break
            if byte == ord("%") and not depth:
                comment_ends = mark.end()
            elif byte == ord("("):
                depth += 1
            elif byte == ord(")"):
                depth = max(0, depth - 1)
    return depth


def _kind(value: Any) -> str:
    import pikepdf

    kinds = {pikepdf.Array: "Array", pikepdf.Stream: "Stream", pikepdf.Dictionary: "Dictionary"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "")


def _missing(drawn: bytes, resources: Any, depth: int, search: _Search) -> Iterator[str]:
    """Fonts, pictures and forms that the drawing commands use and the file lacks; and forms that are broken."""
    drawn = drawn[:_MAX_SCANNED]
    fonts, objects = _entry(resources, "/Font"), _entry(resources, "/XObject")
    for name in sorted(set(_FONT_USED.findall(drawn))):
        if _named(fonts, name) is None:
            yield f"its font {_shown(name)} is missing from the file, so its text may be wrong"
    for name in sorted(set(_OBJECT_USED.findall(drawn))):
        item = _named(objects, name)
        if item is None:
            yield f"its picture or form {_shown(name)} is missing from the file"
        elif _kind(item) == "Stream":
            yield from _object_damage(item, name, depth, search)


def _object_damage(item: Any, name: bytes, depth: int, search: _Search) -> Iterator[str]:
    if tuple(item.objgen) in search.seen or len(search.seen) > _MAX_FORMS:
        return
    search.seen.add(tuple(item.objgen))
    if item.get("/Subtype") != "/Form":
        fault = picture_fault(item, inflate=search.scan)
        if fault:
            yield f"its picture {_shown(name)} {fault}"
        return
    data, fault = stream_damage(item)
    if fault:
        yield f"its form {_shown(name)} {fault}"
    elif _has_endless_string(data):
        yield f"its form {_shown(name)} holds a string that does not end, so text may be missing"
    if depth < _MAX_DEPTH and "/Resources" in item:
        yield from _missing(data, item.get("/Resources"), depth + 1, search)


def _entry(resources: Any, key: str) -> Any:
    found = resources.get(key) if _kind(resources) == "Dictionary" else None
    return found if _kind(found) == "Dictionary" else None


def _named(entries: Any, name: bytes) -> Any:
    plain = re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), name)
    return None if entries is None else entries.get("/" + plain.decode("utf-8", "surrogateescape"))


def _shown(name: bytes) -> str:
    return "/" + name.decode("latin-1")[:40]


def _names_contents(file: PdfFile, index: int) -> bool:
    """Whether the page's dictionary names contents at all. qpdf hides entries whose object is missing; pdfminer does
    not, and is asked only about pages without any."""
    import pdfplumber

    try:
        with pdfplumber.open(file.opened()) as pdf:
            return pdf.pages[index].page_obj.attrs.get("Contents") is not None
    except Exception:  # noqa: BLE001 - an opinion
        return False
