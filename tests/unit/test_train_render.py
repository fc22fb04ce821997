"""Rendering for training: no text breaks the template, seeds decide everything, scans are images of the same pages."""

from __future__ import annotations

import itertools
from typing import Any

import pypdfium2
import pytest

from docalign.train.render import look_for, printed_blocks, render_pdf
from docalign.train.scan import page_pixels, scan_page, scan_pdf

pytest.importorskip("typst")

HOSTILE = '#panic("x") $ * _ ` @ref <a> // \\ ~ [#import "/etc/passwd"] #{while true {}} \u0007 \ud800 "quoted" '
BLOCKS: list[dict[str, Any]] = [
    {"kind": "heading", "level": 1, "text": "The tide tables of Marrow Point"},
    {"kind": "paragraph", "level": None, "text": "High water was logged by hand until 1961. " * 12},
    {"kind": "heading", "level": 2, "text": "Instruments"},
    {"kind": "list_item", "level": None, "text": "a float gauge in the stilling well"},
    {"kind": "list_item", "level": None, "text": "(b) a brass staff read at slack water"},
    {"kind": "caption", "level": None, "text": "Table 1. Readings by month."},
    {"kind": "table", "level": None, "text": "Month | Readings | Lost\nMay | 61 | 2\nJune | 58"},
    {"kind": "code", "level": None, "text": "def tide(hour):\n    return hour % 12.42"},
    {"kind": "utterance", "level": None, "text": "Chair: Thank you. Shall we begin?"},
]


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return " ".join("".join(page.get_textpage().get_text_range() for page in document).split())


def test_every_block_is_printed_in_order_with_running_head_and_page_number() -> None:
    text = text_of(render_pdf(BLOCKS, head="Marrow Point", look=look_for(1)))
    places = [
        text.find(word) for word in ("tide tables", "logged by hand", "Instruments", "float gauge", "brass staff")
    ]
    assert -1 not in places
    assert places == sorted(places)
    assert text.count("Marrow Point") == 2


@pytest.mark.parametrize("kind", ["heading", "paragraph", "list_item", "table", "caption", "code"])
def test_no_text_breaks_the_template(kind: str) -> None:
    text = text_of(render_pdf([{"kind": kind, "level": 1, "text": HOSTILE}], head=HOSTILE, look=look_for(3)))
    assert '#panic("x")' in text


def test_wide_tables_long_words_and_empty_documents_are_rendered() -> None:
    wide: list[dict[str, Any]] = [
        {"kind": "table", "level": None, "text": " | ".join("abc" for _ in range(40)) + "\nshort | row"}
    ]
    long: list[dict[str, Any]] = [{"kind": "paragraph", "level": None, "text": "x" * 4000}]
    assert render_pdf([*wide, *long], head="", look=look_for(2)).startswith(b"%PDF")
    assert render_pdf([], head="", look=look_for(2)).startswith(b"%PDF")


def test_the_same_seed_gives_the_same_bytes_and_seeds_differ() -> None:
    assert render_pdf(BLOCKS, head="h", look=look_for(7)) == render_pdf(BLOCKS, head="h", look=look_for(7))
    looks = [look_for(seed) for seed in range(60)]
    assert {look.columns for look in looks} == {1, 2}
    assert {look.numbered for look in looks} == {True, False}
    assert len({look.font for look in looks}) > 3


def test_headings_are_numbered_by_level_but_never_twice() -> None:
    look = next(look for look in map(look_for, itertools.count()) if look.numbered)
    titles = [(1, "Title"), (2, "Aims"), (3, "First"), (3, "Second"), (2, "3. Results"), (2, "End")]
    printed = printed_blocks([{"kind": "heading", "level": n, "text": t} for n, t in titles], look)
    assert [p["text"] for p in printed] == ["Title", "1 Aims", "1.1 First", "1.2 Second", "3. Results", "2 End"]


def test_a_scan_is_reproducible_has_no_text_and_still_shows_the_page() -> None:
    pdf = render_pdf(BLOCKS, head="Marrow Point", look=look_for(1))
    scan = scan_pdf(pdf, seed=4, strength="medium")
    assert scan == scan_pdf(pdf, seed=4, strength="medium")
    assert scan != scan_pdf(pdf, seed=5, strength="medium")
    assert text_of(scan) == ""
    pages, clean = list(page_pixels(scan)), list(page_pixels(pdf))
    assert [p.shape for p in pages] == [p.shape for p in clean]
    assert pages[0].mean() < clean[0].mean()
    assert pages[0].std() > 10  # paper with nothing but its grain has 5


def test_medium_scans_are_worse_than_light_ones() -> None:
    page = next(page_pixels(render_pdf(BLOCKS, head="h", look=look_for(1))))
    assert len(scan_page(page, seed=1, strength="medium")) < len(scan_page(page, seed=1, strength="light"))
