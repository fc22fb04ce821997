"""Layout on pages nobody would print: it never raises, keeps every character, and is deterministic."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from docalign.ingest.layout.build import build_document
from docalign.ingest.layout.frame import from_frame, to_frame
from docalign.ingest.page import PageContent, TableArea, TextLine, Word
from tests.support.accounting import of_document, of_page

WIDTH, HEIGHT = 400.0, 600.0

texts = st.one_of(
    st.sampled_from(
        [
            "the",
            "docu-",
            "ment",
            "1.",
            "2.1",
            "•",
            "-",
            "Figure",
            "3:",
            "A.",
            "ix",
            "Page",
            "9",
            "(a)",
            "Chapter",
            "|",
            "….",
            "שלום",
            "東京",
        ]
    ),
    st.text(st.characters(exclude_categories=("Z", "C")), min_size=1, max_size=8).filter(lambda t: not t.isspace()),
)
numbers = st.floats(-50, 650, allow_nan=False, width=32)
sizes = st.sampled_from([0.0, 1.0, 6.0, 10.0, 10.0, 10.0, 14.0, 24.0, 300.0])


@st.composite
def words(draw: st.DrawFn) -> Word:
    x, y = draw(numbers), draw(numbers)
    size = draw(sizes)
    width, height = draw(st.sampled_from([0.0, 5.0, 30.0, 300.0])), draw(st.sampled_from([0.0, size, 1.3 * size, 80.0]))
    flags = draw(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()))
    confidence = draw(st.none() | st.floats(0, 1))
    return Word(draw(texts), (x, y, x + width, y + height), size, flags[0], flags[1], flags[2], confidence, flags[3])


@st.composite
def lines(draw: st.DrawFn) -> TextLine:
    if draw(st.booleans()):
        row = draw(st.lists(words(), min_size=1, max_size=5))
    else:  # an orderly line, so that columns and paragraphs come about
        x, y = draw(st.sampled_from([40.0, 60.0, 210.0])), 10.0 * draw(st.integers(1, 58))
        row = [
            Word(t, (x + 30 * k, y, x + 30 * k + 25, y + 9), 9)
            for k, t in enumerate(draw(st.lists(texts, min_size=1, max_size=5)))
        ]
    box = (
        min(w.box[0] for w in row),
        min(w.box[1] for w in row),
        max(w.box[2] for w in row),
        max(w.box[3] for w in row),
    )
    return TextLine(tuple(row), box)


@st.composite
def tables(draw: st.DrawFn) -> TableArea:
    width = draw(st.integers(1, 4))
    rows = draw(
        st.lists(st.lists(st.just("") | texts, min_size=width, max_size=width).map(tuple), min_size=1, max_size=4)
    )
    top = draw(numbers)
    boxes = tuple((20.0, top + 12 * k, 300.0, top + 12 * k + 12) for k in range(len(rows)))
    return TableArea((20.0, top, 300.0, top + 12 * len(rows)), tuple(rows), boxes)


@st.composite
def documents(draw: st.DrawFn) -> list[PageContent]:
    pages = []
    repeated = draw(st.none() | lines())
    for number in range(1, draw(st.integers(1, 6)) + 1):
        found = draw(st.lists(lines(), max_size=12))
        if repeated is not None:
            found = [repeated, *found]
        pages.append(
            PageContent(
                number,
                WIDTH,
                HEIGHT,
                "text",
                tuple(found),
                tuple(draw(st.lists(tables(), max_size=2))),
                tuple(draw(st.lists(lines(), max_size=1))),
                tuple(draw(st.lists(st.tuples(texts, st.just("duplicate")), max_size=1))),
                ocr=draw(st.booleans()),
                rotation=draw(st.sampled_from([0, 0, 0, 90, 180, 270])),
                direction=draw(st.sampled_from(["ltr", "ltr", "ltr", "rtl", "ttb"])),
            )
        )
    return pages


@settings(max_examples=200, deadline=None)
@given(documents())
def test_layout_keeps_every_character_of_any_pages(pages: list[PageContent]) -> None:
    document = build_document(pages, source="x", sha256="0").check()
    held = of_document(document)
    for page in pages:
        assert not of_page(page) - held[page.number]
    for block in document.blocks:
        assert block.boxes
        assert block.page == block.lines[0].page
        assert (block.level is not None) == (block.kind == "heading")
        assert block.lines[0].start == block.start
        assert block.lines[-1].end == block.end
    assert build_document(pages, source="x", sha256="0") == document


@given(st.tuples(numbers, numbers, numbers, numbers), st.sampled_from([0, 90, 180, 270]))
def test_the_reading_frame_is_undone(box: tuple[float, float, float, float], rotation: int) -> None:
    back = from_frame(to_frame(box, WIDTH, HEIGHT, rotation), WIDTH, HEIGHT, rotation)
    assert all(abs(a - b) < 1e-3 for a, b in zip(box, back, strict=True))
