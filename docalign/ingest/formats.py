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

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, Literal, Protocol

from docalign.errors import DamagedInputError, UnsupportedFormatError
from docalign.ingest import plugins, sniff

if TYPE_CHECKING:
    from docalign.document import Document
    from docalign.ingest.options import IngestOptions
    from docalign.ingest.page import PageContent

__all__ = [
    "FORMATS",
    "SUPPORTED",
    "FlowReader",
    "Format",
    "FormatKind",
    "PageReader",
    "detect",
    "fell_back",
    "misnamed",
]

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


_PDF: Final = Format("PDF", "docalign.ingest.pdf.reader:PdfReader", (".pdf",), "paged")
_IMAGE: Final = Format(
    "image",
    "docalign.ingest.ocr.images:ImageReader",
    (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".jp2", ".j2k", ".avif", ".heic", ".heif"),
    "paged",
)
_READERS: Final = "docalign.ingest.readers"
_DOCX: Final = Format("Word", f"{_READERS}.docx:read_docx", (".docx", ".docm", ".dotx", ".dotm"), "flow")
_PPTX: Final = Format("PowerPoint", f"{_READERS}.pptx:read_pptx", (".pptx", ".pptm", ".ppsx", ".ppsm", ".potx"), "flow")
_XLSX: Final = Format("Excel", f"{_READERS}.xlsx:read_xlsx", (".xlsx", ".xlsm", ".xltx"), "flow")
_OLD_OFFICE: Final = Format("old Office", f"{_READERS}.libreoffice:read_old_office", (".doc", ".xls", ".ppt"), "flow")
_OPEN_DOCUMENT: Final = Format(
    "OpenDocument", f"{_READERS}.libreoffice:read_open_document", (".odt", ".ods", ".odp", ".ott"), "flow"
)
_RTF: Final = Format("RTF", f"{_READERS}.libreoffice:read_rtf", (".rtf",), "flow")
_HTML: Final = Format("HTML", f"{_READERS}.html:read_html", (".html", ".htm", ".xhtml"), "flow")
_EPUB: Final = Format("EPUB", f"{_READERS}.epub:read_epub", (".epub",), "flow")
_RST: Final = Format("reStructuredText", f"{_READERS}.rst:read_rst", (".rst", ".rest"), "flow")
_MAIL: Final = Format("mail", f"{_READERS}.mail:read_mail", (".eml",), "flow")
_MARKDOWN: Final = Format("Markdown", f"{_READERS}.markdown:read_markdown", (".md", ".markdown", ".mdown"), "text")
_JSON: Final = Format("JSON", f"{_READERS}.parsed_json:read_json", (".json",), "text")
_HOCR: Final = Format("hOCR", f"{_READERS}.hocr:HocrReader", (".hocr",), "paged")
_ALTO: Final = Format("ALTO", f"{_READERS}.alto:AltoReader", (".alto",), "paged")
_TEXT: Final = Format("plain text", f"{_READERS}.text:read_text", (".txt", ".text", ".log"), "text")

_OFFICE: Final = (_DOCX, _PPTX, _XLSX, _OLD_OFFICE, _OPEN_DOCUMENT, _RTF)
FORMATS: Final = (_PDF, _IMAGE, *_OFFICE, _HTML, _EPUB, _MAIL, _MARKDOWN, _RST, _HOCR, _ALTO, _JSON, _TEXT)
SUPPORTED: Final = (
    "PDF, PNG, JPEG, TIFF, WebP, BMP, GIF, JPEG 2000, AVIF, HEIC, Word, PowerPoint, Excel, OpenDocument, RTF, HTML, "
    "EPUB, mail (eml), Markdown, reStructuredText, plain text, hOCR, ALTO and "
    "JSON of docalign.document/1, docling, unstructured, Azure Document Intelligence or Textract"
)

_TIFF_MAGIC: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_IMAGE_MAGIC: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", *_TIFF_MAGIC, b"GIF8", b"\x00\x00\x00\x0cjP  ")
_IMAGE_BRANDS: Final = (b"avif", b"avis", b"heic", b"heix", b"heif", b"mif1", b"msf1")
"""What an ISO base media file (`ftyp` at its fifth byte) says it is, where that is a still picture."""
_BY_CONTENT: Final = {
    "docx": _DOCX,
    "pptx": _PPTX,
    "xlsx": _XLSX,
    "ole": _OLD_OFFICE,
    "odf": _OPEN_DOCUMENT,
    "rtf": _RTF,
    "epub": _EPUB,
    "html": _HTML,
    "hocr": _HOCR,
    "alto": _ALTO,
}
_NEEDS_ITS_CONTENT: Final = (_PDF, _IMAGE, *_OFFICE, _EPUB, _HOCR, _ALTO)
"""Formats that cannot be told from a name alone: what is not their content is refused."""
_FOREIGN_SUFFIXES: Final = {".xml": "an XML file"}
_WHAT: Final = {"xml": "an XML file"}


