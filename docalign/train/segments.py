"""The policy's distribution in torch: everything exact, differentiable and batched over windows and chunkings.

The twin of `docalign/chunker/solve.py` (which runs without torch); they agree to 1e-6 and both agree with
enumeration on small inputs. float64 throughout: a window's log Z sums over astronomically many segmentations.

The distribution is a chain of moves: from a chunk's start i to the next one's, j (or the window's end), with the score
φ of the chunk plus s_j. One backward pass over the moves (β) gives Z, samples and the log-probability of every move;
one forward pass more (α) gives marginals, entropy and KL. None of it runs the LLM again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch
from torch import Tensor

from docalign.chunker.prior import KNOTS

__all__ = ["Segmentations", "log_partition", "next_starts", "phi", "score"]

_NEVER: Final = -1e30
_POSSIBLE: Final = -1e29


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


@dataclass(frozen=True)
class Segmentations:
    """P(y | x) of a batch of windows. Chunkings are 0/1 starts `(windows, atoms)` or `(windows, samples, atoms)`.

    What is worked out once is kept, with its gradients: whoever asks first may do so without them (sampling does).

    Attributes:
        moves: score of the move from start i to the next start j, `(windows, atoms, atoms + 1)`; hugely negative where
            there is no such chunk.
        lengths: atoms in each window, `(windows,)`; what is beyond is padding.
    """

    moves: Tensor
    lengths: Tensor

    @classmethod
    def of(
        cls, log_odds: Tensor, sizes: Tensor, lengths: Tensor, target: Tensor, cap: Tensor, values: Tensor
    ) -> Segmentations:
        """The distribution that log-odds and sizes make.

        Args:
            log_odds: s, `(windows, atoms)` float64; the entry of atom 0 is not used.
            sizes: tokens per atom, `(windows, atoms)` float64.
            lengths: atoms in each window, `(windows,)`.
            target, cap: `(windows,)` float64 in tokens; infinity for none.
            values: φ at the knots, `(knots,)` float64.
        """
        chunks = _chunk_scores(sizes, lengths, target, cap, values)
        gain = torch.nn.functional.pad(log_odds, (0, 1))
        # A cut at the window's end is no cut: its gain is 0 and its β is 0.
        at_end = torch.arange(gain.shape[1], device=log_odds.device)[None, :] == lengths[:, None]
        gain = torch.where(at_end, torch.zeros_like(gain), gain)
        possible = chunks > _POSSIBLE
        return cls(torch.where(possible, chunks + gain[:, None, :], chunks), lengths)

    @classmethod
    def of_batch(cls, log_odds: Tensor, batch: Mapping[str, Tensor], values: Tensor) -> Segmentations:
        """The distribution of a batch as `windows.collate` makes one."""
        return cls.of(log_odds, batch["sizes"], batch["lengths"], batch["target"], batch["cap"], values)

    @cached_property
    @torch.enable_grad()
    def log_beta(self) -> Tensor:
        """log-sum of the scores of all that may follow a start at atom i, `(windows, atoms + 1)`; 0 at the end."""
        windows, count, _ = self.moves.shape
        beta = self.moves.new_zeros((windows, 1))
        for i in range(count - 1, -1, -1):
            here = torch.logsumexp(self.moves[:, i, i + 1 :] + beta, dim=1)
            # Beyond a window's end nothing follows: β = 0 there, so that its last chunk ends on solid ground.
            here = torch.where(i < self.lengths, here, torch.zeros_like(here))
            beta = torch.cat((here[:, None], beta), dim=1)
        return beta

    @property
    def log_z(self) -> Tensor:
        """log Z, `(windows,)`."""
        return self.log_beta[:, 0]

    @cached_property
    @torch.enable_grad()
    def log_alpha(self) -> Tensor:
        """log-sum of the scores of all that may lead to a start at atom i, `(windows, atoms + 1)`; 0 at atom 0."""
        windows, count, _ = self.moves.shape
        alpha = self.moves.new_zeros((windows, 1))
        for j in range(1, count + 1):
            here = torch.logsumexp(alpha + self.moves[:, :j, j], dim=1)
            alpha = torch.cat((alpha, here.clamp(min=_NEVER)[:, None]), dim=1)
        return alpha

    @cached_property
    @torch.enable_grad()
    def log_moves(self) -> Tensor:
        """log π(j | i): the policy's actions, `(windows, atoms, atoms + 1)`; each row of real atoms sums to 1."""
        return self.moves + self.log_beta[:, None, :] - self.log_beta[:, :-1, None]

    @cached_property
    @torch.enable_grad()
    def move_marginals(self) -> Tensor:
        """P(the chunk [i, j) is there), `(windows, atoms, atoms + 1)`."""
        return (
            self.log_alpha[:, :-1, None] + self.log_moves + self.log_beta[:, :-1, None] - self.log_z[:, None, None]
        ).exp()

    @property
    def marginals(self) -> Tensor:
        """P(a chunk starts at atom i), `(windows, atoms)`; 1 at atom 0, 0 in the padding."""
        return self.move_marginals.sum(2)

    @property
    def entropy(self) -> Tensor:
        """−E[log P], in nats, `(windows,)`."""
        return self.log_z - self._expected(self.moves)

    def kl(self, reference: Segmentations) -> Tensor:
        """KL(this ‖ reference) = E[Δscore] − Δlog Z, in nats, `(windows,)`."""
        return self._expected(self.moves - reference.moves) - (self.log_z - reference.log_z)

    def _expected(self, values: Tensor) -> Tensor:
        possible = self.moves > _POSSIBLE
        return (self.move_marginals * torch.where(possible, values, torch.zeros_like(values))).sum((1, 2))

    def score(self, starts: Tensor) -> Tensor:
        """score(y), `(windows,)` or `(windows, samples)`; hugely negative for what cannot be."""
        return self._along(self.moves, starts).sum(-1)

    def log_prob(self, starts: Tensor) -> Tensor:
        """log P(y), `(windows,)` or `(windows, samples)`."""
        log_z = self.log_z
        return self.score(starts) - (log_z if starts.dim() == 2 else log_z[:, None])

    def log_steps(self, starts: Tensor) -> Tensor:
        """log π(next start | start) at every chunk's start, 0 elsewhere, shaped like `starts`; they sum to log P(y)."""
        return self._along(self.log_moves, starts)

    def _along(self, moves: Tensor, starts: Tensor) -> Tensor:
        """`moves[i, next start after i]` at every start i of `starts`, 0 elsewhere."""
        single = starts.dim() == 2
        chosen = starts[:, None] if single else starts
        inside = torch.arange(chosen.shape[2], device=chosen.device) < self.lengths[:, None, None]
        cut = (chosen > 0) & inside
        following = next_starts(cut, self.lengths)
        # (windows, atoms, samples): the end of the chunk that would start at each atom.
        taken = torch.gather(moves, 2, following.transpose(1, 2)).transpose(1, 2)
        taken = torch.where(cut, taken, torch.zeros_like(taken))
        return taken[:, 0] if single else taken

    @torch.no_grad()
    def sample(self, number: int, generator: torch.Generator | None = None) -> Tensor:
        """Exact, independent chunkings, `(windows, number, atoms)` bool: forward sampling along log π(j | i)."""
        windows, count, _ = self.moves.shape
        device = self.moves.device
        reached = self.log_moves.exp().cumsum(2)
        starts = torch.zeros((windows, number, count), dtype=torch.bool, device=device)
        at = torch.zeros((windows, number), dtype=torch.int64, device=device)
        ends = self.lengths[:, None].expand(-1, number)
        draws = torch.rand((count, windows, number), dtype=torch.float64, generator=generator).to(device)
        for step in range(count):
            going = at < ends
            if not bool(going.any()):
                break
            here = at.clamp(max=count - 1)
            starts.scatter_(2, here[..., None], starts.gather(2, here[..., None]) | going[..., None])
            rows = torch.gather(reached, 1, here[..., None].expand(-1, -1, count + 1))
            # Rounding leaves the last sum a little off 1: scaled by it, no draw can fall behind the end.
            chosen = torch.searchsorted(rows, draws[step][..., None] * rows[..., -1:], right=True)[..., 0]
            at = torch.where(going, torch.minimum(chosen.clamp(max=count), ends), at)
        return starts

    @torch.no_grad()
    def viterbi(self) -> Tensor:
        """The most probable chunking, `(windows, atoms)` bool ("raw greedy"); ties: fewer cuts, then earlier ones."""
        windows, count, _ = self.moves.shape
        best = self.moves.new_zeros((windows, count + 1))
        number = torch.zeros((windows, count + 1), dtype=torch.int64, device=self.moves.device)
        following = torch.zeros((windows, count), dtype=torch.int64, device=self.moves.device)
        ends = torch.arange(count + 1, device=self.moves.device)
        for i in range(count - 1, -1, -1):
            totals = self.moves[:, i, i + 1 :] + best[:, i + 1 :]
            tied = totals == totals.max(1, keepdim=True).values
            order = number[:, i + 1 :] * (count + 2) + ends[i + 1 :]
            choice = torch.where(tied, order, torch.full_like(order, (count + 2) ** 2)).argmin(1)
            following[:, i] = i + 1 + choice
            real = i < self.lengths
            best[:, i] = torch.where(real, totals.gather(1, choice[:, None])[:, 0], best[:, i])
            number[:, i] = torch.where(real, number.gather(1, following[:, i : i + 1])[:, 0] + 1, number[:, i])
        starts = torch.zeros((windows, count), dtype=torch.bool, device=self.moves.device)
        at = torch.zeros(windows, dtype=torch.int64, device=self.moves.device)
        rows = torch.arange(windows, device=self.moves.device)
        while bool((going := at < self.lengths).any()):
            starts[rows[going], at[going]] = True
            at = torch.where(going, following[rows, at.clamp(max=count - 1)], at)
        return starts


def next_starts(cut: Tensor, lengths: Tensor) -> Tensor:
    """For each atom the next start behind it, or the window's length, `(windows, samples, atoms)`."""
    count = cut.shape[2]
    positions = torch.arange(count, device=cut.device).expand_as(cut)
    end = lengths[:, None, None].expand_as(cut)
    marked = torch.where(cut, positions, end)
    behind = torch.cat((marked[..., 1:], end[..., :1]), dim=2)
    return behind.flip(2).cummin(2).values.flip(2)


def log_partition(
    log_odds: Tensor, sizes: Tensor, lengths: Tensor, target: Tensor, cap: Tensor, values: Tensor
) -> Tensor:
    """log Z, `(windows,)`; arguments as for `Segmentations.of`."""
    return Segmentations.of(log_odds, sizes, lengths, target, cap, values).log_z


def score(
    log_odds: Tensor, starts: Tensor, sizes: Tensor, lengths: Tensor, target: Tensor, cap: Tensor, values: Tensor
) -> Tensor:
    """score(y), `(windows,)`, of segmentations given as 0/1 `starts` `(windows, atoms)` with atom 0 set."""
    return Segmentations.of(log_odds, sizes, lengths, target, cap, values).score(starts)
