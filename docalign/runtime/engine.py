"""The engine protocol: windows in, a log-odds per slot out. One method, so that torch, ONNX and fakes are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from docalign.chunker.context import Window

__all__ = ["GRID", "Engine", "rounded"]

GRID: Final = 256.0
"""Log-odds are rounded to multiples of 1/256 before solving: the last bits differ between batch sizes and machines."""


class Engine(Protocol):
    """Scores windows. `name` goes into chunk ids with the model's name."""

    name: str

    def log_odds(self, windows: Sequence[Window]) -> list[npt.NDArray[np.float64]]:
        """s of each window's slots, `(slots,)` float64, rounded to the grid; one array per window, in order."""
        ...


def rounded(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """`values` on the grid, in float64."""
    return np.asarray(np.round(values.astype(np.float64) * GRID) / GRID, dtype=np.float64)
