"""What a file is, by its own bytes: the inside of archives, markup, mail. Names play no part here."""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "foreign_kind",
    "inside_zip",
    "is_cut_archive",
    "is_mail",
    "is_old_office",
    "is_rtf",
    "markup",
    "own_schema",
]

_BOM: Final = b"\xef\xbb\xbf"
_FOREIGN: Final = (
    (b"PK\x03\x04", "a ZIP archive, and no Office, OpenDocument or EPUB file"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"%!PS", "a PostScript file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"AT&TFORM", "a DjVu file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
)
_ENTRY: Final = re.compile(rb"PK\x01\x02.{42}(word/|ppt/|xl/|visio/)|PK\x03\x04.{26}(word/|ppt/|xl/|visio/)", re.S)
_CENTRAL_OR_LOCAL_NAME: Final = b"[Content_Types].xml"
_OPEN_DOCUMENT: Final = b"mimetypeapplication/vnd.oasis.opendocument."
_MAIL_FIELD: Final = re.compile(
    rb"^(from|to|cc|date|subject|received|return-path|delivered-to|message-id|mime-version|reply-to|x-[\w-]+|dkim-signature"
    rb"|content-type|content-transfer-encoding|authentication-results|arc-[\w-]+|sender|in-reply-to|references): ?",
    re.I,
)
_OWN_SCHEMA: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*"schema"\s*:\s*"docalign\.([\w.]+)/\d')
_OBJECT: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"')
_OUTER: Final = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*(<!doctype\s+(\w+)|<([\w:]+))", re.I | re.S)


def foreign_kind(head: bytes) -> str | None:
    """What a file is that no reader knows, in words."""
    return next((what for magic, what in _FOREIGN if head.startswith(magic)), None)


def inside_zip(head: bytes, tail: bytes) -> str | None:
    """What an archive holds, by the names at its beginning and in the directory at its end: `docx`, `pptx`, `xlsx`,
    `epub`, `odf`; None for anything else."""
    if not head.startswith(b"PK\x03\x04"):
        return None
    if b"mimetypeapplication/epub+zip" in head[:200] or b"META-INF/container.xml" in tail + head:
        return "epub"
    if _OPEN_DOCUMENT in head[:200]:
        return "odf"
    if _CENTRAL_OR_LOCAL_NAME in tail or _CENTRAL_OR_LOCAL_NAME in head:
        found = _ENTRY.search(tail) or _ENTRY.search(head)
        folder = (found[1] or found[2]) if found else b""
        return {b"word/": "docx", b"ppt/": "pptx", b"xl/": "xlsx"}.get(folder)
    return None


def is_cut_archive(head: bytes, tail: bytes) -> bool:
    """A ZIP archive without the record that every archive ends with."""
    return head.startswith(b"PK\x03\x04") and bool(tail) and b"PK\x05\x06" not in tail


def is_old_office(head: bytes) -> bool:
    """An OLE container: doc, xls, ppt, msg, or an encrypted newer file."""
    return head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def is_rtf(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"{\\rtf")


def own_schema(head: bytes) -> str | None:
    """`document`, `chunk`, `gold` and the like, where this is JSON (lines, too) with a schema of docalign's."""
    found = _OWN_SCHEMA.match(head)
    if found:
        return found[1].decode("ascii", "replace")
    return "document" if _OBJECT.match(head) and b'"docalign.document/' in head else None


def markup(head: bytes) -> str | None:
    """`html`, `hocr`, `alto`, or `xml` for any other; None for what is no markup."""
    found = _OUTER.match(head.removeprefix(_BOM))
    if found is None:
        return None
    outer = (found[2] or found[3] or b"").lower().rpartition(b":")[2]
    if outer == b"html":
        return "hocr" if b"ocr_page" in head or b"ocr-system" in head else "html"
    if outer == b"alto":
        return "alto"
    return "xml" if head.removeprefix(_BOM).lstrip().startswith(b"<?xml") else None


def is_mail(head: bytes) -> bool:
    """Whether it begins as a message does: header fields alone, three known ones among them, and who or when."""
    lines = re.split(rb"\r?\n", head.removeprefix(_BOM))
    names: set[bytes] = set()
    for line in lines[:40]:
        if not line:
            break
        field = _MAIL_FIELD.match(line)
        if field:
            names.add(field[1].lower())
        elif not line.startswith((b" ", b"\t")) and not re.match(rb"[\w-]{1,60}:", line):
            return False
    return len(names) >= 3 and bool(names & {b"from", b"received", b"date"})
