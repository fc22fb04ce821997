"""Reading one page image: the engine first as is, then with help if the result is poor, then page coordinates.

A poor reading is turned upright (if the engine can tell how), then denoised and deskewed, once each, and read by the
stronger engine where there is one; the best of the readings is kept. A good page costs one pass, its pixels untouched.
This module knows engines only by their protocol and does not open files.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Final

from PIL.Image import Transpose

from docalign.document import Box
from docalign.ingest.layout.frame import from_frame, union
from docalign.ingest.ocr.check import check_turn, check_words
from docalign.ingest.ocr.denoise import even_light
from docalign.ingest.ocr.engine import BackedEngine, OcrEngine, OcrWord
from docalign.ingest.ocr.enhance import (
    Affine,
    clean,
    find_skew,
    grow,
    has_ink,
    is_noisy,
    map_box,
    straighten,
    turn_clockwise,
    without_screen,
)
from docalign.ingest.ocr.loose_words import part_loose_words
from docalign.ingest.ocr.second_look import with_passed_over
from docalign.ingest.page import PageContent, TextLine, Word

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Reading", "read_image", "to_content"]

_GOOD_CONFIDENCE: Final = 0.7
_GOOD_FEW_WORDS: Final = 0.85
_FEW_WORDS: Final = 5
_SURE_CONFIDENCE: Final = 0.85
_TURNED_CONFIDENCE: Final = 0.55
"""Pages lying on a side or upside down came out below 0.4, bad ones that stand upright above 0.6."""
_NOISE_CONFIDENCE: Final = 0.4
_NOISE_WORDS: Final = 20
_MIRRORED_CONFIDENCE: Final = 0.55
"""Mirrored print came out between 0.2 and 0.45."""
_CLEARLY_BETTER: Final = 0.15
_MIN_ORIENTATION: Final = 1.0
_MIN_SKEW_DEG: Final = 1.0
_SAME_SIZE_IN_BLOCK: Final = 0.25
_SAME_SIZE_ON_PAGE: Final = 0.12


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of an image, boxes in its pixels. `confidence` is their mean weighted by length, None without words.

    `turn`: degrees clockwise that bring most of the words upright. `skew`: degrees by which lines then fall
    clockwise. `noise`: what was read and not believed. `engine`: the name of the engine these words are of.
    """

    words: tuple[OcrWord, ...]
    turn: int = 0
    skew: float = 0.0
    noise: str = ""
    engine: str | None = None

    @property
    def confidence(self) -> float | None:
        weight = sum(len(w.text) for w in self.words)
        return sum(w.confidence * len(w.text) for w in self.words) / weight if weight else None

    @property
    def poor(self) -> bool:
        confidence = self.confidence
        if confidence is None:
            return True
        return confidence < (_GOOD_FEW_WORDS if len(self.words) < _FEW_WORDS else _GOOD_CONFIDENCE)

    @property
    def maybe_turned(self) -> bool:
        confidence = self.confidence
        return confidence is None or confidence < _TURNED_CONFIDENCE or len(self.words) < _FEW_WORDS

    @property
    def doubtful(self) -> bool:
        """Good enough to keep, not so good that a stronger engine could not do better."""
        return self.poor or (self.confidence or 0.0) < _SURE_CONFIDENCE

    @property
    def score(self) -> float:
        """Letters and digits read with some belief: what two readings of one page are compared by."""
        return sum(max(0.0, w.confidence - 0.4) * sum(map(str.isalnum, w.text)) for w in self.words)


@dataclass(frozen=True, slots=True)
class _View:
    """The page as an engine is shown it: `image` was made by steps that `back` undoes, the last one first.

    `dpi` is the page's own. `skew` was found on the way and is gone from the image unless it was too little to matter.
    `clean`: the image was freed of specks and grain.
    """

    image: Image
    dpi: float
    back: tuple[Affine, ...] = ()
    turn: int = 0
    skew: float = 0.0
    clean: bool = False

    def turned(self, degrees: int) -> _View:
        if not degrees:
            return self
        image, back = turn_clockwise(self.image, degrees)
        taken_out = self.skew if self.clean or abs(self.skew) >= _MIN_SKEW_DEG else 0.0
        skew = taken_out + find_skew(image)
        return replace(self, image=image, back=(back, *self.back), turn=(self.turn + degrees) % 360, skew=skew)

    def grown(self) -> _View:
        image, back = grow(self.image, dpi=self.dpi)
        return replace(self, image=image, back=(back, *self.back))

    def prepared(self) -> _View:
        """Even, without grain or screen, and straight as far as it takes; a good page as it is."""
        if is_noisy(self.image):
            return self.cleaned()
        even = even_light(without_screen(self.image, dpi=self.dpi))
        skew = find_skew(even)
        if abs(skew) < _MIN_SKEW_DEG:
            return replace(self, image=even, skew=skew)
        straight, back = straighten(even, skew)
        return replace(self, image=straight, back=(back, *self.back), skew=skew)

    def cleaned(self) -> _View:
        image, back = clean(self.image)
        skew = math.degrees(math.atan2(back[3], back[0]))
        return replace(self, image=image, back=(back, *self.back), skew=skew, clean=True)

    def read(self, engine: OcrEngine) -> Reading:
        dpi = self.dpi / math.prod(math.hypot(step[0], step[3]) for step in self.back)
        words = check_words(engine.recognise(self.image, dpi=dpi), self.image.size)
        words = part_loose_words(with_passed_over(engine, words, self.image, dpi=dpi), self.image)
        for step in self.back:
            scale = math.hypot(step[0], step[3])
            words = [replace(w, box=map_box(w.box, step), line_height=w.line_height * scale) for w in words]
        turns = Counter[int]()
        for word in words:
            turns[word.turn] += len(word.text)
        upright = turns.most_common(1)[0][0] if turns else 0
        # Skew was measured across lines that run left to right; it says nothing about lines that turned out to stand.
        skew = 0.0 if upright % 180 else self.skew
        return Reading(tuple(words), (self.turn + upright) % 360, skew, engine=engine.name)


