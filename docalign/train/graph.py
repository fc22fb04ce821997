"""The exported graph of a Llama-style policy, built node by node with ONNX Runtime's fused operators.

torch.onnx.export leaves attention as two dozen nodes that write out every head's full score matrix; here it is one
GroupQueryAttention, and each layer is eleven nodes. Weights are plain float32 matrices; `quantise.py` makes them int8.

Only the Llama block (RMSNorm, grouped-query attention with rotary positions, SwiGLU) is built; other architectures go
through the general exporter in `export.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

__all__ = ["is_llama", "llama_graph"]

_CONTRIB: Final = "com.microsoft"
_OPSET: Final = 21
_IR_VERSION: Final = 10


def is_llama(model: nn.Module) -> bool:
    """Whether `llama_graph` can build this model."""
    config: Any = model.config
    if config.model_type != "llama" or config.attention_bias or config.mlp_bias:
        return False
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    # GroupQueryAttention's rotary kernel wants whole vectors.
    rotary = config.rope_parameters.get("rope_type", "default")
    return bool(head % 16 == 0 and config.hidden_act == "silu" and rotary == "default")


@dataclass
class _Builder:
    """Collects nodes and weights; every method returns the name of what it made."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def weight(self, name: str, value: torch.Tensor | npt.NDArray[Any]) -> str:
        array = value.detach().float().numpy() if isinstance(value, torch.Tensor) else value
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(
        self, kind: str, inputs: list[str], output: str, *, domain: str = "", more: int = 0, **attributes: Any
    ) -> str:
        outputs = [output, *(f"{output}.{i}" for i in range(more))]
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=output, domain=domain, **attributes))
        return output


def llama_graph(model: nn.Module, *, max_positions: int) -> onnx.ModelProto:
    """`input_ids` (1, tokens) and `slots` (1, blocks) int64 → `log_odds` (1, blocks) float32.

    Args:
        model: a policy as `slot_model` makes it (`model.model` the trunk, `model.lm_head` the two label rows).
        max_positions: the longest window, in tokens, the rotary tables are made for.
    """
    config: Any = model.config
    trunk: Any = model.model
    rows = model.lm_head.weight.detach()  # type: ignore[union-attr,operator]
    builder = _Builder()
    _shared(builder, config, max_positions)
    embedding = builder.weight("embedding", trunk.embed_tokens.weight)
    hidden = builder.node("Gather", [embedding, "input_ids"], "hidden")
    for i, layer in enumerate(trunk.layers):
        hidden = _layer(builder, layer, config, hidden, f"layer{i}")
    chosen = builder.node("GatherElements", [hidden, _slot_index(builder, config)], "chosen", axis=1)
    normed = _norm(builder, trunk.norm, config, chosen, "norm")
    row = builder.weight("label_row", (rows[0] - rows[1])[:, None])
    scores = builder.node("MatMul", [normed, row], "scores")
    builder.node("Squeeze", [scores, builder.weight("last_axis", np.array([2]))], "log_odds")
    return _model(builder)


def _shared(builder: _Builder, config: Any, max_positions: int) -> None:
    """Rotary tables and the lengths that GroupQueryAttention asks for."""
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    theta = config.rope_parameters["rope_theta"]
    frequencies = 1.0 / theta ** (np.arange(0, size, 2, dtype=np.float64) / size)
    angles = np.arange(max_positions)[:, None] * frequencies[None, :]
    builder.weight("cos", np.cos(angles).astype(np.float32))
    builder.weight("sin", np.sin(angles).astype(np.float32))
    builder.weight("one", np.array(1, dtype=np.int32))
    shape = builder.node("Shape", ["input_ids"], "shape")
    tokens = builder.node("Gather", [shape, builder.weight("axis1", np.array(1))], "tokens", axis=0)
    total = builder.node("Cast", [tokens], "total", to=TensorProto.INT32)
    before = builder.node("Sub", [total, "one"], "before")
    builder.node("Reshape", [before, builder.weight("as_one", np.array([1, 1]))], "lengths")


def _layer(builder: _Builder, layer: Any, config: Any, hidden: str, name: str) -> str:
    attention, mlp = layer.self_attn, layer.mlp
    normed = _norm(builder, layer.input_layernorm, config, hidden, f"{name}.norm1")
    packed = torch.cat([attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight])
    qkv = _linear(builder, packed, normed, f"{name}.qkv")
    mixed = builder.node(
        "GroupQueryAttention",
        [qkv, "", "", "", "", "lengths", "total", "cos", "sin"],
        f"{name}.attention",
        domain=_CONTRIB,
        more=2,
        num_heads=config.num_attention_heads,
        kv_num_heads=config.num_key_value_heads,
        do_rotary=1,
    )
    hidden = builder.node(
        "Add", [hidden, _linear(builder, attention.o_proj.weight, mixed, f"{name}.out")], f"{name}.add1"
    )
    normed = _norm(builder, layer.post_attention_layernorm, config, hidden, f"{name}.norm2")
    gate = _linear(builder, mlp.gate_proj.weight, normed, f"{name}.gate")
    up = _linear(builder, mlp.up_proj.weight, normed, f"{name}.up")
    # QuickGelu with alpha 1 is x·σ(x), which is SiLU, in one pass over memory.
    active = builder.node("QuickGelu", [gate], f"{name}.silu", domain=_CONTRIB, alpha=1.0)
    product = builder.node("Mul", [active, up], f"{name}.product")
    return builder.node(
        "Add", [hidden, _linear(builder, mlp.down_proj.weight, product, f"{name}.down")], f"{name}.add2"
    )


def _linear(builder: _Builder, weight: torch.Tensor, value: str, name: str) -> str:
    return builder.node("MatMul", [value, builder.weight(f"{name}.weight", weight.T)], name)


def _norm(builder: _Builder, norm: Any, config: Any, value: str, name: str) -> str:
    scale = builder.weight(f"{name}.weight", norm.weight)
    return builder.node("SimplifiedLayerNormalization", [value, scale], name, axis=-1, epsilon=config.rms_norm_eps)


def _slot_index(builder: _Builder, config: Any) -> str:
    """`slots` (1, blocks) spread over the hidden size: (1, blocks, hidden)."""
    wide = builder.node("Unsqueeze", ["slots", builder.weight("new_axis", np.array([2]))], "slots_wide")
    shape = builder.weight("hidden_shape", np.array([1, 1, config.hidden_size]))
    return builder.node("Expand", [wide, shape], "slot_index")


def _model(builder: _Builder) -> onnx.ModelProto:
    graph = helper.make_graph(
        builder.nodes,
        "docalign_policy",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"]),
            helper.make_tensor_value_info("slots", TensorProto.INT64, [1, "blocks"]),
        ],
        [helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, [1, "blocks"])],
        builder.weights,
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
