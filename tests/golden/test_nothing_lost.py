"""Promise 1 against a second witness: what PDFium says a page holds is in the text, the furniture, the invisible text
or the dropped characters of that page; on every digital PDF of the development data (`make test-full`)."""

from __future__ import annotations

import ctypes
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw
import pytest

from docalign.ingest import IngestOptions, WorkerPool, ingest
from tests.support.accounting import characters, of_document

DATA = os.environ.get("DOCALIGN_DATA")
FILES = sorted(Path(DATA, "pdfs").rglob("*.pdf")) if DATA else []
SAMPLES = sorted(Path("data/samples").glob("*.pdf"))


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(2) as workers:
        yield workers


def _said_by_pdfium(page: pdfium.PdfPage) -> Counter[str]:
    """Every character of the page's text objects; PDFium's own line ends and spaces are white space."""
    text = page.get_textpage()
    try:
        count = max(0, raw.FPDFText_CountChars(text))
        codes = [raw.FPDFText_GetUnicode(text, i) for i in range(count) if raw.FPDFText_IsGenerated(text, i) != 1]
    finally:
        text.close()
    data = ctypes.string_at((ctypes.c_uint16 * len(codes))(*[c & 0xFFFF for c in codes]), 2 * len(codes))
    said = data.decode("utf-16-le", "replace").replace("\x02", "-").replace("\ufffe", "-").replace("\x00", "")
    return characters(said)


def _missing(path: Path, pool: WorkerPool) -> dict[int, Counter[str]]:
    document = ingest(path, options=IngestOptions(ocr="never"), pool=pool)
    held = of_document(document)
    missing = {}
    with pdfium.PdfDocument(path) as pdf:
        assert len(document.pages) == len(pdf)
        for number in range(1, len(pdf) + 1):
            lost = _said_by_pdfium(pdf[number - 1]) - held.get(number, Counter())
            if lost:
                missing[number] = lost
    return missing


def _named(missing: dict[int, Counter[str]]) -> dict[int, list[str]]:
    return {n: [f"{k} × {unicodedata.name(c, hex(ord(c)))}" for c, k in lost.items()] for n, lost in missing.items()}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.name)
def test_no_character_of_a_sample_is_lost(path: Path, pool: WorkerPool) -> None:
    assert not _named(_missing(path, pool))


@pytest.mark.slow
@pytest.mark.skipif(not FILES, reason="DOCALIGN_DATA names no directory with pdfs/; the samples are tested anyway")
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_no_character_of_a_real_file_is_lost(path: Path, pool: WorkerPool) -> None:
    assert not _named(_missing(path, pool))
