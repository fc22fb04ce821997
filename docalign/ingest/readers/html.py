"""HTML, read by an HTML5 parser (Lexbor): what a browser shows as text, what stands around it as furniture.

`nav`, page-level `header`, `footer` and `aside`, the title and `noscript` are furniture; `hidden` elements, alternative
texts and descriptions of drawings are invisible; scripts, styles and templates are no text. White space collapses as in
a browser. A table that only lays out a page (nested tables, headings or lists in its cells, or `role=presentation`) is
read cell by cell.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.document import Document
from docalign.errors import LimitExceededError
from docalign.ingest.readers.flow import FlowBuilder
from docalign.ingest.readers.html_walk import walk_html
from docalign.ingest.readers.text import decode, few_nuls

if TYPE_CHECKING:
    from docalign.ingest.options import IngestOptions

__all__ = ["html_text", "parse_html", "read_html"]

MAX_DEPTH: Final = 5_000
"""The parser's time grows with the square of the depth; browsers stop at 512."""
_CHARSET: Final = re.compile(
    rb"""(?:<meta[^>]{0,200}?charset|<\?xml[^>]{0,100}?encoding)\s*=\s*["']?([\w:.-]{1,40})""", re.I
)
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_FLAT_NAMES: Final = (
    "area base body br col colgroup dd dt embed head hr html img input li link meta option p rp rt source tbody td "
    "tfoot th thead tr track wbr"
)
_FLAT: Final = frozenset(_FLAT_NAMES.split())
"""Elements that are empty or close by themselves when their like follows."""


def read_html(path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:  # noqa: ARG001 - FlowReader
    """A web page as a Document.

    Raises:
        UnsupportedFormatError: binary data. LimitExceededError: nested too deep. EmptyInputError: it shows no text.
    """
    text, warnings = html_text(Path(path).read_bytes())
    builder = FlowBuilder(warnings=list(warnings))
    tree = parse_html(text)
    walk_html(tree, builder)
    if not builder.items:  # a page that is all header and footer: better its text than none
        builder = FlowBuilder(warnings=[*warnings, "the page is all headers and navigation; they are its text."])
        walk_html(tree, builder, furniture=False)
    return builder.build(source=source, sha256=sha256)


def parse_html(text: str) -> Any:
    """The root node of the parsed page.

    Raises:
        LimitExceededError: nested too deep.
    """
    from selectolax.lexbor import LexborHTMLParser

    depth = deepest = 0
    for tag in _TAG.finditer(text):
        if tag[2].lower() not in _FLAT:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise LimitExceededError(
            f"the page opens {deepest} elements inside one another, over {MAX_DEPTH}.", remedy="Mend or simplify it."
        )
    return LexborHTMLParser(text).root


def html_text(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The page's characters, and warnings: a byte-order mark decides, else the encoding the page names, else UTF-8,
    else Windows-1252.

    Raises:
        UnsupportedFormatError: the bytes are no text.
    """
    text, warnings = _decoded(data)
    return text.replace("\x00", "\ufffd"), warnings  # parsers leave a NUL out, and nothing may get lost


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    named = _CHARSET.search(data[:4096])
    if named is None or data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return decode(data)
    codec = named[1].decode("ascii").lower()
    codec = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "utf-8", "x-sjis": "cp932"}.get(codec, codec)
    if codec.replace("-", "").startswith(("utf8", "utf16", "unicode")):  # bytes that can be searched are not UTF-16
        return decode(data)
    try:
        text = data.decode(codec, "replace")
    except (LookupError, ValueError, UnicodeError):
        text, warnings = decode(data)
        return text, (*warnings, f"the page names the unknown encoding {codec!r}.")
    bad = text.count("\ufffd")
    invalid = (f"{bad} characters of the page are no valid {codec}; they read U+FFFD.",) if bad else ()
    return text, (*invalid, *few_nuls(text))
