"""Good files of the formats that the samples do not cover, rich in what readers look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from tests.support.office import docx_bytes, epub_bytes, pptx_bytes, xlsx_bytes

__all__ = ["GOOD"]

_HTML: Final = (
    "<!doctype html><html><head><title>T</title><meta charset=utf-8></head><body><nav>menu</nav><main><h1>One</h1>"
    "<p>Text <b>bold</b><br>more.</p><ol start=3 type=a><li>x<ul><li>y</li></ul></li></ol><table><caption>C</caption>"
    "<tr><th>h<th colspan=2>i</tr><tr><td rowspan=2>1<td>2<td>3</table><pre>a\n  b</pre><figure><img alt='p'>"
    "<figcaption>F</figcaption></figure><dl><dt>t<dd>d</dl><script>x</script></main><footer>end</footer></body></html>"
)
_HOCR: Final = (
    "<html><head><meta name='ocr-system' content='tesseract'></head><body><div class='ocr_page' "
    "title='bbox 0 0 1700 2200; scan_res 200 200'><p class='ocr_par'><span class='ocr_line' title='bbox 9 9 99 40'>"
    "<span class='ocrx_word' title='bbox 9 9 50 40; x_wconf 90'>Hello</span></span></p></div></body></html>"
)
_ALTO: Final = (
    "<alto><Description><MeasurementUnit>pixel</MeasurementUnit></Description><Layout><Page WIDTH='1700' HEIGHT='2200'>"
    "<PrintSpace><TextBlock><TextLine HPOS='9' VPOS='9' WIDTH='90' HEIGHT='30'><String CONTENT='exam' HPOS='9' VPOS='9'"
    " "
    "WIDTH='40' HEIGHT='30' WC='0.5' SUBS_TYPE='HypPart1' SUBS_CONTENT='example'/><HYP CONTENT='-'/></TextLine>"
    "</TextBlock></PrintSpace></Page></Layout></alto>"
)
_DOCLING: Final = {
    "schema_name": "DoclingDocument",
    "pages": {"1": {"page_no": 1, "size": {"width": 612, "height": 792}}},
    "body": {"children": [{"$ref": "#/texts/0"}, {"$ref": "#/tables/0"}]},
    "texts": [
        {
            "self_ref": "#/texts/0",
            "label": "section_header",
            "level": 1,
            "text": "Title",
            "children": [],
            "prov": [{"page_no": 1, "bbox": {"l": 72, "t": 720, "r": 300, "b": 700, "coord_origin": "BOTTOMLEFT"}}],
        }
    ],
    "tables": [{"captions": [], "prov": [], "data": {"table_cells": [{"start_row_offset_idx": 0, "text": "x"}]}}],
}
_UNSTRUCTURED: Final = [
    {
        "type": "Title",
        "element_id": "a",
        "text": "Title",
        "metadata": {
            "page_number": 1,
            "coordinates": {"points": [[1, 1], [1, 9], [9, 9], [9, 1]], "layout_width": 100, "layout_height": 100},
        },
    },
    {"type": "Table", "text": "a b", "metadata": {"text_as_html": "<table><tr><td>a</td></tr></table>"}},
]
_AZURE: Final = {
    "analyzeResult": {
        "content": "Title x",
        "pages": [
            {
                "pageNumber": 1,
                "width": 8.5,
                "height": 11,
                "unit": "inch",
                "words": [{"content": "x", "confidence": 0.9, "span": {"offset": 6, "length": 1}}],
            }
        ],
        "paragraphs": [
            {
                "content": "Title",
                "role": "title",
                "spans": [{"offset": 0, "length": 5}],
                "boundingRegions": [{"pageNumber": 1, "polygon": [1, 1, 2, 1, 2, 2, 1, 2]}],
            }
        ],
        "tables": [{"rowCount": 1, "columnCount": 1, "cells": [{"rowIndex": 0, "columnIndex": 0, "content": "x"}]}],
    }
}
_TEXTRACT: Final = {
    "Blocks": [
        {"Id": "p", "BlockType": "PAGE", "Page": 1},
        {
            "Id": "l",
            "BlockType": "LINE",
            "Page": 1,
            "Text": "a b",
            "Confidence": 90.0,
            "Geometry": {"BoundingBox": {"Left": 0.1, "Top": 0.1, "Width": 0.5, "Height": 0.02}},
            "Relationships": [{"Type": "CHILD", "Ids": ["w"]}],
        },
        {"Id": "w", "BlockType": "WORD", "Page": 1, "Text": "a", "Confidence": 90.0},
    ]
}
_MAIL: Final = (
    b"From: a@b.example\r\nTo: c@d.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Mon, 23 Nov 2026 10:00:00 "
    b"+0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html; "
    b"charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>Gr=FC=DFe</p>\r\n--x\r\n"
    b"Content-Type: "
    b"application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--x--\r\n"
)
_RST: Final = (
    b"Title\n=====\n\n:Author: me\n\nText with ``code`` and [1]_ and |sub|.\n\n- a\n\n  1. b\n\n.. note:: careful\n\n"
    b"+---+---+\n| a | b |\n+===+===+\n| 1 | 2 |\n+---+---+\n\n::\n\n  literal\n\n.. [1] note\n"
    b".. |sub| replace:: that\n\n"
    b".. figure:: x.png\n   :alt: alt\n\n   Caption\n"
)


def _docx() -> bytes:
    paragraph = '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Title</w:t></w:r></w:p>'
    table = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    return docx_bytes(paragraph + table + '<w:p><w:ins w:id="1"><w:r><w:t>new</w:t></w:r></w:ins></w:p>')


def _pptx() -> bytes:
    def build(show: Any) -> None:
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = "Title"
        slide.placeholders[1].text = "A point"
        slide.notes_slide.notes_text_frame.text = "Say this"

    return pptx_bytes(build)


def _xlsx() -> bytes:
    def build(book: Any) -> None:
        book.active.append(["name", "sum"])
        book.active.append(["a", 1.5])
        book.create_sheet("hidden").sheet_state = "hidden"

    return xlsx_bytes(build)


def _coded(value: Any) -> Callable[[], bytes]:
    return lambda: json.dumps(value).encode()


GOOD: Final[dict[str, tuple[Callable[[], bytes], ...]]] = {
    "ALTO": (_ALTO.encode,),
    "EPUB": (
        lambda: epub_bytes({"a.xhtml": _HTML, "nav.xhtml": "<nav><a href='a.xhtml'>A</a></nav>"}, nav="nav.xhtml"),
    ),
    "Excel": (_xlsx,),
    "HTML": (_HTML.encode,),
    "JSON": tuple(_coded(v) for v in (_DOCLING, _UNSTRUCTURED, _AZURE, _TEXTRACT)),
    "PowerPoint": (_pptx,),
    "Word": (_docx,),
    "hOCR": (_HOCR.encode,),
    "mail": (lambda: _MAIL,),
    "reStructuredText": (lambda: _RST,),
}
"""Makers of good files by target."""
