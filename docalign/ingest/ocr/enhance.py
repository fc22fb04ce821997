"""Cleaning a page image that Tesseract read badly: turning, denoising, deskewing.

Only retries come here: on a clean page these steps cost accuracy. Every step also says how a point of its result maps
back to the image it was given, so that boxes stay true. Pillow and numpy only.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from docalign.ingest.ocr.denoise import GRAIN_OF_MEDIAN, GRAINY, denoise, flatten
from docalign.ingest.ocr.engine import PixelBox

__all__ = [
    "NOISY",
    "SCREENED",
    "Affine",
    "clean",
    "find_skew",
    "grow",
    "has_ink",
    "is_noisy",
    "map_box",
    "noise_level",
    "screen_level",
    "straighten",
    "turn_clockwise",
    "without_screen",
]

Affine = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f: a point (x, y) of the result was (a·x + b·y + c, d·x + e·y + f) in the image it came from."""

NOISY: Final = 12.0
SCREENED: Final = 0.032
_LIGHTER_THAN_INK: Final = 150
_INK: Final = 128
_DOT_DEPTH: Final = 24
"""Grey levels. Grain is no screen: a page smoothed for its grain lost every second line."""
_GRAINS: Final = 6.0
_DOTS_IN: Final = 1 / 170
"""The radius, in inches, of a blur that closes a screen and leaves print."""
_LEAST_INK: Final = 0.005
"""Of all pixels: on a page with less, a few dots mean nothing."""
_COARSE_DPI: Final = 140.0
_WANTED_DPI: Final = 200.0
_MOST_COARSE_PX: Final = 4_000_000
_FAINTEST: Final = 16.0
"""Grey levels off the paper, averaged over a 75th of an inch."""
_DARK: Final = 48.0
_MAX_SKEW_DEG: Final = 12.0
_TRANSPOSE: Final = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


def map_box(box: PixelBox, back: Affine) -> PixelBox:
    """The smallest upright box around the corners of `box`, mapped by `back`."""
    x0, y0, x1, y1 = box
    a, b, c, d, e, f = back
    corners = [(x0, y0), (x1, y0), (x0, y1), (x1, y1)]
    xs = [a * x + b * y + c for x, y in corners]
    ys = [d * x + e * y + f for x, y in corners]
    return (min(xs), min(ys), max(xs), max(ys))


def turn_clockwise(image: Image.Image, degrees: int) -> tuple[Image.Image, Affine]:
    """The image turned by 0, 90, 180 or 270 degrees, and the way back."""
    width, height = float(image.width), float(image.height)
    if degrees % 360 == 0:
        return image, (1, 0, 0, 0, 1, 0)
    back: dict[int, Affine] = {
        90: (0, 1, 0, -1, 0, height),
        180: (-1, 0, width, 0, -1, height),
        270: (0, -1, width, 1, 0, 0),
    }
    return image.transpose(_TRANSPOSE[degrees % 360]), back[degrees % 360]


def has_ink(image: Image.Image, *, dpi: float) -> bool:
    """Whether a grey page shows anything: marks bigger than specks against its own background, faint ones too."""
    small = image.reduce(max(1, round(dpi / 75)))
    pixels = np.asarray(small, dtype=np.int16)
    inner = pixels[1:-1, 1:-1] if min(pixels.shape) > 2 else pixels
    apart = np.abs(inner - int(np.median(pixels)))
    grain = GRAIN_OF_MEDIAN * float(np.median(apart))
    return int(np.count_nonzero(apart > min(max(_FAINTEST, 6 * grain), _DARK))) >= 6


def noise_level(image: Image.Image) -> float:
    """Mean grey levels (0–255) by which pixels differ from the median of their neighbours, at the page's middle.

    Clean print stays below 5; above 12 the engine sees specks as text, and may take a minute for a page of them.
    """
    return float(_apart(image).mean())


def is_noisy(image: Image.Image) -> bool:
    """Whether specks or grain would be read as text, or hide it."""
    apart = _apart(image)
    return float(apart.mean()) > NOISY or GRAIN_OF_MEDIAN * float(np.median(apart)) >= GRAINY


def without_screen(image: Image.Image, *, dpi: float) -> Image.Image:
    """The page with the dots of a screen smoothed into the paper, if it is full of them; else the image itself."""
    return image.filter(ImageFilter.GaussianBlur(_DOTS_IN * dpi)) if screen_level(image) > SCREENED else image


def screen_level(image: Image.Image) -> float:
    """Dots of a printing or copying screen for every pixel of ink, in every eighth row.

    A dot is lighter than ink and much darker than the pixels on both its sides, by more than grain is. The edges of
    print have few: scans that read well stay below 0.022. Two words in three of a page full of dots (0.043) were
    misread.
    """
    pixels = np.asarray(image)[::8].astype(np.int16)
    if pixels.shape[1] < 3:
        return 0.0
    depth = max(_DOT_DEPTH, _GRAINS * GRAIN_OF_MEDIAN * float(np.median(_apart(image))))
    inner = pixels[:, 1:-1]
    sides = np.minimum(pixels[:, :-2], pixels[:, 2:])
    dots = int(np.count_nonzero((inner > _LIGHTER_THAN_INK) & (sides - inner > depth)))
    ink = int(np.count_nonzero(pixels < _INK))
    return dots / max(ink, _LEAST_INK * pixels.size)


