"""What other parsers and OCR programs have read: their order and structure kept, places in points from the top left."""

from __future__ import annotations

import json
from typing import Any

import pytest

from docalign.document import Document
from docalign.errors import DamagedInputError, InvalidDocumentError
from docalign.ingest import ingest
from docalign.ingest.formats import detect
from docalign.ingest.options import IngestOptions
from docalign.ingest.readers.alto import AltoReader
from docalign.ingest.readers.hocr import HocrReader
from tests.support.office import read_here


def read(value: Any) -> Document:
    return read_here(json.dumps(value).encode(), "a.json")


def parts(document: Document) -> list[tuple[str, str]]:
    return [(b.kind, document.block_text(b)) for b in document.blocks]


HOCR = """<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head>
<meta name="ocr-system" content="tesseract 5.5"/></head><body>
<div class="ocr_page" title='image "x.png"; bbox 0 0 2550 3300; scan_res 300 300'>
<div class="ocr_carea"><p class="ocr_par">
<span class="ocr_line" title="bbox 300 600 900 650; x_size 50"><span class="ocrx_word" title="bbox 300 600 500 650;
 x_wconf 90">Hello</span> <span class="ocrx_word" title="bbox 520 600 900 650; x_wconf 70">world.</span></span>
</p></div></div></body></html>"""

ALTO = """<?xml version="1.0"?><alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description>
<MeasurementUnit>inch1200</MeasurementUnit><OCRProcessing><ocrProcessingStep><processingSoftware>
<softwareName>ABBYY</softwareName></processingSoftware></ocrProcessingStep></OCRProcessing></Description><Layout>
<Page WIDTH="10200" HEIGHT="13200"><PrintSpace><TextBlock><TextLine HPOS="1200" VPOS="1200" WIDTH="3000" HEIGHT="200">
<String CONTENT="exam" HPOS="1200" VPOS="1200" WIDTH="900" HEIGHT="200" WC="0.5"/><HYP CONTENT="-"/></TextLine>
<TextLine HPOS="1200" VPOS="1500" WIDTH="3000" HEIGHT="200"><String CONTENT="ples" HPOS="1200" VPOS="1500" WIDTH="900"
HEIGHT="200" WC="1"/></TextLine></TextBlock></PrintSpace></Page></Layout></alto>"""


def test_hocr_is_known_by_its_content_and_has_places_in_points() -> None:
    document = ingest(HOCR.encode(), name="page.html")
    assert document.text == "Hello world."
    (page,) = document.pages
    assert (page.width, page.height, page.ocr) == (612.0, 792.0, True)
    assert document.blocks[0].boxes[0].box == (72.0, 144.0, 216.0, 156.0)
    assert document.blocks[0].confidence == pytest.approx(0.8)
    assert page.engine == "tesseract 5.5"


def test_alto_in_any_unit_with_its_hyphens(tmp_path: Any) -> None:
    document = ingest(ALTO.encode(), name="page.xml")
    assert document.text.replace("-", "") in ("examples", "exam ples")
    assert (document.pages[0].width, document.pages[0].height) == (612.0, 792.0)
    assert document.blocks[0].lines[0].box[:2] == (72.0, 72.0)
    path = tmp_path / "a.xml"
    pixels = ALTO.replace("inch1200", "pixel").replace("10200", "2480").replace("13200", "3508")
    path.write_text(pixels)
    page = AltoReader(str(path), IngestOptions()).page(0)
    assert (round(page.width), round(page.height)) == (595, 842)


def test_ocr_files_without_pages_are_damaged(tmp_path: Any) -> None:
    path = tmp_path / "a"
    path.write_text("<alto/>")
    with pytest.raises(DamagedInputError, match="no Page"):
        AltoReader(str(path), IngestOptions())
    path.write_text("<html><meta name='ocr-system'></html>")
    with pytest.raises(DamagedInputError, match="ocr_page"):
        HocrReader(str(path), IngestOptions())
    assert detect(b"<alto>", "a.xml").name == "ALTO"


def docling_text(number: int, label: str, text: str, **more: Any) -> dict[str, Any]:
    box = {"l": 72, "t": 720, "r": 300, "b": 700, "coord_origin": "BOTTOMLEFT"}
    ref = {"self_ref": f"#/texts/{number}", "label": label, "text": text, "children": []}
    return {**ref, "prov": [{"page_no": 1, "bbox": box}], **more}


