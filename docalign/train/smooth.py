"""Smoothing before int8: what makes an activation row hard to round is moved into the weights, where it is not.

Every activation row has one int8 scale, set by its largest value. A few channels of the residual stream are ten to
twenty times the others, so the others keep three or four bits. SmoothQuant (arXiv 2211.10438): divide such a channel by
s and multiply its weights by s. s is folded into what makes the channel (the norm in front; the rows of the value
projection for the output projection; the rows of `up` for `down`), so the function stays the same and the graph does no
more work.

It has a second use. A policy that went on from int8 weights has moved most of them by less than half a step; rounded to
the same steps they would fall back to where they came from, and what was learned would be gone. Other scales are other
steps, so rounding is noise again.
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
            scale = _scale(largest[products[0]], products)
            norm.weight.div_(scale)
            for product in products:
                product.weight.mul_(scale)
        scale = _scale(largest[mlp.down_proj], (mlp.down_proj,))
        mlp.up_proj.weight.div_(scale[:, None])
        mlp.down_proj.weight.mul_(scale)
        _smooth_values(attention, _scale(largest[attention.o_proj], (attention.o_proj,)), model.config)


def _smooth_values(attention: Any, scale: Tensor, config: Any) -> None:
    """The query heads of a group read one value head, so they share its scales: the geometric mean of theirs."""
    heads, groups = config.num_attention_heads, config.num_key_value_heads
    by_head = scale.view(groups, heads // groups, -1)
    shared = by_head.log().mean(1).exp()
    attention.v_proj.weight.div_(shared.reshape(-1, 1))
    attention.o_proj.weight.mul_(shared[:, None].expand_as(by_head).reshape(-1))


def _scale(largest: Tensor, products: Sequence[Any]) -> Tensor:
    """s of every input channel, `(features,)`; its geometric mean is 1."""
    weights = torch.stack([p.weight.abs().amax(0) for p in products]).amax(0)
    scale = largest.clamp(min=1e-5) ** _SHARE / weights.clamp(min=1e-5) ** (1 - _SHARE)
    return scale / scale.log().mean().exp()


def _largest(trunk: Any, windows: Sequence[Window]) -> dict[nn.Module, Tensor]:
    """The largest |input| of the products by channel, `(features,)` each; of those that share an input, the first's."""
    found: dict[nn.Module, Tensor] = {}

    def note(product: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        here = inputs[0].detach().abs().reshape(-1, inputs[0].shape[-1]).amax(0)
        found[product] = torch.maximum(found[product], here) if product in found else here

    with ExitStack() as hooks:
        for layer in trunk.layers:
            for product in (layer.self_attn.q_proj, layer.self_attn.o_proj, layer.mlp.gate_proj, layer.mlp.down_proj):
                hooks.enter_context(product.register_forward_pre_hook(note))
        for window in windows:
            trunk(input_ids=torch.from_numpy(window.ids)[None], use_cache=False)
    return found
