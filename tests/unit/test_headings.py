"""Headings by their look and place, and which level stands below which, on typeset pages and lines of a scan."""

from __future__ import annotations

import pypdfium2 as pdfium
import typst

from docalign.document import Document
from docalign.ingest.layout.build import build_document
from docalign.ingest.page import PageContent, TextLine, Word
from docalign.ingest.pdf.text import extract_page

PROSE = "The river stone moved slowly toward open water while birds called across quiet fields again and again. " * 3


def typeset(*parts: str) -> Document:
    setup = '#set page(width: 420pt, height: 560pt, margin: 50pt)\n#set text(size: 10pt, font: "New Computer Modern")\n'
    pdf = pdfium.PdfDocument(typst.compile((setup + "\n\n".join(parts)).encode()))
    return build_document([extract_page(pdf, i) for i in range(len(pdf))], source="x", sha256="0").check()


def headings(document: Document) -> list[tuple[int | None, str]]:
    return [(b.level, document.block_text(b)) for b in document.blocks if b.kind == "heading"]


def head(text: str, *, size: float = 10, weight: str = "bold", more: str = "") -> str:
    return f'#block(above: 1.5em, text(size: {size}pt, weight: "{weight}"{more})[{text}])'


def scan(*lines: tuple[str, float, float]) -> Document:
    """A scanned page of lines (text, distance from the line above in points, size)."""
    made, y = [], 40.0
    for text, step, size in lines:
        y += step
        x, words = 50.0, []
        for part in text.split():
            words.append(Word(part, (x, y, x + 5 * len(part), y + size), size, confidence=0.9))
            x += 5 * len(part) + 3
        made.append(TextLine(tuple(words), (50, y, x - 3, y + size)))
    page = PageContent(1, 500, 700, "scan", tuple(made), ocr=True, confidence=0.9)
    return build_document([page], source="x", sha256="0").check()


def test_a_rare_large_line_pushes_nothing_down() -> None:
    sections = [head(f"Section {w}", size=14) + "\n\n" + PROSE for w in ("alpha", "beta", "gamma", "delta")]
    document = typeset(*sections[:2], head("BLOOD", size=24), PROSE, *sections[2:])
    assert [level for level, text in headings(document) if text.startswith("Section")] == [1, 1, 1, 1]


def test_numbers_in_one_look_give_depth_and_labels_like_strategy_follow_their_look() -> None:
    names = ("1. Climate", "1.1. Emissions", "Strategy 1.1.1. Gases", "Strategy 1.1.2. Air", "2. Water")
    sizes = (14, 12, 12, 12, 14)
    document = typeset(*(head(n, size=s) + "\n\n" + PROSE for n, s in zip(names, sizes, strict=True)))
    assert [level for level, _ in headings(document)] == [1, 2, 2, 2, 1]


def test_headings_without_a_number_stand_below_the_numbered_section_they_are_in() -> None:
    parts = []
    for n in (1, 2, 3):
        parts += [head(f"{n}. Part", size=16), PROSE, head(f"{n}.1. Section", size=13), PROSE, head("Usage"), PROSE]
    parts += [head("3.2. Section", size=13), PROSE, head("3.2.1. Deeper", size=13), PROSE, head("Types"), PROSE]
    document = typeset(*parts, head("4. Part", size=16), PROSE, head("Remarks"), PROSE)
    levels = {text: level for level, text in headings(document)}
    assert (levels["3.2.1. Deeper"], levels["Types"], levels["Usage"], levels["Remarks"]) == (3, 4, 3, 3)


def test_a_heading_between_two_numbered_ones_of_its_look_is_part_of_the_first() -> None:
    names = ("1. Fields", "1.1. Type", "string", "password", "1.2. Text", "1.3. Rest", "2. More", "2.1. Last", "Thanks")
    sizes = (14, 11, 11, 11, 11, 11, 14, 11, 11)
    document = typeset(*(head(n, size=s) + "\n\n" + PROSE for n, s in zip(names, sizes, strict=True)))
    assert [level for level, _ in headings(document)] == [1, 2, 3, 3, 2, 2, 1, 2, 2]


def test_a_number_above_its_title_has_the_level_of_the_title() -> None:
    parts = []
    for n, title in enumerate(("Getting started", "First steps", "Going on"), 1):
        parts += [head(f"Chapter {n}", size=16), head(title, size=20), PROSE, head(f"{n}.1 Details", size=13), PROSE]
    assert [level for level, _ in headings(typeset(*parts))] == 3 * [1, 1, 2]


def test_of_two_looks_in_one_size_the_one_that_begins_sections_is_above() -> None:
    parts = []
    for chapter in ("Alpha", "Beta", "Gamma"):
        parts += [head(f"CHAPTER {chapter.upper()}", size=14), PROSE]
        for part in ("first", "second"):
            parts += [head(f"{chapter} {part}", more=', style: "italic"', weight="regular"), PROSE]
            parts += [head(f"{chapter} {part} detail"), PROSE]
    levels = {text: level for level, text in headings(typeset(*parts))}
    assert (levels["Alpha first"], levels["Alpha first detail"]) == (2, 3)


def test_lines_in_italics_or_colour_above_text_are_headings_links_and_quotes_are_not() -> None:
    italic = head("Costs of repair", weight="regular", more=', style: "italic"')
    colour = head("Risks and remedies", weight="regular", more=", fill: blue")
    link = head("See www.example.org", weight="regular", more=", fill: blue")
    quote = head("He said, and he meant it, that nothing was lost.", weight="regular", more=', style: "italic"')
    document = typeset(PROSE, italic, PROSE, colour, PROSE, link, PROSE, quote, PROSE)
    assert [text for _, text in headings(document)] == ["Costs of repair", "Risks and remedies"]


def test_entries_of_a_table_of_contents_without_leaders_are_no_headings() -> None:
    dots = "." * 40
    entries = [f"1.{n} Part number {n} {dots} {n + 2}" for n in range(1, 5)]
    document = typeset(head("Contents", size=14), head("1 The beginning 3"), *entries, "#pagebreak()", PROSE)
    assert [text for _, text in headings(document)] == ["Contents"]


def test_a_long_bold_goal_with_its_number_is_a_heading() -> None:
    goal = "Strategic Goal 6: Provide " + "leadership in helping agencies create inclusive places " * 5 + "of work."
    assert goal in [text for _, text in headings(typeset(PROSE, head(goal), PROSE))]


def test_a_short_line_of_a_scan_above_text_is_a_heading_its_data_are_not() -> None:
    body = [(f"words of a paragraph run over the whole width of this page and on {n}", 14, 10) for n in range(4)]
    document = scan(
        *body, ("Data Management", 30, 10), *[(t, 14 + 8 * (n == 0), s) for n, (t, _, s) in enumerate(body)]
    )
    assert headings(document) == [(1, "Data Management")]
    assert headings(scan(*body, ("Ostbridge, 4 May 1921,", 30, 10), ("John Smith", 14, 10))) == []
