"""The PDF text layer: what becomes of every character, where its box is, and what is set aside."""

from __future__ import annotations

import os
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw
import pytest
import typst

from docalign.ingest.layout.build import build_document
from docalign.ingest.pdf.text import extract_page
from tests.support.accounting import characters, of_document, of_page


def typeset(source: str, *, page: str = "width: 400pt, height: 300pt, margin: 40pt") -> pdfium.PdfDocument:
    return pdfium.PdfDocument(typst.compile(f"#set page({page})\n#set text(size: 10pt)\n{source}".encode()))


def hand_made(content: str, *, page: str = "/MediaBox [0 0 400 300]") -> pdfium.PdfDocument:
    """A one-page PDF with this content stream, Helvetica as /F1 and Courier-Bold as /F2."""
    resources = "/Font << /F1 5 0 R /F2 6 0 R >> /ExtGState << /Clear << /ca 0 >> >>"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R {page} /Contents 4 0 R /Resources << {resources} >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Courier-Bold >>",
    ]
    out, offsets = "%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    return pdfium.PdfDocument(out.encode("latin-1"))


def show(text: str, x: float, y: float, *, font: str = "F1", size: float = 12, before: str = "") -> str:
    return f"q {before} BT /{font} {size} Tf {x} {y} Td ({text}) Tj ET Q\n"


def test_boxes_are_measured_from_the_top_left_corner() -> None:
    page = extract_page(hand_made(show("Hello world", 50, 250)), 0)
    (line,) = page.lines
    assert line.text == "Hello world"
    assert (page.number, page.width, page.height, page.kind, page.rotation) == (1, 400, 300, "text", 0)
    assert line.box[0] == pytest.approx(50, abs=1)
    assert line.box[1] < 300 - 250 < line.box[3]
    assert all(w.size == 12 for w in line.words)


def test_a_shifted_crop_box_moves_the_origin() -> None:
    page = extract_page(hand_made(show("Hello", 150, 250), page="/MediaBox [0 0 400 300] /CropBox [100 50 400 280]"), 0)
    assert (page.width, page.height) == (300, 230)
    assert page.lines[0].box[0] == pytest.approx(50, abs=1)
    assert page.lines[0].box[1] < 280 - 250 < page.lines[0].box[3]


def test_text_on_a_rotated_page_reads_upright_and_keeps_its_unrotated_box() -> None:
    turned = "BT /F1 12 Tf 0 1 -1 0"
    upward = f"{turned} 100 50 Tm (Hello rotated world) Tj ET {turned} 120 50 Tm (second line) Tj ET"
    pdf = hand_made(upward, page="/MediaBox [0 0 400 300] /Rotate 90")
    page = extract_page(pdf, 0)
    assert page.rotation == 90
    assert (page.width, page.height) == (400, 300)
    assert [line.text for line in page.lines] == ["Hello rotated world", "second line"]
    x0, y0, x1, y1 = page.lines[0].box
    assert x1 - x0 < 20 < y1 - y0
    assert 85 < x0 < x1 < 105
    document = build_document([page], source="r.pdf", sha256="0")
    assert document.text.split() == ["Hello", "rotated", "world", "second", "line"]
    for region in document.blocks[0].boxes:
        assert region.box[3] - region.box[1] > region.box[2] - region.box[0]
        assert 0 <= region.box[0] < region.box[2] <= 400


def test_text_nobody_sees_is_set_aside() -> None:
    content = (
        show("seen", 50, 200)
        + show("mode three", 50, 150, before="3 Tr")
        + show("outside", 500, 150)
        + show("clear", 50, 100, before="/Clear gs")
        + show("speck", 50, 50, size=0.2)
    )
    page = extract_page(hand_made(content), 0)
    assert [line.text for line in page.lines] == ["seen"]
    assert sorted(line.text for line in page.invisible) == ["clear", "mode three", "outside", "speck"]


def test_a_page_with_only_a_hidden_layer_is_blank() -> None:
    page = extract_page(hand_made(show("hidden", 50, 150, before="3 Tr")), 0)
    assert (page.kind, page.lines) == ("blank", ())
    assert build_document([page], source="x", sha256="0").invisible[0].text == "hidden"


def test_a_glyph_printed_twice_is_kept_once() -> None:
    # The copy is cut otherwise than the original: PDFium drops whole repeated text objects by itself.
    fake_bold = show("Total llama", 50, 200) + show("Total", 50.4, 200) + show("llama", 80.4, 200)
    page = extract_page(hand_made(fake_bold), 0)
    assert [line.text for line in page.lines] == ["Total llama"]
    assert sum(len(text) for text, reason in page.dropped if reason == "duplicate") == len("Totalllama")


def test_equal_letters_side_by_side_are_no_duplicates() -> None:
    page = extract_page(hand_made(show("illicit lilly shall mill", 50, 200, size=6)), 0)
    assert page.lines[0].text == "illicit lilly shall mill"
    assert page.dropped == ()


