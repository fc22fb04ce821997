"""Office files, books and archives made on the spot, good and hostile."""

from __future__ import annotations

import zipfile
from importlib import import_module
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from docalign.document import Document
from docalign.ingest import IngestOptions
from docalign.ingest.formats import detect

__all__ = ["W", "docx_bytes", "epub_bytes", "pptx_bytes", "read_here", "word_bytes", "xlsx_bytes", "zip_bytes"]

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def zip_bytes(parts: dict[str, str | bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these parts, in this order."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def docx_bytes(body: str, *, parts: dict[str, str] | None = None, prolog: str = "") -> bytes:
    """A Word file by hand: `body` is the XML inside `w:body`; `parts` (kind → XML) are related to the main part."""
    parts = parts or {}
    rels = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/{kind}" Target="{kind}.xml"/>' for n, kind in enumerate(parts)
    )
    files: dict[str, str | bytes] = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_RELS}"><Relationship Id="r" Type="{_OFFICE}/officeDocument" '
        'Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{_RELS}">{rels}</Relationships>',
        "word/document.xml": f"{prolog}<w:document {W}><w:body>{body}</w:body></w:document>",
    }
    return zip_bytes({**files, **{f"word/{kind}.xml": xml for kind, xml in parts.items()}})


def word_bytes(build: Any) -> bytes:
    """A Word file that python-docx writes; `build` gets the empty document."""
    import docx

    document = docx.Document()
    build(document)
    buffer = BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def pptx_bytes(build: Any) -> bytes:
    """A PowerPoint file that python-pptx writes; `build` gets the empty presentation."""
    from pptx import Presentation

    show = Presentation()
    build(show)
    buffer = BytesIO()
    show.save(buffer)
    return buffer.getvalue()


def xlsx_bytes(build: Any) -> bytes:
    """An Excel file that openpyxl writes; `build` gets the workbook with its first sheet."""
    import openpyxl

    book = openpyxl.Workbook()
    build(book)
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def epub_bytes(chapters: dict[str, str], *, more: dict[str, str] | None = None, nav: str | None = None) -> bytes:
    """A book of these chapters (href → HTML) in this order; the one called `nav` is its table of contents."""
    media = 'media-type="application/xhtml+xml"'
    items = "".join(
        f'<item id="c{n}" href="{href}" {media} properties="{"nav" if href == nav else ""}"/>'
        for n, href in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    files: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfile full-path="OEBPS/book.opf"/></container>',
        "OEBPS/book.opf": f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    pages = {f"OEBPS/{href}": html for href, html in chapters.items() if not href.startswith("..")}
    return zip_bytes({**files, **pages, **(more or {})})


def read_here(data: bytes, name: str, options: IngestOptions | None = None) -> Document:
    """What `ingest` makes of a file without pages, in this process: no worker has to start."""
    found = detect(data[:4096], name, data[-65_536:])
    module, _, function = found.reader.partition(":")
    read = getattr(import_module(module), function)
    if found.kind == "text":
        return read(data, source=name, sha256="0").check()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        return read(str(path), options or IngestOptions(), source=name, sha256="0").check()
