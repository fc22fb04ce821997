"""JSON, one way: deterministic bytes for the same value, valid UTF-8 for any text.

Keys keep the order of the schema, floats are rounded, non-ASCII stays readable. Text from broken files may hold lone
surrogates, which UTF-8 cannot carry; they are written as JSON's own \\udXXX escapes and read back as they were. The
line breaks that are not \\n (U+0085, U+2028, U+2029) are escaped as well, so that a reader that splits at any of them
still finds one object a line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from docalign.chunk import Chunk
    from docalign.document import Document

__all__ = ["dump", "render_document", "render_json", "render_jsonl"]

_DECIMALS: Final = 6
_BOX_DECIMALS: Final = 2
"""A hundredth of a PDF point: finer than any page is drawn."""

_LINE_BREAKS: Final = str.maketrans({"\u0085": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def dump(value: Any, *, indent: int | None = None) -> bytes:
    """`value` as JSON in UTF-8, without a final line break.

    Raises:
        ValueError: a float that is not finite, which JSON does not have.
    """
    separators = (",", ": ") if indent else (", ", ": ")
    text = json.dumps(_rounded(value), ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
    # What backslashreplace writes for a lone surrogate is JSON's escape of it.
    return text.translate(_LINE_BREAKS).encode("utf-8", "backslashreplace")


def render_jsonl(chunks: Sequence[Chunk]) -> bytes:
    """One `docalign.chunk/1` object a line."""
    return b"".join(dump(chunk.to_json()) + b"\n" for chunk in chunks)


def render_json(chunks: Sequence[Chunk]) -> bytes:
    """One array of `docalign.chunk/1` objects."""
    return dump([chunk.to_json() for chunk in chunks], indent=2) + b"\n"


def render_document(document: Document) -> bytes:
    """The `docalign.document/1` object on one line. Boxes keep more digits: chunking may look at them again."""
    return dump(document.to_json()) + b"\n"


def _rounded(value: Any, decimals: int = _DECIMALS) -> Any:
    if isinstance(value, float):
        return round(value, decimals) + 0.0  # + 0.0 turns -0.0 into 0.0
    if isinstance(value, Mapping):
        return {k: _rounded(v, _BOX_DECIMALS if k == "box" else decimals) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v, decimals) for v in value]
    return value
