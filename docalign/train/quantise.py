"""int8: every exported matrix with one scale per output, every activation row with one scale of its own.

W8A8 as in LLM.int8() and ZeroQuant (arXiv 2208.07339, 2206.01861), without their outlier path: a scale per row keeps
the few tokens with huge activations from spoiling the others, and what else stands in a window or a batch cannot
change a row. The products run in ONNX Runtime's integer kernels; the embedding is kept as int8 rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["quantise_int8"]

_EMBEDDING: Final = "embedding"
_ZERO_POINT: Final = 128
"""Activations are stored as uint8 around this: the processors' fast int8 products take unsigned × signed."""


def quantise_int8(model: onnx.ModelProto, *, keep: tuple[str, ...] = ()) -> onnx.ModelProto:
    """A copy of the graph with int8 matrices; `keep` names products (by suffix) that stay in float32."""
    quantised = onnx.ModelProto()
    quantised.CopyFrom(model)
    graph = quantised.graph
    weights = {t.name: t for t in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    rows: dict[str, tuple[str, str]] = {}
    shared = _constants(graph)
    for node in graph.node:
        if node.op_type == "Gather" and node.input[0] == _EMBEDDING:
            nodes += _embedding(graph, weights[_EMBEDDING], node)
        elif _is_large_product(node, weights) and not node.name.endswith(keep or ("\0",)):
            if node.input[0] not in rows:
                rows[node.input[0]] = _quantise_rows(nodes, node.input[0], shared)
            nodes += _product(graph, weights[node.input[1]], node, rows[node.input[0]], shared)
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [t for t in graph.initializer if t.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return quantised


def _is_large_product(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> bool:
    return node.op_type == "MatMul" and node.input[1] in weights and weights[node.input[1]].dims[1] > 1


def _constants(graph: onnx.GraphProto) -> dict[str, str]:
    values: dict[str, np.ndarray] = {
        "zero_point": np.array(_ZERO_POINT, dtype=np.uint8),
        "zero_points": np.array([_ZERO_POINT], dtype=np.uint8),
        "per_step": np.array(1 / 127, dtype=np.float32),
        "tiny": np.array(1e-12, dtype=np.float32),
        "last": np.array([-1], dtype=np.int64),
    }
    graph.initializer.extend(numpy_helper.from_array(v, f"int8.{k}") for k, v in values.items())
    return {k: f"int8.{k}" for k in values}


def _quantise_rows(nodes: list[onnx.NodeProto], value: str, shared: dict[str, str]) -> tuple[str, str]:
    """Nodes that turn `value` (1, tokens, features) into uint8 rows; returns the names of rows and scales."""
    q, scale = f"{value}.u8", f"{value}.scale"
    nodes += [
        helper.make_node("Abs", [value], [f"{value}.abs"]),
        helper.make_node("ReduceMax", [f"{value}.abs", shared["last"]], [f"{value}.max"], keepdims=1),
        helper.make_node("Mul", [f"{value}.max", shared["per_step"]], [f"{value}.step"]),
        helper.make_node("Add", [f"{value}.step", shared["tiny"]], [scale]),
        helper.make_node("Reshape", [scale, shared["last"]], [f"{value}.scales"]),
        helper.make_node("Shape", [f"{value}.scales"], [f"{value}.rows"]),
        helper.make_node("Expand", [shared["zero_points"], f"{value}.rows"], [f"{value}.zeros"]),
        helper.make_node("QuantizeLinear", [value, f"{value}.scales", f"{value}.zeros"], [q], axis=1),
    ]
    return q, scale


def _product(
    graph: onnx.GraphProto, weight: onnx.TensorProto, node: onnx.NodeProto, row: tuple[str, str], shared: dict[str, str]
) -> list[onnx.NodeProto]:
    """Nodes in place of `MatMul`: integer product, then both scales. Registers the int8 weight."""
    matrix = numpy_helper.to_array(weight)
    scales = np.maximum(np.abs(matrix).max(axis=0) / 127, 1e-12).astype(np.float32)
    name, output = node.name, node.output[0]
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.clip(np.round(matrix / scales), -127, 127).astype(np.int8), f"{name}.int8"),
            numpy_helper.from_array(scales, f"{name}.scales"),
        ]
    )
    return [
        helper.make_node("MatMulInteger", [row[0], f"{name}.int8", shared["zero_point"]], [f"{name}.sum"], name=name),
        helper.make_node("Cast", [f"{name}.sum"], [f"{name}.float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}.float", f"{name}.scales"], [f"{name}.by_column"]),
        helper.make_node("Mul", [f"{name}.by_column", row[1]], [output]),
    ]


def _embedding(graph: onnx.GraphProto, table: onnx.TensorProto, gather: onnx.NodeProto) -> list[onnx.NodeProto]:
    values = numpy_helper.to_array(table)
    scales = np.maximum(np.abs(values).max(axis=1, keepdims=True) / 127, 1e-12).astype(np.float32)
    rows = np.clip(np.round(values / scales), -127, 127).astype(np.int8)
    graph.initializer.extend(
        [numpy_helper.from_array(rows, "embedding.int8"), numpy_helper.from_array(scales, "embedding.scales")]
    )
    return [
        helper.make_node("Gather", ["embedding.int8", gather.input[1]], ["embedded.int8"]),
        helper.make_node("Gather", ["embedding.scales", gather.input[1]], ["embedded.scale"]),
        helper.make_node("Cast", ["embedded.int8"], ["embedded.float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["embedded.float", "embedded.scale"], [gather.output[0]]),
    ]
