"""What a person may set of an alignment run; one dataclass per method, each a superset of `CoreOptions`.

Recipes in `data/recipes/` are TOML files of these names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from docalign.errors import UsageError

__all__ = [
    "CoreOptions",
    "DpoLoss",
    "DpoOptions",
    "GroupOptions",
    "JointOptions",
    "KtoOptions",
    "OnlineDpoOptions",
    "OrpoOptions",
    "PpoOptions",
]

Keep = Literal["reward", "gold", "preferences"]
DpoLoss = Literal["sigmoid", "ipo", "robust"]


@dataclass(frozen=True, kw_only=True)
class CoreOptions:
    """What every method has.

    Steps: `max_steps` updates of `batch_windows` windows, each at most `window_tokens` of prompt; `trained_layers` last
    layers of the LM learn (None: all; embeddings never).
    Rates: `learning_rate` for the weights, `prior_learning_rate` for the length prior, reached in `warmup_steps`, then
    falling as a cosine to a tenth.
    Looking: before the first step and every `eval_steps`, `held_out_windows` windows are sampled `eval_samples` times
    each, and `dev_lines` lines of development gold chunked as at run time.
    Keeping: the best policy by `keep` (held-out reward, gold F1, or agreement with held-out preferences) among those
    whose gold F1 is not more than `gold_tolerance` below the start's. The policy the run began with takes part.
    Stopping: at `kl_budget` nats per block from the reference; when the reward has risen and gold F1 fallen by more
    than the tolerance `patience` looks in a row; when over `collapse_share` of the samples cut everywhere or nowhere,
    or over `flat_share` of the groups have no spread for `flat_steps` steps.
    """

    max_steps: int = 100
    batch_windows: int = 4
    window_tokens: int = 1000
    trained_layers: int | None = None
    learning_rate: float = 1e-5
    prior_learning_rate: float = 1e-3
    warmup_steps: int = 5
    eval_steps: int = 25
    eval_samples: int = 8
    held_out_windows: int = 60
    dev_lines: int = 60
    keep: Keep = "reward"
    gold_tolerance: float = 0.01
    kl_budget: float = 0.3
    patience: int = 3
    collapse_share: float = 0.9
    flat_share: float = 0.95
    flat_steps: int = 10
    seed: int = 7

    def __post_init__(self) -> None:
        for name in ("max_steps", "batch_windows", "window_tokens", "eval_steps", "eval_samples", "patience"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, not {getattr(self, name)}.")
        for name in ("learning_rate", "prior_learning_rate", "kl_budget", "gold_tolerance"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} must not be below 0, but is {getattr(self, name)}.")


@dataclass(frozen=True, kw_only=True)
class DpoOptions(CoreOptions):
    """`beta` is how much a nat of margin counts; `sft_weight` adds −log P(chosen) per block; `loss`, see `dpo_loss`."""

    beta: float = 0.1
    loss: DpoLoss = "sigmoid"
    label_smoothing: float = 0.0
    sft_weight: float = 0.0


@dataclass(frozen=True, kw_only=True)
class KtoOptions(CoreOptions):
    """`beta` as in DPO; the weights balance desirable and undesirable chunkings."""

    beta: float = 0.1
    desirable_weight: float = 1.0
    undesirable_weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class OrpoOptions(CoreOptions):
    """`weight` is λ, of the odds ratio beside −log P(chosen) per block."""

    weight: float = 0.5


@dataclass(frozen=True, kw_only=True)
class GroupOptions(CoreOptions):
    """GRPO and RLOO: `samples` chunkings of each window; `kl_weight` of the exact KL and `entropy_weight` of the
    entropy (nats per window) in the objective; `scale` divides GRPO's advantages by their group's deviation."""

    samples: int = 16
    kl_weight: float = 0.05
    entropy_weight: float = 0.0
    scale: bool = True


@dataclass(frozen=True, kw_only=True)
class PpoOptions(CoreOptions):
    """PPO over chunks: `epochs` passes over each rollout of `samples` chunkings a window, ratios clipped at `clip`.

    `kl_weight` starts the penalty on the exact KL; it grows and shrinks so that KL per block nears `kl_target`.
    `discount` and `decay` are γ and λ of the advantages; `ema_decay` above 0 makes the reference a running average.
    `value_decay` is how fast the value head forgets, `value_ridge` what keeps it small.
    """

    samples: int = 16
    epochs: int = 1
    clip: float = 0.2
    kl_weight: float = 0.05
    kl_target: float = 0.05
    entropy_weight: float = 0.0
    discount: float = 1.0
    decay: float = 0.95
    ema_decay: float = 0.0
    value_decay: float = 0.95
    value_ridge: float = 10.0


@dataclass(frozen=True, kw_only=True)
class OnlineDpoOptions(DpoOptions):
    """At the start of each round of `round_steps` steps, `samples` chunkings of each of its windows are scored; the
    best and the worst make a pair where they are `margin` apart."""

    samples: int = 16
    round_steps: int = 10
    margin: float = 0.02


@dataclass(frozen=True, kw_only=True)
class JointOptions(DpoOptions):
    """DPO and SFT at once: `joint` says how (`alright`, `maxright`: arXiv 2410.15483; `mix`: the weighted sum).

    `weight` is λ, the share of DPO. `maxright` looks at both losses every `refresh_steps`; `dpo_best` and `sft_best`
    are f*, the losses each alone would reach.
    """

    joint: Literal["alright", "maxright", "mix"] = "alright"
    weight: float = 0.5
    refresh_steps: int = 10
    dpo_best: float = 0.0
    sft_best: float = 0.0
