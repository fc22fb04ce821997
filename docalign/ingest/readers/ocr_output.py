"""Pages that another OCR program has read: words with boxes and confidences, laid out as our own readings are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from docalign.errors import EmptyInputError, LimitExceededError
from docalign.ingest.ocr.engine import OcrWord, PixelBox
from docalign.ingest.ocr.reading import Reading, to_content
from docalign.ingest.options import IngestOptions
from docalign.ingest.page import PageContent

__all__ = ["OcrPages", "ReadPage", "page_content", "words_of_line"]


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page as its program measured it: `width` and `height` in its units, `points` to each."""

    width: float
    height: float
    points: float
    words: tuple[OcrWord, ...]


class OcrPages:
    """A `PageReader` over pages that are already read. `engine` names the program, where it says so."""

    warnings: tuple[str, ...] = ()

    def __init__(self, pages: list[ReadPage], engine: str | None, options: IngestOptions) -> None:
        if not pages:
            raise EmptyInputError("the file has no page.", remedy="Check how it was made.")
        if len(pages) > options.max_pages:
            raise LimitExceededError(
                f"it has {len(pages)} pages, over max_pages ({options.max_pages}).", remedy="Raise max_pages or split."
            )
        self._read, self._engine = pages, engine
        self.pages = len(pages)

    def page(self, index: int) -> PageContent:
        """The page at `index` (from 0)."""
        return page_content(self._read[index], index + 1, self._engine)

    def close(self) -> None:
        """Nothing is held open."""


def page_content(page: ReadPage, number: int, engine: str | None) -> PageContent:
    """The page in points, on its way to layout."""
    reading = Reading(page.words, engine=engine)
    width, height = round(page.width * page.points, 2), round(page.height * page.points, 2)
    pixels = (max(1, round(page.width)), max(1, round(page.height)))
    unknown = all(word.confidence == 1.0 for word in page.words)
    content = to_content(reading, number=number, width=width, height=height, rotation=0, pixels=pixels)
    return replace(content, confidence=None) if unknown else content


def words_of_line(text: str, box: PixelBox, confidence: float, line: int) -> Iterator[OcrWord]:
    """The words of a line of which only the whole has a box: each gets its share of the width."""
    x0, y0, x1, y1 = box
    share = (x1 - x0) / max(1, len(text))
    at = 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        place = (x0 + start * share, y0, x0 + at * share, y1)
        yield OcrWord(word, place, confidence, 1, line, line, y1 - y0)