def _middle(image: Image.Image) -> Image.Image:
    left, top = max(0, image.width // 2 - 300), max(0, image.height // 2 - 300)
    return image.crop((left, top, min(image.width, left + 600), min(image.height, top + 600)))


def _apart(image: Image.Image) -> npt.NDArray[np.int16]:
    """How far the pixels of the page's middle are from the median of their neighbours, shape (height, width)."""
    pixels = np.asarray(_middle(image))
    smooth = _median_of_nine(np.pad(pixels, 1, mode="edge"))
    apart: npt.NDArray[np.int16] = (np.maximum(pixels, smooth) - np.minimum(pixels, smooth)).astype(np.int16)
    return apart


def _median_of_nine(edged: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The median of every pixel and its eight neighbours, without the edge; Pillow's filter takes fifty times as long.

    Columns of three are sorted; the median of nine is that of the greatest low, the middle middle and the least high.
    """
    low, middle, high = _sorted(edged[:-2], edged[1:-1], edged[2:])
    lows = np.maximum(np.maximum(low[:, :-2], low[:, 1:-1]), low[:, 2:])
    highs = np.minimum(np.minimum(high[:, :-2], high[:, 1:-1]), high[:, 2:])
    middles = _sorted(middle[:, :-2], middle[:, 1:-1], middle[:, 2:])[1]
    return _sorted(lows, middles, highs)[1]


def _sorted(
    a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8], c: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Place by place, the least, the middle and the greatest of three."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    return np.minimum(low, c), np.maximum(low, np.minimum(high, c)), np.maximum(high, c)


def grow(image: Image.Image, *, dpi: float) -> tuple[Image.Image, Affine]:
    """A coarse image enlarged to about 200 dpi, at most three times; any other as it is. And the way back."""
    if dpi >= _COARSE_DPI or image.width * image.height > _MOST_COARSE_PX:
        return image, (1, 0, 0, 0, 1, 0)
    times = min(_WANTED_DPI / max(dpi, 1.0), 3.0)
    size = (max(1, round(image.width * times)), max(1, round(image.height * times)))
    across, down = image.width / size[0], image.height / size[1]
    return image.resize(size, Image.Resampling.BICUBIC), (across, 0, 0, 0, down, 0)


def clean(image: Image.Image) -> tuple[Image.Image, Affine]:
    """Even background, no specks or grain, straight lines; and the way back."""
    even = flatten(denoise(image))
    return straighten(even, find_skew(even))


def find_skew(image: Image.Image) -> float:
    """Degrees by which the lines of a grey image fall clockwise, by the sharpest projection profile; 0 if unclear."""
    small = image.reduce(max(1, round(max(image.width, image.height) / 1000)))
    pixels = np.asarray(small, dtype=np.uint8)
    dark = pixels < (int(np.median(pixels[::2, ::2])) + int(pixels.min())) / 2
    # Solid areas (scan borders, pictures) have no lines: keep the lower edges of marks only.
    edges = dark[:-1] & ~dark[1:]
    ys, xs = np.nonzero(edges)
    if len(ys) < 200:
        return 0.0
    if len(ys) > 60_000:
        keep = np.linspace(0, len(ys) - 1, 60_000).astype(int)
        ys, xs = ys[keep], xs[keep]
    coarse = np.arange(-_MAX_SKEW_DEG, _MAX_SKEW_DEG + 0.01, 0.5)
    best = _sharpest(xs, ys, coarse)
    best = _sharpest(xs, ys, np.arange(best - 0.5, best + 0.51, 0.1))
    return 0.0 if abs(best) < 0.15 or abs(best) > _MAX_SKEW_DEG - 0.1 else float(best)


def _sharpest(xs: npt.NDArray[np.int64], ys: npt.NDArray[np.int64], angles: npt.NDArray[np.float64]) -> float:
    scores = []
    for angle in angles:
        slope = math.tan(math.radians(float(angle)))
        rows = np.round(ys - xs * slope).astype(np.int64)
        profile = np.bincount(rows - rows.min()).astype(np.float64)
        scores.append(float(np.square(profile).sum()))
    return float(angles[int(np.argmax(scores))])


def straighten(image: Image.Image, skew: float) -> tuple[Image.Image, Affine]:
    """Turn back lines that fall by `skew` degrees clockwise, on a canvas that holds all corners."""
    if skew == 0.0:
        return image, (1, 0, 0, 0, 1, 0)
    angle = math.radians(skew)
    cos, sin = math.cos(angle), math.sin(angle)
    width = math.ceil(image.width * cos + image.height * abs(sin))
    height = math.ceil(image.height * cos + image.width * abs(sin))
    # A horizontal step in the result is a step along the fallen line in the source.
    c = image.width / 2 - (cos * width - sin * height) / 2
    f = image.height / 2 - (sin * width + cos * height) / 2
    back: Affine = (cos, -sin, c, sin, cos, f)
    return image.transform(
        (width, height), Image.Transform.AFFINE, back, Image.Resampling.BILINEAR, fillcolor=255
    ), back
