"""Texts that break chunkers, and Hypothesis strategies for documents made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from docalign.document import Document
from tests.support.documents import document_of

__all__ = ["FAMILY", "NASTY", "block_texts", "documents"]

FAMILY: Final = "👨‍👩‍👧‍👦"
"""Four people joined by ZWJ: one grapheme, 7 code points, 25 bytes."""

NASTY: Final = {
    "no white space": "abcdefghij" * 120,
    "one giant word": "Z" * 5000,
    "families": FAMILY * 60,
    "skin tones after spaces": "👍🏽 \U0001f3fd " * 80,
    "flags": "🇩🇪🇫🇷🇳🇱" * 40,
    "marks": "e\u0301\u0323o\u0308 " * 150,
    "a space that carries a mark": "word. \u0301next" * 60,
    "one grapheme of 3,000 marks": "a" + "\u0301" * 3000,
    "carriage returns": "a line\r\nanother line.\r\n\r\n" * 40,
    "10,000 newlines": "top" + "\n" * 10_000 + "bottom",
    "table": "| cell one | cell two | 3 |\n" * 200,
    "no sentence": "word " * 600,
    "thai": "สวัสดีครับน้ำ" * 60,
    "hangul": "\u1100\u1161\u11a8" * 200,
    "lone surrogates": "bro\ud800ken \udfff text. " * 60,
    "controls": "a\x00b\x0b\x0c\x1c\x85\u2028\u200b\ufeff " * 60,
    "right to left": "שלום עולם. مرحبا بالعالم؟ " * 40,
    "quotes after a full stop": "Ended.”)” " + "." + '"' * 800 + " More." * 50,
}

_PIECES: Final = (
    st.sampled_from(
        [
            "a",
            "word",
            "sentence ends. ",
            "Next ",
            "\n",
            "\r\n",
            " ",
            "  ",
            "\t",
            FAMILY,
            "e\u0301",
            " \u0301",
            "é",
            "日本語。",
        ]
    )
    | st.sampled_from(
        ["| a | b |\n", "— ", "🇩🇪", "👍🏽", "\u200d", "\u0600", "\x00", "\ud800", "x" * 60, "12.5", "…", "§ 4"]
    )
    | st.text(max_size=6)
)

_SEPARATORS: Final = st.sampled_from(["\n\n", "\n", " ", "\r\n", "\n \n", "\n" * 40, " " * 30 + "\n"])


def block_texts(max_pieces: int = 40) -> st.SearchStrategy[str]:
    """Texts of a block: something other than white space, none at either end."""
    return st.lists(_PIECES, min_size=1, max_size=max_pieces).map(lambda parts: "".join(parts).strip()).filter(bool)


@st.composite
def documents(draw: st.DrawFn, *, max_blocks: int = 14) -> Document:
    """Documents of every kind of block, headings in runs, with odd white space between."""
    kinds = st.sampled_from(
        [
            "heading",
            "heading2",
            "heading",
            "heading3",
            "paragraph",
            "paragraph",
            "list_item",
            "table",
            "caption",
            "code",
        ]
    )
    parts: Sequence[tuple[str, str]] = draw(st.lists(st.tuples(kinds, _text_of_a_block()), max_size=max_blocks))
    gaps = draw(st.lists(_SEPARATORS, min_size=max(0, len(parts) - 1), max_size=max(0, len(parts) - 1)))
    blank = st.sampled_from(["", "", "\n", " " * 50, "\n\n\n"])
    return document_of(parts, separators=gaps, before=draw(blank), after=draw(blank))


def _text_of_a_block() -> st.SearchStrategy[str]:
    words = st.integers(1, 30).map(
        lambda n: " ".join(["word", "and", "Title", "number", "of"][i % 5] for i in range(n))
    )
    return words | words | block_texts() | st.sampled_from(sorted(NASTY)).map(lambda name: NASTY[name][:400].strip())
