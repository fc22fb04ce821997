"""Page images: PNG, JPEG, TIFF with any number of pages, WebP, BMP, GIF, JPEG 2000 and AVIF, through Pillow to the
OCR engine; HEIC where `pillow-heif` (the extra `heic`) is installed.

Sizes are checked before anything is decoded. Says nothing about blocks: it fills a `PageContent` per image.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from docalign.errors import DamagedInputError, LimitExceededError, UnsupportedFormatError
from docalign.ingest.ocr.engine import OcrEngine, choose_engine
from docalign.ingest.ocr.reading import read_image, to_content
from docalign.ingest.options import IngestOptions
from docalign.ingest.page import PageContent
from docalign.ingest.tables.image_rules import tables_of_scan

__all__ = ["ImageReader", "page_dpi", "to_grey"]

_FORMATS: Final = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "JPEG2000", "AVIF")
_LONG_SIDE_IN: Final = (3.0, 17.0)
"""The long side of what people scan, from a card to tabloid, in inches."""
_LETTER_IN: Final = 11.0
_ENOUGH: Final = 1.3
"""An image this many times finer than wanted is reduced first: 200 dpi reads as well as 300 at half the cost."""


class ImageReader:
    """An image file; see `formats.PageReader`.

    Raises:
        DamagedInputError: the image data is broken.
        LimitExceededError: more pixels or pages than allowed.
    """

    def __init__(self, path: str, options: IngestOptions) -> None:
        self._options = options
        self._path = Path(path)
        self._engine: OcrEngine | None = None
        self.warnings: tuple[str, ...] = ()
        Image.MAX_IMAGE_PIXELS = None  # our own limit names the size and comes before decoding, too
        with _pillow_errors():
            self._image = _opened(self._path)
        try:
            with _pillow_errors():
                self.pages, self.warnings = _count_pages(self._image)
                if self.pages == 1:
                    _check_pixels(self._image, options)
            if self.pages > options.max_pages:
                limit = f"it has {self.pages} pages; the limit is {options.max_pages}."
                raise LimitExceededError(limit, remedy="Raise max_pages or split it.")
        except BaseException:
            self._image.close()
            raise

    def page(self, index: int) -> PageContent:
        with _pillow_errors():
            notes = self._load(index)
            turned = ImageOps.exif_transpose(self._image)
            across, down = page_dpi(turned)
            grey = to_grey(turned)
        width, height = grey.width * 72 / across, grey.height * 72 / down
        if self._options.ocr == "never":
            note = "the page is an image and was not read, because OCR is off."
            return PageContent(index + 1, width, height, "scan", warnings=(*notes, note))
        if self._engine is None:
            self._engine = choose_engine(self._options.languages, self._options.ocr_engine)
        sharp, dpi = _at_dpi(grey, across, down, self._options.dpi)
        reading = read_image(self._engine, sharp, dpi=dpi)
        found = to_content(reading, number=index + 1, width=width, height=height, rotation=0, pixels=sharp.size)
        found = tables_of_scan(found, sharp, rotation=0)
        if notes and not found.lines and not found.tables:
            raise DamagedInputError(
                "the picture is incomplete, and no text is in what is there.", remedy="Scan or fetch it again."
            )
        return replace(found, warnings=(*notes, *found.warnings)) if notes else found

    def _load(self, index: int) -> tuple[str, ...]:
        """Decode a page; of data that end early or break off what is there, with a note."""
        self._image.seek(index)
        _check_pixels(self._image, self._options)
        try:
            self._image.load()
        except OSError as error:
            # Opened anew: after a failure Pillow may hand out the pixels of the page before.
            self._image.close()
            self._image = _opened(self._path)
            self._image.seek(index)
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            try:
                self._image.load()
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = False
            return (f"the picture is incomplete ({error}); what is there was read.",)
        return ()

    def size(self, index: int) -> tuple[float, float]:
        """Width and height in points, from the header alone."""
        with _pillow_errors():
            self._image.seek(index)
            across, down = page_dpi(self._image)
            width, height = self._image.width * 72 / across, self._image.height * 72 / down
            lying = self._image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
        return (height, width) if lying else (width, height)

    def close(self) -> None:
        self._image.close()


def _opened(path: Path) -> Image.Image:
    """The image, its header read.

    Raises:
        UnsupportedFormatError: a HEIC image without the library that decodes it.
    """
    with path.open("rb") as file:
        head = file.read(32)
    if head[4:8] != b"ftyp" or b"avif" in head[8:]:
        return Image.open(path, formats=_FORMATS)
    try:
        import pillow_heif
    except ImportError as error:
        remedy = "Run: pip install '.[heic]' in the docalign folder (or save it as JPEG)."
        raise UnsupportedFormatError("this is a HEIC image.", remedy=remedy) from error
    pillow_heif.register_heif_opener()
    return Image.open(path, formats=("HEIF",))


def _count_pages(image: Image.Image) -> tuple[int, tuple[str, ...]]:
    """How many pages, and what to say about the rest. Frames are pages in TIFF; elsewhere previews and animation."""
    if image.format == "TIFF":
        try:
            return image.n_frames, ()  # type: ignore[attr-defined]
        except (OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError) as error:
            # The chain of pages is broken somewhere: those before the break can be had one by one.
            found = max(1, image.tell())
            image.seek(0)
            return found, (f"the list of its pages is damaged after page {found} ({error}); pages may be lost.",)
    frames = int(getattr(image, "n_frames", 1))
    if frames > 1 and image.format != "MPO":
        return 1, (f"it is animated: the first of its {frames} frames was read.",)
    return 1, ()


@contextmanager
def _pillow_errors() -> Iterator[None]:
    """Pillow's many ways to fail on a broken file, as one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnidentifiedImageError as error:
        raise DamagedInputError("the image data cannot be read.", remedy="Save it again as PNG or TIFF.") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, ArithmeticError) as error:
        raise DamagedInputError(f"the image is damaged ({error}).", remedy="Save it again as PNG or TIFF.") from error


