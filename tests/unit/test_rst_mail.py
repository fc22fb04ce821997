"""reStructuredText and mail: structure read, nothing fetched, attachments and refused directives named."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from docalign.document import Document
from docalign.errors import EmptyInputError, UnsupportedFormatError
from docalign.ingest.formats import detect
from tests.support.office import read_here

RST = """=====
Title
=====

Intro with ``code`` [1]_.

.. contents::

Section
=======

- a

  3. x
  4. y

term
  meaning

.. table:: Sizes

   +------+------+
   | H1   | H2   |
   +======+======+
   | a    | b    |
   +      +------+
   |      | c    |
   +------+------+

.. code-block:: python

   def f():
       pass

.. figure:: a.png
   :alt: A cat

   The caption.

.. [1] The note.

.. A remark.
"""


def parts(document: Document) -> list[tuple[str, str]]:
    return [(b.kind, document.block_text(b)) for b in document.blocks]


def test_the_structure_of_restructuredtext() -> None:
    document = read_here(RST.encode(), "a.rst")
    assert parts(document) == [
        ("heading", "Title"), ("paragraph", "Intro with code 1."), ("heading", "Section"), ("list_item", "• a"),
        ("list_item", "3. x"), ("list_item", "4. y"), ("list_item", "term"), ("list_item", "meaning"),
        ("caption", "Sizes"), ("table", "H1 | H2\na | b\n| c"), ("code", "def f():\n    pass"),
        ("caption", "The caption."), ("paragraph", "[1] The note."),
    ]  # fmt: skip
    assert [b.level for b in document.blocks if b.kind == "heading"] == [1, 2]
    table = next(b for b in document.blocks if b.kind == "table")
    assert (table.header_rows, document.blocks[table.id - 1].caption_of) == (1, table.id)
    assert [i.text for i in document.invisible] == ["A cat", "A remark."]


@pytest.mark.parametrize(
    "directive",
    [".. include:: {}", ".. literalinclude:: {}", ".. csv-table::\n   :file: {}", ".. raw:: html\n   :file: {}"],
)
def test_other_files_are_never_read(directive: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hush")
    document = read_here(f"Text.\n\n{directive.format(secret)}\n".encode(), "a.rst")
    assert "hush" not in document.text
    assert str(secret) in document.text
    assert document.warnings


def message() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Zoë <z@x.org>", "a@b.c", "Häuser & more"
    mail["Date"] = "Mon, 1 Jan 2024 10:00:00 +0000"
    mail.set_content("Hello,\n\n- a\n- b\n\nBye")
    mail.add_alternative("<p>Hello <b>html</b></p>", subtype="html")
    mail.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="r.pdf")
    inner = EmailMessage()
    inner["Subject"], inner["From"] = "The first", "q@r"
    inner.set_content("inner text")
    mail.add_attachment(inner)
    return mail


def test_a_message_with_all_its_parts() -> None:
    document = read_here(message().as_bytes(), "a.eml")
    assert parts(document) == [
        ("heading", "Häuser & more"),
        ("paragraph", "From: Zoë <z@x.org>\nTo: a@b.c\nDate: Mon, 01 Jan 2024 10:00:00 +0000"),
        ("paragraph", "Hello,"), ("list_item", "- a"), ("list_item", "- b"), ("paragraph", "Bye"),
        ("heading", "The first"), ("paragraph", "From: q@r"), ("paragraph", "inner text"),
    ]  # fmt: skip
    assert document.warnings == ("attachment r.pdf (application/pdf, 8 bytes) was not read.",)


def test_html_where_there_is_no_plain_text_and_wrong_charsets() -> None:
    html = b"From: a@b\nSubject: x\nMIME-Version: 1.0\nContent-Type: text/html\n\n<h2>Big</h2><p>small"
    assert parts(read_here(html, "a.eml"))[2:] == [("heading", "Big"), ("paragraph", "small")]
    wrong = b"From: a@b\nSubject: =?nope?Q?x?=\nContent-Type: text/plain; charset=ascii\n\ncaf\xe9"
    document = read_here(wrong, "a.eml")
    assert parts(document)[-1] == ("paragraph", "café")
    assert any("not the ascii it says" in w for w in document.warnings)


def test_mail_is_known_by_its_content_where_the_name_says_nothing() -> None:
    assert detect(message().as_bytes(), "-").name == "mail"
    assert detect(message().as_bytes(), "a.txt").name == "plain text"
    assert detect(b"Note: this\nis: text\n", "-").name == "plain text"


def test_bad_messages_are_named() -> None:
    with pytest.raises(UnsupportedFormatError, match="no header fields"):
        read_here(b"\nhello", "a.eml")
    with pytest.raises(EmptyInputError):
        read_here(b"X-Nothing: here\n\n", "a.eml")
