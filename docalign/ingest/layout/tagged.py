"""What the tags of a PDF say about its rows, as far as it is believed row by row and page by page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docalign.ingest.layout.rows import Row, Sheet

__all__ = ["tag_level", "with_artifacts"]

_HEADING: Final = re.compile(r"H([1-6])$")
_EDGE: Final = 0.2
"""Artifacts are believed to be furniture in this share of the page at each edge."""
_MAX_ARTIFACTS: Final = 0.25
"""A page of which tags call more than this share of the letters no text is tagged badly."""


def tag_level(role: str | None) -> int | None:
    """The level of a heading's role, None for any other role."""
    match = _HEADING.match(role or "")
    return int(match[1]) if match else None


def with_artifacts(sheets: Sequence[Sheet], furniture: Sequence[Sequence[Row]]) -> list[list[Row]]:
    """The furniture of each sheet and, where that is believable, the rows tagged as artifacts."""
    result = []
    for sheet, rows in zip(sheets, furniture, strict=True):
        known = set(map(id, rows))
        more = [r for r in _artifacts(sheet) if id(r) not in known]
        result.append(sorted([*rows, *more], key=lambda r: (r.middle, r.box[0])) if more else list(rows))
    return result


def _artifacts(sheet: Sheet) -> list[Row]:
    marked = [r for r in sheet.rows if r.role == "Artifact"]
    letters = sum(len(r.text) for r in sheet.rows)
    if not marked or sum(len(r.text) for r in marked) > _MAX_ARTIFACTS * letters:
        return []
    edge = _EDGE * sheet.height
    return [r for r in marked if r.box[3] < edge or r.box[1] > sheet.height - edge]
