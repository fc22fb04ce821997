"""Headings that nothing marks are found by how their lines look; lines that only resemble them are not."""

from __future__ import annotations

import pytest

from docalign.chunker.heading_guess import features_of, guessed_levels
from docalign.chunker.prompt import hints_for
from tests.support.documents import document_of

PROSE = (
    "Households were drawn from each of the regions in turn, and every member over fifteen was asked the same "
    "questions by a trained interviewer. Answers were entered twice."
)


def guessed(*lines: tuple[str, str]) -> list[int | None]:
    return guessed_levels([kind for kind, _ in lines], [text for _, text in lines])


def paragraphs(*texts: str) -> list[int | None]:
    return guessed(*(("paragraph", text) for text in texts))


@pytest.mark.parametrize(
    "title",
    [
        "Sampling and Weights",
        "2.1 Sampling",
        "§ 1-1403. Functions.",
        "What is neurofibromatosis?",
        "SEC. 407. REGULATIONS.",
        "Introduction",
    ],
)
def test_a_title_line_between_paragraphs_is_a_heading(title):
    levels = paragraphs(PROSE, title, PROSE, PROSE)
    assert levels[1] is not None
    assert levels[0] is levels[2] is levels[3] is None


@pytest.mark.parametrize("kind", ["list_item", "caption", "table", "code"])
def test_other_kinds_are_no_headings_whatever_they_say(kind):
    assert guessed(("paragraph", PROSE), (kind, "Sampling and Weights"), ("paragraph", PROSE))[1] is None


def test_sentences_and_long_lines_are_no_headings():
    assert (
        paragraphs(PROSE, "The committee met again in spring and agreed on the terms of the second survey.", PROSE)[1]
        is None
    )
    assert paragraphs(PROSE, "Word " * 200, PROSE)[1] is None


def test_a_heading_right_above_another_and_a_named_part_stand_higher():
    above, below = paragraphs(PROSE, "Results and Discussion", "Sampling and Weights", PROSE)[1:3]
    assert above is not None
    assert below is not None
    assert above < below
    assert paragraphs(PROSE, "2 Methods", PROSE, "2.1 Sampling", PROSE)[1::2] == [2, 3]


def test_marked_documents_are_not_guessed_at():
    lines = [("paragraph", PROSE), ("paragraph", "Sampling and Weights"), ("paragraph", PROSE)]
    sizes = [30, 4, 30]
    bare = hints_for(document_of(lines), sizes, 60, 100).marks
    marked = hints_for(document_of([*lines, ("heading", "Annex")]), [*sizes, 2], 60, 100).marks
    assert bare[1].endswith(" >")
    assert not marked[1].endswith((" >", " ="))


def test_any_text_is_looked_at_and_long_ones_only_at_their_ends():
    odd = ["", " ", "\u200b", "…", "x" * 1_000_000, "(", "§", "1.", "\ud800"]
    assert len(features_of(["paragraph"] * len(odd), odd)) == len(odd)
    assert paragraphs(*odd)[4] is None
