"""Layout on typeset pages: reading order, furniture, hyphens, kinds of blocks, levels, joints."""

from __future__ import annotations

import pypdfium2 as pdfium
import pytest
import typst

from docalign.document import Document
from docalign.ingest.layout.build import build_document
from docalign.ingest.page import PageContent, TableArea, TextLine, Word
from docalign.ingest.pdf.text import extract_page
from tests.support.accounting import of_document, of_page

WORDS = "river stone under morning light moved slowly toward open water while birds called across quiet fields"


def typeset(source: str, *, page: str = "width: 420pt, height: 560pt, margin: 50pt", extra: str = "") -> Document:
    text = f"#set page({page})\n#set text(size: 10pt)\n#set par(justify: true)\n{extra}\n{source}"
    pdf = pdfium.PdfDocument(typst.compile(text.encode()))
    return build_document([extract_page(pdf, i) for i in range(len(pdf))], source="t.pdf", sha256="0").check()


def prose(first: str, sentences: int = 4) -> str:
    return f"{first} " + " ".join(f"The {WORDS} again." for _ in range(sentences))


def kinds(document: Document) -> list[tuple[str, str]]:
    return [(b.kind, document.block_text(b)) for b in document.blocks]


def line(
    text: str, x: float, y: float, *, size: float = 10, confidence: float | None = None, **style: bool
) -> TextLine:
    words, left = [], x
    for part in text.split():
        width = 0.5 * size * len(part)
        words.append(Word(part, (left, y, left + width, y + size), size, confidence=confidence, **style))
        left += width + 0.3 * size
    return TextLine(tuple(words), (x, y, left - 0.3 * size, y + size))


def page(*lines: TextLine, number: int = 1, ocr: bool = False, rotation: int = 0) -> PageContent:
    return PageContent(number, 400, 600, "scan" if ocr else "text", lines, ocr=ocr, rotation=rotation)


def build(*pages: PageContent) -> Document:
    document = build_document(pages, source="x", sha256="0").check()
    held = of_document(document)
    for content in pages:
        assert not of_page(content) - held[content.number]
    return document


# --- reading order -----------------------------------------------------------------------------------------------


def test_left_column_is_read_before_the_right_one() -> None:
    paragraphs = "\n\n".join(prose(f"Paragraph{i} starts.") for i in range(8))
    document = typeset(f"#columns(2)[\n{paragraphs}\n]")
    places = [document.text.index(f"Paragraph{i} starts.") for i in range(8)]
    assert places == sorted(places)
    assert f"The {WORDS} again." in document.text


