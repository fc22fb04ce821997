"""Opening a PDF: with errors that name the cause, and from a repaired copy where the file's page tree is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from docalign.errors import (
    DamagedInputError,
    DocalignError,
    EmptyInputError,
    EncryptedInputError,
    LimitExceededError,
    UnsupportedFormatError,
)
from docalign.ingest.options import IngestOptions
from docalign.ingest.pdf.structure import PdfFile, page_count, repaired

if TYPE_CHECKING:
    import pikepdf

__all__ = ["PdfFile", "open_or_repair", "too_many_pages"]


def open_or_repair(
    file: PdfFile, options: IngestOptions, structure: pikepdf.Pdf | None
) -> tuple[pdfium.PdfDocument, tuple[str, ...]]:
    """The file as PDFium reads it, or a copy that qpdf repaired where that has more pages; and warnings.

    Raises:
        UnsupportedFormatError: no PDF. EncryptedInputError: needs a (better) password. DamagedInputError: broken.
        EmptyInputError: no pages. LimitExceededError: too many.
    """
    failed: pdfium.PdfiumError | None = None
    pdf = None
    # PDFium leaves its last error standing when a file opens without pages; opening no file at all replaces it.
    raw.FPDF_LoadDocument(b"\0", None)
    try:
        pdf = pdfium.PdfDocument(file.path if file.data is None else file.data, password=options.password)
    except pdfium.PdfiumError as error:
        failed = error
    count, known = len(pdf) if pdf else 0, page_count(structure)
    warnings: tuple[str, ...] = ()
    if structure is not None and known and known > count:
        copy = repaired(structure)
        better = _from_bytes(copy, options) if copy else None
        if better is not None and len(better) > count:
            if pdf:
                pdf.close()
            warnings = (f"the file is damaged ({count} pages can be read); a repaired copy has {len(better)}.",)
            pdf, count = better, len(better)
    if pdf is None:
        assert failed is not None
        raise _why_not(file, failed, options) from failed
    if count == 0:
        pdf.close()
        raise _no_pages(file)
    if count > options.max_pages:
        pdf.close()
        raise too_many_pages(count, options)
    return pdf, warnings


def too_many_pages(count: int, options: IngestOptions) -> LimitExceededError:
    """The error of a file with more pages than the options allow."""
    return LimitExceededError(
        f"it has {count} pages; the limit is {options.max_pages}.", remedy="Raise max_pages or split the file."
    )


def _from_bytes(data: bytes, options: IngestOptions) -> pdfium.PdfDocument | None:
    try:
        return pdfium.PdfDocument(data, password=options.password)
    except pdfium.PdfiumError:
        return None


def _why_not(file: PdfFile, error: pdfium.PdfiumError, options: IngestOptions) -> DocalignError:
    code = getattr(error, "err_code", None)
    if code == raw.FPDF_ERR_PASSWORD:
        said = "the password does not open this PDF." if options.password else "this PDF is encrypted."
        return EncryptedInputError(said, remedy="Give its password, or remove it with: qpdf --decrypt IN OUT")
    if code == raw.FPDF_ERR_SECURITY:
        return EncryptedInputError(
            "this PDF is protected by a scheme PDFium does not know.", remedy="Save an unprotected copy."
        )
    head, tail = file.ends()
    if b"%PDF-" not in head:
        return UnsupportedFormatError("this is not a PDF file.", remedy="Check how the file was made.")
    if b"%%EOF" not in tail:
        return DamagedInputError(
            "this PDF is truncated: its end is missing.", remedy="Fetch it again, or try: qpdf IN OUT"
        )
    if code == raw.FPDF_ERR_FILE or _count_with_pdfplumber(file) == 0:  # that error: see `open_pdf`
        return _no_pages(file)
    return DamagedInputError(f"this PDF is damaged ({error}).", remedy="Save it again, or try: qpdf IN OUT")


def _no_pages(file: PdfFile) -> DocalignError:
    """PDFium found none; ask the second parser before saying so."""
    count = _count_with_pdfplumber(file)
    if count:
        return DamagedInputError(
            f"PDFium finds no page in this PDF, pdfplumber finds {count}: its page tree is damaged.",
            remedy="Repair it with: qpdf IN OUT",
        )
    return EmptyInputError("this PDF has no pages (PDFium and pdfplumber agree).", remedy="Check how it was made.")


def _count_with_pdfplumber(file: PdfFile) -> int | None:
    import pdfplumber

    try:
        with pdfplumber.open(file.opened()) as pdf:
            return len(pdf.pages)
    except Exception:  # noqa: BLE001 - pdfminer raises anything at all on broken files; this is only an opinion
        return None
