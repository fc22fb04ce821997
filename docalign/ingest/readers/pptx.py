"""PowerPoint files: each slide is a page (its size in points, boxes of its shapes), in the order of the show.

Shapes are read as they lie: titles first, then top to bottom and left to right, groups as one. Speaker notes, comments,
hidden slides and alternative texts are invisible; date, footer and slide number are furniture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from docalign.document import Box, Document, Page, Region
from docalign.errors import DamagedInputError, LimitExceededError
from docalign.ingest.readers.archive import Archive, open_archive
from docalign.ingest.readers.extras import library
from docalign.ingest.readers.flow import FlowBuilder, Item
from docalign.ingest.readers.guard import guarded
from docalign.ingest.readers.ooxml import A, relations
from docalign.ingest.readers.pptx_text import paragraph_items, shape_text, table_item

if TYPE_CHECKING:
    from docalign.ingest.options import IngestOptions

__all__ = ["read_pptx"]

_EMU_PER_POINT: Final = 12_700
_MAX_GROUPS: Final = 30
_ROW_SHARE: Final = 0.5
"""Shapes that share this much of the lower one's height stand side by side."""
_FURNITURE: Final = ("DATE", "FOOTER", "SLIDE_NUMBER", "HEADER")
_TITLES: Final = ("TITLE", "CENTER_TITLE", "VERTICAL_TITLE")


