"""Damage inside a PDF that opens: what is lost is named by page, and nothing is lost in silence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from docalign import errors
from docalign.ingest import IngestOptions, WorkerPool, ingest
from tests.support.damaged import DAMAGED, HARMLESS, PICTURES, SOUND
from tests.support.files import text_pdf

OPTIONS = IngestOptions(ocr="never")
THREE = text_pdf(*([f"Page {n} has a line of text that is long enough"] for n in range(1, 4)))


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(1) as opened:
        yield opened


@pytest.mark.parametrize("name", sorted(DAMAGED))
def test_what_a_damaged_page_lost_is_named(name: str, pool: WorkerPool) -> None:
    data, said = DAMAGED[name]
    try:
        document = ingest(data, name="a.pdf", pool=pool, options=OPTIONS)
    except errors.DamagedInputError as raised:
        told = [raised.what.replace("its only page:", "page 1:")] if raised.remedy else []
    else:
        told = list(document.warnings) if document.text else []
    assert any(what.startswith("page 1: ") and said in what for what in told)


@pytest.mark.parametrize("name", sorted(DAMAGED))
def test_strict_makes_damage_an_error(name: str, pool: WorkerPool) -> None:
    data, said = DAMAGED[name]
    with pytest.raises(errors.DamagedInputError, match=r"^a\.pdf: page 1: ") as caught:
        ingest(data, name="a.pdf", pool=pool, options=IngestOptions(ocr="never", strict=True))
    assert said in caught.value.what


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_a_scan_whose_picture_is_broken_is_not_called_blank(name: str, pool: WorkerPool) -> None:
    data, said = PICTURES[name]
    document = ingest(data, name="a.pdf", pool=pool)
    assert [page.kind for page in document.pages] == ["scan"]
    about = [w for w in document.warnings if "picture" in w]
    assert all(w.startswith(f"page 1: {said}") for w in about)
    assert len(about) == bool(said)
    if said:
        with pytest.raises(errors.DamagedInputError, match="picture"):
            ingest(data, name="a.pdf", pool=pool, options=IngestOptions(strict=True))


@pytest.mark.parametrize("name", ["sound", *sorted(HARMLESS)])
def test_damage_that_costs_nothing_is_read_without_a_word(name: str, pool: WorkerPool) -> None:
    whole = ingest(SOUND, name="a.pdf", pool=pool, options=OPTIONS)
    document = ingest(HARMLESS.get(name, SOUND), name="a.pdf", pool=pool, options=OPTIONS)
    assert document.text == whole.text
    assert document.warnings == ()


def test_a_page_tree_that_counts_wrong_is_repaired(pool: WorkerPool) -> None:
    document = ingest(THREE.replace(b"/Count 3", b"/Count 0"), name="a.pdf", pool=pool, options=OPTIONS)
    assert [p.number for p in document.pages] == [1, 2, 3]
    assert "Page 3" in document.text


def test_a_lost_page_is_named_and_the_others_are_read(pool: WorkerPool) -> None:
    lost = THREE.replace(b"/Kids[4 0 R 6 0 R 8 0 R]", b"/Kids[4 0 R 99 0 R 8 0 R]")
    document = ingest(lost, name="a.pdf", pool=pool, options=OPTIONS)
    assert "Page 1" in document.text
    assert "Page 3" in document.text
    assert any(w.startswith("page 2:") for w in document.warnings)
