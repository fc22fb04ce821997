"""How good a policy is while it trains: the task's own metrics on development gold, through the run-time path.

The policy chunks each line as `docalign chunk` would: windows, log-odds, the exact solver. So what is measured is what
people will get, not the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from docalign.chunker.chunker import Chunker
from docalign.chunker.options import ChunkOptions
from docalign.errors import UsageError
from docalign.evaluate.run import evaluate
from docalign.train.engine import TorchEngine
from docalign.train.gold import GoldLine

if TYPE_CHECKING:
    from torch import nn

    from docalign.chunker.prompt import Renderer
    from docalign.train.slot_model import SlotConfig

__all__ = ["METRICS", "dev_score"]

METRICS: Final = ("boundary_f1", "pk", "windowdiff", "boundary_similarity")


def dev_score(model: nn.Module, renderer: Renderer, config: SlotConfig, lines: Sequence[GoldLine]) -> dict[str, float]:
    """Means over the lines of `METRICS`, of the rule rewards (`reward_NAME`), and of broken promises (`broken`, a sum).

    Raises:
        UsageError: no lines, or a counter that is unknown here.
    """
    if not lines:
        raise UsageError("there is no development gold to measure on.", remedy="Give --dev GOLD with lines in it.")
    prior = next(m for n, m in model.named_modules() if n.endswith("length_prior"))
    engine = TorchEngine.of(model, config)
    chunker = Chunker(engine, renderer, prior.prior(), model_name="in training", tokenizer=lines[0].counter)

    def chunk(line: GoldLine) -> list[tuple[int, int]]:
        target, limit = (None, None) if line.is_transcript else line.sizes
        options = ChunkOptions(max_tokens=limit, target_tokens=target, tokenizer=line.counter)
        return [(c.start, c.end) for c in chunker.chunk(line.document, options)]

    was_training = model.training
    model.eval()
    try:
        report: dict[str, Any] = evaluate(lines, chunk)
    finally:
        model.train(was_training)
    broken = report["over_limit"] + report["orphan_headings"] + report["lost_characters"]
    rewards = {f"reward_{name}": float(value) for name, value in report["rewards"].items()}
    return {m: float(report[m]) for m in METRICS} | rewards | {"broken": float(broken)}