def _check_pixels(image: Image.Image, options: IngestOptions) -> None:
    pixels = image.width * image.height
    if pixels > options.max_pixels:
        raise LimitExceededError(
            f"the image has {image.width} × {image.height} pixels; the limit is {options.max_pixels}.",
            remedy="Scan it at a lower resolution or raise max_pixels.",
        )


def page_dpi(image: Image.Image) -> tuple[float, float]:
    """Pixels per inch across and down: the file's own if they make a page of a plausible size, else as if letter."""
    given = image.info.get("dpi")
    try:
        across, down = float(given[0]), float(given[1])  # type: ignore[index]
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        across = down = 0.0
    if across > 0 and down > 0 and 0.25 <= across / down <= 4:
        long_side = max(image.width / across, image.height / down)
        if _LONG_SIDE_IN[0] <= long_side <= _LONG_SIDE_IN[1]:
            return across, down
    assumed = max(image.width, image.height) / _LETTER_IN
    return assumed, assumed


def to_grey(image: Image.Image) -> Image.Image:
    """Any mode as 8-bit grey on white paper."""
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        coloured = image.convert("RGBA")
        paper = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(paper, coloured).convert("L")
    if image.mode.startswith("I;16"):
        values = np.asarray(image, dtype=np.uint16)
        most = int(values.max(initial=0))
        # Scanners of 12 (or 8) bits keep their numbers in 16.
        return Image.fromarray((values >> (8 if most > 4095 else 4 if most > 255 else 0)).astype(np.uint8))
    if image.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(image, dtype=np.float32))
        low, high = float(values.min()), float(values.max())
        return Image.fromarray(((values - low) * (255 / ((high - low) or 1))).astype(np.uint8))
    return image.convert("L")


def _at_dpi(grey: Image.Image, across: float, down: float, wanted: float) -> tuple[Image.Image, float]:
    """Square pixels, and no finer than OCR needs; the image and its dpi."""
    square = 0.95 <= across / down <= 1.05
    if square and across <= wanted * _ENOUGH:
        return grey, across
    dpi = min(max(across, down), wanted if max(across, down) > wanted * _ENOUGH else max(across, down))
    size = (max(1, round(grey.width * dpi / across)), max(1, round(grey.height * dpi / down)))
    return grey.resize(size, Image.Resampling.LANCZOS), dpi
