"""PDF files: opening them with errors that name the cause, and deciding page by page between text layer and OCR.

Runs in a worker process, because PDFium may crash on hostile files. The text layer itself is read by `pdf_text` and
`pdf_tables`, images of pages by `reading`; this module only decides and renders.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image

from docalign.errors import (
    DamagedInputError,
    DocalignError,
    EmptyInputError,
    EncryptedInputError,
    LimitExceededError,
    OcrMissingError,
    UnsupportedFormatError,
)
from docalign.ingest.ocr import OcrEngine, choose_engine
from docalign.ingest.options import IngestOptions
from docalign.ingest.page import OutlineEntry, PageContent, TextLine
from docalign.ingest.pdf_images import image_cover
from docalign.ingest.pdf_outline import read_outline
from docalign.ingest.pdf_tags import is_tagged
from docalign.ingest.pdf_text import extract_page
from docalign.ingest.reading import read_image, to_content

__all__ = ["PdfReader", "is_garbage", "open_pdf"]

_POINTS_PER_INCH: Final = 72
_RENDER_PIXELS: Final = 40_000_000
_SMALL_PAGE_PX: Final = 1600
"""A page smaller than print is rendered finer, so that its long side has this many pixels."""
_FINEST_DPI: Final = 600
_BLANK_DPI: Final = 50

_GARBAGE_SHARE: Final = 0.25
_MIN_CHARS: Final = 20
_STAMPED_SCAN_CHARS: Final = 300
"""Below this many characters a page under a full image may be a scan with a printed stamp."""
_FULL_COVER: Final = 0.8
_MOST_COVER: Final = 0.5
_OCR_GAIN: Final = 1.5


def open_pdf(path: str, options: IngestOptions) -> pdfium.PdfDocument:
    """Open a PDF that has at least one page.

    Raises:
        UnsupportedFormatError: no PDF. EncryptedInputError: needs a (better) password. DamagedInputError: broken.
        EmptyInputError: no pages. LimitExceededError: too many.
    """
    try:
        pdf = pdfium.PdfDocument(path, password=options.password)
    except pdfium.PdfiumError as error:
        raise _why_not(path, error, options) from error
    count = len(pdf)
    if count == 0:
        pdf.close()
        raise _no_pages(path)
    if count > options.max_pages:
        pdf.close()
        raise LimitExceededError(
            f"it has {count} pages; the limit is {options.max_pages}.", remedy="Raise max_pages or split the file."
        )
    return pdf


def _why_not(path: str, error: pdfium.PdfiumError, options: IngestOptions) -> DocalignError:
    code = getattr(error, "err_code", None)
    if code == raw.FPDF_ERR_PASSWORD:
        said = "the password does not open this PDF." if options.password else "this PDF is encrypted."
        return EncryptedInputError(said, remedy="Give its password, or remove it with: qpdf --decrypt IN OUT")
    if code == raw.FPDF_ERR_SECURITY:
        return EncryptedInputError(
            "this PDF is protected by a scheme PDFium does not know.", remedy="Save an unprotected copy."
        )
    head, tail = _ends(path)
    if b"%PDF-" not in head:
        return UnsupportedFormatError("this is not a PDF file.", remedy="Check how the file was made.")
    if b"%%EOF" not in tail:
        return DamagedInputError(
            "this PDF is truncated: its end is missing.", remedy="Fetch it again, or try: qpdf IN OUT"
        )
    if _count_with_pdfplumber(path) == 0:
        return _no_pages(path)
    return DamagedInputError(f"this PDF is damaged ({error}).", remedy="Save it again, or try: qpdf IN OUT")


def _no_pages(path: str) -> DocalignError:
    """PDFium found none; ask the second parser before saying so."""
    count = _count_with_pdfplumber(path)
    if count:
        return DamagedInputError(
            f"PDFium finds no page in this PDF, pdfplumber finds {count}: its page tree is damaged.",
            remedy="Repair it with: qpdf IN OUT",
        )
    return EmptyInputError("this PDF has no pages (PDFium and pdfplumber agree).", remedy="Check how it was made.")


def _count_with_pdfplumber(path: str) -> int | None:
    import pdfplumber

    try:
        with pdfplumber.open(path) as pdf:
            return len(pdf.pages)
    except Exception:  # noqa: BLE001 - pdfminer raises anything at all on broken files; this is only an opinion
        return None


def _ends(path: str) -> tuple[bytes, bytes]:
    with Path(path).open("rb") as file:
        head = file.read(1024)
        file.seek(max(0, Path(path).stat().st_size - 2048))
        return head, file.read()


class PdfReader:
    """An opened PDF; see `formats.PageReader`."""

    def __init__(self, path: str, options: IngestOptions) -> None:
        self._path = path
        self._options = options
        self._engine: OcrEngine | None = None
        self._pdf = open_pdf(path, options)
        self.pages = len(self._pdf)
        self._tags = options.use_tags and is_tagged(self._pdf)
        truncated = b"%%EOF" not in _ends(path)[1]
        self.warnings = ("the file's end is missing; pages may be lost.",) if truncated else ()

    @property
    def outline(self) -> tuple[OutlineEntry, ...]:
        """The file's own outline, as far as it is wanted."""
        return read_outline(self._pdf) if self._options.use_outline else ()

    def page(self, index: int) -> PageContent:
        """Read one page.

        Raises:
            DamagedInputError: PDFium cannot load it. OcrError: it needs OCR and there is none.
        """
        try:
            layer = extract_page(self._pdf, index, tags=self._tags)
            return self._decide(layer, index)
        except pdfium.PdfiumError as error:
            raise DamagedInputError(f"PDFium cannot load it ({error}).", remedy="Try: qpdf IN OUT") from error

    def close(self) -> None:
        self._pdf.close()

    def _decide(self, layer: PageContent, index: int) -> PageContent:
        mode = self._options.ocr
        if mode == "always":
            return self._ocr(layer, index, must=True)
        page = self._pdf[index]
        try:
            visible = _count(layer.lines)
            cover = image_cover(page)
            if is_garbage(layer):
                wanted, must = True, True
            elif visible >= _MIN_CHARS:
                wanted = cover.hides_text or (visible < _STAMPED_SCAN_CHARS and cover.share >= _FULL_COVER)
                must = cover.hides_text
            else:
                must = cover.share >= _MOST_COVER
                wanted = must or (visible == 0 and _shows_something(page))
        finally:
            page.close()
        if not wanted:
            return layer
        return self._unread(layer) if mode == "never" else self._ocr(layer, index, must=must)

    def _unread(self, layer: PageContent) -> PageContent:
        """A page that only OCR could read well, while OCR is off."""
        number = layer.number
        if layer.lines:
            return replace(layer, warnings=(*layer.warnings, f"page {number} may hold more text; OCR is off."))
        if _count(layer.invisible) >= _MIN_CHARS:
            note = f"page {number} is a scan; its hidden text layer was taken, because OCR is off."
            return replace(layer, kind="text", lines=layer.invisible, invisible=(), warnings=(*layer.warnings, note))
        note = f"page {number} is a scan and was not read, because OCR is off."
        return replace(layer, kind="scan", warnings=(*layer.warnings, note))

    def _ocr(self, layer: PageContent, index: int, *, must: bool) -> PageContent:
        """The page as OCR reads it; the text layer instead if it says about as much and OCR is no `must`."""
        if self._engine is None:
            try:
                self._engine = choose_engine(self._options.languages, self._options.ocr_engine)
            except OcrMissingError:
                if not must and layer.lines:
                    return layer
                raise
        rotation = (90 * max(0, raw.FPDFPage_GetRotation(page := self._pdf[index]))) % 360
        try:
            image, dpi = _render(page, self._options)
        finally:
            page.close()
        reading = read_image(self._engine, image, dpi=dpi)
        found = to_content(
            reading,
            number=layer.number,
            width=layer.width,
            height=layer.height,
            rotation=rotation,
            pixels=image.size,
        )
        if not must and _count(layer.lines) and _count(found.lines) < _OCR_GAIN * _count(layer.lines) + _MIN_CHARS:
            return layer
        replaced = tuple((line.text, "replaced by OCR") for line in layer.lines)
        return replace(found, invisible=layer.invisible, dropped=layer.dropped + found.dropped + replaced)


