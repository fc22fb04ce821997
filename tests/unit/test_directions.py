"""Text that runs from right to left or from top to bottom: complete, in logical order, flagged."""

from __future__ import annotations

import pypdfium2 as pdfium
import pytest
import typst

from docalign.document import Document
from docalign.errors import InvalidDocumentError
from docalign.ingest.layout.build import build_document
from docalign.ingest.layout.direction import logical_order
from docalign.ingest.page import PageContent, TextLine, Word
from docalign.ingest.pdf.text import extract_page
from tests.support.accounting import of_document, of_page

HEBREW = "נהר האבן תחת אור הבוקר נע לאט לעבר המים הפתוחים בשנת 2024 והציפורים קראו Hello World מעבר לשדות."


def build(page: PageContent) -> Document:
    document = build_document([page], source="x", sha256="0").check()
    assert not of_page(page) - of_document(document)[page.number]
    return document


def upright(words: list[str], y: float, *, rtl: bool) -> list[Word]:
    """Words set from one margin to the other, as a page shows them: `words` in the order of the line's direction."""
    placed, x = [], 0.0
    for text in words:
        width = 6.0 * len(text)
        left = 350 - x - width if rtl else 50 + x
        placed.append(Word(text, (left, y, left + width, y + 10), 10))
        x += width + 3
    return placed


def test_a_latin_name_in_a_hebrew_line_keeps_its_order() -> None:
    shown = upright(["שלום", "ותודה", "World", "Hello", "2024", "לכולם", "לך"], 100, rtl=True)
    page = PageContent(1, 400, 500, "text", tuple(TextLine((w,), w.box) for w in shown))
    document = build(page)
    assert document.text == "שלום ותודה Hello World 2024 לכולם לך"
    assert document.blocks[0].direction == "rtl"


def test_hebrew_words_in_an_english_line_are_read_from_the_right() -> None:
    shown = upright(["He", "said", "לך", "שלום", "to", "everybody"], 100, rtl=False)
    page = PageContent(1, 400, 500, "text", tuple(TextLine((w,), w.box) for w in shown))
    document = build(page)
    assert document.text == "He said שלום לך to everybody"
    assert document.blocks[0].direction == "ltr"


def test_numbers_at_the_end_of_a_run_stay_with_the_line() -> None:
    words = [Word(t, (0, 0, 1, 1), 10) for t in ("שלום", "b", "7", "a", "8", "לך")]
    assert [w.text for w in logical_order(words, rtl=True)] == ["שלום", "a", "7", "b", "8", "לך"]


def test_the_right_column_of_a_hebrew_page_is_read_first() -> None:
    paragraphs = "\n\n".join(f"{HEBREW} {HEBREW} {HEBREW} סוף {k}" for k in range(6))
    source = (
        "#set page(width: 400pt, height: 500pt, margin: 50pt)\n"
        f'#set text(size: 8pt, font: "DejaVu Sans", lang: "he", dir: rtl)\n#columns(2)[{paragraphs}]'
    )
    document = build(extract_page(pdfium.PdfDocument(typst.compile(source.encode())), 0))
    text = " ".join(document.text.split())
    places = [text.find(f"סוף {k}") for k in range(6)]
    if -1 in places:
        pytest.skip("no font here has Hebrew letters")
    assert places == sorted(places)
    assert text.count(HEBREW) == 18
    first = document.blocks[0].boxes[0].box
    assert first[0] > 200
    assert {b.direction for b in document.blocks} == {"rtl"}


JAPANESE = (
    "東京の朝は静かで川の水がゆっくりと流れていた。鳥たちは野原の向こうで鳴いている。市場の人々は店を開き始めた。"
)


def test_vertical_lines_are_read_from_the_top_and_from_the_right() -> None:
    source = '#set page(width: 300pt, height: 260pt, margin: 0pt)\n#set text(size: 12pt, font: "Droid Sans Fallback")\n'
    for number, character in enumerate(JAPANESE):
        column, row = divmod(number, 14)
        source += f"#place(dx: {240 - 20 * column}pt, dy: {30 + 13 * row}pt)[{character}]\n"
    page = extract_page(pdfium.PdfDocument(typst.compile(source.encode())), 0)
    if "東" not in "".join(line.text for line in page.lines):
        pytest.skip("no font here has Japanese characters")
    document = build(page)
    assert document.text == JAPANESE
    (block,) = document.blocks
    assert block.direction == "ttb"
    assert page.rotation == 0
    x0, y0, x1, y1 = block.boxes[0].box
    assert 175 < x0 < x1 < 260
    assert 20 < y0 < y1 < 220


def test_the_direction_survives_document_json() -> None:
    shown = upright(["שלום", "לך"], 100, rtl=True)
    document = build(PageContent(1, 400, 500, "text", (TextLine(tuple(shown), (0, 100, 350, 110)),)))
    value = document.to_json()
    assert value["blocks"][0]["direction"] == "rtl"
    assert Document.from_json(value) == document
    value["blocks"][0]["direction"] = "sideways"
    with pytest.raises(InvalidDocumentError, match="sideways"):
        Document.from_json(value)
