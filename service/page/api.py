"""The page at `/docs`: what the API's own description (`/openapi.json`) says, as plain HTML.

FastAPI's page fetches its script from a server elsewhere. This one needs no script and nothing from anywhere, so it
works offline and under the same strict policy as the page at `/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from http import HTTPStatus
from typing import Any, Final

__all__ = ["api_page"]

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_CODE: Final = re.compile(r"`([^`]+)`")
_REFERENCE: Final = "#/components/schemas/"


def api_page(description: Mapping[str, Any]) -> str:
    """The page for an OpenAPI object."""
    about = description["info"]
    title = f"{about['title']} {about['version']}: the API"
    operations = [
        (method, path, item[method])
        for path, item in description["paths"].items()
        for method in _METHODS
        if method in item
    ]
    contents = "".join(
        f'<li><a href="#{_anchor(method, path)}"><code>{method.upper()} {escape(path)}</code></a> '
        f"{_text(operation.get('summary', ''))}</li>"
        for method, path, operation in operations
    )
    schemas = description.get("components", {}).get("schemas", {})
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n"
        '<link rel="icon" href="data:,">\n<link rel="stylesheet" href="/static/page.css">\n'
        '</head>\n<body class="api">\n'
        f'<header><h1>{escape(title)}</h1><p><a href="/">A page to drop a file on</a>, '
        '<a href="/openapi.json">this as OpenAPI</a></p></header>\n<main>\n'
        "<p>Where the service asks for tokens, send <code>Authorization: Bearer TOKEN</code>. "
        f"Errors are RFC 9457 problem details.</p>\n<ul>{contents}</ul>\n"
        + "\n".join("".join(_operation(*operation)) for operation in operations)
        + "".join(_schema(name, schema) for name, schema in sorted(schemas.items()))
        + "\n</main>\n</body>\n</html>\n"
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="{_anchor(method, path)}">\n<h2><code>{method.upper()} {escape(path)}</code></h2>\n'
    for paragraph in (operation.get("summary", ""), *operation.get("description", "").split("\n\n")):
        if paragraph:
            yield f"<p>{_text(paragraph)}</p>\n"
    rows: Sequence[tuple[str, ...]]
    parameters = operation.get("parameters", [])
    if parameters:
        rows = [
            (f"<code>{escape(p['name'])}</code>", p["in"], _kind(p.get("schema", {})), _told(p)) for p in parameters
        ]
        yield _table(("Parameter", "In", "Is", "Means"), rows)
    body = operation.get("requestBody")
    if body:
        rows = [(f"<code>{escape(kind)}</code>", _kind(of.get("schema", {}))) for kind, of in body["content"].items()]
        yield f"<p>{_text(body.get('description', ''))}</p>\n" + _table(("Body", "Is"), rows)
    rows = [
        (f"<code>{escape(status)}</code>", _text(of.get("description", "") or _phrase(status)), _kinds(of))
        for status, of in operation.get("responses", {}).items()
    ]
    yield _table(("Answer", "Means", "As"), rows) + "</section>\n"


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        (f"<code>{escape(key)}</code>", _kind(of), "yes" if key in required else "", _told(of))
        for key, of in schema.get("properties", {}).items()
    ]
    told = f"<p>{_text(schema.get('description', ''))}</p>\n" if schema.get("description") else ""
    table = _table(("Field", "Is", "Required", "Means"), rows) if rows else ""
    return f'<section id="{escape(name)}">\n<h2>{escape(name)}</h2>\n{told}{table}</section>\n'


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _kind(schema: Mapping[str, Any]) -> str:
    """The type in a few words, with a link where it has a name."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).removeprefix(_REFERENCE))
        return f'<a href="#{name}">{name}</a>'
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_kind(one) for one in schema[several] if one.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {})) or 'anything'}"
    return escape(" ".join(filter(None, (str(schema.get("type", "")), str(schema.get("format", ""))))))


def _kinds(response: Mapping[str, Any]) -> str:
    return ", ".join(f"<code>{escape(kind)}</code>" for kind in response.get("content", {}))


def _told(thing: Mapping[str, Any]) -> str:
    return _text(thing.get("description", "") or thing.get("schema", {}).get("description", ""))


def _phrase(status: str) -> str:
    return HTTPStatus(int(status)).phrase if status.isdigit() else ""


def _text(words: str) -> str:
    """Words with `code` marked as such."""
    return _CODE.sub(r"<code>\1</code>", escape(words, quote=False))


def _anchor(method: str, path: str) -> str:
    return re.sub(r"\W+", "-", f"{method} {path}").strip("-")
