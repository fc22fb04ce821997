"""EPUB: the chapters in the order of the spine, each read as HTML; the table of contents is furniture.

Nothing is extracted to disk. A name that leads out of the book is not followed and is named in the warnings.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from docalign.document import Document
from docalign.errors import DamagedInputError, EncryptedInputError
from docalign.ingest.readers.archive import Archive, open_archive
from docalign.ingest.readers.flow import FlowBuilder, one_line
from docalign.ingest.readers.html import html_text, parse_html
from docalign.ingest.readers.html_walk import flat_text, walk_html
from docalign.ingest.readers.safe_xml import local_name

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

    from docalign.ingest.options import IngestOptions

__all__ = ["read_epub"]

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_PAGES: Final = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_FONT_MASKS: Final = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


def read_epub(path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:
    """A book as a Document.

    Raises:
        DamagedInputError: its package or every chapter is missing. EncryptedInputError: it is under DRM.
        LimitExceededError: it would inflate beyond the limits. EmptyInputError: it has no text.
    """
    builder = FlowBuilder()
    with open_archive(path, options) as archive:
        _check_rights(archive)
        read = 0
        for name, contents in _spine(archive, builder):
            if name not in archive.names:
                builder.warn(f"the chapter {name} is named in the book and missing from it.")
                continue
            _chapter(archive, name, builder, contents=contents)
            read += 1
        if not read:
            raise DamagedInputError(
                "none of the book's chapters is in the file.", remedy="Download the book again; nothing can be read."
            )
    return builder.build(source=source, sha256=sha256)


def _chapter(archive: Archive, name: str, builder: FlowBuilder, *, contents: bool) -> None:
    text, warnings = html_text(archive.read(name))
    for warning in warnings:
        builder.warn(f"{name}: {warning}")
    tree = parse_html(text)
    if contents:
        builder.set_aside("furniture", one_line(flat_text(tree)))
    else:
        walk_html(tree, builder, furniture=False)


def _check_rights(archive: Archive) -> None:
    """Encrypted fonts are common and harmless; encrypted chapters cannot be read."""
    if _ENCRYPTION in archive.names:
        methods = [e for e in archive.xml(_ENCRYPTION).iter() if local_name(e) == "EncryptionMethod"]
        if any(not method.get("Algorithm", "").startswith(_FONT_MASKS) for method in methods):
            raise EncryptedInputError(
                "the book's chapters are encrypted (DRM).", remedy="Get a copy without digital rights management."
            )


def _spine(archive: Archive, builder: FlowBuilder) -> Iterator[tuple[str, bool]]:
    """Names of the chapters in reading order, and whether each is the table of contents."""
    package_name = _package_name(archive)
    package = archive.xml(package_name)
    folder = posixpath.dirname(package_name)
    manifest = {e.get("id"): e for e in package.iter() if local_name(e) == "item"}
    seen: set[str] = set()
    for reference in (e for e in package.iter() if local_name(e) == "itemref"):
        item = manifest.get(reference.get("idref"))
        if item is None or item.get("media-type", _PAGES[0]) not in _PAGES:
            continue
        name = posixpath.normpath(posixpath.join(folder, unquote(item.get("href", "").partition("#")[0])))
        if name.startswith(("../", "/")) or name in ("..", "."):
            builder.warn(f"the book names {item.get('href')!r}, which lies outside of it; that was left out.")
        elif name not in seen:
            seen.add(name)
            yield name, "nav" in (item.get("properties") or "").split()


def _package_name(archive: Archive) -> str:
    root: ET.Element = archive.xml(_CONTAINER)
    names = [e.get("full-path", "") for e in root.iter() if local_name(e) == "rootfile"]
    found = next((name for name in names if name in archive.names), None)
    if found is None:
        raise DamagedInputError("the book's package file is missing.", remedy="Download the book again.")
    return found
