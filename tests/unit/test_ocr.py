"""OCR: known text is read, where it stands is known, and nothing is made up."""

from __future__ import annotations

import dataclasses
import os
import struct
import subprocess
import sys
import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
import typst
from PIL import Image, ImageFilter

from docalign.errors import OcrFailedError, OcrMissingError, UsageError
from docalign.ingest.ocr import denoise as cleaning
from docalign.ingest.ocr import hard, tesseract
from docalign.ingest.ocr.denoise import denoise, even_light, flatten
from docalign.ingest.ocr.engine import BackedEngine, OcrEngine, OcrWord, choose_engine, split_languages
from docalign.ingest.ocr.enhance import (
    NOISY,
    SCREENED,
    find_skew,
    has_ink,
    is_noisy,
    map_box,
    noise_level,
    screen_level,
    straighten,
    turn_clockwise,
)
from docalign.ingest.ocr.loose_words import part_loose_words
from docalign.ingest.ocr.reading import Reading, read_image, to_content
from tests.support.files import picture_of

LINES = [
    "The quick brown fox jumps over the lazy dog",
    "Chunks end where their subject ends and not before",
    "Nothing is lost and nothing is invented on this page",
    "Every word points back to the place it came from",
]
TEXT = " ".join(LINES)


@pytest.fixture(scope="module")
def engine() -> OcrEngine:
    return choose_engine("eng")


@pytest.fixture(scope="module")
def page() -> Image.Image:
    return picture_of(LINES)


def words_of(reading: Reading) -> str:
    return " ".join(w.text for w in reading.words)


def test_a_rendered_page_is_read_with_boxes_and_confidence(engine: OcrEngine, page: Image.Image) -> None:
    reading = read_image(engine, page, dpi=200)
    assert words_of(reading) == TEXT
    assert reading.confidence is not None
    assert reading.confidence > 0.85
    first = reading.words[0]
    assert first.box[0] == pytest.approx(180, abs=6)
    assert 195 < first.box[1] < first.box[3] < 245
    assert len({w.line for w in reading.words}) == 4


def test_a_blank_page_gives_nothing_and_no_confidence(engine: OcrEngine) -> None:
    blank = Image.new("L", (1700, 2200), 250)
    assert engine.recognise(blank, dpi=200) == []
    reading = read_image(engine, blank, dpi=200)
    assert (reading.words, reading.confidence) == ((), None)
    content = to_content(reading, number=1, width=612, height=792, rotation=0, pixels=blank.size)
    assert (content.kind, content.confidence, content.lines) == ("blank", None, ())


def test_specks_on_a_blank_page_are_no_text(engine: OcrEngine) -> None:
    dirty = Image.effect_noise((1700, 2200), 60).point(lambda v: 255 if v < 200 else 120)
    assert noise_level(dirty) > NOISY
    reading = read_image(engine, dirty, dpi=200)
    assert len(words_of(reading)) < 5
    assert reading.confidence is None or reading.confidence < 0.7


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_page_is_read_and_its_boxes_are_those_of_the_page_as_it_lies(
    engine: OcrEngine, page: Image.Image, turn: int
) -> None:
    lying, _ = turn_clockwise(page, turn)
    reading = read_image(engine, lying, dpi=200)
    assert words_of(reading) == TEXT
    assert reading.turn == (360 - turn) % 360
    # The first word stands at (180, 208)–(257, 240) of the upright page.
    expected = map_box((180, 208, 257, 240), turn_clockwise(lying, reading.turn)[1])
    assert reading.words[0].box == pytest.approx(expected, abs=12)
    content = to_content(reading, number=1, width=612, height=792, rotation=0, pixels=lying.size)
    assert content.rotation == reading.turn


