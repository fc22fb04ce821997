"""A page as it is read: its picture, and over it SVG in page points. Both views draw on such sheets.

The turn that makes a page readable is applied to the picture and to every box, so that they agree.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from docalign.document import Box, Page
from docalign.ingest.layout.frame import frame_size, to_frame
from docalign.view.markup import esc, number, share

__all__ = ["BADGE_HEIGHT", "PAD", "Sheet", "badge", "badge_place", "rect"]

PAD = 1.8
BADGE_HEIGHT = 11.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page, how far it is turned clockwise (0, 90, 180, 270), and its upright picture if there is one."""

    page: Page
    turn: int
    image: bytes | None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points, as the page is read."""
        return frame_size(self.page.width, self.page.height, self.turn)

    def shown(self, box: Box) -> Box:
        """A box of the unrotated page, on the page as it is read."""
        return to_frame(box, self.page.width, self.page.height, self.turn)

    def figure(self, overlay: str, *, label: str, below: str = "") -> str:
        """The sheet as markup: `overlay` is SVG, `label` says what it shows, `below` stands under the page."""
        width, height = self.size
        bare = "" if self.image else ' class="bare"'
        return (
            f'<figure class="page" id="page{self.page.number}"><div class="sheet">{self._picture()}'
            f'<svg viewBox="0 0 {number(width)} {number(height)}" width="{number(width)}" height="{number(height)}" '
            f'role="group" aria-label="{esc(label)}"{bare}>{overlay}</svg></div>'
            f"<figcaption>Page {self.page.number}{self._facts()}{below}</figcaption></figure>\n"
        )

    def _facts(self) -> str:
        page = self.page
        if not page.ocr:
            return ""
        return " · OCR" + ("" if page.confidence is None else f" {share(page.confidence)}")

    def _picture(self) -> str:
        if self.image is None:
            return ""
        width, height = self.size
        data = base64.b64encode(self.image).decode("ascii")
        return (
            f'<img alt="Page {self.page.number}" width="{round(width)}" height="{round(height)}" loading="lazy" '
            f'decoding="async" src="data:{_media_type(self.image)};base64,{data}">'
        )


def _media_type(image: bytes) -> str:
    if image.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if image[8:12] == b"WEBP" else "image/jpeg"


def rect(box: Box, name: str = "") -> str:
    """A rectangle a little larger than `box`, of the class `name`."""
    x0, y0, x1, y1 = box
    kind = f' class="{name}"' if name else ""
    return (
        f'<rect{kind} x="{number(x0 - PAD)}" y="{number(y0 - PAD)}" width="{number(x1 - x0 + 2 * PAD)}" '
        f'height="{number(y1 - y0 + 2 * PAD)}" rx="2"/>'
    )


def badge_place(text: str, box: Box) -> tuple[float, float, float]:
    """x, y and width of the badge that says `text` in the margin left of `box`."""
    wide = 5.0 + 5.2 * len(text)
    return max(1.0, box[0] - PAD - wide - 2), max(1.0, box[1] - PAD), wide


def badge(text: str, box: Box, *, continued: bool) -> str:
    """`text` in the margin left of `box`; hollow where what it numbers began elsewhere."""
    x, y, wide = badge_place(text, box)
    kind = "badge continued" if continued else "badge"
    return (
        f'<g class="{kind}"><rect x="{number(x)}" y="{number(y)}" '
        f'width="{number(wide)}" height="{number(BADGE_HEIGHT)}" rx="3"/>'
        f'<text x="{number(x + wide / 2)}" y="{number(y + 8.3)}">{esc(text)}</text></g>'
    )
