"""Places on a page as other programs write them (pixels, inches, shares, polygons, either origin), in points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from docalign.document import Box, Page

__all__ = ["LETTER", "Sheet", "guess_dpi"]

LETTER: Final = (612.0, 792.0)
_USUAL_DPI: Final = (72, 96, 100, 120, 150, 200, 240, 300, 400, 600, 1200)
_LONG_EDGE_IN: Final = 11.3
"""Between US letter (11) and A4 (11.7)."""
_LEAST: Final = 0.01


def guess_dpi(width: float, height: float) -> float:
    """The resolution that makes a picture of this many pixels nearest to a sheet of office paper."""
    edge = max(width, height, 1.0)
    return min(_USUAL_DPI, key=lambda dpi: abs(math.log(edge / dpi / _LONG_EDGE_IN)))


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page whose places are measured in some unit: `scale_x`, `scale_y` points each; `upward` from the bottom."""

    number: int
    width: float
    height: float
    scale_x: float = 1.0
    scale_y: float = 1.0
    upward: bool = False

    @classmethod
    def of_pixels(cls, number: int, width: float, height: float, dpi: float | None = None) -> Sheet:
        """A picture of `width` × `height` pixels."""
        scale = 72 / (dpi or guess_dpi(width, height))
        return cls(number, width * scale, height * scale, scale, scale)

    @classmethod
    def of_shares(cls, number: int) -> Sheet:
        """A page of unknown size, measured in shares of its edges: taken for US letter."""
        return cls(number, *LETTER, *LETTER)

    @property
    def page(self) -> Page:
        return Page(self.number, round(self.width, 2), round(self.height, 2))

    def box(self, xs: Iterable[Any], ys: Iterable[Any]) -> Box | None:
        """The box around points, on the page; None where the numbers are none."""
        across = [float(x) * self.scale_x for x in xs]
        down = [float(y) * self.scale_y for y in ys]
        if not across or not down or not all(map(math.isfinite, (*across, *down))):
            return None
        if self.upward:
            down = [self.height - y for y in down]
        x0, x1 = (min(max(x, 0.0), self.width) for x in (min(across), max(across)))
        y0, y1 = (min(max(y, 0.0), self.height) for y in (min(down), max(down)))
        return (x0, y0, max(x1, x0 + _LEAST), max(y1, y0 + _LEAST))

    def polygon(self, points: Sequence[Any]) -> Box | None:
        """The box around a polygon: `[x, y, x, y, …]`, `[[x, y], …]` or `[{"x": …, "y": …}, …]`."""
        if not points:
            return None
        if isinstance(points[0], dict):
            return self.box([p["x"] for p in points], [p["y"] for p in points])
        if isinstance(points[0], (list, tuple)):
            return self.box([p[0] for p in points], [p[1] for p in points])
        return self.box(points[0::2], points[1::2])