@pytest.mark.parametrize("skew", [-7.0, -2.0, 3.0, 6.0])
def test_a_skewed_page_is_read_and_its_boxes_lie_on_the_skewed_print(
    engine: OcrEngine, page: Image.Image, skew: float
) -> None:
    skewed = page.rotate(-skew, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    assert find_skew(skewed) == pytest.approx(skew, abs=0.3)
    reading = read_image(engine, skewed, dpi=200)
    assert words_of(reading) == TEXT
    for word in (reading.words[0], reading.words[-1]):
        assert has_dark(skewed.crop(tuple(round(v) for v in word.box)))


def test_a_straight_page_is_not_touched(page: Image.Image) -> None:
    assert find_skew(page) == 0.0
    assert straighten(page, 0.0)[0] is page


def has_dark(image: Image.Image) -> bool:
    low, _ = image.getextrema()
    return float(low) < 100  # type: ignore[arg-type]


def test_every_step_says_how_to_map_a_point_back() -> None:
    page = Image.new("L", (300, 500), 255)
    page.paste(0, (40, 60, 60, 70))
    mark = (40.0, 60.0, 60.0, 70.0)
    for turn in (0, 90, 180, 270):
        turned, back = turn_clockwise(page, turn)
        found = turned.point(lambda v: 255 - v).getbbox()
        assert found is not None
        assert map_box(tuple(map(float, found)), back) == mark  # type: ignore[arg-type]
    straight, back = straighten(page, 4.0)
    found = straight.point(lambda v: 255 if v < 128 else 0).getbbox()
    assert found is not None
    x0, y0, x1, y1 = map_box(tuple(map(float, found)), back)  # type: ignore[arg-type]
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((50, 65), abs=1)


def test_noise_and_shadow_are_cleaned_on_the_retry(engine: OcrEngine, page: Image.Image) -> None:
    shadow = Image.linear_gradient("L").resize(page.size).point(lambda v: 60 + v * 0.5)
    noise = Image.effect_noise(page.size, 90)
    dirty = Image.blend(Image.composite(page, shadow, page.point(lambda v: 255 if v < 128 else 0)), noise, 0.3)
    raw = {w.text.strip(".") for w in engine.recognise(dirty, dpi=200)}
    read = {w.text.strip(".") for w in read_image(engine, dirty, dpi=200).words}
    wanted = set(TEXT.split())
    assert len(wanted & read) >= 0.8 * len(wanted) > len(wanted & raw)


def test_faint_print_is_no_blank_page(page: Image.Image) -> None:
    assert has_ink(page.point(lambda v: 235 + v // 13), dpi=200)
    assert not has_ink(Image.effect_noise((1700, 2200), 20), dpi=200)


def test_print_shining_through_from_the_other_side_is_noise(engine: OcrEngine) -> None:
    other = picture_of(LINES * 2, size=(1700, 1100)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    through = other.point(lambda v: 170 + v // 3).filter(ImageFilter.GaussianBlur(1))
    reading = read_image(engine, through, dpi=200)
    assert (reading.words, reading.confidence) == ((), None)
    assert reading.noise


def test_a_coarse_image_is_enlarged_on_the_retry_and_boxes_stay_its_own(page: Image.Image) -> None:
    small = page.crop((0, 150, 1700, 400)).resize((850, 125))
    poor, good = [word("mess", 0.5)], [word(f"good{n}", 0.9) for n in range(30)]
    reading = read_image(Recorder(poor, good), small, dpi=100)
    assert reading.words[0].box == pytest.approx((5, 5, 30, 15), abs=1)


def row_of_bars(gaps: list[int]) -> tuple[Image.Image, tuple[float, float, float, float]]:
    """Bars 12 pixels wide and 30 high with these gaps between them, and the box around them."""
    image, x = Image.new("L", (400, 80), 255), 50
    for gap in [*gaps, 0]:
        image.paste(0, (x, 20, x + 12, 50))
        x += 12 + gap
    return image, (50.0, 20.0, float(x), 50.0)


@pytest.mark.parametrize(
    ("text", "gaps", "parts"),
    [
        ("13A", [2, 9], ["13", "A"]),
        ("B-14A", [2, 3, 3, 8], ["B-14", "A"]),
        ("13A", [2, 4], ["13A"]),  # no space is so narrow
        ("13A", [5, 9], ["13A"]),  # loose type
        ("133", [2, 9], ["133"]),
        ("11th", [9, 2, 2], ["11th"]),  # not between digit and letter
        ("13AB", [2, 9], ["13AB"]),  # two characters touch: nobody knows which gap is which
    ],
)
def test_a_space_shown_between_digit_and_letter_parts_the_word(text: str, gaps: list[int], parts: list[str]) -> None:
    image, box = row_of_bars(gaps)
    read = part_loose_words([dataclasses.replace(word(text, 0.9), box=box, line_height=30.0)], image)
    assert [w.text for w in read] == parts
    assert (read[0].box[0], read[-1].box[2]) == (box[0], box[2])
    if len(read) == 2:
        assert read[1].box[0] - read[0].box[2] == max(gaps)


@pytest.mark.skipif(tesseract.find_data(("eng", "deu")) is None, reason="no German data (apt-get: tesseract-ocr-deu)")
def test_german_is_read_with_its_letters_and_hyphens() -> None:
    lines = [
        "Über die Größe der Straßen und Plätze",
        "wird im übernächsten Jahr neu ver-",
        "handelt; Änderungen müssen früh",
    ]
    source = "#set page(width: 14cm, height: 5cm)\n" + " \\\n".join(lines)
    with pdfium.PdfDocument(typst.compile(source.encode(), format="pdf")) as pdf:
        page = pdf[0].render(scale=200 / 72, grayscale=True).to_pil()
    reading = read_image(choose_engine("deu+eng", "tesseract"), page, dpi=200)
    assert words_of(reading) == " ".join(lines)
    assert "deu" in str(reading.engine)


class Recorder:
    """An engine that gives prepared answers and notes what it was asked."""

    name = "recorder"

    def __init__(self, *answers: list[OcrWord], orientation: tuple[int, float] = (0, 0.0)) -> None:
        self.answers = list(answers)
        self.calls: list[str] = []
        self._orientation = orientation

    def recognise(self, image: Image.Image, *, dpi: float) -> list[OcrWord]:
        self.calls.append("read")
        return self.answers.pop(0)

    def orientation(self, image: Image.Image, *, dpi: float) -> tuple[int, float]:
        self.calls.append("orientation")
        return self._orientation


def scanned(page: Image.Image, *, light: tuple[float, float], grain: float, seed: int = 7) -> Image.Image:
    """The page under light that falls off from left to right, with grain of a standard deviation in grey levels."""
    draw = np.random.default_rng(seed)
    fall = np.linspace(*light, page.width, dtype=np.float32)[None, :]
    pixels = np.asarray(page, dtype=np.float32) * 0.6 + 0.4 * 255
    return Image.fromarray(np.clip(pixels * fall + draw.normal(0, grain, pixels.shape), 0, 255).astype(np.uint8))


def test_grey_paper_under_uneven_light_is_evened_before_the_first_reading(page: Image.Image) -> None:
    dim = scanned(page, light=(0.9, 0.5), grain=2)
    assert not is_noisy(dim)
    even = np.asarray(even_light(dim))
    assert min(np.median(even[:, :200]), np.median(even[:, -200:])) > 235
    assert even_light(page) is page


def test_a_screen_of_dots_is_smoothed_in_one_reading(engine: OcrEngine, page: Image.Image) -> None:
    assert screen_level(page) < SCREENED / 3
    pixels = np.array(page)
    near = np.asarray(page.filter(ImageFilter.MinFilter(15))) < 128
    dots = np.zeros_like(near)
    dots[::2, ::4] = dots[1::2, 2::4] = True
    pixels[near & dots & (pixels > 200)] = 190  # a copier's grey around the letters
    screened = Image.fromarray(pixels)
    assert screen_level(screened) > SCREENED
    assert words_of(read_image(engine, screened, dpi=200)) == TEXT
    recorder = Recorder([word(f"good{n}", 0.95) for n in range(30)])
    read_image(recorder, screened, dpi=200)
    assert recorder.calls == ["read"]


def test_grain_of_grey_paper_is_no_screen_of_dots(page: Image.Image) -> None:
    for grain in (3, 8, 14, 22):
        assert screen_level(scanned(page, light=(0.95, 0.85), grain=grain)) < SCREENED / 3


def test_grain_is_cleaned_in_one_reading(engine: OcrEngine, page: Image.Image) -> None:
    grainy = scanned(page, light=(0.95, 0.9), grain=22)
    assert is_noisy(grainy)
    assert words_of(read_image(engine, grainy, dpi=200)) == TEXT
    recorder = Recorder([word(f"good{n}", 0.95) for n in range(30)])
    read_image(recorder, grainy, dpi=200)
    assert recorder.calls == ["read"]


def test_cleaning_takes_little_memory_and_leaves_no_seams(page: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    grainy = scanned(page, light=(0.9, 0.7), grain=22)
    tracemalloc.start()
    cleaned = flatten(denoise(grainy))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * page.width * page.height  # two arrays of float32
    monkeypatch.setattr(cleaning, "_BAND", 12_000)
    whole = flatten(denoise(grainy))
    assert np.abs(np.asarray(whole, np.int16) - np.asarray(cleaned, np.int16)).max() <= 1


def test_a_dark_panel_stays_dark(page: Image.Image) -> None:
    panel = scanned(page, light=(0.9, 0.85), grain=2)
    panel.paste(20, (100, 1200, 1600, 1800))
    assert np.median(np.asarray(even_light(panel))[1300:1700, 200:1500]) < 128


def test_a_doubtful_reading_goes_to_the_stronger_engine_and_the_better_one_is_kept(page: Image.Image) -> None:
    doubtful = [word(f"perhaps{n}", 0.75) for n in range(30)]
    usual, stronger = Recorder(list(doubtful)), Recorder([word(f"surely{n}", 0.9) for n in range(30)])
    assert words_of(read_image(BackedEngine(usual, stronger), page, dpi=200)).startswith("surely0")
    usual, stronger = Recorder(list(doubtful)), Recorder([word(f"less{n}", 0.7) for n in range(30)])
    assert words_of(read_image(BackedEngine(usual, stronger), page, dpi=200)).startswith("perhaps0")
    usual, stronger = Recorder([word(f"good{n}", 0.95) for n in range(30)]), Recorder()
    read_image(BackedEngine(usual, stronger), page, dpi=200)
    assert stronger.calls == []


def test_hard_without_its_extra_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hard, "installed", lambda: False)
    with pytest.raises(OcrMissingError, match=r"\[hard\]"):
        choose_engine("eng", "hard")
    assert not isinstance(choose_engine("eng", "auto"), BackedEngine)


def test_hard_is_behind_tesseract_where_it_reads_the_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hard, "installed", lambda: True)
    assert isinstance(choose_engine("eng", "auto"), BackedEngine)
    assert not isinstance(choose_engine("eng", "tesseract"), BackedEngine)
    with pytest.raises(OcrMissingError, match="does not read osd"):
        choose_engine("osd", "hard")


def test_words_share_the_box_of_their_line() -> None:
    line = {"topLeftCoord": (100, 10), "bottomRightCoord": (300, 40), "text": "abc  de f", "confidence": 0.97}
    words = list(hard._words(line, 3))
    assert [w.text for w in words] == ["abc", "de", "f"]
    assert words[0].box[0] == 100
    assert words[-1].box[2] == pytest.approx(300)
    assert all(a.box[2] < b.box[0] for a, b in pairwise(words))
    assert {w.line for w in words} == {3}


@pytest.mark.skipif(not hard.installed(), reason="the extra 'hard' is not installed")
def test_the_stronger_engine_reads(page: Image.Image) -> None:
    words = choose_engine("eng", "hard").recognise(page, dpi=200)
    assert " ".join(w.text for w in words) == TEXT
    assert words[0].box == pytest.approx((180, 208, 257, 240), abs=16)


def word(text: str, confidence: float) -> OcrWord:
    return OcrWord(text, (10.0, 10.0, 60.0, 30.0), confidence, 1, 1, 1, 20.0)


def test_a_good_reading_costs_one_pass(page: Image.Image) -> None:
    engine = Recorder([word(f"good{n}", 0.95) for n in range(30)])
    read_image(engine, page, dpi=200)
    assert engine.calls == ["read"]


def test_a_poor_reading_is_retried_and_the_better_one_kept(page: Image.Image) -> None:
    better = [word(f"better{n}", 0.9) for n in range(30)]
    worse = [word(f"worse{n}", 0.6) for n in range(30)]
    engine = Recorder(worse, better)
    assert words_of(read_image(engine, page, dpi=200)).startswith("better0")
    assert engine.calls == ["read", "read"]
    engine = Recorder(worse, [word(f"bad{n}", 0.2) for n in range(30)])
    assert words_of(read_image(engine, page, dpi=200)).startswith("worse0")


def test_a_sure_orientation_is_tried(page: Image.Image) -> None:
    poor, good = [word("mess", 0.3)], [word(f"good{n}", 0.9) for n in range(30)]
    engine = Recorder(poor, good, orientation=(90, 8.0))
    reading = read_image(engine, page, dpi=200)
    assert reading.turn == 90
    assert engine.calls == ["read", "orientation", "read"]


def test_lines_of_one_block_get_one_type_size() -> None:
    heights = [30.0, 33.0, 28.0, 31.0, 60.0]
    words = tuple(
        dataclasses.replace(word("abcdefgh", 0.9), line=n, line_height=height) for n, height in enumerate(heights)
    )
    content = to_content(Reading(words), number=1, width=612, height=792, rotation=0, pixels=(612, 792))
    assert [line.words[0].size for line in content.lines] == [31.0, 31.0, 31.0, 31.0, 60.0]


def test_the_page_is_placed_in_points_under_page_rotation() -> None:
    reading = Reading((word("corner", 0.9),))
    content = to_content(reading, number=3, width=100, height=200, rotation=90, pixels=(400, 200))
    # Shown turned, the 100 × 200 page is 200 × 100 points on 400 × 200 pixels: half a point a pixel.
    assert content.lines[0].box == (5.0, 170.0, 15.0, 195.0)
    assert (content.number, content.rotation) == (3, 90)


HOCR = b"""<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body>
<div class='ocr_page' title='bbox 0 0 500 500'><div class='ocr_carea' title="bbox 0 0 9 9"><p class='ocr_par'>
<span class='ocr_line' title="bbox 10 20 90 40; baseline 0 -4; x_size 22.5; x_descenders 5">
<span class='ocrx_word' title='bbox 10 20 50 40; x_wconf 96'>Two</span>
<span class='ocrx_word' title='bbox 55 20 90 40; x_wconf 41'><em>words</em></span>
<span class='ocrx_word' title='bbox 95 20 99 40; x_wconf 95'> </span></span>
<span class='ocr_line' title="bbox 100 100 120 300; textangle 90; x_size 20">
<span class='ocrx_word' title='bbox 100 100 120 300; x_wconf 80'>up</span></span></p></div></div></body></html>"""


def test_hocr_of_the_command_gives_the_same_kind_of_words() -> None:
    two, words, up = tesseract.parse_hocr(HOCR)
    assert (two.text, two.box, two.confidence, two.line_height) == ("Two", (10.0, 20.0, 50.0, 40.0), 0.96, 22.5)
    assert (words.text, words.line, words.confidence) == ("words", two.line, 0.41)
    assert (up.turn, up.line) == (90, two.line + 1)
    with pytest.raises(OcrFailedError):
        list(tesseract.parse_hocr(b"<html>"))


def test_a_failing_command_is_named(page: Image.Image, tmp_path: Path) -> None:
    command = tmp_path / "tesseract"
    command.write_text("#!/bin/sh\necho 'read_params_file: no such thing' >&2\nexit 1\n")
    command.chmod(0o755)
    engine = tesseract.CommandEngine(("eng",), str(command))
    with pytest.raises(OcrFailedError, match="no such thing"):
        engine.recognise(page, dpi=200)
    assert engine.orientation(page, dpi=200) == (0, 0.0)


@pytest.mark.skipif(
    tesseract.find_command() is None, reason="no tesseract command on this machine; its hOCR is tested on a sample"
)
def test_the_command_reads_like_the_wheel(page: Image.Image) -> None:
    words = tesseract.CommandEngine(("eng",), str(tesseract.find_command())).recognise(page, dpi=200)
    read = choose_engine("eng").recognise(page, dpi=200)
    assert len(words) == len(read) > 0
    same = sum(a.text == b.text for a, b in zip(words, read, strict=True))
    assert same >= 0.9 * len(read)


def test_the_engine_is_named_with_the_set_its_data_comes_from(engine: OcrEngine, page: Image.Image) -> None:
    reading = read_image(engine, page.crop((0, 150, 1700, 300)), dpi=200)
    content = to_content(reading, number=1, width=612, height=54, rotation=0, pixels=(1700, 150))
    assert content.engine == engine.name
    assert "(eng fast)" in engine.name


def traineddata(path: Path, parts: dict[int, int]) -> Path:
    """A file with Tesseract's table of parts; `parts` are sizes by number."""
    offsets, at = [-1] * 24, 4 + 24 * 8
    for number, size in sorted(parts.items()):
        offsets[number], at = at, at + size
    path.write_bytes(struct.pack("<i24q", 24, *offsets))
    os.truncate(path, at)
    return path.parent


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({17: 400_000, 23: 30}, "fast"),
        ({17: 12_000_000, 23: 30}, "best"),
        ({3: 9, 17: 400_000}, "standard"),
        ({3: 9}, "legacy"),
    ],
)
def test_the_set_of_trained_data_is_known_by_its_parts(tmp_path: Path, parts: dict[int, int], expected: str) -> None:
    assert tesseract.describe_data(("xyz",), traineddata(tmp_path / "xyz.traineddata", parts)) == f"xyz {expected}"


def test_a_missing_language_says_what_installs_it() -> None:
    with pytest.raises(OcrMissingError) as caught:
        choose_engine("eng+xyz_abc")
    assert "apt-get install tesseract-ocr tesseract-ocr-xyz-abc" in caught.value.remedy
    assert caught.value.exit_code == 7


def test_without_any_engine_the_remedy_is_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesseract, "wheel_installed", lambda: False)
    monkeypatch.setattr(tesseract, "find_command", lambda: None)
    with pytest.raises(OcrMissingError, match="pip install tesserocr"):
        choose_engine("eng")


@pytest.mark.parametrize("bad", ["", "eng+", "../etc/passwd", "eng deu", "a/b"])
def test_language_names_cannot_be_paths(bad: str) -> None:
    with pytest.raises(UsageError):
        split_languages(bad)


def test_importing_ingest_loads_nothing_heavy() -> None:
    heavy = ("PIL", "numpy", "tesserocr", "pypdfium2", "markdown_it")
    code = f"import sys, docalign.ingest; print([m for m in {heavy} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"
