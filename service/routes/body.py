"""The body of a request as one input: a form with a file, or the file itself.

A form is parsed here and not by FastAPI, which would read it before anybody asked whether there is room.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any, Final

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from docalign.errors import EmptyInputError, OutputError, UnsupportedFormatError, UsageError

from ..ticket import GaveUpError

__all__ = ["OPENAPI_BODY", "PAGED", "Upload", "is_paged", "received"]

_FORM: Final = "multipart/form-data"
_TEXTS: Final = {"text/plain": "-", "text/markdown": "-.md", "text/html": "-.html"}
_RAW: Final = {"application/json": "-.json", "application/pdf": "-", "application/octet-stream": "-"}
_PLAIN: Final = frozenset({*_TEXTS, "application/json"})
PAGED: Final = frozenset({_FORM, "application/pdf", "application/octet-stream"})
_MOST_FIELDS: Final = 8

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
OPENAPI_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "A file as a form, or as the body itself; text; or a `docalign.document/1` object.",
        "content": {
            _FORM: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "password": {"type": "string", "description": "For encrypted PDFs."},
                    },
                }
            },
            "text/plain": {"schema": {"type": "string"}},
            "text/markdown": {"schema": {"type": "string"}},
            "text/html": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object", "description": "docalign.document/1"}},
            "application/pdf": _BINARY,
            "application/octet-stream": _BINARY,
        },
    }
}


@dataclass(frozen=True, slots=True)
class Upload:
    """What came in: an open file or bytes, what it calls itself, and the password that opens it."""

    name: str
    data: bytes | IO[bytes]
    password: str | None = None

    def read(self) -> bytes:
        return self.data if isinstance(self.data, bytes) else self.data.read()


def media_type(request: Request) -> str:
    """The type that the body says it is.

    Raises:
        UnsupportedFormatError: no such body is taken.
    """
    parsed = Message()
    parsed["content-type"] = request.headers.get("content-type", "application/octet-stream")
    found = parsed.get_content_type()
    if found != _FORM and found not in _TEXTS and found not in _RAW:
        raise UnsupportedFormatError(
            "a body of this Content-Type is not taken.",
            remedy=f"Use {_FORM}, or one of {', '.join({**_TEXTS, **_RAW})}.",
        )
    return found


def is_paged(request: Request) -> bool:
    """Whether the body may have pages.

    Raises:
        UnsupportedFormatError: no such body is taken.
    """
    return media_type(request) not in _PLAIN


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Upload]:
    """The body, read whole; a form's file is gone afterwards.

    Raises:
        UsageError: a form without a file, or with more than one. EmptyInputError: no bytes.
        OutputError: no room for the file. GaveUpError: the client left.
    """
    kind = media_type(request)
    try:
        if kind != _FORM:
            data = await request.body()
            if not data:
                raise EmptyInputError("the body is empty.", remedy="Send a file or text.")
            yield Upload({**_TEXTS, **_RAW}[kind], data)
            return
        async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
            yield _form_upload(form.get("file"), form.get("password"))
    except ClientDisconnect as error:
        raise GaveUpError("the client is gone") from error
    except OSError as error:
        raise OutputError(
            f"the upload cannot be kept ({error.strerror}).", remedy="Free space on the server."
        ) from error
    except HTTPException as error:  # a form that is none, or with too many parts
        raise UsageError(f"the form cannot be read ({error.detail}).", remedy="Send one file as `file`.") from error


def _form_upload(file: Any, password: Any) -> Upload:
    if not isinstance(file, UploadFile):
        raise UsageError("the form has no file called `file`.", remedy="Send one file as `file`.")
    if not file.size:
        raise EmptyInputError(
            "the file is empty (0 bytes).", source=file.filename or "-", remedy="Check how it was made."
        )
    return Upload(_safe(file.filename), file.file, password if isinstance(password, str) and password else None)


def _safe(name: str | None) -> str:
    """The last part of a file's name: what a client calls its folders is nobody's business."""
    last = (name or "-").replace("\\", "/").rpartition("/")[2]
    return last[:255] or "-"
