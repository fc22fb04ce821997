"""The length prior φ: how much a policy likes a chunk of a given size, relative to the target.

φ is piecewise linear in ratio = tokens / target, never positive, and part of the model (its JSON holds the
values). Beyond the last knot it goes on with a constant slope, so that ever longer chunks get ever less likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from docalign.errors import ModelIncompatibleError

__all__ = ["KNOTS", "FreePrior", "LengthPrior"]

KNOTS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0)
"""Ratios tokens / target at which φ is free; denser where chunk sizes lie."""

_DEFAULT: Final = (-4.0, -3.0, -2.2, -1.6, -1.1, -0.7, -0.3, -0.1, 0.0, 0.0, 0.0, -0.5, -1.5, -3.0, -6.0, -12.0, -18.0)


@dataclass(frozen=True, slots=True)
class LengthPrior:
    """φ given by its values at the knots."""

    values: tuple[float, ...] = _DEFAULT
    knots: tuple[float, ...] = field(default=KNOTS)

    def __post_init__(self) -> None:
        falling = any(b <= a for a, b in pairwise(self.knots))
        if len(self.values) != len(self.knots) or len(self.knots) < 2 or falling:
            raise ModelIncompatibleError(
                f"a length prior needs a value for each of its knots, which rise; got {list(self.values)} at "
                f"{list(self.knots)}."
            )
        if not all(isfinite(v) and v <= 0 for v in self.values):
            raise ModelIncompatibleError(
                f"the values of a length prior are finite, none over 0; got {list(self.values)}."
            )

    def __call__(self, ratios: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """φ at `ratios` (any shape)."""
        knots, values = np.asarray(self.knots), np.asarray(self.values)
        slope = min(0.0, (values[-1] - values[-2]) / (knots[-1] - knots[-2]))
        beyond = np.maximum(ratios - knots[-1], 0.0) * slope
        return np.asarray(np.interp(ratios, knots, values) + beyond, dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        return {"knots": list(self.knots), "values": list(self.values)}

    @classmethod
    def from_json(cls, value: dict[str, Sequence[float]]) -> LengthPrior:
        return cls(tuple(float(v) for v in value["values"]), tuple(float(k) for k in value["knots"]))


@dataclass(frozen=True, slots=True)
class FreePrior:
    """What stands in for φ where no size is asked for: chunks much shorter than a typical topic cost something.

    Without it neighbouring blocks are cut one by one where a topic changes gradually. φ rises linearly from
    −short_cost at nothing to 0 at `typical_tokens` and stays there: no topic is too long.
    """

    typical_tokens: float
    short_cost: float

    def __post_init__(self) -> None:
        if not (isfinite(self.typical_tokens) and isfinite(self.short_cost)):
            raise ModelIncompatibleError("the numbers of a free prior are finite.")
        if self.typical_tokens <= 0 or self.short_cost < 0:
            raise ModelIncompatibleError("a free prior has a typical size above 0 and a cost of 0 or more.")

    @property
    def length_prior(self) -> LengthPrior:
        """φ at tokens / typical_tokens."""
        return LengthPrior((-self.short_cost, 0.0, 0.0), (0.0, 1.0, 2.0))

    def to_json(self) -> dict[str, float]:
        return {"typical_tokens": self.typical_tokens, "short_cost": self.short_cost}

    @classmethod
    def from_json(cls, value: dict[str, float]) -> FreePrior:
        return cls(float(value["typical_tokens"]), float(value["short_cost"]))