def test_ligatures_are_spelled_out() -> None:
    page = extract_page(
        typeset('#set text(font: "New Computer Modern", size: 12pt)\nefficient affluent offers fjord'), 0
    )
    assert page.lines[0].text == "efficient affluent offers fjord"
    assert page.dropped == ()


def test_weight_and_fixed_pitch_are_read_from_the_font() -> None:
    page = extract_page(hand_made(show("plain", 50, 200) + show("code", 50, 150, font="F2")), 0)
    plain, code = (line.words[0] for line in page.lines)
    assert (plain.bold, plain.mono) == (False, False)
    assert (code.bold, code.mono) == (True, True)


def test_the_line_end_hyphen_is_marked() -> None:
    content = show("an exam-", 50, 200) + show("ple of it", 50, 186)
    page = extract_page(hand_made(content), 0)
    assert page.lines[0].words[-1].text == "exam-"
    assert page.lines[0].words[-1].hyphen
    document = build_document([page], source="h.pdf", sha256="0")
    assert document.text == "an example of it"
    assert [(d.text, d.reason) for d in document.dropped] == [("-", "hyphen")]


def test_words_broken_on_a_turned_page_are_whole_again() -> None:
    words = "constitutional administration communication characteristic environmental " * 6
    pdf = typeset(
        f'#set text(lang: "en")\n#set par(justify: true)\n#rotate(90deg, reflow: true)[#block(width: 200pt)[{words}]]'
    )
    page = extract_page(pdf, 0)
    document = build_document([page], source="t.pdf", sha256="0")
    assert document.text.split() == words.split()
    assert any(reason == "soft hyphen" for _, reason in page.dropped)


def test_columns_never_share_a_line() -> None:
    page = extract_page(hand_made(show("left side", 50, 200) + show("right side", 140, 200)), 0)
    assert [line.text for line in page.lines] == ["left side", "right side"]


TABLE = """
Before the table.
#table(columns: 3, [Name], [Size], [Note], [alpha], [1], [first one], [beta], [22], [])
After the table.
"""


def test_a_ruled_table_takes_its_words_out_of_the_lines() -> None:
    page = extract_page(typeset(TABLE), 0)
    (table,) = page.tables
    assert table.rows == (("Name", "Size", "Note"), ("alpha", "1", "first one"), ("beta", "22", ""))
    assert [line.text for line in page.lines] == ["Before the table.", "After the table."]
    assert len(table.row_boxes) == 3
    assert table.row_boxes[0][3] <= table.row_boxes[1][1] + 1
    document = build_document([page], source="t.pdf", sha256="0")
    assert [b.kind for b in document.blocks] == ["paragraph", "table", "paragraph"]
    assert document.block_text(document.blocks[1]).splitlines()[1] == "alpha | 1 | first one"


@pytest.mark.parametrize(
    "source",
    [
        "#rect(width: 100%)[Only a box round a text, which is a frame and not a table.]",
        "#grid(columns: 1, stroke: 1pt, [one], [two], [three])",
        "#table(columns: 6, ..range(36).map(i => if i == 3 [x] else []))",
    ],
    ids=["frame", "one column", "empty grid"],
)
def test_frames_and_grids_are_no_tables(source: str) -> None:
    page = extract_page(typeset(source), 0)
    assert page.tables == ()
    assert page.lines


def test_a_rotated_table_keeps_its_rows() -> None:
    landscape = extract_page(typeset(f"#rotate(-90deg, reflow: true)[{TABLE}]"), 0)
    assert landscape.rotation == 90
    assert landscape.tables[0].rows[1] == ("alpha", "1", "first one")


def layer(pdf: pdfium.PdfDocument, index: int) -> str:
    """The text layer as PDFium has it, read with other calls than the extractor's."""
    textpage = pdf[index].get_textpage()
    codes = [raw.FPDFText_GetUnicode(textpage, i) for i in range(textpage.count_chars())]
    return "".join("-" if c == 2 else chr(c) for c in codes if c and not 0xD800 <= c < 0xE000)


FILES = [
    "debian/maint-guide.en.pdf",
    "ntsb/20080104X00020.pdf",
    "olmocr/not_parsing2.pdf",
    "olmocr/discoverworld_crazy_table4.pdf",
    "olmocr/mattsnotes.pdf",
]


@pytest.mark.parametrize("name", FILES)
def test_no_character_of_a_real_text_layer_is_lost(name: str) -> None:
    root = os.environ.get("DOCALIGN_DATA")
    if not root:
        pytest.skip("DOCALIGN_DATA is not set: no real PDFs to read")
    pdf = pdfium.PdfDocument(Path(root) / "pdfs" / name)
    pages = [extract_page(pdf, i) for i in range(min(len(pdf), 15))]
    held = of_document(build_document(pages, source=name, sha256="0"))
    for index, page in enumerate(pages):
        expected = characters(layer(pdf, index))
        assert not expected - of_page(page), f"page {index + 1}: lost by the extractor"
        assert not expected - held[index + 1], f"page {index + 1}: lost by layout"