def read_pptx(path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:
    """A PowerPoint file as a Document with a page for each slide.

    Raises:
        UnsupportedFormatError: python-pptx is not installed. DamagedInputError: a broken archive or part.
        LimitExceededError: more slides than max_pages, or it would inflate beyond the limits. EmptyInputError: no text.
    """
    package = library("pptx.package", package="python-pptx", extra="office", what="PowerPoint files")
    builder = FlowBuilder()
    with open_archive(path, options) as archive:
        archive.check_xml()
        show = _open(package, path)
        with guarded("the presentation"):
            slides = list(show.slides)
        if len(slides) > options.max_pages:
            raise LimitExceededError(
                f"it has {len(slides)} slides, over max_pages ({options.max_pages}).", remedy="Raise max_pages."
            )
        width, height = (round((n or 0) / _EMU_PER_POINT, 2) for n in (show.slide_width, show.slide_height))
        for number, slide in enumerate(slides, start=1):
            with guarded(f"slide {number}"):  # python-pptx reads parts when they are asked for
                _Slide(builder, archive, number).read(slide)
    pages = [Page(number, width or 720.0, height or 540.0) for number in range(1, len(slides) + 1)]
    return builder.build(source=source, sha256=sha256, pages=pages)


def _open(package: Any, path: str) -> Any:
    """The presentation; shows, templates and files with macros are presentations too."""
    from pptx.opc.constants import CONTENT_TYPE
    from pptx.opc.package import PartFactory
    from pptx.parts.presentation import PresentationPart

    for name in ("PML_SLIDESHOW_MAIN", "PML_TEMPLATE_MAIN", "PML_PRES_MACRO_MAIN", "PML_SLIDESHOW_MACRO_MAIN"):
        content_type = getattr(CONTENT_TYPE, name, None)
        if content_type:
            PartFactory.part_type_for[content_type] = PresentationPart
    macro_show = "application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml"
    PartFactory.part_type_for[macro_show] = PresentationPart
    try:
        return package.Package.open(path).presentation_part.presentation
    except Exception as error:
        raise DamagedInputError(
            f"its PowerPoint structure is broken ({type(error).__name__}: {error}).", remedy="Save it again and retry."
        ) from error


class _Slide:
    """One slide on its way into the builder."""

    def __init__(self, builder: FlowBuilder, archive: Archive, number: int) -> None:
        self._builder, self._archive, self._page = builder, archive, number

    def read(self, slide: Any) -> None:
        hidden = slide._element.get("show") in ("0", "false")
        for shape, box in in_order(list(_placed(slide.shapes, None))):
            self._shape(shape, box, hidden=hidden)
        if slide.has_notes_slide:
            self._notes(slide.notes_slide)
        for relation in relations(self._archive, str(slide.part.partname).lstrip("/")):
            if relation.kind == "comments" and relation.target in self._archive.names:
                for comment in self._archive.xml(relation.target).iter():
                    if comment.tag.endswith(("}text", "}t")):
                        self._builder.set_aside("invisible", comment.text or "", self._page)

    def _shape(self, shape: Any, box: Box | None, *, hidden: bool) -> None:
        alternative = shape._element.xpath(".//*[local-name()='cNvPr']/@descr")
        self._builder.set_aside("invisible", alternative[0] if alternative else "", self._page, box)
        kind = _placeholder(shape)
        if hidden or kind in _FURNITURE:
            self._builder.set_aside("invisible" if hidden else "furniture", shape_text(shape), self._page, box)
            return
        regions = (Region(self._page, box),) if box else ()
        if shape.has_text_frame:
            title = kind in _TITLES
            for item in paragraph_items(shape, title=title, body=kind is not None and not title):
                self._builder.add(_at(item, self._page, regions))
        elif getattr(shape, "has_table", False) and shape.has_table:
            self._builder.add(_at(table_item(shape.table), self._page, regions))
        else:
            self._graphic(shape, regions)

    def _graphic(self, shape: Any, regions: tuple[Region, ...]) -> None:
        """Text of charts and SmartArt, which live in parts of their own."""
        wanted = set(shape._element.xpath(".//@r:id | .//@r:dm"))
        for relation in relations(self._archive, str(shape.part.partname).lstrip("/")):
            if relation.id in wanted and relation.kind in ("chart", "diagramData"):
                if relation.target not in self._archive.names:
                    continue
                root = self._archive.xml(relation.target)
                ends = (f"{A}t",) if relation.kind == "diagramData" else (f"{A}t", *_chart_values(root))
                texts = [e.text or "" for e in root.iter() if e.tag in ends and (e.text or "").strip()]
                self._builder.add(Item("paragraph", "\n".join(texts), page=self._page, regions=regions))

    def _notes(self, notes: Any) -> None:
        for shape in notes.shapes:
            if shape.has_text_frame:
                furniture = _placeholder(shape) in _FURNITURE
                self._builder.set_aside("furniture" if furniture else "invisible", shape_text(shape), self._page)


def _chart_values(root: Any) -> tuple[str, ...]:
    """Names of series and categories, and the numbers: `c:v`."""
    return tuple({e.tag for e in root.iter() if e.tag.endswith("/chart}v")})


def _at(item: Item, page: int, regions: tuple[Region, ...]) -> Item:
    return replace(item, page=page, regions=regions)


def _placeholder(shape: Any) -> str | None:
    if not getattr(shape, "is_placeholder", False):
        return None
    kind = shape.placeholder_format.type
    return kind.name if kind is not None else "BODY"


def _placed(shapes: Any, group: tuple[Any, ...] | None, nesting: int = 0) -> Iterator[tuple[Any, Box | None]]:
    """Shapes with text or tables, and where they stand; what is in a group takes the group's place."""
    for shape in shapes:
        inside = getattr(shape, "shapes", None)
        if inside is not None and nesting < _MAX_GROUPS:
            members = in_order(list(_placed(inside, group, nesting + 1)))
            box = _box(shape)
            yield from ((member, box if box is not None and group is None else own) for member, own in members)
        else:
            yield shape, _box(shape)


def _box(shape: Any) -> Box | None:
    try:
        edges = (shape.left, shape.top, shape.width, shape.height)
    except (AttributeError, KeyError, ValueError):  # its layout, which it takes its place from, is missing or broken
        return None
    if any(edge is None for edge in edges):
        return None
    left, top, width, height = (edge / _EMU_PER_POINT for edge in edges)
    return (left, top, left + max(width, 0.01), top + max(height, 0.01))


def in_order(shapes: list[tuple[Any, Box | None]]) -> list[tuple[Any, Box | None]]:
    """Titles first, then rows of shapes from top to bottom, each from left to right; ties as they lie."""
    titles = [s for s in shapes if _placeholder(s[0]) in _TITLES]
    rest = [s for s in shapes if _placeholder(s[0]) not in _TITLES]
    placed = [(shape, box) for shape, box in rest if box is not None]
    rows: list[list[tuple[Any, Box]]] = []
    for shape, box in sorted(placed, key=lambda s: (s[1][1], s[1][0])):
        above = rows[-1][0][1] if rows else None
        if above is not None and min(above[3], box[3]) - box[1] > _ROW_SHARE * (box[3] - box[1]):
            rows[-1].append((shape, box))
        else:
            rows.append([(shape, box)])
    across = [s for row in rows for s in sorted(row, key=lambda s: s[1][0])]
    return [*titles, *across, *(s for s in rest if s[1] is None)]
