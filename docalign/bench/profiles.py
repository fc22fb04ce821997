"""How much a run measures: `--quick` ends in minutes, the other in well under an hour on two cores."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Amounts.

    Attributes:
        windows: gold windows of each plain condition.
        window_blocks: at most so many blocks in a window.
        rendered: windows that are also printed to PDF, and scanned and read by OCR; of `rendered_blocks` blocks.
        curve: windows that misreadings are put into, at each of `error_rates`.
        questions: documents of the retrieval section; `budget_tokens` are retrieved for each question.
        pages: lengths that cost is measured at; a peer that would take longer than `patience_s` for the next length
            stops before it.
        generative: windows that an arm which writes its answers is measured on.
    """

    name: str
    windows: int
    window_blocks: int
    rendered: int
    rendered_blocks: int
    curve: int
    error_rates: tuple[float, ...]
    questions: int
    budget_tokens: int
    pages: tuple[int, ...]
    patience_s: float
    generative: int


FULL = Profile("full", 16, 120, 12, 60, 8, (0.0, 0.02, 0.05, 0.1, 0.2), 6, 700, (1, 10, 100, 1000), 25.0, 1)
QUICK = Profile("quick", 6, 60, 2, 40, 3, (0.0, 0.05, 0.2), 3, 700, (1, 10), 10.0, 1)