def test_wide_elements_cut_the_columns_in_bands() -> None:
    half = "\n\n".join(prose(f"UPPER{i}.", 3) for i in range(3))
    lower = "\n\n".join(prose(f"LOWER{i}.", 3) for i in range(3))
    wide = prose("MIDDLE over the whole width.", 3)
    document = typeset(f"= A title over both columns\n#columns(2)[{half}]\n{wide}\n\n#columns(2)[{lower}]")
    marks = ["A title", "UPPER0", "UPPER1", "UPPER2", "MIDDLE", "LOWER0", "LOWER1", "LOWER2"]
    places = [document.text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_a_table_without_rules_is_read_row_by_row() -> None:
    rows = [line(text, x, 100 + 14 * k) for k in range(6) for text, x in ((f"name{k}", 50), (f"value{k}", 260))]
    document = build(page(*rows))
    assert " ".join(document.text.split()) == " ".join(f"name{k} value{k}" for k in range(6))


def test_short_columns_delivered_one_after_the_other_stay_columns() -> None:
    left = [line(f"left{k}", 50, 100 + 14 * k) for k in range(6)]
    right = [line(f"right{k}", 260, 100 + 14 * k) for k in range(6)]
    words = build(page(*left, *right)).text.split()
    assert words == [f"left{k}" for k in range(6)] + [f"right{k}" for k in range(6)]


def test_a_sidebar_of_labels_is_not_read_into_the_text_beside_it() -> None:
    sentences = [f"the river rose again in month {k} and every bridge was closed for" for k in range(10)]
    text = [line(sentence, 50, 100 + 12 * k, size=9) for k, sentence in enumerate(sentences)]
    # One OCR line each, as an engine reads over a narrow gutter.
    both = [
        TextLine((*t.words, *line(f"label{k} {k}.50", 375, 100 + 12 * k, size=9).words), (50, 100, 460, 110))
        for k, t in enumerate(text)
    ]
    content = PageContent(1, 500, 600, "scan", tuple(both), ocr=True)
    document = build(content)
    assert " ".join(sentences) in " ".join(document.text.split())


def test_a_table_of_figures_is_read_row_by_row_however_its_lines_were_cut() -> None:
    cells = [(f"item number {k}", f"{k}.25 {k}.50 {k}.75") for k in range(6)]
    rows = [
        line(text, x, 100 + 14 * k)
        for x, column in ((50, 0), (220, 1))
        for k, text in enumerate(r[column] for r in cells)
    ]
    rows = [rows[k + 6 * side] for k in range(6) for side in (0, 1)]
    assert " ".join(build(page(*rows)).text.split()) == " ".join(f"{a} {b}" for a, b in cells)


# --- furniture ---------------------------------------------------------------------------------------------------


def test_headers_footers_and_page_numbers_are_set_aside() -> None:
    body = "\n#pagebreak()\n".join(prose(f"{word} text.", i + 3) for i, word in enumerate(WORDS.split()[:5]))
    extra = "#set page(header: [Annual Report of the Harbour], footer: context [Page #counter(page).display() of 5])"
    document = typeset(body, extra=extra)
    assert "Annual Report" not in document.text
    assert "Page 3 of 5" not in document.text
    assert [f.text for f in document.furniture if f.page == 3] == ["Annual Report of the Harbour", "Page 3 of 5"]


def test_a_running_title_that_changes_is_furniture_too() -> None:
    pages = []
    for number in range(1, 10):
        title = (
            f"Chapter {(number - 1) // 3 + 1}: Subject {'ABC'[(number - 1) // 3]}" if number != 5 else "A guest title"
        )
        lines = [line(title, 50, 30), line(str(number), 340, 30)]
        lines += [line(f"Body number{number} has words of its own{k}.", 50, 80 + 14 * k) for k in range(20)]
        pages.append(page(*lines, number=number))
    document = build(*pages)
    assert "guest" not in document.text
    assert "Chapter" not in document.text
    assert "own19" in document.text


def test_a_single_page_loses_only_what_is_clearly_its_number() -> None:
    document = build(page(line("Dear reader, this is a letter.", 50, 100), line("Page 1 of 9", 180, 570)))
    assert document.text == "Dear reader, this is a letter."
    assert [f.text for f in document.furniture] == ["Page 1 of 9"]


def test_a_stamp_at_the_edge_that_ends_in_the_page_is_furniture() -> None:
    stamp = line("Case 1:13-cv-0131 Document 1 Filed 04/22/13 Page 1 of 10", 50, 10)
    assert build(page(stamp, line("The plaintiff states as follows here.", 50, 100))).furniture[0].text == stamp.text


def test_a_centred_line_is_no_part_of_the_paragraph_below() -> None:
    body = [
        line("Words of the complaint run over the whole width of it" + " on" * 3, 50, 114 + 12 * k) for k in range(5)
    ]
    document = build(page(line("Complaint", 170, 100), *body))
    assert document.block_text(document.blocks[0]) == "Complaint"


def test_numbered_table_titles_at_the_top_of_pages_are_no_header() -> None:
    pages = [
        page(
            line(f"Table {3 * n}.{7 - n}", 50, 40),
            *[line(f"Body{n} text number {k} is here.", 50, 90 + 14 * k) for k in range(10)],
            number=n,
        )
        for n in range(1, 7)
    ]
    document = build(*pages)
    assert all(f"Table {3 * n}.{7 - n}" in document.text for n in range(1, 7))


def test_a_document_of_one_repeated_page_keeps_a_text() -> None:
    document = build(*[page(line("Blank form to fill in", 50, 40), number=n) for n in range(1, 5)])
    assert document.text.count("Blank form") == 4


def test_line_numbers_in_the_margin_are_furniture() -> None:
    said = [
        "the",
        "witness",
        "answered",
        "that",
        "every",
        "one",
        "of",
        "the",
        "barrels",
        "was",
        "opened",
        "before",
        "the",
        "men",
        "came",
        "back",
        "to",
        "that",
        "yard",
    ]
    lines = [line(" ".join(said[k : k + 5]), 90, 80 + 20 * k) for k in range(16)]
    numbers = [line(str(k + 1), 50, 80 + 20 * k) for k in range(16)]
    apart = build(page(*numbers, *lines))
    within = [TextLine((*n.words, *t.words), t.box) for n, t in zip(numbers, lines, strict=True)]
    together = build(page(*within))
    for document in (apart, together):
        assert [f.text for f in document.furniture] == [str(k + 1) for k in range(16)]
        assert document.text.split() == [w for t in lines for w in t.text.split()]


def test_a_numbered_list_and_a_table_keep_their_numbers() -> None:
    chapters = [line(f"{k + 1} Chapter on the matter of things", 50, 80 + 20 * k) for k in range(16)]
    table = [line(f"{k + 1} {3 * k}.5 kg and {k}.25 m", 50, 80 + 20 * k) for k in range(16)]
    assert build(page(*chapters)).furniture == ()
    assert build(page(*table)).furniture == ()


# --- hyphens -----------------------------------------------------------------------------------------------------


def joined(first: str, second: str, *more: str) -> Document:
    lines = [line(text, 50, 100 + 12 * k) for k, text in enumerate((first, second, *more))]
    return build(page(*lines))


def test_a_broken_word_is_joined_and_the_hyphen_reported() -> None:
    document = joined("the words of this docu-", "ment are joined again")
    assert "this document are" in document.text
    assert [(d.page, d.text, d.reason) for d in document.dropped] == [(1, "-", "hyphen")]
    first, second = document.blocks[0].lines
    assert document.text[first.start : first.end].endswith("docu")
    assert document.text[second.start : second.end].startswith("ment")


def test_a_hyphen_before_a_capital_or_digit_stays() -> None:
    assert "Jean-Paul" in joined("a letter that was sent by Jean-", "Paul to his mother").text
    assert "COVID-19" in joined("a report about the cases of COVID-", "19 in the region").text


def test_a_compound_spelled_with_a_hyphen_elsewhere_keeps_it() -> None:
    document = joined("a well-known fact is here and it is well-", "known to the reader of it")
    assert "it is well-known to" in document.text
    assert document.dropped == ()


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ("in sections that run from east-to-", "west the shade is", "east-to-west"),
        ("these are the large-", "leaved trees of the park", "large-leaved"),
        ("a survey of the English-", "speaking world is here", "English-speaking"),
        ("all of the HTTP-", "related code is in the", "HTTP-related"),
        ("it is found at the N-", "terminal end of it", "N-terminal"),
        ("a house of the 15th-", "century stands in the town", "15th-century"),
        ("it is a part of the half-cen-", "tury that was lost", "half-century"),
        ("what they did not under-", "stand was the reason", "understand"),
        ("the owner of the user-", "names is the author", "usernames"),
        ("a line of the northern-", "most part of the land", "northernmost"),
        ("the letter was sent by Mc-", "Cartney to the others", "McCartney"),
        ("see https://example.org/the-", "file for the rest of it", "https://example.org/the-file"),
    ],
)
def test_the_parts_of_a_word_tell_whether_its_hyphen_belongs_to_it(first: str, second: str, word: str) -> None:
    assert f" {word} " in joined(first, second).text


