"""PDF files: opening them with errors that name the cause, and deciding page by page between text layer and OCR.

Runs in a worker process, because PDFium may crash on hostile files. The text layer itself is read by `pdf.text` and
`tables`, images of pages by `reading`; this module only decides and renders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from docalign.errors import DamagedInputError, DocalignError, OcrMissingError
from docalign.ingest.ocr.engine import OcrEngine, choose_engine
from docalign.ingest.ocr.reading import read_image, to_content
from docalign.ingest.options import IngestOptions
from docalign.ingest.page import OutlineEntry, PageContent, TextLine
from docalign.ingest.pdf.attachments import attachments, is_portfolio, list_attachments
from docalign.ingest.pdf.chars import crop_box
from docalign.ingest.pdf.damage import page_damage
from docalign.ingest.pdf.forms import FormText, form_text, refuse_dynamic_form, xfa_warning
from docalign.ingest.pdf.images import refuse_huge_pictures
from docalign.ingest.pdf.nested_forms import refuse_form_bombs
from docalign.ingest.pdf.opening import PdfFile, open_or_repair, too_many_pages
from docalign.ingest.pdf.outline import read_outline
from docalign.ingest.pdf.page_facts import measure
from docalign.ingest.pdf.page_picture import draws_one_picture, made_small, render, small_picture, without_unseen
from docalign.ingest.pdf.picture_text import merge, over, read_pictures
from docalign.ingest.pdf.spot_check import SpotCheck, spot_check
from docalign.ingest.pdf.structure import open_structure, page_count
from docalign.ingest.pdf.tags import is_tagged
from docalign.ingest.pdf.text import extract_page
from docalign.ingest.pdf.triage import MIN_CHARS, PageFacts, Verdict, judge, judge_agreement
from docalign.ingest.tables.image_rules import tables_of_scan

if TYPE_CHECKING:
    from PIL.Image import Image

    from docalign.ingest.pdf.chars import PageChars

__all__ = ["PdfReader", "Triaged"]

_OCR_GAIN: Final = 0.5
_REPLACE: Final = "Fetch the file again, or save it again with what wrote it."
_MAX_DEPTH: Final = 2
"""Portfolios in portfolios."""


@dataclass(frozen=True, slots=True)
class Triaged:
    """A page's text layer (with the text of its form), the verdict on it, the spot check that the verdict rests on, if
    there was one, the text of the form alone, and the page as it was drawn for OCR, if it was drawn already."""

    layer: PageContent
    verdict: Verdict
    check: SpotCheck | None
    form: FormText
    drawn: tuple[Image, float] | None = None


class PdfReader:
    """An opened PDF; see `formats.PageReader`."""

    def __init__(self, path: str, options: IngestOptions, *, data: bytes | None = None, depth: int = 0) -> None:
        """Open the file at `path`, or `data`: a file found inside another, `depth` portfolios deep."""
        self._file = PdfFile(path, data)
        self._options = options
        self._engine: OcrEngine | None = None
        self._forms_are_sound = False
        self._structure = open_structure(self._file, options.password)
        refuse_dynamic_form(self._structure)
        self._pdf, warnings = open_or_repair(self._file, options, self._structure)
        self._own = len(self._pdf)
        self._tags = options.use_tags and is_tagged(self._pdf)
        self._inner, listed = self._open_portfolio(depth)
        self.pages: int = self._own + sum(reader.pages for reader in self._inner)
        if self.pages > options.max_pages:
            raise too_many_pages(self.pages, options)
        truncated = b"%%EOF" not in self._file.ends()[1]
        end = ("the file's end is missing; pages may be lost.",) if truncated else ()
        self.warnings = (*end, *warnings, *xfa_warning(self._structure), *listed)

    def _open_portfolio(self, depth: int) -> tuple[tuple[PdfReader, ...], tuple[str, ...]]:
        """Readers of the PDFs in a portfolio, and warnings about which pages they are and what was not read."""
        portfolio = is_portfolio(self._structure) and depth < _MAX_DEPTH
        inner: list[PdfReader] = []
        notes: list[str] = []
        unread = []
        first = self._own + 1
        for item in attachments(self._structure, read=portfolio):
            if not item.is_pdf:
                unread.append(item)
                continue
            try:
                reader = PdfReader(item.name, self._options, data=item.data, depth=depth + 1)
            except DocalignError as error:
                notes.append(f"the attached file {item.name} was not read: {error.what}")
                continue
            last = first + reader.pages - 1
            which = f"page {first} is" if last == first else f"pages {first}–{last} are"
            notes += [f"{which} the attached file {item.name}.", *(f"{item.name}: {w}" for w in reader.warnings)]
            first = last + 1
            inner.append(reader)
        return tuple(inner), (*notes, *list_attachments(tuple(unread)))

    def _place(self, index: int) -> tuple[PdfReader, int]:
        """The reader of a portfolio's page, and its index there."""
        index -= self._own
        for reader in self._inner:
            if index < reader.pages:
                return reader, index
            index -= reader.pages
        raise IndexError(index)

    @property
    def outline(self) -> tuple[OutlineEntry, ...]:
        """The file's own outline, as far as it is wanted."""
        return read_outline(self._pdf) if self._options.use_outline else ()

    def page(self, index: int) -> PageContent:
        """Read one page.

        Raises:
            DamagedInputError: PDFium cannot load it. OcrError: it needs OCR and there is none. LimitExceededError: it
                holds a picture too large to decode, or forms that draw forms without end.
        """
        if index >= self._own:
            reader, inner = self._place(index)
            return replace(reader.page(inner), number=index + 1)
        try:
            page = self._load(index)
            try:
                return self._checked(self._read(page, index), index)
            finally:
                page.close()
        except pdfium.PdfiumError as error:
            raise DamagedInputError(f"PDFium cannot load it ({error}).", remedy="Try: qpdf IN OUT") from error

    def size(self, index: int) -> tuple[float, float]:
        """Width and height in points of a page, unrotated.

        Raises:
            LimitExceededError: as for `page`.
        """
        if index >= self._own:
            reader, inner = self._place(index)
            return reader.size(inner)
        page = self._load(index)
        try:
            return crop_box(page)[2:]
        finally:
            page.close()

    def _load(self, index: int) -> pdfium.PdfPage:
        """One of the file's own pages; PDFium parses what it draws."""
        if page_count(self._structure) == self._own:
            refuse_form_bombs(self._structure, index)
        elif not self._forms_are_sound:
            refuse_form_bombs(self._structure, None)
            self._forms_are_sound = True
        return self._pdf[index]

    def close(self) -> None:
        for reader in self._inner:
            reader.close()
        self._pdf.close()
        if self._structure is not None:
            self._structure.close()

    def _checked(self, content: PageContent, index: int) -> PageContent:
        """The page with what is damaged on it as warnings; an error where nothing of it is left, or under `strict`."""
        if self._structure is None or page_count(self._structure) != self._own:
            return content
        damage = page_damage(self._structure, self._file, index, scan=content.ocr)
        if not damage:
            return content
        what = "; ".join(damage) + "."
        if self._options.strict or not (content.lines or content.tables):
            raise DamagedInputError(what, remedy=_REPLACE)
        return replace(content, warnings=(*content.warnings, what))

    def triage(self, index: int) -> Triaged:
        """The text layer of page `index` (from 0), and what it should be read by; a few lines may be read by OCR.

        Raises:
            pypdfium2.PdfiumError: PDFium cannot load the page. OcrError: the engine failed.
        """
        if index >= self._own:
            reader, inner = self._place(index)
            return reader.triage(inner)
        page = self._load(index)
        try:
            return self._triage(page, index)
        finally:
            page.close()

    def _triage(self, page: pdfium.PdfPage, index: int) -> Triaged:
        refuse_huge_pictures(page, self._options.worker_memory_mib)
        drawn = self._drawn(page) if self._options.ocr != "never" and draws_one_picture(page) else None
        picture = small_picture(page) if drawn is None else made_small(*drawn, page)
        form = self._form(page, index)
        facts: list[PageFacts] = []

        def look(found: PageContent, chars: PageChars) -> PageContent:
            content = without_unseen(found, picture)
            facts.append(measure(page, content, chars, picture))
            lines, invisible = (*content.lines, *form.shown), (*content.invisible, *form.unseen)
            return replace(content, lines=lines, invisible=invisible) if form.shown or form.unseen else content

        layer = extract_page(self._pdf, index, look, tags=self._tags)
        verdict, check = judge(facts[0]), None
        if verdict.read == "check" and self._options.ocr == "auto" and self._can_ocr():
            check = spot_check(self._choose_engine(), page, layer)
            verdict = judge_agreement(verdict, check.agreement, overrules=check.overrules)
        kind = "text" if verdict.kind == "blank" and form.shown else verdict.kind
        lost = facts[0].lost
        if lost and self._options.strict:
            raise DamagedInputError(lost[0], remedy=_REPLACE)
        layer = replace(layer, kind=kind, warnings=(*layer.warnings, *lost))
        return Triaged(layer, verdict, check, form, drawn)

    def _form(self, page: pdfium.PdfPage, index: int) -> FormText:
        if self._structure is None or page_count(self._structure) != self._own:
            return FormText()
        left, top, _, _ = crop_box(page)
        return form_text(self._structure, index, left, top)

    def _read(self, page: pdfium.PdfPage, index: int) -> PageContent:
        found = self._triage(page, index)
        layer, verdict = found.layer, found.verdict
        if self._options.ocr == "always":
            return _with_form(self._ocr(page, found, must=True), found.form)
        if verdict.read == "layer":
            return layer
        if self._options.ocr == "never":
            return _unread(layer, verdict)
        if verdict.read == "check":
            return replace(layer, warnings=(*layer.warnings, _doubtful(verdict, "no OCR engine is here to check it")))
        if verdict.read == "pictures":
            return self._with_pictures(page, layer, verdict)
        return _with_form(self._ocr(page, found, must=verdict.read == "ocr", why=verdict), found.form)

    def _choose_engine(self) -> OcrEngine:
        if self._engine is None:
            self._engine = choose_engine(self._options.languages, self._options.ocr_engine)
        return self._engine

    def _can_ocr(self) -> bool:
        try:
            return self._choose_engine() is not None
        except OcrMissingError:
            return False

    def _with_pictures(self, page: pdfium.PdfPage, layer: PageContent, verdict: Verdict) -> PageContent:
        if not self._can_ocr():
            return replace(layer, kind="text")
        limits = {"dpi": self._options.dpi, "max_pixels": self._options.max_pixels}
        return read_pictures(self._choose_engine(), page, layer, verdict.pictures, **limits)

    def _drawn(self, page: pdfium.PdfPage) -> tuple[Image, float]:
        """The page as OCR is shown it, and its dpi."""
        return render(page, dpi=self._options.dpi, max_pixels=self._options.max_pixels)

    def _ocr(self, page: pdfium.PdfPage, found: Triaged, *, must: bool, why: Verdict | None = None) -> PageContent:
        """The page as OCR reads it; if OCR is no `must`, the text layer with what only OCR found, if that is much."""
        layer = found.layer
        try:
            engine = self._choose_engine()
        except OcrMissingError:
            if not must and layer.lines:
                return replace(layer, kind="text")
            raise
        rotation = (90 * max(0, raw.FPDFPage_GetRotation(page))) % 360
        image, dpi = found.drawn or self._drawn(page)
        reading = read_image(engine, image, dpi=dpi)
        read = to_content(
            reading,
            number=layer.number,
            width=layer.width,
            height=layer.height,
            rotation=rotation,
            pixels=image.size,
        )
        if not must and layer.lines:
            return merge(layer, read, least=_OCR_GAIN * _count(layer.lines) + MIN_CHARS)
        read = tables_of_scan(read, image, rotation=rotation)
        # Nobody knows that a page whose picture is lost is blank.
        kind = layer.kind if why and (read.lines or read.tables or layer.warnings) else read.kind
        warnings = layer.warnings
        if why and why.kind == "suspect":
            warnings = (*warnings, _doubtful(why, "the page was read by OCR"))
        return replace(
            read,
            kind=kind,
            invisible=layer.invisible,
            dropped=(*layer.dropped, *read.dropped, *_replaced(layer)),
            warnings=(*warnings, *read.warnings),
        )