def read_image(engine: OcrEngine, image: Image, *, dpi: float) -> Reading:
    """Read a grey image; a poor reading is retried, and the last to be asked is the stronger engine if there is one.

    What no confidence gives away afterwards is mended before the first reading: on a skewed page and on grey paper
    under uneven light Tesseract silently loses lines, and a page of specks can take it a minute.

    Raises:
        OcrFailedError: the engine refused the image.
    """
    if not has_ink(image, dpi=dpi):
        return Reading(())
    page = _View(image, dpi)
    view = page.prepared()
    best = view.read(engine)
    if best.poor:
        best, view = _retried(engine, page, view, best)
    if isinstance(engine, BackedEngine) and best.doubtful:
        best = max(best, view.read(engine.stronger), key=lambda r: r.score)
    return _believed(engine, view, best)


def _retried(engine: OcrEngine, page: _View, first: _View, reading: Reading) -> tuple[Reading, _View]:
    """The best of the first reading and up to three more (untouched, upright, cleaned), and what it was read from."""
    tries = [(reading, first)]
    if first.image is not page.image and not first.clean:
        plain = replace(page, skew=first.skew)
        tries.append((plain.read(engine), plain))
    turn, sure = check_turn(engine.orientation(first.image, dpi=page.dpi)) if reading.maybe_turned else (0, 0.0)
    if turn and sure >= _MIN_ORIENTATION:
        upright = first.turned(turn)
        tries.append((upright.read(engine), upright))
    best = max(tries, key=lambda t: t[0].score)[0]
    if best.poor and not first.clean:
        cleaned = page.grown().turned(best.turn).cleaned()
        tries.append((cleaned.read(engine), cleaned))
    return max(tries, key=lambda t: t[0].score)


def _believed(engine: OcrEngine, view: _View, reading: Reading) -> Reading:
    """The reading without what is no text.

    A few doubtful words are specks of a blank scan; a page of doubtful words that reads better in the mirror is the
    print of its other side shining through.
    """
    confidence = reading.confidence
    few = len(reading.words) < _NOISE_WORDS
    if confidence is None or confidence >= (_NOISE_CONFIDENCE if few else _MIRRORED_CONFIDENCE):
        return reading
    if not few:
        mirrored = replace(view, image=view.image.transpose(Transpose.FLIP_LEFT_RIGHT)).read(engine)
        if (mirrored.confidence or 0.0) < confidence + _CLEARLY_BETTER or mirrored.score < 2 * reading.score:
            return reading
    return Reading((), noise=" ".join(w.text for w in reading.words), engine=reading.engine)


def to_content(
    reading: Reading, *, number: int, width: float, height: float, rotation: int, pixels: tuple[int, int]
) -> PageContent:
    """A reading as a page.

    `width` and `height` are the unrotated page's in points; the image of size `pixels` shows it turned clockwise by
    `rotation` degrees, as a viewer would.
    """
    shown_width, shown_height = (height, width) if rotation % 180 else (width, height)
    across, down = shown_width / pixels[0], shown_height / pixels[1]

    def place(box: tuple[float, float, float, float]) -> Box:
        x0, y0, x1, y1 = box
        shown = (
            min(max(x0 * across, 0.0), shown_width),
            min(max(y0 * down, 0.0), shown_height),
            min(max(x1 * across, 0.0), shown_width),
            min(max(y1 * down, 0.0), shown_height),
        )
        return from_frame(shown, width, height, rotation)

    points_per_pixel = across if reading.turn % 180 else down
    size_of = _even_sizes(reading.words)
    lines = []
    for key, group in groupby(reading.words, key=_line_of):
        size = round(size_of[key] * points_per_pixel, 2)
        words = tuple(Word(w.text, place(w.box), size, confidence=w.confidence) for w in group)
        lines.append(TextLine(words, union(w.box for w in words)))
    return PageContent(
        number=number,
        width=width,
        height=height,
        kind="scan" if lines else "blank",
        lines=tuple(lines),
        dropped=((reading.noise, "noise"),) if reading.noise else (),
        ocr=True,
        confidence=reading.confidence if lines else None,
        rotation=(rotation + reading.turn) % 360,
        skew=round(reading.skew, 2) if lines else 0.0,
        engine=reading.engine,
    )


def _line_of(word: OcrWord) -> tuple[int, int, int]:
    return (word.block, word.paragraph, word.line)


def _even_sizes(words: Sequence[OcrWord]) -> dict[tuple[int, int, int], float]:
    """A type size in pixels for each line.

    The engine measures every line by the letters that happen to stand in it, so one type size comes out as many.
    Lines near the median of their block take it; then blocks near the page's commonest size take that.
    """
    lines = {_line_of(w): w.line_height for w in words}
    for near, key in ((_SAME_SIZE_IN_BLOCK, lambda w: w.block), (_SAME_SIZE_ON_PAGE, lambda _: 0)):
        groups: dict[int, list[float]] = {}
        for word in words:
            groups.setdefault(key(word), []).extend([lines[_line_of(word)]] * len(word.text))
        usual = {k: median(sizes) for k, sizes in groups.items()}
        for word in words:
            size, middle = lines[_line_of(word)], usual[key(word)]
            if abs(size - middle) <= near * middle:
                lines[_line_of(word)] = middle
    return lines
