"""The weights of an exported model, so that training can go on from it: what is shipped can be taught.

`graph.py` and `quantise.py` turn a Llama-style policy into a graph; this turns the graph back. int8 matrices are
multiplied by their scales, so what rounding lost stays lost, but nothing more is: exported again, the same int8 values
come out. The two label rows are gone (a graph holds their difference); each gets half of it, with opposite signs, which
is the same policy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import numpy_helper
from torch import Tensor
from transformers import LlamaConfig, PretrainedConfig, PreTrainedTokenizerFast

from docalign.errors import ModelIncompatibleError

__all__ = ["exported_tensors", "exported_tokenizer", "is_exported"]

_GRAPH: Final = "model.onnx"
_MATRICES: Final = {
    "out": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}
_NORMS: Final = {"norm1": "input_layernorm", "norm2": "post_attention_layernorm"}


def is_exported(path: Path) -> bool:
    """Whether `path` is what `docalign export` writes, rather than what training writes."""
    return (path / _GRAPH).is_file()


def exported_tensors(path: Path, config: PretrainedConfig) -> dict[str, Tensor]:
    """The policy's state, all but its length prior, from the graph in `path`, in fp32.

    Raises:
        ModelIncompatibleError: the graph is not one of ours, or holds another architecture than `config` says.
    """
    try:
        graph = onnx.load(path / _GRAPH).graph
    except DecodeError as error:
        raise _unusable(path, "model.onnx is damaged") from error
    arrays = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    if not isinstance(config, LlamaConfig) or "label_row" not in arrays:
        raise _unusable(path, f"a {config.model_type} policy cannot be had back from its graph")
    try:
        return _tensors(arrays, config)
    except (KeyError, ValueError) as error:
        raise _unusable(path, f"its graph is not the one config.json describes ({error})") from error


def _tensors(arrays: dict[str, npt.NDArray[Any]], config: LlamaConfig) -> dict[str, Tensor]:
    half = torch.from_numpy(arrays["label_row"][:, 0] / 2)
    state = {
        "model.embed_tokens.weight": _matrix(arrays, "embedding"),
        "model.norm.weight": torch.from_numpy(arrays["norm.weight"].copy()),
        "lm_head.weight": torch.stack([half, -half]),
    }
    head = config.head_dim or config.hidden_size // config.num_attention_heads
    widths = [
        head * config.num_attention_heads,
        *[head * (config.num_key_value_heads or config.num_attention_heads)] * 2,
    ]
    for i in range(config.num_hidden_layers):
        ours, theirs = f"layer{i}", f"model.layers.{i}"
        packed = _matrix(arrays, f"{ours}.qkv").T
        for name, part in zip("qkv", torch.split(packed, widths), strict=True):
            state[f"{theirs}.self_attn.{name}_proj.weight"] = part.contiguous()
        for name, module in _MATRICES.items():
            state[f"{theirs}.{module}.weight"] = _matrix(arrays, f"{ours}.{name}").T.contiguous()
        for name, module in _NORMS.items():
            state[f"{theirs}.{module}.weight"] = torch.from_numpy(arrays[f"{ours}.{name}.weight"].copy())
    return state


def _matrix(arrays: dict[str, npt.NDArray[Any]], name: str) -> Tensor:
    """A matrix as the graph multiplies by it; scales stand by column, those of the embedding by row."""
    if f"{name}.int8" in arrays:
        return torch.from_numpy(arrays[f"{name}.int8"].astype(np.float32) * arrays[f"{name}.scales"])
    return torch.from_numpy(arrays[name if name == "embedding" else f"{name}.weight"].copy())


def exported_tokenizer(path: Path, config: PretrainedConfig) -> PreTrainedTokenizerFast:
    """The tokenizer of an exported model: its `tokenizer.json` as it stands.

    Raises:
        ModelIncompatibleError: the file is missing or no tokenizer.
    """
    try:
        made: Any = PreTrainedTokenizerFast
        tokenizer: PreTrainedTokenizerFast = made(tokenizer_file=str(path / "tokenizer.json"))
    except Exception as error:  # tokenizers raises bare Exception
        raise _unusable(path, f"its tokenizer.json cannot be read ({error})") from error
    end = config.eos_token_id
    if isinstance(end, int):
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(end)
    return tokenizer


def _unusable(path: Path, why: str) -> ModelIncompatibleError:
    return ModelIncompatibleError(
        f"{why}.", source=str(path), remedy="Go on from the policy it was exported from, or export that again."
    )
