"""Forms, annotations, attachments and portfolios: what a viewer shows is text in place, the rest is named."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Name, String

from docalign import errors
from docalign.document import Document
from docalign.ingest import IngestOptions, ingest
from docalign.ingest.page import PageContent
from docalign.ingest.pdf.reader import PdfReader
from tests.support.files import encrypted_pdf, picture_of, scanned_pdf, text_pdf
from tests.support.odd_pdfs import annotated, form, portfolio, saved, with_attachments, xfa

NEVER = IngestOptions(ocr="never", workers=1)


def page_of(data: bytes, folder: Path, options: IngestOptions = NEVER) -> PageContent:
    path = folder / "a.pdf"
    path.write_bytes(data)
    reader = PdfReader(str(path), options)
    try:
        return reader.page(0)
    finally:
        reader.close()


def texts(page: PageContent) -> list[str]:
    return [line.text for line in page.lines]


def read(data: bytes, **options: Any) -> Document:
    return ingest(data, name="a.pdf", options=IngestOptions(**{"ocr": "never", "workers": 1, **options}))


TEXT = {"/FT": Name.Tx, "/V": String("Ada Lovelace")}


def test_values_of_fields_stand_where_a_viewer_shows_them(tmp_path: Path) -> None:
    page = page_of(form([TEXT]), tmp_path)
    assert texts(page) == ["Application for a licence", "Name:", "Ada Lovelace"]
    x0, y0, x1, y1 = page.lines[-1].box
    assert 150 <= x0 < x1 <= 350
    assert 792 - 620 <= y0 < y1 <= 792 - 600
    assert "Ada Lovelace" in read(form([TEXT])).text


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ({"/FT": Name.Tx, "/V": String("two\rlines")}, ["two", "lines"]),
        ({"/FT": Name.Tx}, []),
        ({"/FT": Name.Ch, "/V": String("Blue")}, ["Blue"]),
        ({"/FT": Name.Ch, "/V": Array([String("One"), String("Two")])}, ["One", "Two"]),
        ({"/FT": Name.Ch, "/V": String("b"), "/Opt": Array([Array([String("b"), String("Blue")])])}, ["Blue"]),
        ({"/FT": Name.Btn, "/AS": Name.Yes, "/V": Name.Yes}, ["☒"]),
        ({"/FT": Name.Btn, "/AS": Name.Off, "/V": Name.Yes}, []),
        ({"/FT": Name.Btn, "/V": Name.Yes}, ["☒"]),
        ({"/FT": Name.Btn, "/Ff": 1 << 16, "/MK": pikepdf.Dictionary(CA=String("Send"))}, ["Send"]),
    ],
)
def test_kinds_of_fields(field: dict[str, Any], shown: list[str], tmp_path: Path) -> None:
    assert texts(page_of(form([field]), tmp_path))[2:] == shown


@pytest.mark.parametrize("flags", [{"/F": 2}, {"/F": 32}, {"/Ff": 1 << 13}], ids=["hidden", "no view", "password"])
def test_values_that_are_not_shown_are_kept_aside(flags: dict[str, Any], tmp_path: Path) -> None:
    page = page_of(form([{**TEXT, **flags}]), tmp_path)
    assert texts(page)[2:] == []
    assert [line.text for line in page.invisible] == ["Ada Lovelace"]


def test_a_value_is_inherited_from_the_field_above(tmp_path: Path) -> None:
    parent = pikepdf.Dictionary({"/FT": Name.Tx, "/V": String("from above")})
    assert texts(page_of(form([{"/Parent": parent}]), tmp_path))[2:] == ["from above"]


def test_broken_fields_do_no_harm(tmp_path: Path) -> None:
    page = page_of(form([{"/Rect": Array([1, 2]), **TEXT}, {"/FT": 7, "/V": 9, "/F": Name.X}]), tmp_path)
    assert texts(page) == ["Application for a licence", "Name:"]


def test_free_text_is_text_and_comments_are_kept_aside(tmp_path: Path) -> None:
    note = {"/Subtype": Name.Text, "/Contents": String("Is this so?")}
    label = {"/Subtype": Name.FreeText, "/Contents": String("RECEIVED"), "/DA": String("/Helv 14 Tf")}
    link = {"/Subtype": Name.Link, "/Contents": String("somewhere")}
    page = page_of(annotated(label, note, link), tmp_path)
    assert texts(page)[1:] == ["RECEIVED"]
    assert [line.text for line in page.invisible] == ["Is this so?"]


def test_fields_on_a_scan_join_what_ocr_reads(tmp_path: Path) -> None:
    pdf = pikepdf.open(BytesIO(scanned_pdf(picture_of(["A scanned form with room below it"] * 6))))
    rect = Array([150, 100, 350, 120])
    field = {"/Type": Name.Annot, "/Subtype": Name.Widget, "/Rect": rect, "/FT": Name.Tx, "/V": String("Typed in")}
    widgets = Array([pdf.make_indirect(pikepdf.Dictionary(field))])
    pdf.pages[0].Annots, pdf.Root.AcroForm = widgets, pikepdf.Dictionary(Fields=widgets)
    page = page_of(saved(pdf), tmp_path, IngestOptions())
    assert page.ocr
    assert texts(page)[-1] == "Typed in"
    assert "scanned form" in " ".join(texts(page))


def test_a_dynamic_form_is_named_and_a_form_with_real_pages_is_read() -> None:
    with pytest.raises(errors.UnsupportedFormatError, match="dynamic form") as caught:
        read(xfa(dynamic=True))
    assert "print it" in caught.value.remedy
    document = read(xfa(dynamic=False))
    assert "Please wait" in document.text
    assert any("XFA" in w for w in document.warnings)


def test_attachments_are_listed() -> None:
    document = read(
        with_attachments({"data.csv": b"a,b\n1,2\n", "notes.pdf": text_pdf(["Notes that are only attached"])})
    )
    assert "only attached" not in document.text
    (said,) = document.warnings
    assert "2 attached files were not read: data.csv (8 bytes), notes.pdf (" in said


def test_the_pdfs_of_a_portfolio_are_further_pages() -> None:
    two = text_pdf(["The first page of the second file"], ["The last page of all of them"])
    files = {
        "b.pdf": two,
        "a.pdf": text_pdf(["A page of the first file"]),
        "c.txt": b"plain",
        "d.pdf": encrypted_pdf("x"),
    }
    document = read(portfolio(files))
    assert [p.number for p in document.pages] == [1, 2, 3, 4]
    assert [b.page for b in document.blocks] == [1, 2, 3, 4]
    assert document.text.index("cover letter") < document.text.index("first file") < document.text.index("last page")
    assert "page 2 is the attached file a.pdf." in document.warnings
    assert "pages 3–4 are the attached file b.pdf." in document.warnings
    assert any("d.pdf was not read" in w and "encrypted" in w for w in document.warnings)
    assert any("1 attached file was not read: c.txt (5 bytes)" in w for w in document.warnings)


def test_portfolios_in_portfolios_end() -> None:
    data = text_pdf(["The innermost page of them all"])
    for level in range(4):
        data = portfolio({"inner.pdf": data}, cover=f"Cover of level {level}")
    document = read(data)
    assert len(document.pages) == 3
    assert any("attached file was not read" in w for w in document.warnings)


def test_pages_of_a_portfolio_count_against_the_limit() -> None:
    with pytest.raises(errors.LimitExceededError, match="3 pages"):
        read(portfolio({"a.pdf": text_pdf(["one"], ["two"])}), max_pages=2)


def test_an_empty_user_password_opens_by_itself() -> None:
    pdf = pikepdf.open(BytesIO(text_pdf(["Locked against printing, open for reading"])))
    data = saved(pdf, encryption=pikepdf.Encryption(owner="secret", user="", allow=pikepdf.Permissions(extract=False)))
    assert "open for reading" in read(data).text
