"""Freeing a page image of specks, grain and uneven light. Pillow and numpy only.

A page is four million pixels, an array of numbers four or eight times as many bytes: what needs numbers is done in
bands of rows, so that a worker stays small. The bands join without a seam.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

__all__ = ["GRAINY", "GRAIN_OF_MEDIAN", "denoise", "even_light", "flatten"]

GRAIN_OF_MEDIAN: Final = 1.4826
"""A normal distribution's standard deviation by its median absolute deviation."""
GRAINY: Final = 4.0
"""Grey levels of grain; prints scanned well stay below 2."""
_SPECK: Final = 40.0
_WHITE_PAPER: Final = 250.0
_EVEN: Final = 0.85
_DARKEST_PAPER: Final = 0.4
"""Share of the usual brightness; what is darker is no shadow on paper but a dark panel, whose print is light."""
_BAND: Final = 120
"""Rows of a band; a multiple of the steps (3) in which pixels are sampled."""
_RADIUS: Final = 3


def denoise(image: Image.Image) -> Image.Image:
    """Without specks, and without grain where there is grain.

    Specks are pixels far out of their neighbourhood, measured by its own grain; only they take the median, which
    would eat thin strokes. Grain goes by a narrow blur and Wiener's filter: what varies locally no more than the
    page's usual place does is smoothed, the edges of print stay.
    """
    pixels = np.array(image)
    middle = np.asarray(image.filter(ImageFilter.MedianFilter(3)))
    apart = np.maximum(pixels, middle) - np.minimum(pixels, middle)
    grain = GRAIN_OF_MEDIAN * float(np.median(apart[::3, ::3]))
    np.copyto(pixels, middle, where=apart > max(_SPECK, 4 * grain))
    whole = Image.fromarray(pixels)
    return whole if grain < GRAINY else _without_grain(whole.filter(ImageFilter.GaussianBlur(1.0)))


def _without_grain(image: Image.Image) -> Image.Image:
    pixels = np.array(image)
    height = len(pixels)
    edged = np.pad(pixels, _RADIUS, mode="edge")
    usual = [
        _mean_and_variance(edged[top : bottom + 2 * _RADIUS])[1][::3, ::3].copy() for top, bottom in _bands(height)
    ]
    noise = float(np.median(np.concatenate(usual)))
    for top, bottom in _bands(height):
        mean, variance = _mean_and_variance(edged[top : bottom + 2 * _RADIUS])
        smooth = mean + np.maximum(variance - noise, 0.0) / variance * (pixels[top:bottom] - mean)
        pixels[top:bottom] = np.clip(smooth, 0, 255)
    return Image.fromarray(pixels)


def _mean_and_variance(edged: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Of every pixel's square of 2 · _RADIUS + 1; the result lacks the edge of _RADIUS pixels that `edged` has."""
    values = edged.astype(np.uint32)
    area = np.float32((2 * _RADIUS + 1) ** 2)
    mean = _box_sum(values) / area
    variance = _box_sum(np.square(values)) / area
    variance -= np.square(mean)
    return mean, np.maximum(variance, 1e-3, out=variance)


def _box_sum(values: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    """Differences of running sums; these may wrap around, the differences are right all the same."""
    side = 2 * _RADIUS + 1
    for axis in (0, 1):
        total = np.cumsum(values, axis=axis, dtype=np.uint32)
        values = np.take(total, range(side - 1, total.shape[axis]), axis=axis)
        inner = values[1:] if axis == 0 else values[:, 1:]
        inner -= total[: len(inner)] if axis == 0 else total[:, : inner.shape[1]]
    return values.astype(np.float32)


def even_light(image: Image.Image) -> Image.Image:
    """The page with its paper made white, if it is grey or light falls on it unevenly; else the image itself."""
    paper = _paper(image)
    usual, dark = float(np.median(paper)), float(np.percentile(paper, 2))
    return image if usual >= _WHITE_PAPER and dark >= _EVEN * usual else _divided(image, paper)


def flatten(image: Image.Image) -> Image.Image:
    """Divide by the local paper brightness, then stretch: shadows of a photograph and grain go, print stays."""
    return _divided(image, _paper(image))


def _divided(image: Image.Image, paper: npt.NDArray[np.float32]) -> Image.Image:
    paper = np.maximum(paper, max(_DARKEST_PAPER * float(np.median(paper)), 1.0))
    small = Image.fromarray(1 / paper)
    pixels = np.array(image)

    def evened(top: int, bottom: int) -> npt.NDArray[np.float32]:
        box = (0.0, top * small.height / image.height, float(small.width), bottom * small.height / image.height)
        bright = np.asarray(small.resize((image.width, bottom - top), Image.Resampling.BILINEAR, box=box))
        return np.asarray(pixels[top:bottom] * bright, dtype=np.float32)

    # Every sixth pixel tells how bright and how grainy the paper is.
    some = pixels[::6, ::6]
    sample = some * np.asarray(small.resize((some.shape[1], some.shape[0]), Image.Resampling.BILINEAR))
    middle = float(np.median(sample))
    grain = 1.5 * float(np.median(np.abs(sample - middle)))
    white = middle - 2 * grain
    black = min(float(np.percentile(sample, 0.5)), white - 0.25)
    for top, bottom in _bands(image.height):
        levels = (evened(top, bottom) - np.float32(black)) * np.float32(255 / (white - black))
        pixels[top:bottom] = np.clip(levels, 0, 255, out=levels)
    return Image.fromarray(pixels)


def _paper(image: Image.Image) -> npt.NDArray[np.float32]:
    """The paper's brightness, a sixteenth of the size: of every place the brightest near it."""
    small = image.reduce((min(16, image.width), min(16, image.height)))
    return np.asarray(small.filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.BoxBlur(2)), dtype=np.float32)


def _bands(height: int) -> Iterator[tuple[int, int]]:
    """The first and the last row (not included) of each band."""
    return ((top, min(top + _BAND, height)) for top in range(0, height, _BAND))
