"""The page about errors: the tree from `docalign/errors.py`, and what the code says where it raises them.

The second part is read from the sources: every `raise NameError("what", remedy="…")` gives a line of a table. What a
message fills in at run time stands as `…`.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from docalign import errors

__all__ = ["page"]

ROOT: Final = Path(__file__).resolve().parents[2]
_MEANS: Final = {
    1: "Some files of a batch failed, and the rest are written; or something beside the input stands in the way.",
    2: "The command line, the settings or the request make no sense.",
    3: "The input cannot be read, is damaged, or holds nothing to chunk.",
    4: "The input is encrypted.",
    5: "The input is over a limit: bytes, pages, pixels, time.",
    6: "The model is missing or does not fit this version.",
    7: "The OCR engine is missing or failed.",
}
_OPENING: Final = """\
# Errors

Everything docalign refuses on purpose has a name, an exit code on the command line, a status over HTTP, and a sentence
that says what to do. On the command line the code is what the shell sees (`echo $?`); in a batch, `NAME.EXT.error.json`
beside the results has the same for one file; over HTTP it is a problem detail (RFC 9457); in Python a
`docalign.errors.DocalignError` with `what`, `source`, `remedy` and `exit_code`. 0 means done, 130 interrupted.

**First:** `docalign doctor` says what is installed, what is missing and the command that adds it. Something that is not
named here ends with "unexpected" and code 1: run it again with `DOCALIGN_DEBUG=1` for the traceback.

"""


def page() -> str:
    said = _said()
    lines = [
        "| Code | Means |",
        "|---|---|",
        *(f"| [{c}](#exit-code-{c}) | {text} |" for c, text in _MEANS.items()),
        "",
    ]
    for code, text in _MEANS.items():
        lines += [f"## Exit code {code}", "", text, ""]
        kinds = [kind for kind in _tree(errors.DocalignError) if kind.exit_code == code]
        lines += ["| Error | HTTP | Means |", "|---|---|---|"]
        lines += [f"| `{k.__name__}` | {k.http_status} | {_means(k)} |" for k in kinds]
        lines.append("")
        for kind in kinds:
            if rows := sorted(said.get(kind.__name__, ())):
                lines += [f"### `{kind.__name__}`", "", f'??? note "What it says, and what to do ({len(rows)})"', ""]
                lines += ["    | It says | Do |", "    |---|---|", *(f"    | {w} | {r} |" for w, r in rows), ""]
    return _OPENING + "\n".join(lines) + "\n"


def _means(kind: type[errors.DocalignError]) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())


def _tree(kind: type[errors.DocalignError]) -> Iterator[type[errors.DocalignError]]:
    """The error and those below it that `docalign.errors` owns, each parent before its children."""
    if kind.__name__ in errors.__all__:
        yield kind
    for below in kind.__subclasses__():
        yield from _tree(below)


def _said() -> dict[str, set[tuple[str, str]]]:
    """Error → (what, remedy) of every place that makes one with a remedy of its own."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for path in sorted([*(ROOT / "docalign").rglob("*.py"), *(ROOT / "service").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node) in errors.__all__:
                what = (_text(node.args[0]) if node.args else None) or "…"
                remedy = next((_text(k.value) for k in node.keywords if k.arg == "remedy"), None)
                if remedy and remedy.strip(" ….`"):
                    found[_name(node)].add((what, remedy))
    return found


def _name(node: ast.Call) -> str:
    """What is called, without the module it is in."""
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _text(node: ast.expr) -> str | None:
    """A string of the sources as a reader meets it; None where only the running program knows it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _escaped(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join((isinstance(part, ast.Constant) and _text(part)) or "…" for part in node.values)
    return None


def _escaped(text: str) -> str:
    """As a cell of a table: code in backticks stays as it is, nothing else is markup."""
    parts = text.replace("\n", " ").split("`")
    return "`".join(
        part if code % 2 else re.sub(r"([*_|\[])", r"\\\1", part.replace("<", "&lt;"))
        for code, part in enumerate(parts)
    )
