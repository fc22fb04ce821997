"""PowerPoint and Excel: slides are pages in reading order, sheets are headings over tables."""

from __future__ import annotations

import datetime
import sys
from typing import Any

import pytest

from docalign.document import Document
from docalign.errors import EmptyInputError, LimitExceededError, UnsupportedFormatError
from docalign.ingest import IngestOptions
from docalign.ingest.readers.pptx import read_pptx
from docalign.ingest.readers.xlsx import read_xlsx
from tests.support.office import pptx_bytes, read_here, xlsx_bytes


def parts(document: Document) -> list[tuple[str, str]]:
    return [(b.kind, document.block_text(b)) for b in document.blocks]


def slides(show: Any) -> None:
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    first = show.slides.add_slide(show.slide_layouts[1])
    low = first.shapes.add_textbox(Inches(6), Inches(6.5), Inches(2), Inches(0.5))
    low.text_frame.text = "right"
    low = first.shapes.add_textbox(Inches(1), Inches(6.5), Inches(2), Inches(0.5))
    low.text_frame.text = "left"
    group = first.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(7), Inches(1), Inches(0.2)).text_frame.text = "grouped"
    first.shapes.title.text = "The first"
    frame = first.placeholders[1].text_frame
    frame.text = "one"
    below = frame.add_paragraph()
    below.text, below.level = "below one", 1
    first.notes_slide.notes_text_frame.text = "say this"
    second = show.slides.add_slide(show.slide_layouts[5])
    second.shapes.title.text = "The second"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row in range(2):
        for column in range(2):
            table.cell(row, column).text = f"{row}{column}"
    data = CategoryChartData()
    data.categories = ["East", "West"]
    data.add_series("Sales", (1.5, 2.5))
    place = (Inches(1), Inches(4), Inches(3), Inches(3))
    second.shapes.add_chart(XL_CHART_TYPE.PIE, *place, data)
    third = show.slides.add_slide(show.slide_layouts[6])
    third.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "not shown"
    third._element.set("show", "0")


def test_slides_are_pages_in_reading_order() -> None:
    document = read_here(pptx_bytes(slides), "a.pptx")
    assert [(p.number, p.width, p.height) for p in document.pages] == [(n, 720.0, 540.0) for n in (1, 2, 3)]
    assert parts(document) == [
        ("heading", "The first"), ("list_item", "• one"), ("list_item", "• below one"), ("paragraph", "left"),
        ("paragraph", "right"), ("paragraph", "grouped"), ("heading", "The second"), ("table", "00 | 01\n10 | 11"),
        ("paragraph", "Sales\nEast\nWest\n1.5\n2.5"),
    ]  # fmt: skip
    assert [b.page for b in document.blocks] == [1] * 6 + [2] * 3
    assert [b.depth for b in document.blocks[1:3]] == [1, 2]
    assert document.blocks[7].header_rows == 1
    assert [(i.page, i.text) for i in document.invisible] == [(1, "say this"), (3, "not shown")]
    assert all(0 <= b.boxes[0].box[0] < b.boxes[0].box[2] <= 720 for b in document.blocks)


def test_too_many_slides() -> None:
    with pytest.raises(LimitExceededError, match="3 slides"):
        read_here(pptx_bytes(slides), "a.pptx", IngestOptions(max_pages=2))


def sheets(book: Any) -> None:
    from openpyxl.comments import Comment

    sheet = book.active
    sheet.title = "Data"
    sheet.append(["Name", "When", "Share"])
    sheet.append(["a", datetime.date(2024, 1, 2), 0.25])
    sheet["C2"].number_format = "0.0%"
    sheet.append(["b", datetime.datetime(2024, 1, 2, 3, 4), 3.0])
    sheet["A6"] = "alone"
    sheet["D9"], sheet["C9"] = "=SUM(C2:C3)", 5
    sheet["A1"].comment = Comment("a remark", "me")
    sheet.oddFooter.center.text = "Page &P of it"
    hidden = book.create_sheet("Back")
    hidden["A1"] = "secret"
    hidden.sheet_state = "hidden"
    book.create_sheet("Empty")


def test_sheets_are_headings_over_their_tables() -> None:
    document = read_here(xlsx_bytes(sheets), "a.xlsx")
    assert parts(document) == [
        ("heading", "Data"), ("table", "Name | When | Share\na | 2024-01-02 | 25.0%\nb | 2024-01-02 03:04:00 | 3"),
        ("paragraph", "alone"), ("table", "5 | =SUM(C2:C3)"), ("heading", "Empty"),
    ]  # fmt: skip
    assert [b.header_rows for b in document.blocks] == [0, 1, 0, 0, 0]
    assert [i.text for i in document.invisible] == ["a remark", "Back\nsecret"]
    assert [f.text for f in document.furniture] == ["Page   of it"]
    assert any("no stored result" in w for w in document.warnings)
    assert any("hidden sheet 'Back'" in w for w in document.warnings)


def test_an_empty_workbook_is_empty() -> None:
    with pytest.raises(EmptyInputError):
        read_here(xlsx_bytes(lambda book: None), "a.xlsx")


def test_far_off_cells_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr("docalign.ingest.readers.xlsx._MAX_CELLS", 10_000)

    def build(book: Any) -> None:
        book.active["A1"], book.active["A20000"] = "near", "far"

    path = tmp_path / "a.xlsx"
    path.write_bytes(xlsx_bytes(build))
    with pytest.raises(LimitExceededError, match="10000 cells"):
        read_xlsx(str(path), IngestOptions(), source="a", sha256="0")


@pytest.mark.parametrize(("reader", "module"), [(read_pptx, "pptx.package"), (read_xlsx, "openpyxl")])
def test_a_missing_extra_is_named(reader: Any, module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UnsupportedFormatError) as caught:
        reader(str(tmp_path / "a"), IngestOptions(), source="a", sha256="0")
    assert "pip install '.[office]'" in caught.value.remedy