def test_in_another_language_than_english_a_broken_word_is_joined() -> None:
    text = [
        "die Gemeinde hat den Bau der Brücke beschlossen und",
        "will nun im Sommer zusammen-",
        "arbeiten, bis es kalt ist",
    ]
    assert "zusammenarbeiten" in joined(*text).text
    assert "so war-ten" not in joined(text[0], "will auf das Ende so war-", "ten, bis es kalt ist").text


def test_suspended_hyphens_stay_apart() -> None:
    assert "pre- and post-war" in joined("a history of both the pre-", "and post-war years here").text


def test_capitals_broken_in_a_heading_are_joined_too() -> None:
    assert "CONSULTANTS ARE" in joined("THE CONSUL-", "TANTS ARE HERE").text
    assert "US-EU" in joined("a meeting between the US-", "EU partners").text


# --- letters that stand apart ------------------------------------------------------------------------------------


def test_a_letterspaced_title_is_closed_up() -> None:
    document = typeset(f"#text(tracking: 0.3em)[HARBOUR REPORT]\n\n{prose('Text.', 3)}")
    assert document.text.startswith("HARBOUR REPORT\n")


def test_single_letters_that_count_or_repeat_stay_apart() -> None:
    document = build(page(line("a b c d e f", 50, 100), line("x x x x x x", 50, 140)))
    assert document.text == "a b c d e f\n\nx x x x x x"


