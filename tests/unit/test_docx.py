"""Word files: structure from styles, generated numbers as Word shows them, everything else set aside by rule."""

from __future__ import annotations

from typing import Any

import pytest

from docalign.document import Block, Document, Dropped
from docalign.errors import DamagedInputError, EmptyInputError
from tests.support.office import W, docx_bytes, read_here, word_bytes


def read(data: bytes) -> Document:
    return read_here(data, "a.docx")


def parts(document: Document) -> list[tuple[str, str]]:
    return [(b.kind, document.block_text(b)) for b in document.blocks]


def p(text: str, *, style: str = "", more: str = "", run: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/>{more}</w:pPr>' if style else f"<w:pPr>{more}</w:pPr>"
    return f'<w:p>{properties}<w:r><w:rPr>{run}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def test_headings_lists_and_text_as_python_docx_writes_them() -> None:
    def build(document: Any) -> None:
        document.add_heading("The title", 0)
        document.add_heading("Intro", 1)
        document.add_heading("Deeper", 3)
        document.add_paragraph("Hello ").add_run("bold").bold = True
        document.add_paragraph("first", style="List Number")
        document.add_paragraph("second", style="List Number")
        document.add_paragraph("point", style="List Bullet")
        document.add_paragraph("point below", style="List Bullet 2")

    document = read(word_bytes(build))
    assert parts(document) == [
        ("heading", "The title"), ("heading", "Intro"), ("heading", "Deeper"), ("paragraph", "Hello bold"),
        ("list_item", "1. first"), ("list_item", "2. second"), ("list_item", "• point"), ("list_item", "• point below"),
    ]  # fmt: skip
    assert [b.level for b in document.blocks[:3]] == [1, 1, 3]
    assert [b.depth for b in document.blocks[4:]] == [1, 1, 1, 2]
    assert document.pages == ()


def test_a_custom_style_is_a_heading_by_its_outline_level_or_its_ancestor() -> None:
    styles = f"""<w:styles {W}>
      <w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/></w:style>
      <w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="My Chapter"/>
        <w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
      <w:style w:type="paragraph" w:styleId="Theirs"><w:name w:val="Theirs"/><w:basedOn w:val="H2"/></w:style>
      <w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>
    </w:styles>"""
    body = p("One", style="Mine") + p("Two", style="Theirs") + p("Text", style="Loop")
    body += p("Not one", style="Mine", more='<w:outlineLvl w:val="9"/>')
    document = read(docx_bytes(body, parts={"styles": styles}))
    assert [(b.kind, b.level) for b in document.blocks] == [
        ("heading", 1), ("heading", 2), ("paragraph", None), ("paragraph", None),
    ]  # fmt: skip


def test_numbers_are_counted_as_word_counts_them() -> None:
    def level(at: int, how: str, text: str) -> str:
        return f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{how}"/><w:lvlText w:val="{text}"/></w:lvl>'

    numbering = f"""<w:numbering {W}>
      <w:abstractNum w:abstractNumId="7">{level(0, "decimal", "%1.")}{level(1, "decimal", "%1.%2")}
        {level(2, "lowerRoman", "(%3)")}{level(3, "upperLetter", "%4)")}</w:abstractNum>
      <w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>
      <w:num w:numId="2"><w:abstractNumId w:val="7"/>
        <w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num></w:numbering>"""

    def item(number: int, depth: int) -> str:
        return p("x", more=f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>')

    order = [(1, 0), (1, 1), (1, 1), (1, 2), (1, 2), (1, 2), (1, 2), (1, 0), (1, 1), (1, 3), (2, 0), (2, 0)]
    document = read(docx_bytes("".join(item(*at) for at in order), parts={"numbering": numbering}))
    labels = [text.split()[0] for _, text in parts(document)]
    assert labels == ["1.", "1.1", "1.2", "(i)", "(ii)", "(iii)", "(iv)", "2.", "2.1", "A)", "5.", "6."]
    assert [b.depth for b in document.blocks[:4]] == [1, 2, 2, 3]


def test_merged_cells_have_their_text_once_and_header_rows_are_known() -> None:
    def build(document: Any) -> None:
        table = document.add_table(3, 3)
        for row in range(3):
            for column in range(3):
                table.cell(row, column).text = f"{row}{column}"
        table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
        table.cell(1, 0).merge(table.cell(2, 0)).text = "tall"
        properties = table.rows[0]._tr.get_or_add_trPr()
        properties.append(properties.makeelement(properties.tag.replace("trPr", "tblHeader"), {}))

    document = read(word_bytes(build))
    (block,) = document.blocks
    assert document.block_text(block) == "wide |  | 02\ntall | 11 | 12\n| 21 | 22"
    assert block.header_rows == 1
    assert [document.text[a:b] for a, b in block.rows] == document.text.split("\n")


def test_revisions_fields_hidden_text_and_boxes() -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>in the box</w:t></w:r></w:p></w:txbxContent>"
    body = f"""<w:p><w:r><w:t>Kept </w:t></w:r><w:ins><w:r><w:t>inserted </w:t></w:r></w:ins>
      <w:del><w:r><w:delText>deleted</w:delText></w:r></w:del><w:hyperlink><w:r><w:t>linked</w:t></w:r></w:hyperlink>
      <w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:fldChar w:fldCharType="begin"/></w:r>
      <w:r><w:instrText> REF x </w:instrText></w:r><w:r><w:t> 12</w:t></w:r>
      <w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">
        <mc:Choice><w:drawing>{box}</w:drawing></mc:Choice><mc:Fallback><w:pict>{box}</w:pict></mc:Fallback>
      </mc:AlternateContent></w:r></w:p>"""
    document = read(docx_bytes(body))
    assert parts(document) == [("paragraph", "Kept inserted linked 12"), ("paragraph", "in the box")]
    assert [i.text for i in document.invisible] == ["hidden"]
    assert document.dropped == (Dropped(None, "deleted", "deleted revision"),)


def test_notes_follow_the_block_that_refers_to_them_and_pages_lose_no_header() -> None:
    def note(kind: str, text: str) -> str:
        return f'<w:{kind}s {W}><w:{kind} w:id="3"><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:{kind}></w:{kind}s>'

    body = (
        '<w:p><w:r><w:t>Claim</w:t><w:footnoteReference w:id="3"/><w:t>, more</w:t><w:endnoteReference w:id="3"/></w:r>'
        "</w:p>" + p("Next")
    )
    extra = {
        "footnotes": note("footnote", "Proof."),
        "endnotes": note("endnote", "Source."),
        "header": f"<w:hdr {W}>{p('Head')}</w:hdr>",
        "footer": f"<w:ftr {W}>{p('Foot')}</w:ftr>",
        "comments": f'<w:comments {W}><w:comment w:id="0">{p("Really?")}</w:comment></w:comments>',
    }
    document = read(docx_bytes(body, parts=extra))
    assert [t for _, t in parts(document)] == ["Claim[1], more[e1]", "[1] Proof.", "Next", "[e1] Source."]
    assert [f.text for f in document.furniture] == ["Head", "Foot"]
    assert [i.text for i in document.invisible] == ["Really?"]
    assert document.furniture[0].page is None


def test_a_table_that_only_lays_out_is_read_cell_by_cell() -> None:
    cell = "<w:tc>{}</w:tc>"
    inner = f"<w:tbl><w:tr>{cell.format(p('a'))}{cell.format(p('b'))}</w:tr></w:tbl>"
    document = read(
        docx_bytes(f"<w:tbl><w:tr>{cell.format(p('left'))}{cell.format(inner + p('below'))}</w:tr></w:tbl>")
    )
    assert parts(document) == [("paragraph", "left"), ("table", "a | b"), ("paragraph", "below")]


def test_code_paragraphs_are_one_block() -> None:
    styles = (
        f'<w:styles {W}><w:style w:type="paragraph" w:styleId="C"><w:name w:val="Source Code"/></w:style></w:styles>'
    )
    document = read(docx_bytes(p("def f():", style="C") + p("    pass", style="C") + p("x"), parts={"styles": styles}))
    assert parts(document) == [("code", "def f():\n    pass"), ("paragraph", "x")]


def test_an_empty_file_says_so() -> None:
    with pytest.raises(EmptyInputError, match="no visible text"):
        read(docx_bytes("<w:p/>"))


def test_a_file_without_its_main_part() -> None:
    with pytest.raises(DamagedInputError, match="main Word part"):
        read(docx_bytes("").replace(b"word/document.xml", b"word/documenX.xml"))


def test_bold_is_said_of_a_whole_block() -> None:
    document = read(docx_bytes(p("All", run="<w:b/>") + p("Off", run='<w:b w:val="0"/>')))
    assert [b.bold for b in document.blocks] == [True, False]
    assert isinstance(document.blocks[0], Block)
