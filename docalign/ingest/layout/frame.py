"""Turning boxes between the unrotated page and the frame in which its text reads upright.

Every box that leaves ingestion is in points from the top-left corner of the unrotated page. Grouping letters to
lines and lines to columns is only easy where text runs left to right, so it happens in the *reading frame*: the page
turned clockwise by 0, 90, 180 or 270 degrees. Text that runs from right to left is mirrored, text in vertical lines
turned once more: in the frame every text runs left to right, so that layout is written once. This module is that
arithmetic and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docalign.document import Box
    from docalign.ingest.page import PageContent

__all__ = ["frame_size", "from_frame", "from_reading", "reading_size", "to_frame", "to_reading", "union"]


def frame_size(width: float, height: float, rotation: int) -> tuple[float, float]:
    """Width and height of the page (points) after turning it clockwise by `rotation` degrees."""
    return (height, width) if rotation % 180 else (width, height)


def to_frame(box: Box, width: float, height: float, rotation: int) -> Box:
    """A box of the unrotated `width` × `height` page, in the page turned clockwise by `rotation` degrees."""
    x0, y0, x1, y1 = box
    quarter = rotation % 360
    if quarter == 90:
        return (height - y1, x0, height - y0, x1)
    if quarter == 180:
        return (width - x1, height - y1, width - x0, height - y0)
    if quarter == 270:
        return (y0, width - x1, y1, width - x0)
    return box


def from_frame(box: Box, width: float, height: float, rotation: int) -> Box:
    """The inverse of `to_frame`; `width` and `height` are still those of the unrotated page."""
    frame_width, frame_height = frame_size(width, height, rotation)
    return to_frame(box, frame_width, frame_height, -rotation)


def reading_size(page: PageContent) -> tuple[float, float]:
    """Width and height of the page's reading frame."""
    return frame_size(page.width, page.height, _turn(page))


def to_reading(box: Box, page: PageContent) -> Box:
    """A box of the unrotated page in the frame in which its text runs left to right, line below line."""
    turned = to_frame(box, page.width, page.height, _turn(page))
    return _mirror(turned, page) if page.direction == "rtl" else turned


def from_reading(box: Box, page: PageContent) -> Box:
    """The inverse of `to_reading`."""
    return from_frame(_mirror(box, page) if page.direction == "rtl" else box, page.width, page.height, _turn(page))


def _turn(page: PageContent) -> int:
    return page.rotation + (270 if page.direction == "ttb" else 0)


def _mirror(box: Box, page: PageContent) -> Box:
    width, _ = reading_size(page)
    return (width - box[2], box[1], width - box[0], box[3])


def union(boxes: Iterable[Box]) -> Box:
    """The smallest box around `boxes` (at least one)."""
    x0s, y0s, x1s, y1s = zip(*boxes, strict=True)
    return (min(x0s), min(y0s), max(x1s), max(y1s))