DOCLING = {
    "schema_name": "DoclingDocument",
    "pages": {"1": {"page_no": 1, "size": {"width": 612, "height": 792}}},
    "body": {"children": [{"$ref": r} for r in ("#/texts/0", "#/texts/1", "#/groups/0", "#/tables/0", "#/texts/0")]},
    "furniture": {"children": []},
    "texts": [
        docling_text(0, "title", "The title"),
        docling_text(1, "section_header", "Part", level=1),
        docling_text(2, "list_item", "point", marker="-", enumerated=False),
        docling_text(3, "list_item", "deeper", marker="a)", enumerated=True),
        docling_text(4, "caption", "Table 1"),
        docling_text(5, "page_footer", "Foot", content_layer="furniture"),
        docling_text(6, "text", "Not in the body"),
    ],
    "groups": [
        {"label": "list", "children": [{"$ref": "#/texts/2"}, {"$ref": "#/groups/1"}]},
        {"label": "list", "children": [{"$ref": "#/texts/3"}, {"$ref": "#/groups/0"}]},
    ],
    "tables": [
        {
            "captions": [{"$ref": "#/texts/4"}],
            "prov": [],
            "data": {
                "table_cells": [
                    {"start_row_offset_idx": r, "start_col_offset_idx": c, "text": f"{r}{c}", "column_header": r == 0}
                    for r in range(2)
                    for c in range(2)
                ]
            },
        }
    ],
}


def test_docling_keeps_its_order_and_measures_from_the_bottom() -> None:
    document = read(DOCLING)
    assert parts(document) == [
        ("heading", "The title"), ("heading", "Part"), ("list_item", "• point"), ("list_item", "a) deeper"),
        ("caption", "Table 1"), ("table", "00 | 01\n10 | 11"), ("paragraph", "Not in the body"),
    ]  # fmt: skip
    assert [b.level for b in document.blocks[:2]] == [1, 2]
    assert [b.depth for b in document.blocks[2:4]] == [1, 2]
    assert (document.blocks[4].caption_of, document.blocks[5].header_rows) == (5, 1)
    assert document.blocks[0].boxes[0].box == (72.0, 72.0, 300.0, 92.0)
    assert [f.text for f in document.furniture] == ["Foot"]


def test_unstructured_elements() -> None:
    corners = [[100, 200], [100, 250], [600, 250], [600, 200]]
    place = {"points": corners, "system": "PixelSpace", "layout_width": 1700, "layout_height": 2200}
    at = {"page_number": 1, "coordinates": place}
    html = "<table><thead><tr><th>A</th><th>B</th></tr></thead><tr><td>1</td><td>2</td></tr></table>"
    document = read([
        {"type": "Title", "element_id": "1", "text": "Head", "metadata": {**at, "category_depth": 1}},
        {"type": "ListItem", "text": "item", "metadata": at},
        {"type": "Table", "text": "A B 1 2", "metadata": {**at, "text_as_html": html}},
        {"type": "Table", "text": "says more", "metadata": {**at, "text_as_html": html}},
        {"type": "Footer", "text": "foot", "metadata": at},
    ])  # fmt: skip
    assert parts(document) == [
        ("heading", "Head"), ("list_item", "item"), ("table", "A | B\n1 | 2"), ("table", "says more"),
    ]  # fmt: skip
    assert (document.blocks[0].level, document.blocks[2].header_rows) == (2, 1)
    assert document.blocks[0].boxes[0].box == (36.0, 72.0, 216.0, 90.0)
    assert [(f.page, f.text) for f in document.furniture] == [(1, "foot")]


def azure_thing(offset: int, content: str, y: float, **more: Any) -> dict[str, Any]:
    polygon = [1, y, 3, y, 3, y + 0.2, 1, y + 0.2]
    spans = [{"offset": offset, "length": len(content)}]
    return {"content": content, "spans": spans, "boundingRegions": [{"pageNumber": 1, "polygon": polygon}], **more}


def azure() -> dict[str, Any]:
    words = [
        {
            "content": w,
            "confidence": 0.5,
            "span": {"offset": o, "length": len(w)},
            "polygon": [1, y, 2, y, 2, y, 1, y + 1],
        }
        for w, o, y in (("Head", 0, 1), ("Title", 5, 2), ("Body", 11, 3))
    ]
    cells = [{"rowIndex": 0, "columnIndex": n, **azure_thing(20 + 2 * n, c, 5)} for n, c in enumerate("ab")]
    return {
        "analyzeResult": {
            "pages": [{"pageNumber": 1, "width": 8.5, "height": 11, "unit": "inch", "words": words}],
            "paragraphs": [
                azure_thing(0, "Head", 1, role="pageHeader"),
                azure_thing(5, "Title", 2, role="title"),
                azure_thing(20, "a", 5),
                azure_thing(22, "b", 5),
                azure_thing(11, "Body", 3),
            ],
            "tables": [{"cells": cells, "spans": [{"offset": 20, "length": 3}]}],
        }
    }