def detect(head: bytes, name: str, tail: bytes = b"") -> Format:
    """The format of a file that begins with `head` (at least 1 kB of it), ends with `tail` (where an archive has its
    directory) and is called `name`.

    Raises:
        UnsupportedFormatError: a format no reader knows; it is named, and so are the known ones.
        DamagedInputError: an archive that is cut short.
    """
    if head.startswith(_IMAGE_MAGIC) or _is_boxed_image(head) or _is_bitmap(head):
        return _IMAGE
    if b"%PDF-" in head[:1024]:
        return _PDF
    suffix = PurePath(name).suffix.lower()
    if not any(suffix in known.suffixes for known in FORMATS):
        third_party = next((f for f in plugins.load().formats if f.fits(head, suffix)), None)
        if third_party is not None:
            return third_party
    kind = _content(head, tail)
    if kind in _BY_CONTENT:
        return _BY_CONTENT[kind]
    if kind is None and sniff.is_cut_archive(head, tail):
        raise DamagedInputError(
            "this is the beginning of a ZIP archive (an Office file, perhaps): its end is missing.",
            source=name,
            remedy="Fetch it again.",
        )
    foreign = _WHAT.get(kind or "") or sniff.foreign_kind(head)
    if foreign is None and kind is None:
        foreign = _FOREIGN_SUFFIXES.get(suffix)
    if foreign:
        broken = "".join(f" ({problem})" for problem in plugins.load().problems)
        remedy = f"Convert it; docalign reads {SUPPORTED}."
        raise UnsupportedFormatError(f"this is {foreign}.{broken}", source=name, remedy=remedy)
    for known in _NEEDS_ITS_CONTENT:
        if suffix in known.suffixes:
            raise UnsupportedFormatError(
                f"the name says {suffix[1:].upper()}, but the content is not {known.name} data.",
                source=name,
                remedy=f"Check how the file was made; docalign reads {SUPPORTED}.",
            )
    by_name = next((known for known in FORMATS if suffix in known.suffixes), None)
    if by_name in (None, _JSON) and (ours := sniff.own_schema(head)) is not None:
        return _own_document(ours, name)
    return by_name or (_MAIL if sniff.is_mail(head) else _TEXT)


def _own_document(schema: str, name: str) -> Format:
    """The format of a file that docalign wrote.

    Raises:
        UnsupportedFormatError: it is no document.
    """
    if schema == "document":
        return _JSON
    remedies = {
        "chunk": "Give the file it was made of, or that file's Document (docalign ingest); docalign score explains it.",
        "gold": "docalign eval measures on it, docalign train learns from it, docalign data view shows it.",
        "preference": "docalign train --method dpo --prefs learns from it.",
    }
    what = f"this is what docalign writes (docalign.{schema}), and no document."
    raise UnsupportedFormatError(what, source=name, remedy=remedies.get(schema, "Give the file it was made of."))


def _content(head: bytes, tail: bytes) -> str | None:
    """What the bytes are, where they tell."""
    if sniff.is_rtf(head):
        return "rtf"
    if sniff.is_old_office(head):
        return "ole"
    return sniff.inside_zip(head, tail) or sniff.markup(head)


def misnamed(found: Format, name: str) -> str | None:
    """A warning where the name's suffix belongs to another format than the content."""
    suffix = PurePath(name).suffix.lower()
    other = next((known for known in FORMATS if suffix in known.suffixes), None)
    if other is None or other is found or suffix in found.suffixes:
        return None
    return f"the name says {other.name} ({suffix}), but the content is {found.name}; it was read as that."


def fell_back(found: Format, name: str) -> bool:
    """Whether `found` is plain text for want of a better guess: nothing in the name says so."""
    return found is _TEXT and PurePath(name).suffix.lower() not in _TEXT.suffixes


def _is_boxed_image(head: bytes) -> bool:
    """WebP (in RIFF), HEIC and AVIF (in ISO base media files), and a JPEG 2000 codestream without its boxes."""
    riff = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return riff or (head[4:8] == b"ftyp" and head[8:12] in _IMAGE_BRANDS) or head.startswith(b"\xff\x4f\xff\x51")


def _is_bitmap(head: bytes) -> bool:
    header_length = int.from_bytes(head[14:18], "little")
    return head.startswith(b"BM") and header_length in (12, 40, 52, 56, 108, 124)
