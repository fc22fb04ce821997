"""Tagged PDF: the structure role of each text object of a page, from the structure tree and the content's marks.

A text object carries the number of its marked content (MCID); the structure tree says which element that is. Roles are
PDF's standard types after the file's RoleMap: `H1`–`H6` (`H` and `Title` by their place), `P`, `LI`, `TH`, `TD`,
`Caption`, `TOCI`, `Code`, `Note`, `Figure`, and `Artifact` for what is marked as no part of the text. Tags are often
wrong; whether to believe them is judged in `tagged`, not here.
"""

from __future__ import annotations

import ctypes
import re
from typing import TYPE_CHECKING, Any, Final

import pypdfium2.raw as raw

if TYPE_CHECKING:
    import pypdfium2 as pdfium

__all__ = ["is_tagged", "read_roles"]

_DEEPEST: Final = 60
_MOST: Final = 100_000
"""Elements of one page that are looked at."""
_NAME_BYTES: Final = 128
_HEADING: Final = re.compile(r"h(?:ea(?:d(?:ing|er)?))?[ _-]?(?:([1-6])|(one|two|three|four|five|six))$", re.I)
_NUMERALS: Final = ("one", "two", "three", "four", "five", "six")
_OUTER: Final = frozenset({"LI", "TH", "TD", "Caption", "TOCI", "Code", "Note", "Figure", "Formula"})
"""Roles that hold for everything inside them."""
_OPEN: Final = frozenset({"LI", "Note"})
"""Of these, the ones in which a heading is still a heading (Word tags numbered headings as list items)."""
_SECTIONS: Final = frozenset({"Sect", "Part", "Art"})


def is_tagged(pdf: pdfium.PdfDocument) -> bool:
    """Whether the file says that it is tagged."""
    return bool(raw.FPDFCatalog_IsTagged(pdf))


def read_roles(page: pdfium.PdfPage) -> dict[int, str]:
    """The role of each text object of `page` by the object's address; objects without one are left out.

    Content of form XObjects numbers its marks anew, so only objects of the page itself get a role.
    """
    roles = _tree_roles(page)
    found: dict[int, str] = {}
    for index in range(max(0, raw.FPDFPage_CountObjects(page))):
        item = raw.FPDFPage_GetObject(page, index)
        if not item or raw.FPDFPageObj_GetType(item) != raw.FPDF_PAGEOBJ_TEXT:
            continue
        role = roles.get(raw.FPDFPageObj_GetMarkedContentID(item))
        if role is None and _is_artifact(item):
            role = "Artifact"
        if role is not None:
            found[ctypes.cast(item, ctypes.c_void_p).value or 0] = role
    return found


def _is_artifact(item: Any) -> bool:
    for index in range(min(16, raw.FPDFPageObj_CountMarks(item))):
        buffer, used = (ctypes.c_ushort * (_NAME_BYTES // 2))(), ctypes.c_ulong()
        mark = raw.FPDFPageObj_GetMark(item, index)
        if mark and raw.FPDFPageObjMark_GetName(mark, buffer, _NAME_BYTES, used):
            name = bytes(buffer)[: max(0, min(used.value, _NAME_BYTES) - 2)].decode("utf-16-le", "replace")
            if name == "Artifact":
                return True
    return False


def _tree_roles(page: pdfium.PdfPage) -> dict[int, str]:
    """Role by MCID."""
    tree = raw.FPDF_StructTree_GetForPage(page)
    roles: dict[int, str] = {}
    if not tree:
        return roles
    try:
        # Element, role it inherits, how many sections it is in.
        stack: list[tuple[Any, str | None, int, int]] = [
            (raw.FPDF_StructTree_GetChildAtIndex(tree, k), None, 0, 0)
            for k in reversed(range(max(0, raw.FPDF_StructTree_CountChildren(tree))))
        ]
        left = _MOST
        while stack and left:
            left -= 1
            element, inherited, sections, depth = stack.pop()
            if not element:
                continue
            kind = _type(element)
            sections += kind in _SECTIONS
            role = _role(kind, inherited, sections)
            for mcid in _contents(element):
                if role is not None:
                    roles.setdefault(mcid, role)
            if depth < _DEEPEST:
                count = max(0, raw.FPDF_StructElement_CountChildren(element))
                stack.extend(
                    (raw.FPDF_StructElement_GetChildAtIndex(element, k), role, sections, depth + 1)
                    for k in reversed(range(min(count, _MOST)))
                )
    finally:
        raw.FPDF_StructTree_Close(tree)
    return roles


def _role(kind: str, inherited: str | None, sections: int) -> str | None:
    """The role of an element of type `kind` inside one of role `inherited`."""
    if inherited is not None and inherited not in _OPEN:
        return inherited
    heading = _HEADING.match(kind)
    if heading:
        return f"H{heading[1] or _NUMERALS.index(heading[2].lower()) + 1}"
    if kind == "H":
        return f"H{max(1, min(6, sections))}"
    if kind == "Title":
        return "H1"
    if kind in _OUTER or (kind == "P" and inherited is None):
        return kind
    return inherited


def _contents(element: Any) -> list[int]:
    count = max(0, raw.FPDF_StructElement_GetMarkedContentIdCount(element))
    numbers = [raw.FPDF_StructElement_GetMarkedContentIdAtIndex(element, k) for k in range(min(count, _MOST))]
    return [n for n in numbers if n >= 0]


def _type(element: Any) -> str:
    buffer = ctypes.create_string_buffer(_NAME_BYTES)
    length = raw.FPDF_StructElement_GetType(element, buffer, _NAME_BYTES)
    if not 2 < length <= _NAME_BYTES:
        return ""
    return buffer.raw[: length - 2].decode("utf-16-le", "replace")