def test_azure_roles_tables_and_inches() -> None:
    document = read(azure())
    assert parts(document) == [("heading", "Title"), ("paragraph", "Body"), ("table", "a | b")]
    assert document.blocks[0].boxes[0].box == (72.0, 144.0, 216.0, 158.4)
    assert document.blocks[0].confidence == 0.5
    assert [f.text for f in document.furniture] == ["Head"]
    assert (document.pages[0].width, document.pages[0].height) == (612.0, 792.0)


def test_azure_words_alone_are_laid_out() -> None:
    line = {"content": "Two words", "polygon": [1, 1, 3, 1, 3, 1.2, 1, 1.2], "spans": [{"offset": 0, "length": 9}]}
    page = {"pageNumber": 1, "width": 8.5, "height": 11, "unit": "inch", "lines": [line], "words": []}
    document = read({"analyzeResult": {"content": "Two words", "pages": [page]}})
    assert document.text == "Two words"
    assert document.blocks[0].boxes[0].box == pytest.approx((72, 72, 216, 86.4), abs=0.1)


def textract_block(key: str, kind: str, top: float, text: str = "", ids: tuple[str, ...] = (), **more: Any) -> Any:
    box = {"Left": 0.1, "Top": top, "Width": 0.5, "Height": 0.02}
    relations = [{"Type": "CHILD", "Ids": list(ids)}] if ids else []
    return {
        "Id": key, "BlockType": kind, "Text": text, "Page": 1, "Confidence": 90.0, "Geometry": {"BoundingBox": box},
        "Relationships": relations, **more,
    }  # fmt: skip


LINES = [
    textract_block("p", "PAGE", 0),
    textract_block("l1", "LINE", 0.1, "Big title", ("w1", "w2")),
    textract_block("w1", "WORD", 0.1, "Big"),
    textract_block("w2", "WORD", 0.1, "title"),
    textract_block("l2", "LINE", 0.2, "a", ("w3",)),
    textract_block("w3", "WORD", 0.2, "a"),
    textract_block("l3", "LINE", 0.2, "b", ("w4",)),
    textract_block("w4", "WORD", 0.2, "b"),
    textract_block("l4", "LINE", 0.9, "stray"),
    textract_block("t", "TABLE", 0.2, "", ("c1", "c2")),
    textract_block("c1", "CELL", 0.2, "", ("w3",), RowIndex=1, ColumnIndex=1),
    textract_block("c2", "CELL", 0.2, "", ("w4",), RowIndex=1, ColumnIndex=2),
]


def test_textract_with_layout_and_without() -> None:
    layout = [
        textract_block("y1", "LAYOUT_TITLE", 0.1, "", ("l1",)),
        textract_block("y2", "LAYOUT_TABLE", 0.2, "", ("l2", "l3")),
    ]
    document = read({"Blocks": [*LINES, *layout]})
    assert parts(document) == [("heading", "Big title"), ("table", "a | b"), ("paragraph", "stray")]
    assert document.blocks[0].boxes[0].box == (61.2, 79.2, 367.2, 95.04)
    assert document.blocks[0].confidence == 0.9
    assert any("US letter" in w for w in document.warnings)
    bare = read([{"Blocks": LINES}])
    assert [b.kind for b in bare.blocks].count("table") == 1
    assert sorted("".join(bare.text.split())) == sorted("Bigtitle" + "a|b" + "stray")


@pytest.mark.parametrize(
    "value",
    [
        {"schema_name": "DoclingDocument", "body": {"children": [{"$ref": "#/texts/9"}]}, "texts": []},
        {"schema_name": "DoclingDocument", "texts": [{"label": "text"}]},
        {"Blocks": [{"BlockType": "LINE"}]},
        {"analyzeResult": {"pages": [{}], "paragraphs": [{}]}},
        [{"type": "Title", "text": "x", "metadata": {"page_number": "one"}}],
        {"some": "thing"},
        [1, 2],
    ],
)
def test_broken_output_is_named(value: Any) -> None:
    with pytest.raises(InvalidDocumentError) as caught:
        read(value)
    assert caught.value.remedy
