"""The samples are what their README says, and their sources still build them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


def page_texts(name: str) -> list[str]:
    document = pypdfium2.PdfDocument(SAMPLES / name)
    return [page.get_textpage().get_text_range() for page in document]


def test_the_report_has_six_pages_with_running_head_and_number() -> None:
    pages = page_texts("report.pdf")
    assert len(pages) == 6
    for number, text in enumerate(pages, start=1):
        assert "Parks Office Report 14" in text
        assert f"{number} of 6" in text
    assert len(re.findall(r"^\d(?:\.\d)? [A-Z]", "\n".join(pages), re.M)) >= 20


def test_the_scan_shows_the_same_pages_without_a_text_layer() -> None:
    assert [text.strip() for text in page_texts("report-scan.pdf")] == [""] * 6
    assert (SAMPLES / "report-scan.pdf").stat().st_size < 2_000_000


def test_the_contract_numbers_its_clauses() -> None:
    pages = page_texts("contract.pdf")
    assert len(pages) == 4
    assert len(set(re.findall(r"^(\d+\.\d+)\s", "\n".join(pages), re.M))) >= 35


def test_the_letter_is_a_photograph_of_moderate_size() -> None:
    with Image.open(SAMPLES / "letter.jpg") as photo:
        assert photo.size == (1500, 2000)
        assert photo.mode == "RGB"
    assert (SAMPLES / "letter.jpg").stat().st_size < 500_000


def test_the_transcript_is_turns_of_five_people_or_fewer() -> None:
    turns = (SAMPLES / "transcript.txt").read_text(encoding="utf-8").splitlines()
    names = Counter(turn.split(": ", 1)[0] for turn in turns)
    assert 110 <= len(turns) <= 130
    assert len(names) <= 5
    assert min(names.values()) > 10


@pytest.mark.parametrize("name", ["report", "contract"])
def test_the_committed_pdf_says_what_its_source_says(name: str) -> None:
    typst = pytest.importorskip("typst")
    built = typst.compile(SAMPLES / f"{name}.typ", format="pdf", ignore_system_fonts=True, timestamp=0)
    document = pypdfium2.PdfDocument(built)
    assert [page.get_textpage().get_text_range() for page in document] == page_texts(f"{name}.pdf")
