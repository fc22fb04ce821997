"""Lines an engine passes over are read after all, in their place; what is no print stays out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image, ImageDraw

from docalign.ingest.ocr.engine import OcrEngine, OcrWord, choose_engine
from docalign.ingest.ocr.leftovers import leftovers
from docalign.ingest.ocr.reading import read_image
from docalign.ingest.ocr.second_look import with_passed_over
from tests.support.files import picture_of

LINES = [
    "1 The quick brown fox jumps over the lazy dog",
    "2 Chunks end where their subject ends and not before",
    "3 Nothing is lost and nothing is invented on this page",
    "4 Every word points back to the place it came from",
]


@dataclass
class Careless:
    """An engine that passes over what lies in these boxes, unless it is shown nothing else."""

    engine: OcrEngine
    blind: list[tuple[float, float, float, float]]
    asked: list[tuple[int, int]] = field(default_factory=list)
    name: str = "careless"

    def recognise(self, image: Image.Image, *, dpi: float) -> list[OcrWord]:
        return [w for w in self.engine.recognise(image, dpi=dpi) if not any(_inside(w, box) for box in self.blind)]

    def recognise_line(self, image: Image.Image, *, dpi: float) -> list[OcrWord]:
        self.asked.append(image.size)
        return self.engine.recognise_line(image, dpi=dpi)  # type: ignore[attr-defined, no-any-return]

    def orientation(self, image: Image.Image, *, dpi: float) -> tuple[int, float]:
        return self.engine.orientation(image, dpi=dpi)


def _inside(word: OcrWord, box: tuple[float, float, float, float]) -> bool:
    x, y = (word.box[0] + word.box[2]) / 2, (word.box[1] + word.box[3]) / 2
    return box[0] < x < box[2] and box[1] < y < box[3]


@pytest.fixture(scope="module")
def engine() -> OcrEngine:
    return choose_engine("eng")


def text_of(words: tuple[OcrWord, ...]) -> str:
    return " ".join(word.text for word in words)


def test_a_line_passed_over_is_read_in_its_place(engine: OcrEngine) -> None:
    page = picture_of(LINES)
    whole = read_image(engine, page, dpi=200)
    careless = Careless(engine, [(0, 262, 1700, 318)])
    assert text_of(tuple(careless.recognise(page, dpi=200))) == " ".join([LINES[0], *LINES[2:]])
    reading = read_image(careless, page, dpi=200)
    assert text_of(reading.words) == " ".join(LINES)
    for word, true in zip(reading.words, whole.words, strict=True):
        assert word.box == pytest.approx(true.box, abs=4)
    assert len({(w.block, w.line) for w in reading.words}) == 4


def test_single_digits_of_a_margin_are_read_in_order(engine: OcrEngine) -> None:
    page = picture_of([line[2:] for line in LINES])
    page.paste(picture_of(["5", "6", "7", "8"]).crop((150, 0, 250, 2200)), (50, 0))
    reading = read_image(Careless(engine, [(0, 0, 150, 2200)]), page, dpi=200)
    digits = [w.text for w in reading.words if w.box[2] < 150]
    assert digits == ["5", "6", "7", "8"]
    assert text_of(tuple(w for w in reading.words if w.box[0] > 150)) == " ".join(line[2:] for line in LINES)


def test_where_every_letter_has_been_read_nothing_is_asked(engine: OcrEngine) -> None:
    careless = Careless(engine, [])
    read_image(careless, picture_of(LINES), dpi=200)
    assert careless.asked == []


def test_dirt_strokes_and_pictures_are_no_lines(engine: OcrEngine) -> None:
    page = picture_of(LINES)
    draw = ImageDraw.Draw(page)
    draw.line((100, 900, 1600, 900), fill=0, width=4)
    draw.line((1200, 1000, 1200, 1030), fill=0, width=3)
    draw.ellipse((300, 1100, 306, 1106), fill=0)
    draw.rectangle((900, 1200, 1300, 1230), fill=0)
    noise = np.random.default_rng(0).integers(0, 256, (500, 500), dtype=np.uint8)
    page.paste(Image.fromarray(noise), (300, 1500))
    words = engine.recognise(picture_of(LINES), dpi=200)
    assert leftovers(words, page) == []
    assert with_passed_over(engine, words, page, dpi=200) == words


def test_a_page_of_few_words_is_left_alone(engine: OcrEngine) -> None:
    page = picture_of(LINES)
    assert leftovers(engine.recognise(page, dpi=200)[:10], page) == []
