"""Whether a boundary probability means what it says: of the blocks given 0.8, do chunks start at four in five?

Expected calibration error with equal-width bins (Naeini et al., "Obtaining well calibrated probabilities using Bayesian
binning", 2015) and the Brier score, over all blocks that may or may not start a chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["BINS", "Calibration", "calibrate"]

BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """`bins`: for each tenth of the probabilities, (blocks in it, their mean probability, share that start a chunk)."""

    blocks: int
    error: float
    brier: float
    bins: tuple[tuple[int, float, float], ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "blocks": self.blocks,
            "expected_calibration_error": round(self.error, 6),
            "brier": round(self.brier, 6),
            "bins": [{"blocks": n, "probability": round(p, 4), "starts": round(y, 4)} for n, p, y in self.bins],
        }


def calibrate(pairs: Iterable[tuple[float, bool]]) -> Calibration | None:
    """The calibration of (probability, did a chunk start there) pairs; None without any."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for probability, starts in pairs:
        bins[min(BINS - 1, int(probability * BINS))].append((probability, starts))
    total = sum(map(len, bins))
    if not total:
        return None
    rows = tuple(_row(part) for part in bins)
    return Calibration(
        blocks=total,
        error=sum(n * abs(p - y) for n, p, y in rows) / total,
        brier=sum((p - y) ** 2 for part in bins for p, y in part) / total,
        bins=rows,
    )


def _row(part: Sequence[tuple[float, bool]]) -> tuple[int, float, float]:
    count = len(part)
    if not count:
        return (0, 0.0, 0.0)
    return (count, sum(p for p, _ in part) / count, sum(y for _, y in part) / count)
