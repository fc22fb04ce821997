"""Pictures of a document's pages, small enough to be carried inside one HTML file.

Pages are drawn upright (see `orientation`), at screen resolution, as WebP. The pictures of one document together stay
within a budget: long documents are drawn smaller, and pages over the budget get no picture (their regions are then
shown on an empty sheet). A page that cannot be drawn is no error either: its text has already been read.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.view.orientation import page_turns

if TYPE_CHECKING:
    from PIL import Image

    from docalign.document import Document

__all__ = ["page_images", "pictures_in_worker"]

_DPI: Final = 110
_DPI_LONG: Final = 84
_LONG_PAGES: Final = 60
_MAX_SIDE_PX: Final = 2400
_QUALITY: Final = 62

Draw = Callable[[int, float, int], "Image.Image | None"]
"""(page index, dpi, degrees clockwise) → the picture of a page as it is read."""


def page_images(
    source: bytes | str | Path, document: Document, *, password: str | None = None, max_bytes: int = 32_000_000
) -> list[bytes | None]:
    """WebP pictures of the pages of a PDF or image file, one entry for each page of `document`.

    Args:
        source: the file that `document` was read from, or its bytes.
        password: opens an encrypted PDF.
        max_bytes: budget for all pictures together; None stands for each page beyond it.

    Returns:
        An empty list for documents without pages; None for a page that has no picture.
    """
    if not document.pages:
        return []
    turns, dpi = page_turns(document), _DPI if len(document.pages) <= _LONG_PAGES else _DPI_LONG
    pictures: list[bytes | None] = []
    with _drawer(source, password) as draw:
        for page in document.pages:
            picture = _picture(draw, page.number - 1, _fitting(dpi, page.width, page.height), turns.get(page.number, 0))
            max_bytes -= len(picture or b"")
            pictures.append(picture if max_bytes >= 0 else None)
            if max_bytes < 0:
                break
    return pictures + [None] * (len(document.pages) - len(pictures))


def pictures_in_worker(source: bytes | str, document: Document, password: str | None) -> list[bytes | None]:
    """`page_images` as a worker process is called, for files that nobody trusts."""
    return page_images(source, document, password=password)


def _fitting(dpi: float, width: float, height: float) -> float:
    """`dpi`, or less for a page so large that its picture would be over the side limit (width, height in points)."""
    return min(dpi, _MAX_SIDE_PX * 72 / max(width, height, 1.0))


def _picture(draw: Draw, index: int, dpi: float, turn: int) -> bytes | None:
    image = draw(index, dpi, turn)
    if image is None:
        return None
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_QUALITY, method=2)
    return out.getvalue()


@contextmanager
def _drawer(source: bytes | str | Path, password: str | None) -> Iterator[Draw]:
    """What draws the pages of `source`: PDFium for PDF, Pillow for everything else."""
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    if b"%PDF-" in data[:1024]:
        with _pdf_drawer(data, password) as draw:
            yield draw
    else:
        with _image_drawer(data) as draw:
            yield draw


@contextmanager
def _pdf_drawer(data: bytes, password: str | None) -> Iterator[Draw]:
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(data, password=password)
    except pypdfium2.PdfiumError:
        yield _nothing
        return

    def draw(index: int, dpi: float, turn: int) -> Image.Image | None:
        try:
            page = pdf[index]
        except (pypdfium2.PdfiumError, IndexError):
            return None
        try:
            # PDFium turns by the page's own /Rotate first; the wish is measured from the unrotated page.
            bitmap = page.render(scale=dpi / 72, rotation=(turn - page.get_rotation()) % 360)
        except pypdfium2.PdfiumError:
            return None
        finally:
            page.close()
        image: Image.Image = bitmap.to_pil().convert("RGB")
        bitmap.close()
        return image

    try:
        yield draw
    finally:
        pdf.close()


@contextmanager
def _image_drawer(data: bytes) -> Iterator[Draw]:
    from PIL import Image, ImageOps

    broken = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
    try:
        image = Image.open(io.BytesIO(data))
    except broken:
        yield _nothing
        return

    def draw(index: int, dpi: float, turn: int) -> Image.Image | None:
        try:
            image.seek(index)
            frame = _on_white(ImageOps.exif_transpose(image))
        except broken:
            return None
        # Without a resolution of its own an image counts as one letter page, so its long side is 11 inches.
        side = min(_MAX_SIDE_PX, round(11.7 * dpi))
        frame.thumbnail((side, side))
        return frame.transpose(_TRANSPOSE[turn]) if turn else frame

    with image:
        yield draw


def _nothing(index: int, dpi: float, turn: int) -> Image.Image | None:  # noqa: ARG001 - the shape of a Draw
    return None


def _on_white(image: Image.Image) -> Image.Image:
    """Any mode as RGB on white paper."""
    from PIL import Image as Pillow

    if image.mode.startswith(("I", "F")):
        return image.point(lambda v: v * (1 / 256)).convert("L").convert("RGB")
    coloured = image.convert("RGBA")
    paper = Pillow.new("RGBA", coloured.size, "white")
    return Pillow.alpha_composite(paper, coloured).convert("RGB")


# Pillow's ROTATE_* turn against the clock: members 2, 3, 4 of Image.Transpose are 90, 180 and 270 degrees.
_TRANSPOSE: Final[Mapping[int, Any]] = {90: 4, 180: 3, 270: 2}
