"""Tables: what is one and what only looks like one, with and without rules, in text layers and page images."""

from __future__ import annotations

import pypdfium2 as pdfium
import pytest
import typst
from PIL import Image, ImageDraw

from docalign.ingest.page import PageContent, TableArea, TextLine, Word
from docalign.ingest.pdf.text import extract_page
from docalign.ingest.tables.image_rules import tables_of_scan

CELLS = "[*Town*], [*Folk*], [*Area*], [Aldmoor], [120], [3.5], [Brent], [48], [1.2], [Corve], [977], [8.0]"
ROWS = (("Town", "Folk", "Area"), ("Aldmoor", "120", "3.5"), ("Brent", "48", "1.2"), ("Corve", "977", "8.0"))


def page_of(source: str) -> PageContent:
    settings = "#set page(width: 400pt, height: 400pt, margin: 40pt)\n#set text(size: 10pt)\n"
    return extract_page(pdfium.PdfDocument(typst.compile((settings + source).encode())), 0)


def tables_of(source: str) -> tuple[TableArea, ...]:
    return page_of(source).tables


@pytest.mark.parametrize(
    "how",
    [
        "stroke: 0.5pt",
        "stroke: (x, y) => (left: if x > 0 {0.5pt}, right: if x < 2 {0.5pt}, y: 0.5pt)",
        "stroke: (x: none, y: 0.5pt)",
        "stroke: none, table.hline(y: 0), table.hline(y: 1), table.hline(y: 4)",
        "stroke: none, fill: (x, y) => if calc.even(y) {luma(230)}",
        "stroke: none, inset: (x: 8pt)",
    ],
    ids=["grid", "open sides", "horizontal rules", "booktabs", "stripes", "no rules"],
)
def test_a_table_is_found_however_it_is_drawn(how: str) -> None:
    (table,) = tables_of(f"Before.\n\n#table(columns: 3, {how}, {CELLS})\n\nAfter.")
    assert (table.rows, table.header_rows) == (ROWS, 1)


def test_a_header_over_two_columns_stands_in_the_first() -> None:
    top = "[], table.cell(colspan: 2)[Both of them], table.hline(y: 1, start: 1)"
    rules = "table.hline(y: 0), table.hline(y: 2), table.hline(y: 5)"
    (table,) = tables_of(f"#table(columns: 3, stroke: none, align: center, {rules}, {top}, {CELLS})")
    assert table.rows == (("", "Both of them", ""), *ROWS)
    assert table.header_rows == 2


def test_lines_of_a_cell_are_no_rows() -> None:
    long = "[a label that takes more than one line], [1], [2], [another label of several lines too], [3], [4]"
    (table,) = tables_of(f"#table(columns: (70pt, auto, auto), stroke: none, inset: 8pt, {CELLS}, {long})")
    assert table.rows[-2:] == (
        ("a label that takes more than one line", "1", "2"),
        ("another label of several lines too", "3", "4"),
    )


@pytest.mark.parametrize(
    "source",
    [
        "#set page(columns: 2)\n" + "Some words that fill a line of prose. " * 40,
        "\\ ".join(f"Part {k} #h(1fr) {3 * k}" for k in range(1, 9)),
        "\\ ".join(f"Part {k} #box(width: 1fr, repeat[.]) {9 - k}" for k in range(1, 9)),
        "\\ ".join(f"Label {k}: #h(3em) {k * 17}" for k in range(1, 8)),
        "\\ ".join(f"{k}. #h(3em) {k}0 things to do" for k in range(1, 8)),
        "```\n" + "\n".join(f"let a{k}    = {k * 3}      // {k}" for k in range(9)) + "\n```",
        "#grid(columns: 3, column-gutter: 3em, ..range(3).map(k => [A. Name \\ Long Street \\ Some Town]))",
        "\n\n".join(f"$ x_{k} = a_{k} / 2 quad quad y = {k} quad quad (#h(0pt){k}) $" for k in range(1, 6)),
        "#line(length: 100%)\n#columns(2)[" + "Words that fill the column well. " * 30 + "]\n#line(length: 100%)",
    ],
    ids=["columns", "contents", "leaders", "form", "list", "code", "addresses", "formulas", "rules"],
)
def test_what_only_stands_in_columns_is_no_table(source: str) -> None:
    assert tables_of(source) == ()


def test_words_are_taken_once() -> None:
    page = page_of(f"Before.\n\n#table(columns: 3, stroke: none, inset: (x: 8pt), {CELLS})\n\nAfter.")
    assert [line.text for line in page.lines] == ["Before.", "After."]


def test_a_scanned_table_is_found_by_its_rules_and_the_marks_they_left_are_dropped() -> None:
    image = Image.new("L", (800, 800), 255)
    draw = ImageDraw.Draw(image)
    for at in (100, 200, 300, 400):
        draw.line((100, at, 700, at), 0, 3)
    for at in (100, 400, 700):
        draw.line((at, 100, at, 400), 0, 3)
    words = [("Town", 60, 70), ("|", 199, 70), ("Folk", 220, 70), ("Brent", 60, 120), ("48", 220, 120)]
    words += [("Corve", 60, 170), ("977", 220, 170)]
    lines = tuple(
        TextLine((Word(text, box, 10, confidence=0.9),), box)
        for text, x, y in words
        for box in [(x, y, x + (2.0 if text == "|" else 30.0), y + 10.0)]
    )
    page = PageContent(1, 400, 400, "scan", lines, ocr=True)
    found = tables_of_scan(page, image, rotation=0)
    (table,) = found.tables
    assert table.rows == (("Town", "Folk"), ("Brent", "48"), ("Corve", "977"))
    assert (table.header_rows, table.confidence, found.lines, found.dropped) == (1, 0.9, (), (("|", "rule"),))


def test_a_dark_picture_has_no_rules() -> None:
    line = TextLine((Word("word", (10, 10, 40, 20), 10),), (10, 10, 40, 20))
    page = PageContent(1, 400, 400, "scan", (line,), ocr=True)
    assert tables_of_scan(page, Image.new("L", (800, 800), 0), rotation=0) == page
