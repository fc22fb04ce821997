"""Text that a PDF holds and no viewer shows is kept aside; text that looks odd but can be seen is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from docalign.ingest.options import IngestOptions
from docalign.ingest.page import PageContent
from docalign.ingest.pdf.reader import PdfReader
from tests.support.accounting import characters, of_page
from tests.support.files import make_pdf, stream

SEEN = "BT /F1 12 Tf 72 700 Td (This sentence can be seen by everyone) Tj ET\n"
SECRET = "A secret sentence"


def pdf_of(content: str, *, page: str = "/MediaBox[0 0 612 792]", catalog: str = "", resources: str = "") -> bytes:
    return make_pdf(
        [
            f"<</Type/Catalog/Pages 2 0 R{catalog}>>".encode(),
            b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            f"<</Type/Page/Parent 2 0 R{page}/Resources<</Font<</F1 3 0 R>>{resources}>>/Contents 5 0 R>>".encode(),
            stream(content.encode("latin-1")),
            b"<</Type/OCG/Name(Draft)>>",
        ]
    )


def read(data: bytes, folder: Path) -> PageContent:
    path = folder / "a.pdf"
    path.write_bytes(data)
    reader = PdfReader(str(path), IngestOptions(ocr="never"))
    try:
        return reader.page(0)
    finally:
        reader.close()


def secret(before: str = "", *, at: str = "72 600", size: int = 12, after: str = "") -> str:
    return f"q {before} BT /F1 {size} Tf {at} Td ({SECRET}) Tj ET {after} Q\n"


OFF = "/OCProperties<</OCGs[6 0 R]/D<</OFF[6 0 R]>>>>"
HIDDEN = {
    "render mode 3": (pdf_of(SEEN + secret("3 Tr")), SECRET),
    "white on white": (pdf_of(SEEN + secret("1 g")), SECRET),
    "tiny": (pdf_of(SEEN + secret(size=1)), SECRET),
    "clipped": (pdf_of(SEEN + secret("10 10 20 20 re W n")), SECRET),
    "off the page": (pdf_of(SEEN + secret(at="72 900")), SECRET),
    "outside the crop box": (pdf_of(SEEN + secret(), page="/MediaBox[0 0 612 792]/CropBox[0 640 612 792]"), SECRET),
    "under a white box": (pdf_of(SEEN + secret(after="1 g 60 590 300 30 re f")), SECRET),
    "under a black box": (pdf_of(SEEN + secret(after="0 g 60 590 300 30 re f")), SECRET),
    "in a layer switched off": (
        pdf_of(SEEN + "/OC /L1 BDC\n" + secret() + "EMC\n", catalog=OFF, resources="/Properties<</L1 6 0 R>>"),
        SECRET,
    ),
}


@pytest.mark.parametrize("name", sorted(HIDDEN))
def test_unseen_text_is_kept_aside(name: str, tmp_path: Path) -> None:
    data, words = HIDDEN[name]
    page = read(data, tmp_path)
    assert [line.text for line in page.lines] == ["This sentence can be seen by everyone"]
    assert " ".join(line.text for line in page.invisible) == words
    assert of_page(page) == characters("This sentence can be seen by everyone" + words)


VISIBLE = {
    "white on a dark box": "0 g 60 590 300 30 re f 1 g",
    "light grey": "0.95 g",
    "outlined only": "1 Tr",
    "in a layer that is on": "",
}


@pytest.mark.parametrize("name", sorted(VISIBLE))
def test_text_that_can_be_seen_stays(name: str, tmp_path: Path) -> None:
    on = OFF.replace("/OFF", "/ON")
    drawn = "/OC /L1 BDC\n" + secret(VISIBLE[name]) + "EMC\n"
    page = read(pdf_of(SEEN + drawn, catalog=on, resources="/Properties<</L1 6 0 R>>"), tmp_path)
    assert [line.text for line in page.lines] == ["This sentence can be seen by everyone", SECRET]
    assert page.invisible == ()


def test_one_hidden_word_leaves_its_line(tmp_path: Path) -> None:
    content = "BT /F1 12 Tf 72 700 Td (Pay the sum of ) Tj 1 g (9000 crowns ) Tj 0 g (at once, please.) Tj ET"
    page = read(pdf_of(content), tmp_path)
    assert " ".join(line.text for line in page.lines) == "Pay the sum of at once, please."
    assert [line.text for line in page.invisible] == ["9000 crowns"]


def test_points_and_dashes_stay_with_their_line(tmp_path: Path) -> None:
    page = read(pdf_of("BT /F1 6 Tf 72 700 Td (A line . with - small , marks : in it) Tj ET"), tmp_path)
    assert [line.text for line in page.lines] == ["A line . with - small , marks : in it"]
    assert page.invisible == ()


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("unit", ["", "/UserUnit 2"])
def test_turned_cropped_and_scaled_pages_keep_text_and_boxes(rotate: int, unit: str, tmp_path: Path) -> None:
    boxes = "/MediaBox[-50 -30 562 762]/CropBox[-20 100 500 740]"
    page = read(pdf_of(SEEN, page=f"{boxes}/Rotate {rotate}{unit}"), tmp_path)
    assert (page.width, page.height) == (520, 640)
    assert [line.text for line in page.lines] == ["This sentence can be seen by everyone"]
    x0, y0, x1, y1 = page.lines[0].box
    assert x0 == pytest.approx(72 + 20, abs=1)
    assert y0 < 740 - 700 < y1
    assert x1 - x0 > 150


def test_content_in_parts_and_inherited_resources(tmp_path: Path) -> None:
    data = make_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[4 0 R]/Count 1/MediaBox[0 0 300 200]/Rotate 90/Resources<</Font<</F1 3 0 R>>>>>>",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Type/Page/Parent 2 0 R/Contents[5 0 R 6 0 R]>>",
            stream(b"BT /F1 12 Tf 20 150 Td (Begun in one part and"),
            stream(b" ended in the next) Tj ET"),
        ]
    )
    page = read(data, tmp_path)
    assert (page.width, page.height) == (300, 200)
    assert "ended in the next" in " ".join(line.text for line in page.lines)
    assert page.warnings == ()
