"""Text, Markdown and document JSON: the text is the file's text, and blocks are spans of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docalign.document import Document
from docalign.errors import DocalignError, EmptyInputError, InvalidDocumentError, UnsupportedFormatError, UsageError
from docalign.ingest import IngestOptions, ingest
from docalign.ingest.formats import FORMATS, detect

MARKDOWN_BITS = st.sampled_from(
    [
        "# ",
        "## H\n",
        "- ",
        "  - ",
        "1. ",
        "> ",
        "```\n",
        "    code",
        "|a|b|\n|-|-|\n|1|2|\n",
        "---\n",
        "===\n",
        "\n",
        "\n\n",
        "[a]: b\n",
        "<div>\n",
        "</div>",
        "text ",
        "\t",
        "\r\n",
        "\r",
        "\\",
        "*",
        "~~~",
        "\ufeff",
        "\u00a0",
        "\x0b",
        "\x85",
        "\u2028",
    ]
)


def read(text: str | bytes, name: str) -> Document:
    return ingest(text.encode() if isinstance(text, str) else text, name=name)


def parts(document: Document) -> list[tuple[str, str]]:
    return [(b.kind, document.block_text(b)) for b in document.blocks]


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
@settings(deadline=None)
@given(text=st.one_of(st.text(), st.lists(st.one_of(MARKDOWN_BITS, st.text(max_size=8))).map("".join)))
def test_any_text_round_trips_or_is_refused_by_name(name: str, text: str) -> None:
    try:
        document = read(text, name)
    except DocalignError as error:
        assert (error.source, bool(error.remedy)) == (name, True)  # noqa: PT017 - either outcome is right
        return
    assert document.text == text.removeprefix("\ufeff")
    assert document.check() is document
    assert all(document.block_text(b).strip() for b in document.blocks)


@settings(deadline=None)
@given(data=st.binary(min_size=1, max_size=400), name=st.sampled_from(["a.txt", "a.md", "a.json", "a", "-"]))
def test_any_bytes_are_read_or_refused_by_name(data: bytes, name: str) -> None:
    try:
        read(data, name).check()
    except DocalignError as error:
        assert error.source == name  # noqa: PT017 - either outcome is right


def test_paragraphs_end_at_blank_lines_and_line_ends_stay() -> None:
    document = read("One\r\ntwo.\r\n\r\n  Three.\r\n \t\r\n\r\nFour.", "a.txt")
    assert parts(document) == [("paragraph", "One\r\ntwo."), ("paragraph", "Three."), ("paragraph", "Four.")]
    assert document.pages == ()
    assert document.blocks[0].page is None


def test_a_transcript_has_a_block_for_each_turn() -> None:
    text = (
        "MODERATOR: Good morning. Let us begin.\nDr. Ana Ruiz: Thank you.\nI have two points,\nboth short.\n"
        "[00:01:12] SPEAKER 2: Go on.\nMODERATOR: Please. Note: no slides.\n"
    )
    assert [t.split(":")[0] for _, t in parts(read(text, "a.txt"))] == [
        "MODERATOR", "Dr. Ana Ruiz", "[00", "MODERATOR",
    ]  # fmt: skip
    assert parts(read(text, "a.txt"))[1][1].endswith("both short.")


def test_a_deposition_has_a_block_for_each_question_and_answer() -> None:
    texts = [t for _, t in parts(read("Q. Where were you?\nA. At home.\nQ. Alone?\nA. No.\n", "a.txt"))]
    assert texts == ["Q. Where were you?", "A. At home.", "Q. Alone?", "A. No."]


def test_one_long_line_a_paragraph() -> None:
    lines = [f"Paragraph {n}. " + "It goes on for a good while without any line end. " * 6 for n in range(5)]
    assert len(read("\n".join(lines), "a.txt").blocks) == 5
    wrapped = "\n".join(["a line of some seventy characters, as mail and old manuals wrap it"] * 6)
    assert len(read(wrapped, "a.txt").blocks) == 1


def test_lists_in_plain_text() -> None:
    text = "Bring:\n- a pen\n- paper, which\n  may be used\n\n1. first\n2. second\n\n3. A lone number\n\nThe end."
    assert [kind for kind, _ in parts(read(text, "a.txt"))] == ["paragraph", *["list_item"] * 5, "paragraph"]
    assert parts(read("1. Introduction\n\nText.", "a.txt"))[0][0] == "paragraph"


MARKDOWN = """---
title: x
---
# Title

