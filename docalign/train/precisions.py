"""The exported graph at other precisions: weights in fp16 or int4 for processors, and all of it in fp16 for a card.

* `fp16`: matrices and embedding stored as fp16, computed in fp32: half the file, nearly the same numbers.
* `int8`: see `quantise.py`.
* `int4`: matrices as MatMulNBits of 4 bits, round to nearest, one scale for 32 weights; the embedding as int8 rows.
  Nothing depends on what else is in the batch. How much it loses is for `compare.py` to measure.
* for CUDA: weights and activations in fp16 (GroupQueryAttention runs there in fp16 only), the last norm and the label
  row in fp32.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from docalign.train.quantise import quantise_int8

__all__ = ["PRECISIONS", "Precision", "at_precision", "for_cuda"]

Precision = Literal["fp32", "fp16", "int8", "int4"]
PRECISIONS: Final[tuple[Precision, ...]] = ("fp32", "fp16", "int8", "int4")

_BLOCK: Final = 32
_CONTRIB: Final = "com.microsoft"
_LAST_NORM: Final = "norm"
_SCORES: Final = "scores"
_CHOSEN: Final = "chosen"


def at_precision(graph: onnx.ModelProto, precision: Precision) -> onnx.ModelProto:
    """The graph of `graph.llama_graph` at a precision; the argument is left as it is."""
    if precision == "int8":
        return quantise_int8(graph)
    if precision == "int4":
        return _int4(quantise_int8(graph, keep=("",)))
    return _stored_fp16(graph) if precision == "fp16" else graph


def for_cuda(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The graph of `graph.llama_graph` in fp16, with int64 inputs and an fp32 output as ever."""
    made = _copy(graph)
    late = {node.name for node in made.graph.node if node.name in (_LAST_NORM, _SCORES)}
    exact = {name for node in made.graph.node if node.name in late for name in node.input}
    for tensor in made.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in exact:
            _replace(tensor, numpy_helper.to_array(tensor).astype(np.float16))
    for node in made.graph.node:
        if node.name == _LAST_NORM:
            node.input[0] = f"{_CHOSEN}.fp32"
    at = next(i for i, node in enumerate(made.graph.node) if node.name == _LAST_NORM)
    made.graph.node.insert(at, helper.make_node("Cast", [_CHOSEN], [f"{_CHOSEN}.fp32"], to=TensorProto.FLOAT))
    return made


def _stored_fp16(graph: onnx.ModelProto) -> onnx.ModelProto:
    made = _copy(graph)
    casts = []
    for tensor in made.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2 and min(tensor.dims) > 1:
            name = tensor.name
            _replace(tensor, numpy_helper.to_array(tensor).astype(np.float16), name=f"{name}.fp16")
            casts.append(helper.make_node("Cast", [f"{name}.fp16"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *made.graph.node]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    return made


def _int4(graph: onnx.ModelProto) -> onnx.ModelProto:
    weights = {t.name: t for t in graph.graph.initializer}
    nodes, packed, gone = [], [], set()
    for node in graph.graph.node:
        tensor = weights.get(node.input[1]) if node.op_type == "MatMul" else None
        if tensor is None or tensor.dims[1] == 1:
            nodes.append(node)
            continue
        codes, scales = _codes(numpy_helper.to_array(tensor))
        names = (f"{tensor.name}.int4", f"{tensor.name}.scales")
        packed += [numpy_helper.from_array(codes, names[0]), numpy_helper.from_array(scales, names[1])]
        gone.add(tensor.name)
        nodes.append(
            helper.make_node(
                "MatMulNBits",
                [node.input[0], *names],
                [node.output[0]],
                name=node.name,
                domain=_CONTRIB,
                K=tensor.dims[0],
                N=tensor.dims[1],
                bits=4,
                block_size=_BLOCK,
            )
        )
    kept = [t for t in graph.graph.initializer if t.name not in gone]
    for field, values in ((graph.graph.node, nodes), (graph.graph.initializer, [*kept, *packed])):
        del field[:]
        field.extend(values)
    return graph


def _codes(matrix: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """A matrix (K, N) as MatMulNBits takes it: codes `(N, blocks, block / 2)`, scales `(N × blocks,)`; 8 means 0."""
    rows = np.pad(matrix.T, ((0, 0), (0, -matrix.shape[0] % _BLOCK)))
    blocks = rows.reshape(rows.shape[0], -1, _BLOCK)
    # The value of largest magnitude becomes −8: one level more than a scale that fits ±7.
    peak = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)
    scales = np.where(peak == 0, 1.0, peak / -8).astype(np.float32)
    codes = (np.clip(np.round(blocks / scales), -8, 7) + 8).astype(np.uint8)
    packed = (codes[..., 0::2] | (codes[..., 1::2] << 4)).astype(np.uint8)
    return packed, scales.reshape(-1)


def _copy(graph: onnx.ModelProto) -> onnx.ModelProto:
    made = onnx.ModelProto()
    made.CopyFrom(graph)
    return made


def _replace(tensor: onnx.TensorProto, array: npt.NDArray[np.float16], *, name: str | None = None) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), name or tensor.name))
