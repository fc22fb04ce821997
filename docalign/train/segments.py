"""The policy's distribution in torch: exact log Z and log-probabilities, differentiable, batched over windows.

The twin of `docalign/chunker/solve.py` (which runs without torch); they agree to 1e-6 and both agree with
enumeration on small inputs. float64 throughout: a window's log Z sums over astronomically many segmentations.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from docalign.chunker.prior import KNOTS

__all__ = ["log_partition", "phi", "score"]

_NEVER = -1e30


def phi(ratios: Tensor, values: Tensor) -> Tensor:
    """φ at `ratios` (any shape), linear between KNOTS, with the last slope beyond; differentiable in `values`."""
    knots = torch.tensor(KNOTS, dtype=torch.float64, device=ratios.device)
    index = torch.bucketize(ratios.clamp(max=float(knots[-1])), knots, right=True).sub(1).clamp(0, len(KNOTS) - 2)
    share = (ratios.clamp(max=float(knots[-1])) - knots[index]) / (knots[index + 1] - knots[index])
    inside = values[index] * (1 - share) + values[index + 1] * share
    slope = ((values[-1] - values[-2]) / (knots[-1] - knots[-2])).clamp(max=0)
    return inside + (ratios - knots[-1]).clamp(min=0) * slope


def _chunk_scores(sizes: Tensor, lengths: Tensor, target: Tensor, cap: Tensor, values: Tensor) -> Tensor:
    """φ of every chunk [i, j), `(windows, atoms, atoms + 1)`; _NEVER where there is no such chunk.

    `target` and `cap` have shape `(windows,)`; infinity stands for none (φ is then 0).
    """
    count = sizes.shape[1]
    edges = torch.nn.functional.pad(sizes.cumsum(1), (1, 0))
    size = edges[:, None, :] - edges[:, :-1, None]
    value = torch.where(
        target.isfinite()[:, None, None], phi(size / target[:, None, None], values), torch.zeros_like(size)
    )
    i = torch.arange(count, device=sizes.device)[:, None]
    j = torch.arange(count + 1, device=sizes.device)[None, :]
    allowed = (j > i) & ((size <= cap[:, None, None]) | (j == i + 1)) & (j <= lengths[:, None, None])
    return torch.where(allowed, value, torch.full_like(value, _NEVER))


def log_partition(
    log_odds: Tensor, sizes: Tensor, lengths: Tensor, target: Tensor, cap: Tensor, values: Tensor
) -> Tensor:
    """log Z, `(windows,)`.

    Args:
        log_odds: s, `(windows, atoms)` float64; the entry of atom 0 is not used.
        sizes: tokens per atom, `(windows, atoms)` float64.
        lengths: atoms in each window, `(windows,)`; what is beyond is padding.
        target, cap: `(windows,)` float64 in tokens; infinity for none.
        values: φ at the knots, `(knots,)` float64.
    """
    windows, count = log_odds.shape
    chunks = _chunk_scores(sizes, lengths, target, cap, values)
    gain = torch.nn.functional.pad(log_odds, (0, 1))
    # A cut at the window's end is no cut: its gain is 0 and its β is 0.
    at_end = torch.arange(count + 1, device=log_odds.device)[None, :] == lengths[:, None]
    gain = torch.where(at_end, torch.zeros_like(gain), gain)
    beta = [torch.zeros(windows, dtype=log_odds.dtype, device=log_odds.device)] * 1
    for i in range(count - 1, -1, -1):
        tail = torch.stack(beta[::-1], dim=1)
        here = torch.logsumexp(chunks[:, i, i + 1 :] + gain[:, i + 1 :] + tail, dim=1)
        # Beyond a window's end nothing follows: β = 0 there, so that its last chunk ends on solid ground.
        beta.append(torch.where(i < lengths, here, torch.zeros_like(here)))
    return beta[-1]


def score(
    log_odds: Tensor, starts: Tensor, sizes: Tensor, lengths: Tensor, target: Tensor, cap: Tensor, values: Tensor
) -> Tensor:
    """score(y), `(windows,)`, of segmentations given as 0/1 `starts` `(windows, atoms)` with atom 0 set."""
    windows, count = log_odds.shape
    inside = torch.arange(count, device=log_odds.device)[None, :] < lengths[:, None]
    cut = (starts > 0) & inside
    cut_free = cut.clone()
    cut_free[:, 0] = False
    total = (log_odds * cut_free).sum(1)
    chunks = _chunk_scores(sizes, lengths, target, cap, values)
    for w in range(windows):
        points = [*torch.nonzero(cut[w]).flatten().tolist(), int(lengths[w])]
        pairs = torch.tensor(list(pairwise(points)), device=log_odds.device)
        total[w] = total[w] + chunks[w, pairs[:, 0], pairs[:, 1]].sum()
    return total
