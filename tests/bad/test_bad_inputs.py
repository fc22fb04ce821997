"""Bad input to `ingest()`: each case has its own error, exit code, and a remedy; other pages go on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from docalign import errors
from docalign.ingest import IngestOptions, WorkerPool, ingest
from docalign.ingest.page import PageContent
from tests.support.files import encrypted_pdf, make_pdf, text_pdf

GOOD = text_pdf(*([f"Page {n} has a line of text that is long enough"] for n in range(1, 4)))
ZERO = make_pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"])
LYING = GOOD.replace(b"/Count 3", b"/Count 0")


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(1) as opened:
        yield opened


def refused(data: bytes, name: str, pool: WorkerPool, **options: object) -> errors.DocalignError:
    with pytest.raises(errors.DocalignError) as caught:
        ingest(data, name=name, pool=pool, options=IngestOptions(**options))  # type: ignore[arg-type]
    assert caught.value.source == name
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("data", "kind", "code", "said"),
    [
        (b"", errors.EmptyInputError, 3, "0 bytes"),
        (b"\x00\x01\x02", errors.UnsupportedFormatError, 3, "not PDF data"),
        (b"hello, this is no PDF", errors.UnsupportedFormatError, 3, "not PDF data"),
        (b"%PDF-1.7\ngarbage", errors.DamagedInputError, 3, "truncated"),
        (GOOD[: len(GOOD) // 6], errors.DamagedInputError, 3, "truncated"),
        (b"%PDF-1.7\ngarbage\n%%EOF\n", errors.DamagedInputError, 3, "damaged"),
        (ZERO, errors.EmptyInputError, 3, "no pages"),
        (encrypted_pdf("open sesame"), errors.EncryptedInputError, 4, "encrypted"),
    ],
    ids=["empty", "binary", "text", "header only", "truncated", "damaged", "zero pages", "encrypted"],
)
def test_a_bad_pdf_is_refused_by_cause(
    pool: WorkerPool, data: bytes, kind: type[errors.DocalignError], code: int, said: str
) -> None:
    error = refused(data, "bad.pdf", pool)
    assert type(error) is kind
    assert error.exit_code == code
    assert said in error.what


def test_the_right_password_opens_and_the_wrong_one_is_told_apart(pool: WorkerPool) -> None:
    data = encrypted_pdf("open sesame")
    assert "the password does not open" in refused(data, "a.pdf", pool, password="guess").what
    document = ingest(data, name="a.pdf", pool=pool, options=IngestOptions(password="open sesame"))
    assert document.text == "A secret that a password opens"


def test_the_error_of_one_pdf_is_not_that_of_the_next() -> None:
    with WorkerPool(1) as pool:
        refused(encrypted_pdf("open sesame"), "a.pdf", pool)
        assert type(refused(ZERO, "b.pdf", pool)) is errors.EmptyInputError


def test_too_many_pages_and_bytes(pool: WorkerPool) -> None:
    pages = refused(GOOD, "a.pdf", pool, max_pages=2)
    assert (pages.exit_code, "3 pages" in pages.what) == (5, True)
    assert refused(GOOD, "a.pdf", pool, max_bytes=100).exit_code == 5


def test_a_missing_file_a_directory_and_a_forbidden_one(tmp_path: Path) -> None:
    with pytest.raises(errors.MissingInputError, match="no such file"):
        ingest(tmp_path / "none.pdf")
    with pytest.raises(errors.UsageError, match="directory"):
        ingest(tmp_path)
    with pytest.raises(errors.MissingInputError):
        ingest("bad\0name.pdf")
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    with pytest.raises(errors.EmptyInputError):
        ingest(empty)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission(tmp_path: Path) -> None:
    path = tmp_path / "locked.txt"
    path.write_text("secret")
    path.chmod(0)
    with pytest.raises(errors.MissingInputError, match=r"[Pp]ermission"):
        ingest(path)


def test_a_page_that_cannot_be_loaded_is_named_and_the_others_are_read(pool: WorkerPool) -> None:
    broken = GOOD.replace(b"/Kids[4 0 R 6 0 R 8 0 R]", b"/Kids[4 0 R 1 0 R 8 0 R]")
    seen: list[PageContent] = []
    document = ingest(broken, name="a.pdf", pool=pool, on_page=seen.append)
    assert "Page 1" in document.text
    assert "Page 3" in document.text
    assert [p.kind for p in document.pages] == ["text", None, "text"]
    assert [(p.number, p.seconds is not None, p.error is None) for p in seen] == [
        (1, True, True),
        (2, False, False),
        (3, True, True),
    ]
    assert len(document.pages) == 3
    assert any(w.startswith("page 2:") for w in document.warnings)


def test_a_cut_off_end_is_warned_about(pool: WorkerPool) -> None:
    document = ingest(GOOD.rpartition(b"startxref")[0], name="a.pdf", pool=pool)
    assert "Page 3" in document.text
    assert "end is missing" in document.warnings[0]


def test_when_every_page_takes_too_long_the_error_is_raised() -> None:
    with WorkerPool(1) as pool, pytest.raises(errors.LimitExceededError) as caught:
        ingest(GOOD, name="a.pdf", pool=pool, options=IngestOptions(page_timeout_s=0.001))
    assert caught.value.exit_code == 5