def test_a_drop_capital_begins_its_word() -> None:
    rest = [line("lines that stand below it run over the full width of the column", 50, 126 + 12 * k) for k in range(4)]
    first = [line("he river rose that night and the", 72, 102), line("bridge was closed to everyone who", 72, 114)]
    document = build(page(line("T", 50, 100, size=24), *first, *rest))
    assert document.text.startswith("The river rose that night and the bridge was closed")
    assert [b.kind for b in document.blocks] == ["paragraph"]


def test_a_word_of_one_letter_as_drop_capital_stays_a_word() -> None:
    lines = [line("river rose and the river fell and", 72, 102), line("no other river was seen that year", 72, 114)]
    document = build(page(line("A", 50, 100, size=24), *lines, line("in all of the land here below", 50, 126)))
    assert document.text.startswith("A river rose")


# --- kinds of blocks ---------------------------------------------------------------------------------------------


def test_paragraphs_lists_and_captions() -> None:
    source = f"""
{prose("First paragraph.", 2)}

{prose("Second paragraph.", 2)}

- {prose("Bullet one.", 1)}
- Bullet two.

+ Number one.
+ Number two.

Figure 1: A drawing of the harbour.

{prose("Third paragraph.", 2)}
"""
    found = [(kind, text.split(".")[0]) for kind, text in kinds(typeset(source))]
    assert found == [
        ("paragraph", "First paragraph"),
        ("paragraph", "Second paragraph"),
        ("list_item", "• Bullet one"),
        ("list_item", "• Bullet two"),
        ("list_item", "1"),
        ("list_item", "2"),
        ("caption", "Figure 1: A drawing of the harbour"),
        ("paragraph", "Third paragraph"),
    ]


def test_indented_paragraphs_are_told_apart() -> None:
    paragraphs = "\n\n".join(prose(f"Opening{i} here.", 3) for i in range(4))
    document = typeset(paragraphs, extra="#set par(first-line-indent: 1.5em, spacing: 0.65em)")
    assert [text.split()[0] for _, text in kinds(document)] == [f"Opening{i}" for i in range(4)]


