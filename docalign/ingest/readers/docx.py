"""Word files (docx, docm, dotx). The XML is read directly, because no library hands out all of it: tracked changes,
text boxes, notes, comments, generated numbers, files with macros or from templates. Macros are never looked at.

Inserted text is text, deleted text is `dropped`; headers and footers are furniture; comments, hidden text and
alternative texts are invisible. Word decides on pages only when it prints, so there are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from docalign.document import Document
from docalign.errors import DamagedInputError
from docalign.ingest.readers.archive import Archive, open_archive
from docalign.ingest.readers.docx_body import Body
from docalign.ingest.readers.docx_styles import Numbering, Styles
from docalign.ingest.readers.flow import FlowBuilder
from docalign.ingest.readers.ooxml import A, W, main_part, related
from docalign.ingest.readers.safe_xml import parse_xml

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

    from docalign.ingest.options import IngestOptions

__all__ = ["read_docx"]

_STRICT: Final = (
    (b"http://purl.oclc.org/ooxml/wordprocessingml/main", W[1:-1].encode()),
    (b"http://purl.oclc.org/ooxml/drawingml/main", A[1:-1].encode()),
)
"""Namespaces of the strict variant of the standard, and what they are called everywhere else."""


def read_docx(path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:
    """A Word file as a Document.

    Raises:
        DamagedInputError: a broken archive or part. EncryptedInputError: encrypted parts. LimitExceededError: it would
            inflate beyond the limits. EmptyInputError: no text.
    """
    builder = FlowBuilder()
    with open_archive(path, options) as archive:
        part = main_part(archive, "Word")
        root = _xml(archive, part)
        body = root.find(f"{W}body")
        if body is None:
            raise DamagedInputError(f"its part {part} has no body.", remedy="Save the file again and retry.")
        for name in related(archive, part, "header", "footer"):
            for paragraph in _xml(archive, name).iter(f"{W}p"):
                builder.set_aside("furniture", _text(paragraph))
        styles, numbering = (_first(archive, part, kind) for kind in ("styles", "numbering"))
        Body(builder, Styles(styles), Numbering.read(numbering), _notes(archive, part)).read(body)
        _set_comments_aside(archive, part, builder)
    return builder.build(source=source, sha256=sha256)


def _xml(archive: Archive, name: str) -> ET.Element:
    data = archive.read(name)
    for strict, usual in _STRICT:
        data = data.replace(strict, usual)
    return parse_xml(data, name)


def _first(archive: Archive, part: str, kind: str) -> ET.Element | None:
    names = related(archive, part, kind)
    return _xml(archive, names[0]) if names else None


def _notes(archive: Archive, part: str) -> dict[tuple[str, str], ET.Element]:
    notes = {}
    for kind in ("footnote", "endnote"):
        root = _first(archive, part, f"{kind}s")
        for note in root.findall(f"{W}{kind}") if root is not None else ():
            if note.get(f"{W}type") in (None, "normal"):
                notes[kind, note.get(f"{W}id", "")] = note
    return notes


def _set_comments_aside(archive: Archive, part: str, builder: FlowBuilder) -> None:
    """Comments, and the texts of drawings that live in parts of their own (SmartArt, charts)."""
    comments = _first(archive, part, "comments")
    for comment in comments.findall(f"{W}comment") if comments is not None else ():
        builder.set_aside("invisible", " ".join(_text(p) for p in comment.iter(f"{W}p")))
    for name in related(archive, part, "diagramData", "chart"):
        texts = [t.text or "" for t in _xml(archive, name).iter() if t.tag.endswith(("}t", "}v"))]
        builder.set_aside("invisible", "\n".join(text for text in texts if text.strip()))


def _text(paragraph: ET.Element) -> str:
    texts = (e for e in paragraph.iter() if e.tag in (f"{W}t", f"{W}tab"))
    return "".join((e.text or "") if e.tag == f"{W}t" else "\t" for e in texts)
