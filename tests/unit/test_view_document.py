"""The view of a document: blocks, order and leftovers where the page shows them; hostile text stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace

import pytest

from docalign.document import Block, Document, Dropped, Kind, Leftover, Line, Page, Region
from docalign.ingest.layout.frame import from_frame
from docalign.view import document_page
from docalign.view.blocks import KIND_COLOURS
from docalign.view.tables import table_html
from tests.unit.test_view import HOSTILE, Elements

SIZE = (600.0, 800.0)


def made(parts: list[tuple[Kind, str]], *, paged: bool = True, turn: int = 0) -> Document:
    """A document of these blocks, one below the other on one page whose text reads upright after `turn` degrees."""
    blocks, text = [], ""
    for i, (kind, part) in enumerate(parts):
        start, text = len(text), text + part + "\n\n"
        box = from_frame((50.0, 80.0 + 60 * i, 400.0, 120.0 + 60 * i), *SIZE, turn)
        block = Block(i, start, start + len(part), kind, page=1 if paged else None)
        if paged:
            line = Line(block.start, block.end, 1, box)
            block = replace(block, boxes=(Region(1, box),), lines=(line,))
        blocks.append(block)
    pages = (Page(1, *SIZE, kind="text", rotation=turn),) if paged else ()
    return Document("made.pdf", "0" * 64, text, tuple(blocks), pages)


def test_hostile_text_makes_no_element_anywhere() -> None:
    document = made([(kind, HOSTILE) for kind in sorted(KIND_COLOURS)])
    aside = Leftover(1, HOSTILE, (10.0, 10.0, 90.0, 20.0))
    page = replace(document.pages[0], kind=HOSTILE, engine=HOSTILE, ocr=True)
    document = replace(
        document,
        source=HOSTILE,
        pages=(page,),
        furniture=(aside,),
        invisible=(aside, Leftover(None, HOSTILE, None)),
        dropped=(Dropped(1, HOSTILE, HOSTILE),),
        warnings=(HOSTILE,),
    )
    shown = document_page(document)
    found = Elements(shown)
    assert not [a for _, a in found.tags if any(name.startswith("on") for name in a) or "style" in a]
    counts = Counter(t for t, _ in found.tags)
    assert (counts["script"], counts["img"]) == (1, 0)
    assert "onerror=alert(1)" in found.words
    assert "\x00" not in shown
    shown.encode("utf-8")


def test_the_page_refers_to_nothing_and_allows_only_its_own_script_and_style() -> None:
    shown = document_page(made([("heading", "A"), ("paragraph", "B")]))
    assert not re.search(r"https?:|//[a-z]|@import|url\(", shown)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', shown)
    assert policy is not None
    assert "unsafe" not in policy[1]
    for tag in ("script", "style"):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", shown, re.S)
        assert body is not None
        digest = base64.b64encode(hashlib.sha256(body[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]


def test_every_block_is_numbered_coloured_by_kind_and_led_to_from_the_one_before() -> None:
    document = made([("heading", "A"), ("paragraph", "B"), ("list_item", "C"), ("code", "D")])
    document = replace(
        document,
        blocks=(
            replace(document.blocks[0], level=2),
            document.blocks[1],
            replace(document.blocks[2], depth=3),
            document.blocks[3],
        ),
    )
    shown = document_page(document)
    found = Elements(shown)
    assert found.count("article", "card") == found.count("a", "region") == found.count("g", "mark") == 4
    for block in document.blocks:
        assert f'class="region {KIND_COLOURS[block.kind]}" href="#block{block.id + 1}"' in shown
    assert [t for t, _ in found.tags].count("polygon") == 3, "an arrowhead between each two"
    for label in ("1 H2", "2", "3 L3", "4 Code"):
        assert f">{label}</text>" in shown
    assert 'class="card k2 in2"' in shown, "deeper items stand further in"


def test_a_block_in_two_columns_has_a_hollow_second_badge_and_one_card() -> None:
    document = made([("paragraph", "A"), ("paragraph", "B")])
    wide = replace(document.blocks[0], boxes=(*document.blocks[0].boxes, Region(1, (420.0, 80.0, 580.0, 120.0))))
    found = Elements(document_page(replace(document, blocks=(wide, document.blocks[1]))))
    assert found.count("g", "continued") == 1
    assert found.count("article", "card") == 2


def test_rows_of_a_table_are_drawn_and_its_header_told_apart() -> None:
    text = "Name | Age\nAda | 36\nBob | 41"
    spans = ((0, 10), (11, 19), (20, 28))
    lines = tuple(Line(a, b, 1, (50.0, 80.0 + 12 * i, 300.0, 90.0 + 12 * i)) for i, (a, b) in enumerate(spans))
    block = Block(
        0, 0, 28, "table", page=1, boxes=(Region(1, (50, 80, 300, 114)),), lines=lines, rows=spans, header_rows=1
    )
    found = Elements(document_page(Document("t.pdf", "0" * 64, text, (block,), (Page(1, *SIZE),))))
    assert (found.count("rect", "head-row"), found.count("rect", "row")) == (1, 2)
    assert Counter(t for t, _ in found.tags)["th"] == 2
    assert "3 rows, 1 of them header" in found.words


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a | b\nc | d", None),
        ("| a | b |\n|---|:-:|\n| c | d |", ["| a | b |\n|---|:-:|", "| c | d |"]),
    ],
)
def test_cells_are_those_of_the_source_however_it_writes_them(text: str, rows: list[str] | None) -> None:
    cells = re.findall(r"<t[dh]>(.*?)</t[dh]>", table_html(text, rows, None if rows is None else 1))
    assert cells == ["a", "b", "c", "d"]


def test_what_was_set_aside_is_shown_with_its_place_and_its_reason() -> None:
    document = replace(
        made([("paragraph", "A")]),
        furniture=(Leftover(1, "Page 1 of 9", (10.0, 10.0, 90.0, 20.0)),),
        invisible=(Leftover(1, "unseen words", (10.0, 30.0, 90.0, 40.0)),),
        dropped=(Dropped(1, "-", "hyphen"), Dropped(1, "-", "hyphen"), Dropped(1, "x", "duplicate")),
        warnings=("page 1: something odd.",),
    )
    found = Elements(document_page(document))
    assert (found.count("g", "furniture"), found.count("g", "unseen")) == (1, 1)
    for words in ("Furniture (1)", "unseen words", "- (hyphen, 2 times)", "x (duplicate)", "something odd."):
        assert words in found.words


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_turned_pages_are_shown_as_they_are_read(turn: int) -> None:
    shown = document_page(made([("heading", "A"), ("paragraph", "B")], turn=turn))
    width = SIZE[1] if turn % 180 else SIZE[0]
    assert f'viewBox="0 0 {width:.0f} ' in shown
    assert '<rect x="48.2" y="78.2"' in shown
    assert (f"turned {turn}°" in shown) == (turn > 0)


def test_documents_without_pages_and_without_text_are_shown_too() -> None:
    found = Elements(document_page(made([("heading", "A"), ("paragraph", "B")], paged=False)))
    assert (found.count("article", "card"), found.count("figure", "page")) == (2, 0)
    assert "This document has no text." in document_page(Document("a.txt", "0" * 64, ""))
