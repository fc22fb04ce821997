"""What reading a file found, page by page: `docalign.report/1`.

A Document is the same for the same file; how long its pages took and which of them failed is not, and stands here. A
report is made from the pages that `ingest(on_page=…)` showed and the Document they became (none, where reading failed).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from docalign.document import Document, Dropped, Leftover
from docalign.errors import DocalignError
from docalign.ingest.page import PageContent

__all__ = ["Characters", "PageReport", "Report", "make_report"]

SCHEMA: Final = "docalign.report/1"

FAILED: Final = "failed"
"""What a page that could not be read counts as among the kinds."""


@dataclass(frozen=True, slots=True)
class Characters:
    """Non-space characters by the place where they ended."""

    text: int = 0
    furniture: int = 0
    invisible: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class PageReport:
    """A page: what it was, how it was read, and what became of it.

    `kind` is None where the page could not be read (`error` says why). `seconds` is its reading alone, in its worker.
    `rotation` as in `Page`. `blocks` begin on this page.
    """

    number: int
    kind: str | None
    engine: str | None
    confidence: float | None
    seconds: float | None
    rotation: int
    blocks: int
    characters: Characters
    warnings: tuple[str, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """A file. `seconds` is the wall time of reading it; `warnings` are about no single page; `error` ended it."""

    source: str
    sha256: str | None
    seconds: float
    pages: tuple[PageReport, ...] = ()
    blocks: int = 0
    characters: Characters = field(default_factory=Characters)
    warnings: tuple[str, ...] = ()
    error: DocalignError | None = None

    @property
    def kinds(self) -> dict[str, int]:
        """Kind of page → how many, the commonest first."""
        return dict(Counter(FAILED if p.error else p.kind or "unknown" for p in self.pages).most_common())

    def to_json(self) -> dict[str, Any]:
        """The `docalign.report/1` object."""
        return {
            "schema": SCHEMA,
            "source": self.source,
            "sha256": self.sha256,
            "seconds": round(self.seconds, 3),
            "kinds": self.kinds,
            "blocks": self.blocks,
            "characters": asdict(self.characters),
            "pages": [_page_json(p) for p in self.pages],
            "warnings": list(self.warnings),
            "error": self.error.as_json() if self.error else None,
        }


def make_report(
    source: str,
    pages: Sequence[PageContent],
    document: Document | None,
    *,
    seconds: float,
    error: DocalignError | None = None,
) -> Report:
    """The report on one file.

    Args:
        pages: those that were read, in order; none for formats without pages.
        document: what became of them; None where `error` ended the reading.
        seconds: wall time of the whole reading.
    """
    if document is None:
        return Report(source, None, seconds, tuple(_page(p, 0, Characters()) for p in pages), error=error)
    places = _places(document)
    begun = Counter(b.page for b in document.blocks)
    total = Characters(_count(document.text), *(sum(_sums(things).values()) for things in _aside(document)))
    return Report(
        source,
        document.sha256,
        seconds,
        tuple(_page(p, begun[p.number], places.get(p.number, Characters())) for p in pages),
        len(document.blocks),
        total,
        tuple(_of_the_file(document.warnings, pages)),
        error,
    )


def _page(page: PageContent, blocks: int, characters: Characters) -> PageReport:
    return PageReport(
        number=page.number,
        kind=None if page.error else page.kind,
        engine=page.engine,
        confidence=page.confidence,
        seconds=page.seconds,
        rotation=page.rotation,
        blocks=blocks,
        characters=characters,
        warnings=page.warnings,
        error=page.error,
    )


def _page_json(page: PageReport) -> dict[str, Any]:
    value = asdict(page)
    value["seconds"] = None if page.seconds is None else round(page.seconds, 4)
    value["warnings"] = list(page.warnings)
    return value


def _places(document: Document) -> dict[int, Characters]:
    """Page number → where its characters went. A block without lines counts on the page where it begins."""
    text: Counter[int] = Counter()
    for block in document.blocks:
        for line in block.lines:
            text[line.page] += _count(document.text[line.start : line.end])
        if not block.lines and block.page is not None:
            text[block.page] += _count(document.block_text(block))
    aside = [_sums(things) for things in _aside(document)]
    return {p.number: Characters(text[p.number], *(sums[p.number] for sums in aside)) for p in document.pages}


def _aside(document: Document) -> tuple[Sequence[Leftover | Dropped], ...]:
    return (document.furniture, document.invisible, document.dropped)


def _sums(things: Iterable[Leftover | Dropped]) -> Counter[int | None]:
    sums: Counter[int | None] = Counter()
    for thing in things:
        sums[thing.page] += _count(thing.text)
    return sums


def _count(text: str) -> int:
    return sum(not c.isspace() for c in text)


def _of_the_file(warnings: Sequence[str], pages: Sequence[PageContent]) -> list[str]:
    """The document's warnings that no page gave."""
    said = {note for p in pages for w in (*p.warnings, p.error or "") for note in (w, f"page {p.number}: {w}")}
    return [w for w in warnings if w not in said]
