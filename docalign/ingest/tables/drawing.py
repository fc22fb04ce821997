"""What is drawn on a page besides text, as far as it can make a table: straight rules and shaded areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from docalign.ingest.layout.frame import to_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from docalign.document import Box
    from docalign.ingest.page import PageContent

__all__ = ["Drawing", "Rule", "Shade", "rows_of_rules"]

_SAME_PT = 1.5
_TOUCHING_PT = 3.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight edge as a flat box, points from the page's top-left corner."""

    box: Box
    horizontal: bool


@dataclass(frozen=True, slots=True)
class Shade:
    """A filled rectangle; `colour` tells fills apart."""

    box: Box
    colour: int

    def edges(self) -> tuple[Rule, Rule, Rule, Rule]:
        """Top, bottom, left and right."""
        x0, y0, x1, y1 = self.box
        return (
            Rule((x0, y0, x1, y0), True),
            Rule((x0, y1, x1, y1), True),
            Rule((x0, y0, x0, y1), False),
            Rule((x1, y0, x1, y1), False),
        )


@dataclass(frozen=True, slots=True)
class Drawing:
    """The rules and shades of a page, in the frame of the page's words."""

    rules: tuple[Rule, ...] = ()
    shades: tuple[Shade, ...] = ()

    def turned(self, page: PageContent) -> Drawing:
        """The drawing in the page's reading frame."""
        if not page.rotation % 360:
            return self

        def turn(box: Box) -> Box:
            return to_frame(box, page.width, page.height, page.rotation)

        swap = bool(page.rotation % 180)
        return Drawing(
            tuple(Rule(turn(r.box), r.horizontal != swap) for r in self.rules),
            tuple(Shade(turn(s.box), s.colour) for s in self.shades),
        )

    def moved(self, move: Callable[[Box], Box]) -> Drawing:
        """The drawing with `move` applied to every box."""
        return Drawing(
            tuple(Rule(move(r.box), r.horizontal) for r in self.rules),
            tuple(Shade(move(s.box), s.colour) for s in self.shades),
        )


def rows_of_rules(rules: Iterable[Rule]) -> list[Box]:
    """Horizontal rules from top to bottom, each as one box: pieces on one height that touch are joined."""
    joined: list[Box] = []
    heights: list[list[Box]] = []
    for box in sorted((r.box for r in rules if r.horizontal), key=lambda b: b[1]):
        if heights and box[1] - heights[-1][0][1] <= _SAME_PT:
            heights[-1].append(box)
        else:
            heights.append([box])
    for pieces in heights:
        pieces.sort()
        x0, y, x1, _ = pieces[0]
        for box in pieces[1:]:
            if box[0] <= x1 + _TOUCHING_PT:
                x1 = max(x1, box[2])
            else:
                joined.append((x0, y, x1, y))
                x0, x1 = box[0], box[2]
        joined.append((x0, y, x1, y))
    return joined
