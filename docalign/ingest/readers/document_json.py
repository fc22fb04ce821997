"""`docalign.document/1` JSON: a program that has blocks of its own needs no reader of ours.

The document keeps the source and hash it carries; only a missing source is filled in.
"""

from __future__ import annotations

import json

from docalign.document import Document
from docalign.errors import InvalidDocumentError

__all__ = ["read_document_json"]


def read_document_json(data: bytes, *, source: str, sha256: str) -> Document:  # noqa: ARG001 - one signature for all readers
    """The document in a JSON file.

    Raises:
        InvalidDocumentError: no JSON, not this schema, or a broken rule of it.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidDocumentError(
            f"this is not JSON ({error}).", source=source, remedy="Mend it, or name the file .txt to read it as text."
        ) from error
    if isinstance(value, dict) and not value.get("source"):
        value["source"] = source
    try:
        return Document.from_json(value)
    except InvalidDocumentError as error:
        raise InvalidDocumentError(error.what, source=source, remedy=error.remedy) from error