Intro
line two.

Setext
------

- one
- two

  more of two
  - nested
    lazy
- three
> a quote

```python
# no heading

x = 1
```

| a | b |
|---|---|
| 1 | 2 |

<div>
html
</div>

[ref]: http://example.com
"""


def test_markdown_structure() -> None:
    document = read(MARKDOWN, "a.md")
    assert document.text == MARKDOWN
    assert parts(document) == [
        ("code", "---\ntitle: x\n---"),
        ("heading", "# Title"),
        ("paragraph", "Intro\nline two."),
        ("heading", "Setext\n------"),
        ("list_item", "- one"),
        ("list_item", "- two\n\n  more of two"),
        ("list_item", "- nested\n    lazy"),
        ("list_item", "- three"),
        ("paragraph", "> a quote"),
        ("code", "```python\n# no heading\n\nx = 1\n```"),
        ("table", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("paragraph", "<div>\nhtml\n</div>"),
        ("paragraph", "[ref]: http://example.com"),
    ]
    assert [b.level for b in document.blocks if b.kind == "heading"] == [1, 2]


def test_markdown_line_ends_of_every_kind() -> None:
    for end in ("\n", "\r\n", "\r"):
        document = read(MARKDOWN.replace("\n", end), "a.md")
        assert [kind for kind, _ in parts(document)] == [kind for kind, _ in parts(read(MARKDOWN, "a.md"))]


def test_deep_markdown_is_not_lost() -> None:
    document = read(">" * 5000 + " deep\n\n" + "".join("  " * n + "- x\n" for n in range(200)), "a.md")
    assert document.check().text.count("x") == 200


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Füße".encode(), "Füße"),
        (b"\xef\xbb\xbf" + "Füße".encode(), "Füße"),
        ("Füße".encode("utf-16"), "Füße"),
        (b"\xfe\xff" + "Füße".encode("utf-16-be"), "Füße"),
        ("Füße ohne Marke".encode("utf-16-le"), "Füße ohne Marke"),
        ("Füße".encode("utf-32"), "Füße"),
    ],
)
def test_encodings(data: bytes, text: str) -> None:
    document = read(data, "a.txt")
    assert document.text == text
    assert document.warnings == ()


def test_windows_1252_is_read_with_a_warning() -> None:
    document = read("“Füße” – 5 €".encode("cp1252"), "a.txt")
    assert document.text == "“Füße” – 5 €"
    assert "Windows-1252" in document.warnings[0]


@pytest.mark.parametrize("name", ["noise.txt", "noise.md", "noise"])
@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 4,
        b"\x00\x01\x02",
        b"a record\x00" * 9,
        b"text " * 99 + bytes(512),
        b"\x01\x02\x03\x04" * 50,
        b"\xff\xfe\x00",
    ],
)
def test_binary_data_is_not_chunked_as_noise(name: str, data: bytes) -> None:
    with pytest.raises(UnsupportedFormatError, match="binary data"):
        read(data, name)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "noted"])
def test_a_text_with_a_few_nuls_is_read_as_it_is_and_says_so(name: str) -> None:
    text = "A text\x00 that somebody wrote.\n\nMore\x00 of it."
    document = read(text, name)
    assert document.text == text
    assert document.block_text(document.blocks[0]) == "A text\x00 that somebody wrote."
    assert any("2 NUL characters" in warning for warning in document.warnings)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", "<p>Words with one\x00 of them.</p>"),
        ("a.html", '<meta charset="iso-8859-2"><p>Words with one\x00 of them.</p>'),
        ("a.rst", "Words with one\x00 of them."),
    ],
)
def test_markup_shows_a_nul_as_a_replacement_character(name: str, text: str) -> None:
    document = read(text, name)
    assert document.text == "Words with one\ufffd of them."
    assert "1 NUL character;" in document.warnings[0]


@pytest.mark.parametrize("name", ["a.txt", "a.md", "-"])
def test_white_space_alone_is_empty(name: str) -> None:
    with pytest.raises(EmptyInputError):
        read(" \n\t\n", name)


def test_a_document_comes_back_as_it_went() -> None:
    document = read(MARKDOWN, "a.md")
    again = read(json.dumps(document.to_json()), "b.json")
    assert again == document
    assert read(json.dumps(document.to_json()), "-") == document
    assert read(json.dumps(document.to_json()), "b.jsonl") == document


@pytest.mark.parametrize(("schema", "remedy"), [("chunk", "docalign score"), ("gold", "docalign eval"), ("report", "")])
@pytest.mark.parametrize("name", ["a.pdf.chunks.jsonl", "a.json", "-"])
def test_other_results_of_docalign_are_refused_with_what_to_do(name: str, schema: str, remedy: str) -> None:
    line = json.dumps({"schema": f"docalign.{schema}/1", "id": "0", "text": "Not to be chunked again."})
    for data in (f"{line}\n{line}\n", f"[\n{line}]"):
        with pytest.raises(UnsupportedFormatError, match=rf"docalign\.{schema}") as caught:
            read(data, name)
        assert remedy in caught.value.remedy
    assert "chunked again" in read(line, "a.txt").text


@pytest.mark.parametrize("data", ["{", "[1]", '{"schema": "other/1"}', "[" * 100_000])
def test_other_json_is_refused(data: str) -> None:
    with pytest.raises(InvalidDocumentError) as caught:
        read(data, "b.json")
    assert caught.value.source == "b.json"


@pytest.mark.parametrize(
    ("head", "name", "said"),
    [
        (b"PK\x03\x04", "a.docx", "ZIP archive"),
        (b"plain words", "a.doc", "not old Office data"),
        (b"plain words", "a.epub", "not EPUB data"),
        (b"plain words", "a.png", "not image data"),
        (b"<?xml version='1.0'?><feed>", "a", "XML"),
    ],
)
def test_foreign_formats_are_named_with_what_is_supported(head: bytes, name: str, said: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=said) as caught:
        detect(head, name)
    assert "Markdown" in caught.value.remedy


def test_content_beats_the_name() -> None:
    assert detect(b"junk before\n%PDF-1.7", "a.txt").name == "PDF"
    assert detect(b"\x89PNG\r\n\x1a\n", "a.md").name == "image"
    assert detect(b"words", "notes.xyz").name == "plain text"
    assert detect(b"words", "README.MD").name == "Markdown"


def test_every_format_has_a_reader() -> None:
    from importlib import import_module

    for known in FORMATS:
        module, _, name = known.reader.partition(":")
        assert callable(getattr(import_module(module), name))


def test_a_path_gives_its_name_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"Hello.")
    document = ingest(path)
    assert document.source == str(path)
    assert document.sha256 == "2d8bd7d9bb5f85ba643f0110d50cb506a1fe439e769a22503193ea6046bb87f7"
    assert ingest(path, name="b").source == "b"


@pytest.mark.parametrize(
    "bad", [{"ocr": "maybe"}, {"dpi": 10}, {"max_pages": 0}, {"workers": 0}, {"page_timeout_s": -1.0}]
)
def test_options_are_checked(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        IngestOptions(**bad)  # type: ignore[arg-type]


def test_markdown_tables_know_their_rows_and_list_items_their_depth() -> None:
    text = "- a\n  - b\n\n    still b\n- c\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
    document = read(text, "a.md")
    assert [(b.kind, b.depth) for b in document.blocks] == [
        ("list_item", 1),
        ("list_item", 2),
        ("list_item", 1),
        ("table", None),
    ]
    table = document.blocks[-1]
    assert table.header_rows == 1
    assert [text[a:b] for a, b in table.rows] == ["| a | b |\n|---|---|", "| 1 | 2 |", "| 3 | 4 |"]