def test_a_clause_to_the_left_of_an_item_of_one_full_line_is_a_paragraph() -> None:
    items = [
        line(f"({letter}) one file for each side of every sheet of it.", 70, 100 + 12 * k)
        for k, letter in enumerate("ab")
    ]
    document = build(page(*items, line("2.3 The Contractor shall not unbind a volume of it.", 50, 124)))
    assert [b.kind for b in document.blocks] == ["list_item", "list_item", "paragraph"]


@pytest.mark.parametrize("left", [50, 42])
def test_a_dash_or_a_speck_that_opens_a_line_of_a_sentence_makes_no_list_item(left: float) -> None:
    lines = [
        "the wind turned on the second day where an instrument",
        "- measured from the ground - had been",
        "set up.",
    ]
    document = build(
        page(*(line(text, x, 100 + 12 * k) for k, (text, x) in enumerate(zip(lines, (50, left, 50), strict=True))))
    )
    assert kinds(document) == [("paragraph", " ".join(lines))]


def test_an_initial_does_not_make_a_list_item() -> None:
    document = build(page(line("T. Adams wrote the first part of it", 50, 100), line("K. Brown the second", 50, 140)))
    assert {b.kind for b in document.blocks} == {"paragraph"}


def test_code_keeps_its_lines_and_indentation() -> None:
    listing = "```\nif x > 0:\n    print(x)\n        deep(x,  y)\n```"
    document = typeset(f"{prose('Some text.', 2)}\n\n{listing}\n\n{prose('More text.', 2)}")
    code = [text for kind, text in kinds(document) if kind == "code"]
    assert code == ["if x > 0:\n    print(x)\n        deep(x,  y)"]


def test_contents_lines_are_items_and_no_headings() -> None:
    lines = [
        line(f"{k} Chapter on things . . . . . . . . . . {10 * k}", 50, 100 + 14 * k, bold=True) for k in range(1, 6)
    ]
    text = [line(f"Plain text goes on here with number {k} again", 50, 250 + 12 * k) for k in range(10)]
    document = build(page(*lines, *text))
    assert [b.kind for b in document.blocks][:5] == ["list_item"] * 5


# --- headings ----------------------------------------------------------------------------------------------------


def test_headings_have_levels_by_size() -> None:
    titles = ("= Alpha", "== Beta", "=== Gamma", "= Delta")
    sections = "\n\n".join(f"{title}\n{prose('Text.', 2)}" for title in titles)
    document = typeset(sections)
    found = {document.block_text(b): b.level for b in document.blocks if b.kind == "heading"}
    assert found == {"Alpha": 1, "Beta": 2, "Gamma": 3, "Delta": 1}


def test_section_numbers_give_levels_where_looks_do_not() -> None:
    source = "\n\n".join(
        f'#text(weight: "bold")[{number} {title}]\n\n{prose("Text.", 2)}'
        for number, title in (("1", "Intro"), ("1.1", "Aims"), ("1.1.1", "Scope"), ("2", "Methods"), ("2.1", "Sample"))
    )
    document = typeset(source)
    found = {document.block_text(b): b.level for b in document.blocks if b.kind == "heading"}
    assert found == {"1 Intro": 1, "1.1 Aims": 2, "1.1.1 Scope": 3, "2 Methods": 1, "2.1 Sample": 2}


def test_a_bold_document_is_not_all_headings() -> None:
    lines = [
        line(f"Every word of this text number {k} is bold and long", 50, 80 + 12 * k, bold=True) for k in range(20)
    ]
    assert all(b.kind == "paragraph" and not b.bold for b in build(page(*lines)).blocks)


def test_font_scale_is_relative_to_the_body() -> None:
    document = typeset(f"#text(size: 20pt)[Big heading]\n\n{prose('Text.', 5)}")
    assert document.blocks[0].kind == "heading"
    assert document.blocks[0].font_scale == 2.0
    assert document.blocks[1].font_scale == 1.0


# --- joints ------------------------------------------------------------------------------------------------------


