"""Skewed scans: layout sees straight boxes, the document has the ones on the paper."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from docalign.document import Block, Document, Leftover, Line, Region
from docalign.ingest.ocr.images import ImageReader
from docalign.ingest.ocr.skew import askew, straight, straight_page, turn_back
from docalign.ingest.options import IngestOptions
from docalign.ingest.page import PageContent, TextLine, Word
from tests.support.files import picture_of


@settings(deadline=None)
@given(
    skew=st.floats(-12, 12),
    x=st.floats(120, 400),
    y=st.floats(200, 500),
    width=st.floats(1, 90),
    height=st.floats(1, 90),
)
def test_straight_undoes_askew(skew: float, x: float, y: float, width: float, height: float) -> None:
    box = (x, y, x + width, y + height)
    assert straight(askew(box, skew, 612, 792), skew, 612, 792) == pytest.approx(box, abs=0.01)


def test_lines_of_a_skewed_page_do_not_overlap_for_layout(tmp_path: object) -> None:
    names = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "last")
    lines = [f"The {name} line runs right across the page from one margin to the other" for name in names]
    page = picture_of(lines).rotate(-4, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    path = f"{tmp_path}/a.png"
    page.save(path)
    content = ImageReader(path, IngestOptions()).page(0)
    assert content.skew == pytest.approx(4, abs=0.2)
    overlaps = [a.box[3] > b.box[1] for a, b in pairwise(content.lines)]
    assert all(overlaps)
    levelled = straight_page(content).lines
    assert [line.text for line in levelled] == lines
    assert not any(a.box[3] > b.box[1] for a, b in pairwise(levelled))


def test_boxes_of_the_document_are_turned_back_on_skewed_pages_only() -> None:
    box = (100.0, 100.0, 300.0, 112.0)
    document = Document(
        source="a",
        sha256="",
        text="ab",
        blocks=(
            Block(0, 0, 1, "paragraph", page=1, boxes=(Region(1, box),), lines=(Line(0, 1, 1, box),)),
            Block(1, 1, 2, "paragraph", page=2, boxes=(Region(2, box),), lines=(Line(1, 2, 2, box),)),
        ),
        furniture=(Leftover(1, "1", box), Leftover(2, "2", box)),
    )
    word = TextLine((Word("a", box, 10.0),), box)
    pages = [PageContent(1, 612, 792, "scan", (word,), skew=3.0), PageContent(2, 612, 792, "scan", (word,))]
    turned = turn_back(document, pages)
    expected = askew(box, 3.0, 612, 792)
    assert expected != box
    assert [b.boxes[0].box for b in turned.blocks] == [expected, box]
    assert [b.lines[0].box for b in turned.blocks] == [expected, box]
    assert [f.box for f in turned.furniture] == [expected, box]
    assert turn_back(document, pages[1:]) is document
    assert straight_page(pages[1]) is pages[1]
