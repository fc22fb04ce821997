"""HTML and EPUB: what a browser shows, in its order; what stands around it set aside."""

from __future__ import annotations

import pytest

from docalign.document import Document
from docalign.errors import DamagedInputError, EmptyInputError, EncryptedInputError, LimitExceededError
from tests.support.office import epub_bytes, read_here


def read(page: str | bytes, name: str = "a.html") -> Document:
    return read_here(page.encode() if isinstance(page, str) else page, name)


def parts(document: Document) -> list[tuple[str, str]]:
    return [(b.kind, document.block_text(b)) for b in document.blocks]


def test_blocks_inside_and_outside_elements() -> None:
    page = """<!doctype html><title>Tab</title><main><h1>A <em>title</em></h1>
      <p>First <b>para</b>,<br>next&nbsp;line &amp; so on.</p>
      <div>loose <span>text</span><p>inner</p>tail</div>
      <figure><img alt="A cat"><figcaption>Fig. 1</figcaption></figure>
      <pre><code>def f():
    pass</code></pre></main>"""
    document = read(page)
    assert parts(document) == [
        ("heading", "A title"), ("paragraph", "First para,\nnext\xa0line & so on."), ("paragraph", "loose text"),
        ("paragraph", "inner"), ("paragraph", "tail"), ("caption", "Fig. 1"), ("code", "def f():\n    pass"),
    ]  # fmt: skip
    assert [f.text for f in document.furniture] == ["Tab"]
    assert [i.text for i in document.invisible] == ["A cat"]


def test_lists_have_marks_and_depth() -> None:
    document = read(
        "<ul><li>one<ol start=3><li>three<li><p>four</p><p>more</p></ol></li><li>two</ul><dl><dt>T<dd>D</dl>"
    )
    assert parts(document) == [
        ("list_item", "• one"), ("list_item", "3. three"), ("list_item", "4. four"), ("list_item", "more"),
        ("list_item", "• two"), ("list_item", "T"), ("list_item", "D"),
    ]  # fmt: skip
    assert [b.depth for b in document.blocks] == [1, 2, 2, 2, 1, 1, 2]


def test_tables_with_spans_header_and_caption() -> None:
    page = """<table><caption>Sizes</caption><thead><tr><th colspan=2>A<th>B</thead>
      <tr><td rowspan=2>1<td>2<td>3<tr><td>4<td>5</table>"""
    document = read(page)
    caption, table = document.blocks
    assert (caption.kind, caption.caption_of) == ("caption", 1)
    assert document.block_text(table) == "A |  | B\n1 | 2 | 3\n| 4 | 5"
    assert table.header_rows == 1
    assert [b.kind for b in read("<table><tr><td>a</td></tr><tr><td>b</td></tr></table>").blocks] == ["paragraph"] * 2
    assert [b.kind for b in read("<table><tr><td><h2>a</h2><td>b</table>").blocks] == ["heading", "paragraph"]


def test_what_stands_around_the_text_is_furniture() -> None:
    page = """<body><header><a>Logo</a></header><nav>Menu</nav><article><header>By me</header><p>Text</p>
      <aside>Note</aside></article><aside>Ad</aside><p style="display: none">secret</p><p hidden>x</p>
      <script>var a = "<p>";</script><style>p{}</style><footer>Imprint</footer>"""
    document = read(page)
    assert [t for _, t in parts(document)] == ["By me", "Text", "Note"]
    assert [f.text for f in document.furniture] == ["Logo", "Menu", "Ad", "Imprint"]
    assert [i.text for i in document.invisible] == ["secret", "x"]
    assert parts(read("<header><h1>Title</h1></header>")) == [("heading", "Title")]


def test_a_page_of_nothing_but_navigation_has_that_as_its_text() -> None:
    document = read("<nav><ul><li>Home</li></ul></nav>")
    assert parts(document) == [("list_item", "• Home")]
    assert document.warnings


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("<meta charset=windows-1252><p>caf\xe9 \x80".encode("latin-1"), "café €"),
        ("<meta charset=shift_jis><p>日本".encode("shift_jis"), "日本"),
        ("<p>caf\xe9".encode("utf-16"), "café"),
        ('<?xml version="1.0" encoding="iso-8859-1"?><html><p>é'.encode("latin-1"), "é"),
        ("<meta charset=no-such-thing><p>é".encode(), "é"),
        ("<p>é".encode("latin-1"), "é"),
    ],
)
def test_encodings(data: bytes, text: str) -> None:
    assert read(data).text == text


def test_hostile_pages_end_in_a_document_or_a_named_error() -> None:
    deep = "<div>" * 1000 + "deep" + "</div>" * 1000
    assert read(deep).text == "deep"
    with pytest.raises(LimitExceededError, match="opens 20000 elements"):
        read("<div>" * 20_000)
    with pytest.raises(EmptyInputError):
        read("<!doctype html><script>alert(1)</script>")
    wide = "<table>" + "<tr><td rowspan=65000 colspan=1000>x<td>y" * 50 + "</table>"
    assert len(read(wide).text) < 1_000_000


def test_a_book_in_the_order_of_its_spine() -> None:
    chapters = {"nav.xhtml": "<nav>Contents</nav>", "b%20c.xhtml": "<h1>One</h1><p>x</p>", "a.xhtml": "<h1>Two</h1>"}
    book = epub_bytes(chapters, nav="nav.xhtml", more={"OEBPS/b c.xhtml": "<h1>One</h1><p>x</p>"})
    document = read(book, "book.epub")
    assert parts(document) == [("heading", "One"), ("paragraph", "x"), ("heading", "Two")]
    assert [f.text for f in document.furniture] == ["Contents"]


def test_path_tricks_in_a_book_are_named_and_not_followed() -> None:
    document = read(epub_bytes({"../../etc/passwd": "", "a.xhtml": "<p>Text</p>"}), "book.epub")
    assert document.text == "Text"
    assert any("outside" in warning for warning in document.warnings)


def test_a_book_under_drm_or_without_chapters() -> None:
    locked = '<encryption><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></encryption>'
    with pytest.raises(EncryptedInputError, match="DRM"):
        read(epub_bytes({"a.xhtml": "<p>x"}, more={"META-INF/encryption.xml": locked}), "book.epub")
    with pytest.raises(DamagedInputError, match="chapters"):
        read(epub_bytes({"../x": ""}), "book.epub")
