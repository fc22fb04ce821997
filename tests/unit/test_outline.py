"""Headings that the file itself names, in its outline or its tags: believed where they fit the text, else not."""

from __future__ import annotations

from pathlib import Path

import pypdfium2 as pdfium
import pytest
import typst

from docalign.document import Document
from docalign.ingest.layout.build import build_document
from docalign.ingest.options import IngestOptions
from docalign.ingest.page import OutlineEntry, PageContent, TextLine, Word
from docalign.ingest.pages import inspect_file
from docalign.ingest.pdf.outline import read_outline
from docalign.ingest.pdf.tags import is_tagged
from docalign.ingest.pdf.text import extract_page
from tests.support.accounting import of_document, of_page
from tests.support.files import make_pdf, stream

PLAIN = "#show heading: it => block(text(size: 10pt, weight: 400, it.body))\n"
PROSE = "The river stone moved slowly toward open water while birds called across quiet fields again and again. " * 3
SOURCE = f"{PLAIN}= Overview of things\n{PROSE}\n== Details of it\n{PROSE}\n= Final words\n{PROSE}"


def typeset(source: str) -> pdfium.PdfDocument:
    setup = "#set page(width: 420pt, height: 560pt, margin: 50pt)\n#set text(size: 10pt)\n"
    return pdfium.PdfDocument(typst.compile((setup + source).encode()))


def read(pdf: pdfium.PdfDocument, *, outline: bool = False, tags: bool = False) -> Document:
    pages = [extract_page(pdf, i, tags=tags) for i in range(len(pdf))]
    return build(pages, read_outline(pdf) if outline else ())


def build(pages: list[PageContent], outline: tuple[OutlineEntry, ...] = ()) -> Document:
    document = build_document(pages, source="x", sha256="0", outline=outline).check()
    held = of_document(document)
    for page in pages:
        assert not of_page(page) - held[page.number]
    return document


def headings(document: Document) -> list[tuple[int | None, str]]:
    return [(b.level, document.block_text(b)) for b in document.blocks if b.kind == "heading"]


def page(*lines: tuple[str, str | None] | str, number: int = 1) -> PageContent:
    """Lines of one size, one under the other, an empty one for white space; a line may come with a role."""
    made = []
    for k, item in enumerate(lines):
        text, role = item if isinstance(item, tuple) else (item, None)
        y, x, words = 40.0 + 14 * k, 50.0, []
        for part in text.split():
            words.append(Word(part, (x, y, x + 5 * len(part), y + 10), 10.0))
            x += 5 * len(part) + 3
        if words:
            made.append(TextLine(tuple(words), (50, y, x - 3, y + 10), role))
    return PageContent(number, 400, 600, "text", tuple(made))


BODY = ("words run over the whole width of the page here", "and go on to a second line of the paragraph,", "and end.")


@pytest.mark.parametrize("how", ["outline", "tags"])
def test_headings_that_look_like_text_are_found(how: str) -> None:
    pdf = typeset(SOURCE)
    assert headings(read(pdf)) == []
    assert headings(read(pdf, outline=how == "outline", tags=how == "tags")) == [
        (1, "Overview of things"),
        (2, "Details of it"),
        (1, "Final words"),
    ]


def test_options_hide_outline_and_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(typst.compile(SOURCE.encode()))
    reader = "docalign.ingest.pdf.reader:PdfReader"
    assert [e.level for e in inspect_file(reader, str(path), IngestOptions()).outline] == [1, 2, 1]
    hidden = IngestOptions(use_outline=False, use_tags=False)
    assert inspect_file(reader, str(path), hidden).outline == ()
    pdf = pdfium.PdfDocument(path)
    assert is_tagged(pdf)
    assert {line.role for line in extract_page(pdf, 0, tags=True).lines} >= {"H1", "H2", "P"}
    assert {line.role for line in extract_page(pdf, 0).lines} == {None}


