"""The HTML view: hostile text stays text, nothing is fetched, regions stand where the page shows them."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pypdfium2
import pytest
from PIL import Image

from docalign.chunk import Chunk
from docalign.document import Block, Box, Document, Kind, Leftover, Line, Page, Region
from docalign.ingest import ingest
from docalign.ingest.layout.frame import from_frame
from docalign.view import html_page, page_images
from docalign.view.markup import COLOURS
from docalign.view.orientation import page_turns

HOSTILE = "</script><img src=x onerror=alert(1)>\"'--><svg/onload=alert(2)>&amp;\x00\x1b\ud800</style>"


class Elements(HTMLParser):
    """Every start tag with its attributes, and the visible text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def count(self, tag: str, name: str) -> int:
        return sum(t == tag and name in (a.get("class") or "").split() for t, a in self.tags)


def made(texts: list[str], *, kinds: list[Kind] | None = None, paged: bool = True) -> tuple[Document, list[Chunk]]:
    """A document with one block per text, and one chunk per block; block i stands on page i // 2 + 1."""
    blocks, chunks, text = [], [], ""
    for i, part in enumerate(texts):
        start = len(text)
        text += part + "\n\n"
        box = Region(i // 2 + 1, (50.0, 80.0 + 100 * (i % 2), 400.0, 150.0 + 100 * (i % 2)))
        boxes = (box,) if paged else ()
        kind = kinds[i] if kinds else "paragraph"
        blocks.append(Block(i, start, start + len(part), kind, page=box.page if paged else None, boxes=boxes))
        on = (box.page,) if paged else ()
        span = (text[start:], start, len(text))
        chunks.append(Chunk("0" * 16, "d", i, *span, 7, (part,), on, boxes, (i,), None, 1.0 if i == 0 else 0.5))
    pages = tuple(Page(n + 1, 600.0, 800.0) for n in range((len(texts) + 1) // 2)) if paged else ()
    return Document("made.pdf", "0" * 64, text, tuple(blocks), pages), chunks


def darkest(image: Image.Image) -> int:
    """The darkest grey (0–255) in a grey image."""
    return next(level for level, pixels in enumerate(image.histogram()) if pixels)


def test_hostile_text_makes_no_element_anywhere() -> None:
    texts = [HOSTILE, f"{HOSTILE} | a\n{HOSTILE} | b", HOSTILE, HOSTILE]
    document, chunks = made(texts, kinds=["heading", "table", "code", "paragraph"])
    aside = Leftover(1, HOSTILE, (10.0, 10.0, 90.0, 20.0))
    document = replace(document, source=HOSTILE, furniture=(aside,))
    page = html_page(document, chunks, [None, None])
    found = Elements(page)
    assert not [a for _, a in found.tags if any(name.startswith("on") for name in a)]
    assert Counter(t for t, _ in found.tags)["script"] == 1
    assert not any(t == "img" for t, _ in found.tags)
    assert "onerror=alert(1)" in found.words
    page.encode("utf-8")
    assert "\x00" not in page


def test_the_page_refers_to_nothing_outside_itself() -> None:
    document, chunks = made(["One.", "Two.", "Three."])
    picture = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(picture, "PNG")
    page = html_page(document, chunks, [picture.getvalue(), None])
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page)
    for _, attributes in Elements(page).tags:
        for name in ("src", "href", "srcset", "action", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/png;base64,"))


def test_the_policy_allows_only_the_script_and_style_that_are_there() -> None:
    page = html_page(*made(["One."]), None)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    for tag in ("script", "style"):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        assert body is not None
        digest = base64.b64encode(hashlib.sha256(body[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]
    assert not any("style" in a for _, a in Elements(page).tags)


def test_every_chunk_has_a_card_and_a_region_on_each_of_its_pages() -> None:
    document, chunks = made(["One.", "Two.", "Three."])
    across = replace(chunks[1], boxes=(*chunks[1].boxes, *chunks[2].boxes), pages=(1, 2))
    found = Elements(html_page(document, [chunks[0], across, chunks[2]], None))
    assert found.count("article", "card") == 3
    assert found.count("a", "region") == 4
    assert found.count("g", "continued") == 1
    assert found.count("figure", "page") == 2


def test_the_text_of_a_chunk_is_shown_whole_even_where_a_block_is_split() -> None:
    document, chunks = made(["Alpha beta gamma delta.", "Name | Age\nAda | 36"], kinds=["paragraph", "table"])
    first = replace(chunks[0], text=document.text[:11], end=11)
    rest = replace(chunks[1], text=document.text[11:], start=11, blocks=(0, 1))
    found = Elements(html_page(document, [first, rest], None))
    shown = " ".join(found.words.split())
    for word in ("Alpha beta", "gamma delta.", "Name", "Ada", "36"):
        assert shown.count(word) >= 1
    assert [t for t, _ in found.tags].count("td") == 4


def test_a_document_without_pages_shows_its_cuts_instead() -> None:
    found = Elements(html_page(*made(["One.", "Two.", "Three."], paged=False), None))
    assert found.count("div", "cut") == 2
    assert found.count("figure", "page") == 0
    assert "cut · 0.50" in found.words


def test_an_empty_document_says_so() -> None:
    assert "This document has no text." in html_page(Document("a.txt", "0" * 64, ""), [], None)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_pages_are_turned_so_that_lines_step_down(turn: int) -> None:
    size = (600.0, 800.0)
    frame_width = size[1] if turn % 180 else size[0]
    upright: list[Box] = [(50, 80 + 14 * i, frame_width - 60, 92 + 14 * i) for i in range(4)]
    boxes = [from_frame(box, *size, turn) for box in upright]
    lines = tuple(Line(5 * i, 5 * i + 4, 1, box) for i, box in enumerate(boxes))
    block = Block(0, 0, 19, "paragraph", page=1, boxes=tuple(Region(1, b) for b in boxes), lines=lines)
    document = Document("a.pdf", "0" * 64, "abcd " * 3 + "abcd", (block,), (Page(1, *size),))
    assert page_turns(document).get(1, 0) == turn
    chunk = Chunk("0" * 16, "a", 0, document.text, 0, 19, 4, (), (1,), block.boxes, (0,), None, 1.0)
    page = html_page(document, [chunk], None)
    assert f'viewBox="0 0 {frame_width:.0f} ' in page
    assert '<rect x="48.2" y="78.2"' in page


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_pictures_are_upright_with_and_without_a_rotate_entry(rotation: int) -> None:
    typst = pytest.importorskip("typst")
    words = "The lamp was lit before dusk and trimmed at every watch. " * 6
    source = (
        "#set page(width: auto, height: auto, margin: 0pt)\n"
        f"#rotate(-{rotation}deg, reflow: true, block(width: 300pt, height: 400pt, inset: 30pt, [{words}]))"
    )
    sideways = pypdfium2.PdfDocument(typst.compile(source.encode(), format="pdf"))
    for shown_turned in (True, False):
        sideways[0].set_rotation(rotation if shown_turned else 0)
        out = io.BytesIO()
        sideways.save(out)
        document = ingest(out.getvalue(), name="turned.pdf")
        (picture,) = page_images(out.getvalue(), document)
        assert picture is not None
        page = Image.open(io.BytesIO(picture)).convert("L")
        assert page_turns(document).get(1, 0) == rotation
        assert page.width < page.height
        lower, upper = ((0, page.height // 2, page.width, page.height), (0, 0, page.width, page.height // 2))
        assert darkest(page.crop(lower)) > 200 > darkest(page.crop(upper))
        viewed = html_page(document, [], [picture])
        assert re.search(r'viewBox="0 0 (299|300)[.0-9]* (399|400)', viewed)


def test_pictures_stay_within_their_budget_and_odd_files_have_none() -> None:
    document = ingest("data/samples/contract.pdf", name="contract.pdf")
    pictures = page_images("data/samples/contract.pdf", document)
    sizes = [len(p or b"") for p in pictures]
    assert all(sizes)
    assert len(pictures) == 4
    some = page_images("data/samples/contract.pdf", document, max_bytes=sizes[0] + sizes[1])
    assert [p is not None for p in some] == [True, True, False, False]
    assert page_images(b"%PDF-1.7 broken", document) == [None] * 4
    assert page_images(b"no image", document) == [None] * 4
    assert page_images(b"text", Document("a.txt", "0" * 64, "")) == []


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGBA", "P", "CMYK", "I;16", "I", "F"])
def test_images_of_every_mode_are_drawn(mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (300, 200)).save(out, "TIFF")
    document = Document("a.tif", "0" * 64, "", (), (Page(1, 300.0, 200.0),))
    (picture,) = page_images(out.getvalue(), document)
    assert picture is not None
    assert Image.open(io.BytesIO(picture)).size == (300, 200)


def test_white_numbers_can_be_read_on_every_colour() -> None:
    style = re.findall(r"\.k(\d) \{ --c: #([0-9a-f]{6})", html_page(*made(["One."]), None))
    assert [int(n) for n, _ in style] == list(range(COLOURS))
    for _, colour in style:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5
