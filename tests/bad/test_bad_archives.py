"""Hostile and damaged archives: refused by name before anything is inflated, whatever they claim to hold."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from docalign.errors import (
    DamagedInputError,
    DocalignError,
    EncryptedInputError,
    LimitExceededError,
    UnsupportedFormatError,
)
from docalign.ingest import IngestOptions, ingest
from docalign.ingest.readers.archive import open_archive
from docalign.ingest.readers.libreoffice import read_old_office
from tests.support.office import W, docx_bytes, epub_bytes, read_here, zip_bytes

LAUGHS = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
PARAGRAPH = "<w:p><w:r><w:t>Text</w:t></w:r></w:p>"


@pytest.mark.parametrize("prolog", [LAUGHS, OUTSIDE])
def test_entities_are_refused(prolog: str) -> None:
    with pytest.raises(DamagedInputError, match="entities"):
        read_here(docx_bytes(PARAGRAPH, prolog=prolog), "a.docx")


def test_a_bomb_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    path = tmp_path / "bomb.docx"
    path.write_bytes(zip_bytes({"[Content_Types].xml": b"x", "word/document.xml": b"\0" * (80 << 20)}))
    with pytest.raises(LimitExceededError, match="200-fold"):
        ingest(path)


def test_more_than_max_bytes_inside() -> None:
    with pytest.raises(LimitExceededError, match="max_bytes"):
        read_here(docx_bytes(PARAGRAPH * 9_000), "a.docx", IngestOptions(max_bytes=100_000))


def test_too_many_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(zip_bytes({f"word/{n}": b"" for n in range(20_001)}))
    with pytest.raises(LimitExceededError, match="20001 parts"), open_archive(path, IngestOptions()):
        pass


def test_nesting_is_bounded() -> None:
    deep = "<w:sdt><w:sdtContent>" * 300 + PARAGRAPH + "</w:sdtContent></w:sdt>" * 300
    with pytest.raises(LimitExceededError, match="deep"):
        read_here(docx_bytes(deep), "a.docx")


def test_truncated_flipped_and_encrypted() -> None:
    whole = docx_bytes(PARAGRAPH * 50)
    with pytest.raises(DamagedInputError):
        read_here(whole[: len(whole) // 2], "a.docx")
    at = whole.index(b"word/document.xml") + 40
    with pytest.raises(DamagedInputError):
        read_here(whole[:at] + bytes(b ^ 0xFF for b in whole[at : at + 40]) + whole[at + 40 :], "a.docx")
    marked = bytearray(whole)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = 0
        while (place := marked.find(magic, place)) >= 0:
            struct.pack_into("<H", marked, place + offset, 1)
            place += 4
    with pytest.raises(EncryptedInputError):
        read_here(bytes(marked), "a.docx")


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx", "a.odt", "a.epub"])
def test_an_archive_of_something_else(name: str) -> None:
    with pytest.raises(UnsupportedFormatError, match="ZIP archive"):
        read_here(zip_bytes({"readme.txt": b"hello"}), name)


@pytest.mark.parametrize("kind", ["word", "ppt", "xl"])
def test_office_shells_without_content_are_damaged(kind: str) -> None:
    shell = zip_bytes({"[Content_Types].xml": "<Types/>", f"{kind}/x.xml": "<x/>"})
    with pytest.raises(DamagedInputError):
        read_here(shell, "a")


def test_path_tricks_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    more = {"../../../tmp/evil.txt": "x", "/abs/evil.txt": "x"}
    assert read_here(epub_bytes({"a.xhtml": "<p>Text</p>"}, more=more), "b.epub").text == "Text"
    assert list(tmp_path.iterdir()) == []


def ole(*names: str) -> bytes:
    """An OLE header and a directory with these entries."""
    entries = b"".join((name.encode("utf-16-le") + b"\0\0").ljust(128, b"\0") for name in names)
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0") + entries.ljust(512, b"\0")


@pytest.mark.parametrize(
    ("names", "error", "said"),
    [
        (("Root Entry", "EncryptedPackage"), EncryptedInputError, "password"),
        (("Root Entry", "__properties_version1.0"), UnsupportedFormatError, "Outlook"),
        (("Root Entry", "Thumbs"), UnsupportedFormatError, "OLE container"),
    ],
)
def test_ole_containers_are_told_apart(names: tuple[str, ...], error: type[DocalignError], said: str) -> None:
    with pytest.raises(error, match=said):
        read_here(ole(*names), "a.docx")


def test_without_libreoffice_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    path = tmp_path / "a.doc"
    path.write_bytes(ole("Root Entry", "WordDocument"))
    with pytest.raises(UnsupportedFormatError) as caught:
        read_old_office(str(path), IngestOptions(), source="a.doc", sha256="0")
    assert "apt install libreoffice" in caught.value.remedy


def test_parts_that_lead_out_or_nowhere_are_ignored() -> None:
    rel = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = (
        f'<Relationship Id="a" Type="{kind}/header" Target="../../../../etc/passwd"/>'
        f'<Relationship Id="b" Type="{kind}/header" Target="NULL"/>'
        f'<Relationship Id="c" Type="{kind}/header" Target="http://example.org/x" TargetMode="External"/>'
    )
    data = zip_bytes({
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships {rel}><Relationship Id="r" Type="{kind}/officeDocument" '
        'Target="/word/document.xml"/></Relationships>',
        "word/document.xml": f"<w:document {W}><w:body>{PARAGRAPH}</w:body></w:document>",
        "word/_rels/document.xml.rels": f"<Relationships {rel}>{links}</Relationships>",
    })  # fmt: skip
    assert read_here(data, "a.docx").text == "Text"
