"""Which reader takes a file: by its first bytes, then by its name.

To add a format, add a line to `FORMATS` and a module with its reader. What a reader looks like is the format's `kind`:

* `paged`: a class `(path, options)` with `pages`, `warnings`, `page(index) -> PageContent` and `close()`, and,
  if it can tell a page's size without reading it, `size(index) -> (width, height)` in points;
* `flow`: a function `(path, options, *, source, sha256) -> Document`, for formats without pages;
* `text`: a function `(data, *, source, sha256) -> Document` of our own, for files that need no parser.

`paged` and `flow` readers run in a worker process, because the libraries they use may crash, hang or grow on hostile
files; `text` readers run in place. Readers of other packages are found by `plugins`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, Literal, Protocol

from docalign.errors import UnsupportedFormatError
from docalign.ingest import plugins

if TYPE_CHECKING:
    from docalign.document import Document
    from docalign.ingest.options import IngestOptions
    from docalign.ingest.page import PageContent

__all__ = ["FORMATS", "SUPPORTED", "FlowReader", "Format", "FormatKind", "PageReader", "detect", "fell_back"]

FormatKind = Literal["paged", "flow", "text"]


class PageReader(Protocol):
    """An opened paged file."""

    pages: int
    warnings: tuple[str, ...]

    def page(self, index: int) -> PageContent:
        """The page at `index` (from 0)."""
        ...

    def close(self) -> None: ...


class FlowReader(Protocol):
    """Reads a file without pages; see `Format`."""

    def __call__(self, path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:
        """The file at `path` as a Document that calls itself `source` and has the hash `sha256` of its bytes.

        Raises:
            DocalignError: the file cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    `reader` is `module:attribute`, imported when first needed. `suffixes` are lower case, with their dot. A file has
    to begin with one of `magic`, where it is given (the built-in formats are told apart by `detect` instead).
    """

    name: str
    reader: str
    suffixes: tuple[str, ...]
    kind: FormatKind
    magic: tuple[bytes, ...] = ()

    def fits(self, head: bytes, suffix: str) -> bool:
        """Whether a file that begins with `head` and is called `*suffix` is one: by both, where both are given."""
        if self.suffixes and suffix not in self.suffixes:
            return False
        return head.startswith(self.magic) if self.magic else bool(self.suffixes)


_PDF: Final = Format("PDF", "docalign.ingest.pdf:PdfReader", (".pdf",), "paged")
_IMAGE: Final = Format(
    "image",
    "docalign.ingest.images:ImageReader",
    (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"),
    "paged",
)
_MARKDOWN: Final = Format("Markdown", "docalign.ingest.markdown:read_markdown", (".md", ".markdown", ".mdown"), "text")
_JSON: Final = Format("document JSON", "docalign.ingest.document_json:read_document_json", (".json",), "text")
_TEXT: Final = Format("plain text", "docalign.ingest.text:read_text", (".txt", ".text", ".log"), "text")

FORMATS: Final = (_PDF, _IMAGE, _MARKDOWN, _JSON, _TEXT)
SUPPORTED: Final = "PDF, PNG, JPEG, TIFF, WebP, BMP, plain text, Markdown and docalign.document/1 JSON"

_IMAGE_MAGIC: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_FOREIGN_MAGIC: Final = (
    (b"PK\x03\x04", "a ZIP archive or an Office file (docx, xlsx, pptx, odt, epub)"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (doc, xls, ppt)"),
    (b"{\\rtf", "an RTF file"),
    (b"%!PS", "a PostScript file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"GIF8", "a GIF image"),
    (b"AT&TFORM", "a DjVu file"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
)
_FOREIGN_SUFFIXES: Final = {
    ".html": "an HTML page",
    ".htm": "an HTML page",
    ".xhtml": "an HTML page",
    ".xml": "an XML file",
    ".docx": "a Word file",
    ".doc": "a Word file",
    ".xlsx": "an Excel file",
    ".pptx": "a PowerPoint file",
    ".odt": "an OpenDocument file",
    ".epub": "an EPUB book",
    ".rtf": "an RTF file",
    ".eml": "a mail message",
}


def detect(head: bytes, name: str) -> Format:
    """The format of a file that begins with `head` (at least 1 kB of it) and is called `name`.

    Raises:
        UnsupportedFormatError: a format no reader knows; it is named, and so are the known ones.
    """
    if head.startswith(_IMAGE_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or _is_bitmap(head):
        return _IMAGE
    if b"%PDF-" in head[:1024]:
        return _PDF
    suffix = PurePath(name).suffix.lower()
    if not any(suffix in known.suffixes for known in FORMATS):
        third_party = next((f for f in plugins.load().formats if f.fits(head, suffix)), None)
        if third_party is not None:
            return third_party
    foreign = next((what for magic, what in _FOREIGN_MAGIC if head.startswith(magic)), _FOREIGN_SUFFIXES.get(suffix))
    if foreign is None and re.match(rb"\s*(<!doctype html|<html[\s>])", head.removeprefix(b"\xef\xbb\xbf"), re.I):
        foreign = _FOREIGN_SUFFIXES[".html"]
    if foreign:
        broken = "".join(f" ({problem})" for problem in plugins.load().problems)
        remedy = f"Convert it; docalign reads {SUPPORTED}."
        raise UnsupportedFormatError(f"this is {foreign}.{broken}", source=name, remedy=remedy)
    for known in (_PDF, _IMAGE):
        if suffix in known.suffixes:
            raise UnsupportedFormatError(
                f"the name says {suffix[1:].upper()}, but the content is not {known.name} data.",
                source=name,
                remedy=f"Check how the file was made; docalign reads {SUPPORTED}.",
            )
    if suffix == "" and re.match(rb'(\xef\xbb\xbf)?\s*\{\s*"', head) and b"docalign.document/" in head:
        return _JSON
    return next((known for known in FORMATS if suffix in known.suffixes), _TEXT)


def fell_back(found: Format, name: str) -> bool:
    """Whether `found` is plain text for want of a better guess: nothing in the name says so."""
    return found is _TEXT and PurePath(name).suffix.lower() not in _TEXT.suffixes


def _is_bitmap(head: bytes) -> bool:
    header_length = int.from_bytes(head[14:18], "little")
    return head.startswith(b"BM") and header_length in (12, 40, 52, 56, 108, 124)