def test_a_paragraph_over_a_page_break_is_one_block_with_two_regions() -> None:
    document = typeset(prose("One long paragraph.", 32))
    (block,) = document.blocks
    assert [r.page for r in block.boxes] == [1, 2]
    assert {n.page for n in block.lines} == {1, 2}


def test_a_footnote_follows_the_paragraph_that_the_break_cut() -> None:
    body = prose("Start#footnote[A note at the foot.] of it.", 32)
    document = typeset(body)
    texts = [text for _, text in kinds(document)]
    assert len(texts) == 2
    assert texts[1].endswith("A note at the foot.")
    assert document.blocks[0].boxes[-1].page == 2


def test_a_list_and_code_in_a_footnote_keep_their_kind() -> None:
    note = "#footnote[Three reasons speak for it: \n- the first one;\n- the second one.\n\n```\nmake all\n```]"
    document = typeset(prose(f"Start{note} of it.", 6))
    assert [kind for kind, _ in kinds(document)] == ["paragraph", "paragraph", "list_item", "list_item", "code"]


def scanned_page(number: int, *texts: str, note: str, foot: str = "") -> PageContent:
    """Lines of text, a footnote in small print below them, and something at the very foot."""
    lines = [line(text, 50, 370 + 14 * k, confidence=0.9) for k, text in enumerate(texts)]
    notes = [line(part, 50, 490 + 10 * k, size=8, confidence=0.9) for k, part in enumerate(note.split("/"))]
    ends = [line(foot, 180, 570, confidence=0.9)] if foot else []
    return page(*lines, *notes, *ends, number=number, ocr=True)


def test_a_footnote_of_a_scan_stands_in_no_sentence() -> None:
    text = [f"words of the survey that go on over the page and number {k}" for k in range(8)]
    first = scanned_page(1, *text, note="*The map is useful/for districts only.", foot="lof 2")
    second = scanned_page(2, "until the end of it.", note="“Another note.", foot="20f 2")
    document = build(first, second)
    texts = [document.block_text(b) for b in document.blocks]
    assert texts == [
        f"{' '.join(text)} until the end of it.",
        "*The map is useful for districts only.",
        "“Another note.",
    ]
    assert [f.text for f in document.furniture] == ["lof 2", "20f 2"]


def test_a_footnote_that_runs_on_is_joined_to_itself() -> None:
    text = [f"words of the survey that go on over the page and number {k}" for k in range(8)]
    first = scanned_page(1, *text, note="1The note starts here/and does not end on")
    second = scanned_page(2, *text, note="this page but on the next one./2The second note.")
    texts = [document_text for _, document_text in kinds(build(first, second))]
    assert texts[1] == "1The note starts here and does not end on this page but on the next one."
    assert texts[2] == "2The second note."


def test_a_finished_paragraph_is_not_joined_to_the_next_page() -> None:
    first = [line(f"words of the first page number {k} run on", 50, 400 + 12 * k) for k in range(10)]
    first.append(line("and here they end.", 50, 520))
    second = [line(f"New matter begins on this page {k} and goes", 50, 60 + 12 * k) for k in range(10)]
    document = build(page(*first), page(*second, number=2))
    assert [b.page for b in document.blocks] == [1, 2]


# --- OCR, empty pages, rotation ----------------------------------------------------------------------------------


def test_ocr_confidence_is_the_mean_of_the_words() -> None:
    lines = [line("one two", 50, 100, confidence=0.9), line("three four", 50, 112, confidence=0.7)]
    document = build(page(*lines, ocr=True))
    assert document.blocks[0].confidence == 0.8
    assert document.pages[0].ocr


def test_pages_without_text_give_no_blocks() -> None:
    document = build(page(), page(number=2))
    assert (document.text, document.blocks, len(document.pages)) == ("", (), 2)
    assert build_document([], source="x", sha256="0").text == ""


