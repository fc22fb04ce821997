"""Mail messages (eml): who, when and about what as the first block, then the text.

Plain text is preferred to HTML where a message has both. Attachments are named in the warnings with type and size;
messages that were forwarded as attachments are read where they stand. Remote pictures are never fetched.
"""

from __future__ import annotations

import email.policy
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docalign.document import Document
from docalign.errors import UnsupportedFormatError
from docalign.ingest.readers.flow import FlowBuilder, Item, one_line
from docalign.ingest.readers.html import html_text, parse_html
from docalign.ingest.readers.html_walk import walk_html
from docalign.ingest.readers.text import read_text

if TYPE_CHECKING:
    from docalign.ingest.options import IngestOptions

__all__ = ["read_mail"]

_SHOWN: Final = ("From", "To", "Cc", "Date", "Subject")
_MAX_NESTING: Final = 10
_MAX_PARTS: Final = 2_000
_SIGNED: Final = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")


def read_mail(path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:  # noqa: ARG001 - FlowReader
    """A mail message as a Document.

    Raises:
        UnsupportedFormatError: it has no header fields. EmptyInputError: neither fields nor text.
    """
    message = BytesParser(policy=email.policy.default).parsebytes(Path(path).read_bytes())
    if not message.keys():
        raise UnsupportedFormatError("this is no mail message: it has no header fields.", remedy="Name it .txt.")
    builder = FlowBuilder()
    _add_message(message, builder, 0)
    return builder.build(source=source, sha256=sha256)


def _add_message(message: Message, builder: FlowBuilder, nesting: int) -> None:
    fields = [f"{name}: {value}" for name in _SHOWN if (value := _field(message, name))]
    if any(line.startswith("Subject:") for line in fields):
        builder.add(Item("heading", _field(message, "Subject"), level=min(nesting + 1, 6)))
        fields = [line for line in fields if not line.startswith("Subject:")]
    builder.add(Item("paragraph", "\n".join(fields)))
    for count, part in enumerate(_parts(message, nesting)):
        if count >= _MAX_PARTS:
            builder.warn(f"the message has more than {_MAX_PARTS} parts; the rest was left out.")
            return
        _add_part(part, builder, nesting)


def _field(message: Message, name: str) -> str:
    """A header field, decoded; as it stands where its encoding is broken."""
    try:
        values = message.get_all(name) or []
        return one_line(", ".join(str(value) for value in values))
    except (ValueError, LookupError, IndexError, AttributeError, TypeError):  # the parser of broken fields raises these
        raw = [value for key, value in message.raw_items() if key.lower() == name.lower()]
        return one_line(", ".join(map(str, raw)))


def _parts(message: Message, nesting: int) -> Iterator[Message]:
    """The parts to read, in order: of alternatives the plain text, else the last that can be read."""
    if message.get_content_maintype() == "message" or not message.is_multipart():
        yield message
        return
    children = [part for part in message.get_payload() if isinstance(part, Message)]
    if message.get_content_subtype() == "alternative":
        plain = [part for part in children if part.get_content_type() == "text/plain" and _text(part)[0].strip()]
        children = plain[:1] or children[-1:]
    for child in children:
        if nesting < _MAX_NESTING:
            yield from _parts(child, nesting + 1)


def _add_part(part: Message, builder: FlowBuilder, nesting: int) -> None:
    kind = part.get_content_type()
    name = one_line(str(part.get_filename() or ""))
    if kind == "message/rfc822" and nesting < _MAX_NESTING:
        for inner in part.get_payload():
            if isinstance(inner, Message):
                _add_message(inner, builder, nesting + 1)
        return
    attached = part.get_content_disposition() == "attachment" or bool(name)
    if not attached and kind == "text/html":
        data = part.get_payload(decode=True)
        text, warnings = (
            _text(part) if part.get_content_charset() else html_text(data if isinstance(data, bytes) else b"")
        )
        for warning in warnings:
            builder.warn(warning)
        walk_html(parse_html(text), builder, furniture=False)
    elif not attached and part.get_content_maintype() == "text":
        _add_plain(_said(part, builder), builder)
    elif kind not in _SIGNED:
        payload = part.get_payload(decode=True)
        size = len(payload) if isinstance(payload, bytes) else 0
        builder.warn(f"attachment {name or 'without a name'} ({kind}, {size} bytes) was not read.")


def _said(part: Message, builder: FlowBuilder) -> str:
    text, warnings = _text(part)
    for warning in warnings:
        builder.warn(warning)
    return text


def _add_plain(text: str, builder: FlowBuilder) -> None:
    """Plain text cut to blocks as a text file is."""
    if not text.strip():
        return
    document = read_text(text.encode("utf-8", "replace"), source="", sha256="")
    for block in document.blocks:
        depth = 1 if block.kind == "list_item" else None
        builder.add(Item(block.kind, document.block_text(block), depth=depth))


def _text(part: Message) -> tuple[str, list[str]]:
    """A part's text in the encoding it names; else as UTF-8 or Windows-1252, with a warning."""
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else str(payload or "").encode("utf-8", "surrogateescape")
    named = part.get_content_charset() or "utf-8"
    try:
        return data.decode(named).replace("\x00", "\ufffd"), []
    except (LookupError, UnicodeError, ValueError):
        warning = f"a part of the message is not the {named} it says; it was read as Windows-1252."
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
        return text.replace("\x00", "\ufffd"), [warning]
