"""What OCR engines say is checked at one border: oddities are mended, nonsense is the page's error."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from docalign.errors import OcrFailedError
from docalign.ingest.ocr.check import check_turn, check_words
from docalign.ingest.ocr.engine import OcrWord
from docalign.ingest.ocr.reading import read_image, to_content

SIZE = (1000, 800)
GOOD = OcrWord("word", (100.0, 100.0, 180.0, 130.0), 0.9, 1, 1, 1, 30.0)


@pytest.mark.parametrize(
    "change",
    [
        {"confidence": math.nan},
        {"confidence": math.inf},
        {"confidence": None},
        {"box": (math.nan, 0.0, 1.0, 1.0)},
        {"box": (0.0, 0.0, math.inf, 1.0)},
        {"box": (500.0, 100.0, 400.0, 130.0)},
        {"box": (100.0, 130.0, 180.0, 100.0)},
        {"box": (2000.0, 100.0, 2100.0, 130.0)},
        {"box": (100.0, -500.0, 180.0, 130.0)},
        {"box": (100.0, 100.0, 180.0)},
        {"text": None},
        {"text": b"word"},
        {"text": "x" * 20_000_001},
    ],
)
def test_nonsense_is_a_named_error(change: dict[str, Any]) -> None:
    with pytest.raises(OcrFailedError, match="nonsense") as caught:
        check_words([GOOD, replace(GOOD, **change)], SIZE)
    assert len(str(caught.value)) < 300


def test_words_without_end_are_an_error_before_they_fill_memory() -> None:
    def endless() -> Iterator[OcrWord]:
        while True:
            yield GOOD

    with pytest.raises(OcrFailedError, match="more than"):
        check_words(endless(), SIZE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"confidence": 1.7}, {"confidence": 1.0}),
        ({"confidence": -3}, {"confidence": 0.0}),
        ({"box": (-5.0, 100.0, 180.0, 130.0)}, {"box": (0.0, 100.0, 180.0, 130.0)}),
        ({"box": (990.0, 100.0, 1010.0, 130.0)}, {"box": (990.0, 100.0, 1000.0, 130.0)}),
        ({"box": (100.0, 100.0, 100.0, 100.0)}, {"box": (100.0, 100.0, 101.0, 101.0)}),
        ({"text": "a\x00b\ud800c"}, {"text": "a\ufffdb\ufffdc"}),
        ({"line_height": math.nan}, {"line_height": 30.0}),
        ({"line_height": -4.0}, {"line_height": 30.0}),
        ({"turn": 45}, {"turn": 0}),
    ],
)
def test_oddities_are_mended(change: dict[str, Any], said: dict[str, Any]) -> None:
    assert check_words([replace(GOOD, **change)], SIZE) == [replace(GOOD, **said)]


def test_white_space_parts_words_and_their_boxes() -> None:
    words = check_words([replace(GOOD, text=" one\u00a0two "), replace(GOOD, text=" \t")], SIZE)
    assert [w.text for w in words] == ["one", "two"]
    assert words[0].box[0] == GOOD.box[0]
    assert words[0].box[2] < words[1].box[0]
    assert words[1].box[2] == pytest.approx(GOOD.box[2])


def test_an_opinion_about_orientation_is_one_of_four_or_none() -> None:
    assert check_turn((90, 3.5)) == (90, 3.5)
    assert check_turn((37, 9.0)) == check_turn((90, math.nan)) == (0, 0.0)


class Babbler:
    """An engine that answers whatever it is given to answer."""

    name = "babbler"

    def __init__(self, words: list[OcrWord]) -> None:
        self._words = words

    def recognise(self, image: Image.Image, *, dpi: float) -> list[OcrWord]:
        return self._words

    def orientation(self, image: Image.Image, *, dpi: float) -> tuple[int, float]:
        return 17, math.nan


_NUMBERS = st.floats() | st.floats(-20, 1020) | st.integers(-20, 1020)
_BABBLE = st.builds(
    OcrWord,
    st.text(st.characters(), max_size=12),
    st.tuples(_NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS),
    st.floats(),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 3),
    st.floats(),
    st.integers(),
)


@given(words=st.lists(_BABBLE, max_size=6))
def test_whatever_an_engine_says_the_page_is_sound_or_refused(words: list[OcrWord]) -> None:
    image = Image.new("L", SIZE, 255)
    ImageDraw.Draw(image).rectangle((100, 100, 300, 200), fill=0)
    try:
        reading = read_image(Babbler(words), image, dpi=200)
    except OcrFailedError:
        return
    page = to_content(reading, number=1, width=360.0, height=288.0, rotation=0, pixels=SIZE)
    for line in page.lines:
        for word in line.words:
            assert word.text
            assert not any(c.isspace() for c in word.text)
            assert 0 <= word.box[0] <= word.box[2] <= 360
            assert 0 <= word.box[1] <= word.box[3] <= 288
            assert word.confidence is not None
            assert 0 <= word.confidence <= 1
            assert math.isfinite(word.size)