def test_a_title_inside_a_paragraph_and_one_over_two_lines_become_headings_of_their_own() -> None:
    document = build(
        [page("The first line of text ends here.", "A title that is", "broken in two", *BODY)],
        (OutlineEntry("A Title That Is Broken in Two", 2, 1),),
    )
    assert headings(document) == [(2, "A title that is broken in two")]


def test_section_numbers_and_cut_off_titles_are_no_obstacle() -> None:
    long = [f"{n}.1 A title of which only the first fifty characters stand in it, number {n}" for n in (1, 2, 3)]
    pages = [page(*BODY, *BODY, "", title, "", *BODY, number=n) for n, title in enumerate(long, 1)]
    outline = tuple(OutlineEntry(t[4:54], 1, n) for n, t in enumerate(long, 1))
    assert [text for _, text in headings(build(pages, outline))] == long


def test_an_outline_of_something_else_is_not_believed() -> None:
    outline = (*(OutlineEntry(f"Page {n}", 1, 1) for n in range(9)), OutlineEntry("and end.", 1, 1))
    assert headings(build([page(*BODY)], outline)) == []


def test_an_outline_that_lists_paragraphs_is_not_believed() -> None:
    text = [f"Paragraph {w} is a whole sentence of more than a dozen words, as anyone can see." for w in "abcdefgh"]
    outline = tuple(OutlineEntry(t, 1, 1) for t in text)
    assert headings(build([page(*text)], outline)) == []


def test_tags_that_call_most_of_the_text_a_heading_are_not_believed() -> None:
    assert headings(build([page(*((line, "H1") for line in BODY))])) == []


def test_the_outline_decides_the_level_and_tags_follow_it() -> None:
    lines = [("First title here", "H3"), *BODY, ("Second title here", "H4"), *BODY, ("Third title here", "H4"), *BODY]
    outline = (OutlineEntry("First title here", 1, 1), OutlineEntry("Second title here", 2, 1))
    assert headings(build([page(*lines)], outline)) == [
        (1, "First title here"),
        (2, "Second title here"),
        (2, "Third title here"),
    ]


def test_artifacts_at_the_edge_are_furniture_unless_everything_is_one() -> None:
    document = build([page(("Draft of a report", "Artifact"), *BODY, *BODY)])
    assert [f.text for f in document.furniture] == ["Draft of a report"]
    assert build([page(*((line, "Artifact") for line in BODY))]).furniture == ()


def outlined(items: list[bytes]) -> pdfium.PdfDocument:
    """One page; `items` are the outline's objects from number 5 on, the root being number 4."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/Outlines 4 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>",
        b"<</First 5 0 R/Last 5 0 R>>",
        *items,
        stream(b""),
    ]
    return pdfium.PdfDocument(make_pdf(objects))


def test_a_circle_in_the_outline_ends() -> None:
    pdf = outlined(
        [b"<</Title(A)/Dest[3 0 R/Fit]/Next 6 0 R>>", b"<</Title(B)/Dest[3 0 R/Fit]/First 5 0 R/Next 5 0 R>>"]
    )
    assert [e.title for e in read_outline(pdf)] == ["A", "B"]


def test_a_hostile_outline_is_bounded() -> None:
    deep = [b"<</Title(%d)/Dest[3 0 R/XYZ 0 150 0]/First %d 0 R>>" % (n, 6 + n) for n in range(200)]
    entries = read_outline(outlined([*deep, b"<</Title(end)/Dest[3 0 R/Fit]>>"]))
    assert [e.level for e in entries] == list(range(1, 16))
    assert entries[0].y == 150
    long = b"<</Title(%b)/Dest[3 0 R/Fit]/Next 6 0 R>>" % (b"x" * 10_000)
    astray = b"<</Title(nowhere)/Dest[99 0 R/Fit]/Next 7 0 R>>"
    assert [e.title for e in read_outline(outlined([long, astray, b"<</Title(good)/Dest[3 0 R/Fit]>>"]))] == ["good"]