def _count(lines: tuple[TextLine, ...]) -> int:
    return sum(len(w.text) for line in lines for w in line.words)


def is_garbage(layer: PageContent) -> bool:
    """Whether much of a text layer is no text at all: U+FFFD, private use and control characters."""
    letters = "".join(w.text for line in layer.lines for w in line.words)
    controls = sum(len(text) for text, reason in layer.dropped if reason == "control")
    bad = controls + sum(1 for c in letters if c == "\ufffd" or unicodedata.category(c) in ("Co", "Cn", "Cc"))
    return len(letters) + controls >= _MIN_CHARS and bad > _GARBAGE_SHARE * (len(letters) + controls)


def _shows_something(page: pdfium.PdfPage) -> bool:
    from docalign.ingest.enhance import has_ink

    scale = _BLANK_DPI / _POINTS_PER_INCH
    longest = max(page.get_size()) * scale
    image = _bitmap(page, scale * min(1.0, 2000 / max(longest, 1.0)))
    return has_ink(image, dpi=_BLANK_DPI)


def _render(page: pdfium.PdfPage, options: IngestOptions) -> tuple[Image.Image, float]:
    """The page in grey as a viewer shows it, and its dpi: fewer on a giant page, more on a tiny one."""
    width, height = page.get_size()
    inches = max(width, height) / _POINTS_PER_INCH
    dpi = max(float(options.dpi), min(_FINEST_DPI, _SMALL_PAGE_PX / max(inches, 0.1)))
    pixels = width * height * (dpi / _POINTS_PER_INCH) ** 2
    allowed = min(_RENDER_PIXELS, options.max_pixels)
    if pixels > allowed:
        dpi *= (allowed / pixels) ** 0.5
    return _bitmap(page, dpi / _POINTS_PER_INCH), dpi


def _bitmap(page: pdfium.PdfPage, scale: float) -> Image.Image:
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        image: Image.Image = bitmap.to_pil().convert("L")
        return image.copy()
    finally:
        bitmap.close()
