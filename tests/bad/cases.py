"""The table of bad inputs: one row a file. `test_mechanisms.py` reads it; a new kind of damage is a new row.

`expect` is what must happen:

* the name of an error class: `ingest()` raises exactly it, and `says` stands in its message;
* `reads`: a document comes out, and `says` stands in its text;
* `warns`: a document comes out, and one of its warnings holds `says`; `keeps` stands in its text.

`keeps` is text of the sound part of the file, which must not be lost with the damaged part. `needs` names a package
the reader needs; without it the row is skipped. At most four rows a mechanism, so that breadth counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from tests.bad.makers import images, pdf, text, zipped

__all__ = ["CASES", "Case"]


@dataclass(frozen=True, slots=True)
class Case:
    mechanism: str
    name: str
    make: Callable[[], bytes]
    expect: str
    says: str = ""
    keeps: str = ""
    needs: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


_TIGHT: Final = {"worker_memory_mib": 700}
"""Bombs go off under a small limit, so that they do so in seconds."""
_DAMAGED, _EMPTY, _FOREIGN = "DamagedInputError", "EmptyInputError", "UnsupportedFormatError"
_LOCKED, _LIMIT, _INVALID = "EncryptedInputError", "LimitExceededError", "InvalidDocumentError"
_MET = "The committee met"


def _is(data: bytes) -> Callable[[], bytes]:
    return lambda: data


CASES: Final = (
    # --- PDF
    Case("truncate", "tenth.pdf", partial(pdf.cut, 0.1), _DAMAGED, "truncated"),
    Case("truncate", "half.pdf", partial(pdf.cut, 0.5), "warns", "repaired", keeps=_MET),
    Case("truncate", "no-end.pdf", partial(pdf.cut, 0.99), "warns", "end is missing", keeps=_MET),
    Case("truncate", "header-only.pdf", _is(b"%PDF-1.7\n"), _DAMAGED, "truncated"),
    Case("flip", "stream-start.pdf", partial(pdf.flipped_stream, 0, 8), "warns", "page 1", keeps=_MET),
    Case("flip", "stream-middle.pdf", partial(pdf.flipped_stream, 90, 8), "warns", "page 1", keeps=_MET),
    Case("flip", "stream-end.pdf", partial(pdf.flipped_stream, 150, 8), "warns", "page 1", keeps=_MET),
    Case("flip", "font.pdf", pdf.flipped_font, "reads", _MET),
    Case("cycle", "page-tree.pdf", pdf.page_tree_cycle, _DAMAGED, ""),
    Case("cycle", "form.pdf", pdf.form_cycle, "reads", _MET),
    Case("cycle", "outline.pdf", pdf.outline_cycle, "reads", _MET),
    Case("cycle", "length.pdf", pdf.length_cycle, "reads", _MET),
    Case("bomb", "deflate.pdf", partial(pdf.deflate_bomb, 700), _LIMIT, "memory", options=_TIGHT),
    Case("bomb", "deflate-twice.pdf", partial(pdf.double_bomb, 150), "warns", "page 1"),
    Case("bomb", "bits.pdf", partial(pdf.image_bomb, 20_032), _LIMIT, "pixels"),
    Case("bomb", "operators.pdf", partial(pdf.operator_bomb, 3_000_000), _LIMIT, "memory", options=_TIGHT),
    Case("form bomb", "itself.pdf", partial(pdf.form_drawing_itself, 2), "warns", "without end", keeps=_MET),
    Case("form bomb", "doubling.pdf", partial(pdf.forms_doubling, 17), "warns", "262143 times", keeps=_MET),
    Case("form bomb", "page-lost.pdf", pdf.form_bomb_beside_a_lost_page, _LIMIT, "without end"),
    Case("form bomb", "few.pdf", partial(pdf.forms_doubling, 6), "reads", _MET),
    Case("encrypt", "pdfium-key.pdf", pdf.foreign_lock, _LOCKED, "protected"),
    Case("huge page", "wide.pdf", partial(pdf.media_box, b"[0 0 14400 14400]"), "reads", _MET),
    Case("huge page", "no-area.pdf", partial(pdf.media_box, b"[0 0 0 0]"), "reads", _MET),
    Case("huge page", "reversed.pdf", partial(pdf.media_box, b"[612 792 0 0]"), "reads", _MET),
    Case("huge page", "no-numbers.pdf", partial(pdf.media_box, b"[/a (b) null 1e99]"), "reads", _MET),
    Case("broken xref", "startxref.pdf", pdf.bad_startxref, "reads", _MET),
    Case("broken xref", "none.pdf", pdf.no_xref, "reads", _MET),
    Case("broken xref", "shifted.pdf", pdf.shifted_xref, "reads", _MET),
    Case("broken xref", "junk-before.pdf", partial(pdf.junk_before, 40), "reads", _MET),
    Case("hostile font", "missing.pdf", partial(pdf.font, b"null"), "reads", ""),
    Case("hostile font", "program.pdf", pdf.broken_font_program, "reads", ""),
    Case("hostile font", "cmap-cycle.pdf", pdf.cmap_cycle, "reads", ""),
    Case("hostile font", "cmap-ranges.pdf", pdf.cmap_range_bomb, "reads", ""),
    Case("path in a name", "cmap.pdf", partial(pdf.path_as_encoding, b"..#2F..#2Ftmp#2Fevil"), "reads", ""),
    Case("path in a name", "absolute.pdf", partial(pdf.path_as_encoding, b"#2Fetc#2Fpasswd"), "reads", ""),
    Case("page tree", "zero.pdf", partial(pdf.tree, b"<</Type/Pages/Kids[]/Count 0>>"), _DAMAGED, "page tree"),
    Case("page tree", "lies.pdf", partial(pdf.tree, b"<</Type/Pages/Kids[4 0 R]/Count 900>>"), "warns", "", keeps=_MET),
    Case(
        "page tree",
        "missing-kid.pdf",
        partial(pdf.tree, b"<</Type/Pages/Kids[4 0 R 77 0 R]/Count 2>>"),
        "warns",
        "page 2",
        keeps=_MET,
    ),
    Case("page tree", "deep.pdf", partial(pdf.deep_tree, 3000), _DAMAGED, ""),
    Case(
        "content stream",
        "unknown.pdf",
        partial(pdf.content, b"\x00\xff foo 7 bar " * 99 + pdf.text_page(pdf.LINES)),
        "reads",
        _MET,
    ),
    Case(
        "content stream",
        "unbalanced.pdf",
        partial(pdf.content, b"q " * 200_000 + pdf.text_page(pdf.LINES)),
        "reads",
        "",
    ),
    Case("content stream", "arrays.pdf", partial(pdf.content, b"[" * 100_000 + pdf.text_page(pdf.LINES)), "warns", ""),
    Case("content stream", "not-there.pdf", pdf.references_nothing, "warns", "page 1", keeps=_MET),
    Case("filter", "brotli.pdf", partial(pdf.filtered, b"BrotliDecode"), "warns", "Brotli", keeps=_MET),
    Case("filter", "unknown.pdf", partial(pdf.filtered, b"AcmeDecode"), "warns", "AcmeDecode", keeps=_MET),
    Case("filter", "jbig2.pdf", partial(pdf.image_filter, b"JBIG2Decode"), "warns", "page 1: a picture"),
    Case("filter", "jpx.pdf", partial(pdf.image_filter, b"JPXDecode"), "warns", "page 1: a picture"),
    Case("dynamic form", "loading.pdf", partial(pdf.xfa, loading=True), _FOREIGN, "dynamic form"),
    Case("dynamic form", "static.pdf", partial(pdf.xfa, loading=False), "reads", "Address"),
    Case("attachment", "one.pdf", partial(pdf.with_attachment, b"sums.xlsx", b"PK"), "warns", "sums.xlsx", keeps=_MET),
    Case(
        "attachment",
        "path.pdf",
        partial(pdf.with_attachment, b"../../../evil.sh", b"rm"),
        "warns",
        "evil.sh",
        keeps=_MET,
    ),
    Case("attachment", "in-itself.pdf", partial(pdf.portfolio_in_itself, 30), "warns", "inner.pdf", keeps=_MET),
    Case("action", "launch.pdf", partial(pdf.with_action, b"<</S/Launch/F(/bin/sh)>>"), "reads", _MET),
    Case("action", "script.pdf", partial(pdf.with_action, b"<</S/JavaScript/JS(while\\(1\\){})>>"), "reads", _MET),
    Case("action", "address.pdf", partial(pdf.with_action, b"<</S/URI/URI(http://127.0.0.1:9/)>>"), "reads", _MET),
    Case("hidden text", "mode-3.pdf", partial(pdf.hidden_text, b"3 Tr"), "reads", _MET),
    Case("hidden text", "white.pdf", partial(pdf.hidden_text, b"1 1 1 rg"), "reads", _MET),
    Case("hidden text", "off-page.pdf", partial(pdf.hidden_text, b"0 -2000 Td"), "reads", _MET),
    Case("blank", "scan.pdf", pdf.blank_scan, "warns", "blank"),
    Case("blank", "digital.pdf", partial(pdf.content, b"q Q"), "warns", "blank"),
    Case(
        "blank", "image.png", partial(images.saved, "PNG", images.Image.new("L", (1700, 2200), 255)), "warns", "blank"
    ),
    # --- the name and the content disagree
    Case("wrong magic", "text.pdf", _is(b"hello, this is no PDF"), _FOREIGN, "not PDF"),
    Case("wrong magic", "picture.pdf", partial(images.saved, "PNG"), "reads", "committee"),
    Case("wrong magic", "archive.pdf", partial(zipped.archive, {"a.txt": "x"}), _FOREIGN, "ZIP"),
    Case("wrong magic", "book.txt", _is(pdf.GOOD), "reads", _MET),
    Case("foreign", "program.bin", _is(b"\x7fELF\x02\x01\x01" + bytes(200)), _FOREIGN, "program"),
    Case("foreign", "base.db", _is(b"SQLite format 3\x00" + bytes(200)), _FOREIGN, "SQLite"),
    Case("foreign", "noise.txt", _is(bytes(range(256)) * 40), _FOREIGN, ""),
    Case("foreign", "old.gz", _is(b"\x1f\x8b\x08" + bytes(90)), _FOREIGN, "gzip"),
    Case("empty", "zero.pdf", _is(b""), _EMPTY, "0 bytes"),
    Case("empty", "zero.docx", _is(b""), _EMPTY, "0 bytes"),
    Case("empty", "spaces.txt", _is(b" \n\t\n" * 500), _EMPTY, ""),
    Case("empty", "mark.md", _is(b"\xef\xbb\xbf\n"), _EMPTY, ""),
    # --- images
    Case("damaged image", "half.jpg", partial(images.cut, "JPEG", 0.5), "warns", "page 1"),
    Case("damaged image", "half.png", partial(images.cut, "PNG", 0.5), "warns", "page 1"),
    Case("damaged image", "checksum.png", images.bad_checksum, _DAMAGED, ""),
    Case("damaged image", "head.tif", partial(images.cut, "TIFF", 0.01), _DAMAGED, ""),
    Case("pixel bomb", "bits.png", partial(images.png, 60_000, 60_000), _LIMIT, "pixels"),
    Case("pixel bomb", "lies.png", partial(images.png, 9_000, 9_000), "warns", "page 1"),
    Case("pixel bomb", "comment.png", images.text_chunk_bomb, _DAMAGED, ""),
    Case("pixel bomb", "line.png", partial(images.png, 100_000, 900), "warns", "page 1"),
    Case("odd image", "dot.png", partial(images.saved, "PNG", images.Image.new("L", (1, 1), 0)), "warns", "blank"),
    Case("odd image", "deep.png", images.deep, "reads", "committee"),
    Case(
        "odd image",
        "inks.jpg",
        partial(images.saved, "JPEG", images.picture_of(images.WORDS, size=(1000, 500)).convert("CMYK")),
        "reads",
        "committee",
    ),
    Case(
        "odd image",
        "palette.png",
        partial(images.saved, "PNG", images.picture_of(images.WORDS, size=(1000, 500)).convert("P")),
        "reads",
        "committee",
    ),
    Case("damaged pages", "cycle.tif", images.tiff_cycle, "reads", "committee"),
    Case("damaged pages", "second.tif", images.tiff_second_damaged, "warns", "page 2", keeps="committee"),
    Case("damaged pages", "huge-second.tif", images.tiff_huge_second, "warns", "page 2", keeps="committee"),
    Case("too many pages", "many.tif", partial(images.tiff_many, 60), _LIMIT, "60 pages", options={"max_pages": 50}),
    Case("too many pages", "many.pdf", _is(pdf.GOOD), _LIMIT, "3 pages", options={"max_pages": 2}),
    Case("too many bytes", "big.pdf", _is(pdf.GOOD), _LIMIT, "bytes", options={"max_bytes": 100}),
    # --- text and markup
    Case("encoding", "utf16.txt", _is("\ufeffThe committee met.".encode("utf-16-le")), "reads", "committee"),
    Case("encoding", "cut-utf8.txt", _is("Größe und Maß ".encode()[:3] + b" of the house"), "reads", "house"),
    Case("encoding", "nuls.txt", _is(b"a\x00b\x00c\x00 no text at all \x00\x00\x00" * 40), _FOREIGN, ""),
    Case(
        "encoding",
        "lies.html",
        partial(text.html, "<p>Größe</p>", '<meta charset="utf-16">'),
        "reads",
        "Größe",
        needs="lxml",
    ),
    Case("endless text", "line.txt", _is(b"word " * 600_000), "reads", "word"),
    Case("endless text", "blank.txt", _is(b"top" + b"\n" * 400_000 + b"bottom"), "reads", "bottom"),
    Case("endless text", "headings.md", _is(b"# a\n" * 50_000), "reads", "# a"),
    Case("endless text", "table.md", partial(text.wide_table, 200, 500), "reads", "h199"),
    Case("nested markup", "list.md", partial(text.nested_list, 400), "reads", "item 399"),
    Case("nested markup", "quotes.md", partial(text.quotes, 5000), "reads", _MET),
    Case("nested markup", "brackets.md", partial(text.brackets, 50_000), "reads", _MET),
    Case(
        "nested markup",
        "tags.html",
        partial(text.nested_tags, "div", 20_000),
        _LIMIT,
        "inside one another",
        needs="lxml",
    ),
    Case("document JSON", "cut.json", _is(text.document()[:60]), _INVALID, "not JSON"),
    Case("document JSON", "deep.json", partial(text.deep_json, 100_000), _INVALID, ""),
    Case("document JSON", "page.json", partial(text.block, page=99), _INVALID, "99"),
    Case("document JSON", "span.json", partial(text.block, end=900), _INVALID, "block"),
    Case(
        "hostile HTML",
        "script.html",
        partial(text.html, f"<p>{text.PROSE}</p><script>" + "x" * 9999),
        "reads",
        _MET,
        needs="lxml",
    ),
    Case(
        "hostile HTML",
        "attribute.html",
        partial(text.html, f'<p title="{"x" * 2_000_000}">{text.PROSE}</p>'),
        "reads",
        _MET,
        needs="lxml",
    ),
    Case(
        "hostile HTML",
        "cells.html",
        partial(
            text.html, f"<p>{text.PROSE}</p><table><tr><td colspan=999999999 rowspan=999999999>x</td></tr></table>"
        ),
        "reads",
        _MET,
        needs="lxml",
    ),
    Case("hostile HTML", "tables.html", partial(text.nested_tags, "table><tr><td", 2_000), "reads", _MET, needs="lxml"),
    Case("mail", "nested.eml", partial(text.mail_in_mail, 60), "warns", "", keeps="Fwd"),
    Case("mail", "unclosed.eml", text.unclosed_parts, "reads", _MET),
    Case("mail", "base64.eml", text.broken_base64, _FOREIGN, "binary"),
    Case(
        "mail",
        "charset.eml",
        partial(text.mail, text.PROSE, headers="Content-Type: text/plain; charset=klingon"),
        "reads",
        _MET,
    ),
    Case(
        "inclusion",
        "include.rst",
        _is(b"Report\n======\n\n.. include:: /etc/passwd\n\nThe committee met.\n"),
        "reads",
        _MET,
        needs="docutils",
    ),
    Case(
        "inclusion",
        "raw.rst",
        _is(b"Report\n======\n\n.. raw:: html\n   :file: /etc/passwd\n\nThe committee met.\n"),
        "reads",
        _MET,
        needs="docutils",
    ),
    Case(
        "inclusion",
        "substitution.rst",
        _is(b".. |a| replace:: |b| |b|\n.. |b| replace:: |a| |a|\n\nThe committee met. |a|\n"),
        _DAMAGED,
        "",
        needs="docutils",
    ),
    # --- archives of XML
    Case("zip bomb", "inflates.docx", partial(zipped.docx_bomb, 1100), _LIMIT, "", needs="docx"),
    Case("zip bomb", "parts.docx", partial(zipped.docx_many_parts, 20_000), _LIMIT, "", needs="docx"),
    Case("zip bomb", "lies.docx", zipped.docx_lying_sizes, _DAMAGED, "", needs="docx"),
    Case("zip bomb", "inflates.epub", lambda: zipped.epub({"a.xhtml": "<p>" + "A" * (600 << 20) + "</p>"}), _LIMIT, ""),
    Case(
        "broken archive",
        "no-document.docx",
        lambda: zipped.docx(without="word/document.xml"),
        _FOREIGN,
        "",
        needs="docx",
    ),
    Case("broken archive", "not-xml.docx", lambda: zipped.docx(zipped.paragraph("<w:b")), _DAMAGED, "", needs="docx"),
    Case("broken archive", "half.docx", lambda: zipped.docx()[:400], _DAMAGED, ""),
    Case("broken archive", "twice.docx", zipped.docx_twice, "reads", "", needs="docx"),
    Case(
        "XML entities",
        "laughs.docx",
        lambda: zipped.docx(zipped.paragraph("&lol9;"), prolog=zipped.laughs()),
        _DAMAGED,
        "entit",
        needs="docx",
    ),
    Case(
        "XML entities",
        "file.docx",
        lambda: zipped.docx(zipped.paragraph("&x;"), prolog='<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        _DAMAGED,
        "entit",
        needs="docx",
    ),
    Case(
        "XML entities",
        "alto.xml",
        _is(
            (
                zipped.laughs().replace("x [", "alto [")
                + '<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Layout>&lol9;</Layout></alto>'
            ).encode()
        ),
        _DAMAGED,
        "entit",
    ),
    Case(
        "XML entities",
        "laughs.epub",
        lambda: zipped.epub({"a.xhtml": "<p>x</p>"}, OEBPS__content__opf=zipped.laughs()),
        "reads",
        "",
        needs="lxml",
    ),
    Case("deep XML", "tables.docx", partial(zipped.deep_docx, 2_000), _LIMIT, "", needs="docx"),
    Case("deep XML", "tables-some.docx", partial(zipped.deep_docx, 20), "reads", "deep", needs="docx"),
    Case(
        "paths in a book",
        "parent.epub",
        lambda: zipped.epub({"../../../../etc/passwd": "", "a.xhtml": f"<p>{zipped.SENTENCE}</p>"}),
        "warns",
        "passwd",
        keeps="seven points",
    ),
    Case(
        "paths in a book",
        "absolute.epub",
        lambda: zipped.epub({"/etc/passwd": "", "a.xhtml": f"<p>{zipped.SENTENCE}</p>"}),
        "warns",
        "passwd",
        keeps="seven points",
    ),
    Case(
        "paths in a book",
        "outside.epub",
        lambda: zipped.epub({"a.xhtml": "<p>x</p>"}, opf="../../content.opf"),
        _DAMAGED,
        "",
    ),
    Case(
        "paths in a book",
        "again.epub",
        lambda: zipped.epub({"a.xhtml": f"<p>{zipped.SENTENCE}</p>"}, spine=("c0", "c0", "c9")),
        "reads",
        "seven points",
    ),
    Case("locked Office", "package.docx", partial(zipped.ole, "EncryptedPackage"), _LOCKED, ""),
    Case("locked Office", "flag.docx", zipped.flagged_as_encrypted, _LOCKED, "", needs="docx"),
    Case(
        "workbook",
        "endless.xlsx",
        partial(zipped.xlsx, zipped.CELLS, dimension="A1:XFD1048576"),
        "reads",
        "name",
        needs="openpyxl",
    ),
    Case(
        "workbook",
        "strings.xlsx",
        partial(
            zipped.xlsx, '<row r="1"><c r="A1" t="s"><v>7</v></c><c r="B1" t="inlineStr"><is><t>sum</t></is></c></row>'
        ),
        _DAMAGED,
        "",
        needs="openpyxl",
    ),
    Case(
        "workbook",
        "far.xlsx",
        partial(zipped.xlsx, zipped.CELLS + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        "reads",
        "name",
        needs="openpyxl",
    ),
    Case("slides", "no-slide.pptx", zipped.pptx, _DAMAGED, "", needs="pptx"),
)
