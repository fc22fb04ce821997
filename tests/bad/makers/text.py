"""Texts, Markdown, HTML, mail and JSON that break readers."""

from __future__ import annotations

import base64
import json
from typing import Any

PROSE = "The committee met on the second day of March and agreed on all seven points of its report.\n"


def document(**changes: Any) -> bytes:
    """A document.json with something wrong in it."""
    value: dict[str, Any] = {
        "schema": "docalign.document/1",
        "source": "a.pdf",
        "text": "Title\n\nText of it.",
        "pages": [{"number": 1, "width": 612, "height": 792}],
        "blocks": [
            {"id": 0, "start": 0, "end": 5, "kind": "heading", "level": 1, "page": 1, "boxes": []},
            {"id": 1, "start": 7, "end": 18, "kind": "paragraph", "page": 1, "boxes": []},
        ],
    }
    value.update(changes)
    return json.dumps(value).encode()


def block(**changes: Any) -> bytes:
    """A document.json whose first block has something wrong."""
    first = {"id": 0, "start": 0, "end": 5, "kind": "heading", "level": 1, "page": 1, "boxes": []} | changes
    second = {"id": 1, "start": 7, "end": 18, "kind": "paragraph", "page": 1, "boxes": []}
    return document(blocks=[first, second])


def deep_json(depth: int) -> bytes:
    return b'{"schema": "docalign.document/1", "text": ' + b"[" * depth + b"]" * depth + b"}"


def nested_list(depth: int) -> bytes:
    return "\n".join("  " * n + f"- item {n}" for n in range(depth)).encode()


def quotes(depth: int) -> bytes:
    return (">" * depth + " the innermost\n\n" + PROSE).encode()


def brackets(count: int) -> bytes:
    return ("# Report\n\n" + "[" * count + "\n\n" + PROSE).encode()


def wide_table(columns: int, rows: int) -> bytes:
    head = "|" + "|".join(f"h{n}" for n in range(columns)) + "|\n|" + "---|" * columns + "\n"
    return (head + ("|" + "x|" * columns + "\n") * rows).encode()


def nested_tags(tag: str, depth: int) -> bytes:
    return (f"<!doctype html><body><p>{PROSE}" + f"<{tag}>" * depth + "deep" + f"</{tag}>" * depth).encode()


def html(body: str, head: str = "") -> bytes:
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode()


def mail(body: str, *, headers: str = "Content-Type: text/plain; charset=utf-8") -> bytes:
    return f"From: a@example.org\nTo: b@example.org\nSubject: Minutes\nMIME-Version: 1.0\n{headers}\n\n{body}".encode()


def mail_in_mail(depth: int) -> bytes:
    inner = mail(PROSE)
    for _ in range(depth):
        inner = b"From: a@example.org\nSubject: Fwd\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n" + inner
    return inner


def unclosed_parts() -> bytes:
    return mail(f"--cut\nContent-Type: text/plain\n\n{PROSE}", headers='Content-Type: multipart/mixed; boundary="cut"')


def broken_base64() -> bytes:
    coded = base64.b64encode((PROSE * 3).encode()).decode()
    return mail(coded[:40] + "*!?" + coded[41:], headers="Content-Type: text/plain\nContent-Transfer-Encoding: base64")
