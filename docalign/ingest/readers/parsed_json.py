"""JSON files: which program's output one is, by its telling keys, and the reader for it.

Known are our own documents, docling's, unstructured's elements, Azure Document Intelligence's `analyzeResult` and
Textract's `Blocks`. What is none of these is named with what was looked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from docalign.document import Document
from docalign.errors import DocalignError, InvalidDocumentError
from docalign.ingest.readers.azure_json import read_azure
from docalign.ingest.readers.docling_json import read_docling
from docalign.ingest.readers.document_json import read_document_json
from docalign.ingest.readers.flow import FlowBuilder
from docalign.ingest.readers.textract_json import read_textract
from docalign.ingest.readers.unstructured_json import read_unstructured

__all__ = ["read_json"]

_Reader = Callable[[Any, str, str], Document]
_BROKEN: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, OverflowError)


def read_json(data: bytes, *, source: str, sha256: str) -> Document:
    """The document in a JSON file.

    Raises:
        InvalidDocumentError: no JSON, not a known program's, or broken. EmptyInputError: it has no text.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return read_document_json(data, source=source, sha256=sha256)
    name, read = _program(value)
    if read is None:
        return read_document_json(data, source=source, sha256=sha256)
    try:
        return read(value, source, sha256).check()
    except DocalignError:
        raise
    except _BROKEN as error:
        raise InvalidDocumentError(
            f"this {name} JSON is broken ({type(error).__name__}: {error}).", source=source, remedy="Export it again."
        ) from error


def _program(value: Any) -> tuple[str, _Reader | None]:
    if isinstance(value, list):
        first = value[0] if value and isinstance(value[0], dict) else {}
        if "Blocks" in first:
            return "Textract", _textract
        return ("unstructured", _unstructured) if "type" in first and "text" in first else ("", None)
    if isinstance(value, dict):
        if value.get("schema_name") == "DoclingDocument":
            return "docling", read_docling
        if "analyzeResult" in value or ("pages" in value and "content" in value and "modelId" in value):
            return "Azure Document Intelligence", read_azure
        if isinstance(value.get("Blocks"), list):
            return "Textract", _textract
        if isinstance(value.get("elements"), list) and "schema" not in value:
            return "unstructured", lambda v, source, sha256: _unstructured(v["elements"], source, sha256)
    return "", None


def _textract(value: Any, source: str, sha256: str) -> Document:
    answers = value if isinstance(value, list) else [value]
    return read_textract([block for answer in answers for block in answer["Blocks"]], source, sha256)


def _unstructured(value: Any, source: str, sha256: str) -> Document:
    return read_unstructured(value, FlowBuilder(), source, sha256)