def _with_form(content: PageContent, form: FormText) -> PageContent:
    """A page read by OCR with those values of its form that the picture did not show, in place."""
    if not content.ocr or not form.shown:
        return content
    missing = tuple(line for line in form.shown if not any(over(line.box, other.box) for other in content.lines))
    dropped = list(content.dropped)
    for line in missing:
        if (entry := (line.text, "replaced by OCR")) in dropped:
            dropped.remove(entry)
    return replace(content, lines=(*content.lines, *missing), dropped=tuple(dropped))


def _doubtful(verdict: Verdict, then: str) -> str:
    return f"the text layer is in doubt ({'; '.join(verdict.reasons)}): {then}."


def _replaced(layer: PageContent) -> list[tuple[str, str]]:
    texts = [line.text for line in layer.lines]
    texts += [cell for table in layer.tables for row in table.rows for cell in row if cell]
    return [(text, "replaced by OCR") for text in texts]


def _unread(layer: PageContent, verdict: Verdict) -> PageContent:
    """A page that only OCR could read or check, while OCR is off."""
    if verdict.kind == "suspect":
        note = _doubtful(verdict, "OCR is off, so it was taken as it is")
    elif layer.lines or layer.tables:
        note = "the page may hold more text; OCR is off."
    elif _count(layer.invisible) >= MIN_CHARS:
        note = "the page is a scan; its hidden text layer was taken, because OCR is off."
        layer = replace(layer, lines=layer.invisible, invisible=())
    else:
        note = "the page is a scan and was not read, because OCR is off."
    return replace(layer, warnings=(*layer.warnings, note))


def _count(lines: tuple[TextLine, ...]) -> int:
    return sum(len(w.text) for line in lines for w in line.words)
