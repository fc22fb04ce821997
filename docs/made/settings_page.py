"""The page about settings, from the dataclasses that read them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from types import UnionType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from docalign.config import SECTIONS
from docalign.ingest import IngestOptions

__all__ = ["page"]

_OPENING: Final = """\
# Settings

Options beat environment variables, those beat `docalign.toml` (the nearest from the working directory upward, or the
one that `--config` or `DOCALIGN_CONFIG` names), and that beats the defaults. A key that does not exist is an error that
names the nearest one. `[chunk] max_tokens` of the file is `DOCALIGN_CHUNK_MAX_TOKENS` in the environment.

Three variables are no settings: `DOCALIGN_CACHE` (where pulled models are kept), `DOCALIGN_DATA` (corpora of benchmarks
and recipes) and `DOCALIGN_DEBUG` (a traceback with every crash).

"""
_WORDS: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def page() -> str:
    return _OPENING + "\n".join(line for name, kind in SECTIONS.items() for line in _section(name, kind)) + "\n"


def _section(name: str, kind: type[Any]) -> Iterator[str]:
    said, means = inspect.getdoc(kind) or "", _means(kind)
    if said.startswith(f"`[{name}]`: "):
        said = said.removeprefix(f"`[{name}]`: ")
        said = said[0].upper() + said[1:]
    yield from (f"## `[{name}]`", "", said, "")
    if kind.__name__ == "IngestSettings":
        yield from ("What each does:", "", _without_errors(inspect.getdoc(IngestOptions) or ""), "")
    hints = get_type_hints(kind)
    yield f"| Key | Is | Default |{' Why so |' if means else ''}"
    yield f"|---|---|---|{'---|' if means else ''}"
    for field in fields(kind):
        default = _default(field, name)
        why = f" {means.get(field.name, '')} |" if means else ""
        yield f"| `{field.name}` | {_is(hints[field.name])} | {default} |{why}"
    yield ""


def _means(kind: type[Any]) -> dict[str, str]:
    """The strings below the fields of a dataclass, by field."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for line, below in pairwise(body):
        if isinstance(line, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            found[ast.unparse(line.target)] = " ".join(str(below.value.value).split())
    return found


def _default(field: Any, section: str) -> str:
    value = field.default
    if section == "ingest" and value is None:  # None keeps the reader's own
        value = getattr(IngestOptions(), field.name, None)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value:_}`" if isinstance(value, int) else f"`{value}`"
    return f'`"{value}"`' if isinstance(value, str) else "none"


def _is(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return ", ".join(f'`"{value}"`' for value in get_args(hint))
    kinds = [k for k in get_args(hint) if k is not type(None)] if isinstance(hint, UnionType) else [hint]
    return " or ".join(_WORDS.get(kind, "a table of weights") for kind in kinds)


def _without_errors(said: str) -> str:
    return said.split("\n\nRaises:")[0]