def test_a_page_error_becomes_a_warning() -> None:
    broken = PageContent(3, 400, 600, "blank", error="the page took too long", warnings=("odd fonts",))
    assert build(broken).warnings == ("page 3: odd fonts", "page 3: the page took too long")


def test_regions_cover_their_lines_on_the_page() -> None:
    document = typeset("\n\n".join(prose(f"Paragraph {i}.", 6) for i in range(6)))
    for block in document.blocks:
        for n in block.lines:
            inside = [r for r in block.boxes if r.page == n.page and r.box[0] <= n.box[0] and r.box[3] >= n.box[3]]
            assert inside
            assert 0 <= n.box[0] < n.box[2] <= 420
            assert 0 <= n.box[1] < n.box[3] <= 560


def table_page(number: int, rows: list[tuple[str, ...]], *, header: int, rotation: int = 0) -> PageContent:
    boxes = tuple((50.0, 100.0 + 15 * k, 300.0, 115.0 + 15 * k) for k in range(len(rows)))
    area = TableArea((50.0, 100.0, 300.0, boxes[-1][3]), tuple(rows), boxes, header)
    return PageContent(number, 400, 600, "text", tables=(area,), rotation=rotation)


def test_a_table_over_two_pages_is_one_block_and_its_second_header_is_furniture() -> None:
    head = ("Name", "Size")
    pages = [
        table_page(1, [head, ("a", "1"), ("b", "2")], header=1),
        table_page(2, [head, ("c", "3")], header=1),
    ]
    document = build_document(pages, source="t", sha256="")
    (block,) = document.blocks
    assert [document.text[a:b] for a, b in block.rows] == ["Name | Size", "a | 1", "b | 2", "c | 3"]
    assert (block.header_rows, [r.page for r in block.boxes]) == (1, [1, 2])
    assert [(f.page, f.text) for f in document.furniture] == [(2, "Name | Size")]
    held = of_document(document)[2]
    assert held - of_page(pages[1]) == {"|": 2}  # the bars between cells are ours
    assert not of_page(pages[1]) - held


def test_tables_with_headers_of_their_own_stay_apart() -> None:
    pages = [
        table_page(1, [("Name", "Size"), ("a", "1")], header=1),
        table_page(2, [("Town", "Folk"), ("c", "3")], header=1),
    ]
    assert len(build_document(pages, source="t", sha256="").blocks) == 2


def test_rows_of_a_table_on_a_turned_page_are_where_they_were_found() -> None:
    page = table_page(1, [("a", "1"), ("b", "2")], header=0, rotation=90)
    (block,) = build_document([page], source="t", sha256="").blocks
    assert [line.box for line in block.lines] == list(page.tables[0].row_boxes)


def test_list_items_know_how_deep_they_are() -> None:
    source = "Intro.\n\n- one\n  - two\n    - three\n  - two again\n- one again\n\nA paragraph at the margin.\n\n+ new"
    pdf = pdfium.PdfDocument(typst.compile(f"#set page(width: 300pt, height: 400pt)\n{source}".encode()))
    document = build_document([extract_page(pdf, 0)], source="t", sha256="")
    assert [b.depth for b in document.blocks if b.kind == "list_item"] == [1, 2, 3, 2, 1, 1]
    assert all(b.depth is None for b in document.blocks if b.kind != "list_item")


def test_a_caption_knows_its_table() -> None:
    table = "#table(columns: 2, [Name], [Size], [a], [1], [b], [2])"
    for source, caption, of in ((f"Table 1: Sizes.\n\n{table}", 0, 1), (f"{table}\n\nTable 1: Sizes.", 1, 0)):
        pdf = pdfium.PdfDocument(typst.compile(f"#set page(width: 300pt, height: 400pt)\n{source}".encode()))
        blocks = build_document([extract_page(pdf, 0)], source="t", sha256="").blocks
        assert (blocks[caption].kind, blocks[caption].caption_of) == ("caption", of)
