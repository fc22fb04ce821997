"""Smoothing before int8: what makes an activation row hard to round is moved into the weights, where it is not.

Every activation row has one int8 scale, set by its largest value. A few channels of the residual stream are ten to
twenty times the others, so the others keep three or four bits. SmoothQuant (arXiv 2211.10438): divide such a channel by
s and multiply its weights by s. s is folded into the norm in front of the product, so the function stays the same and
the graph does no more work. Only the products behind a norm are smoothed (qkv, gate and up): the same was measured to
hurt at down_proj, whose rare huge values stand in few rows, which have scales of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final

import torch
from torch import Tensor, nn

from docalign.chunker.context import Window

__all__ = ["smooth"]

_SHARE: Final = 0.5
"""How much of the difficulty moves to the weights (SmoothQuant's α)."""


@torch.no_grad()
def smooth(model: nn.Module, windows: Sequence[Window]) -> None:
    """Rescale a Llama-style policy in place; what it computes stays the same.

    Args:
        windows: a few windows of training documents, to see how large activations are.
    """
    trunk: Any = model.model
    largest = _largest(trunk, windows)
    for layer in trunk.layers:
        attention, mlp = layer.self_attn, layer.mlp
        for norm, products in (
            (layer.input_layernorm, (attention.q_proj, attention.k_proj, attention.v_proj)),
            (layer.post_attention_layernorm, (mlp.gate_proj, mlp.up_proj)),
        ):
            weights = torch.stack([p.weight.abs().amax(0) for p in products]).amax(0)
            scale = largest[norm].clamp(min=1e-5) ** _SHARE / weights.clamp(min=1e-5) ** (1 - _SHARE)
            scale = scale / scale.log().mean().exp()
            norm.weight.div_(scale)
            for product in products:
                product.weight.mul_(scale)


def _largest(trunk: Any, windows: Sequence[Window]) -> dict[nn.Module, Tensor]:
    """The largest |output| of every norm by channel, `(hidden,)` each."""
    found: dict[nn.Module, Tensor] = {}

    def note(norm: nn.Module, _: Any, output: Tensor) -> None:
        here = output.detach().abs().reshape(-1, output.shape[-1]).amax(0)
        found[norm] = torch.maximum(found[norm], here) if norm in found else here

    with ExitStack() as hooks:
        for layer in trunk.layers:
            for norm in (layer.input_layernorm, layer.post_attention_layernorm):
                hooks.enter_context(norm.register_forward_hook(note))
        for window in windows:
            trunk(input_ids=torch.from_numpy(window.ids)[None], use_cache=False)
    return found
