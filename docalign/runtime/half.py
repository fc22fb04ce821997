"""A model's graph in half precision, for devices without fast int8: the same weights, multiplied out once.

Every integer product that `train/quantise.py` made becomes one product in float16; weights, norms and tables follow.
The answer is cast back to float32. Works on the graph as loaded; needs `onnx` (extra `serve`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import onnx

__all__ = ["to_half"]

_ROW_NODES: Final = (".abs", ".max", ".step", ".scale", ".scales", ".rows", ".zeros", ".u8")
"""What `quantise.py` derives from an activation called `x`: `x.abs`, `x.max`, …"""


def to_half(graph: onnx.GraphProto) -> None:
    """Rewrite `graph` in place: float16 throughout, no integer products."""
    from onnx import TensorProto, helper, numpy_helper

    weights = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    quantised = {node.input[0].removesuffix(".u8") for node in graph.node if node.op_type == "MatMulInteger"}
    dropped = {f"{value}{suffix}" for value in quantised for suffix in _ROW_NODES}
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            dropped |= {f"{node.name}{suffix}" for suffix in (".sum", ".float", ".by_column")}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            value, name = node.input[0].removesuffix(".u8"), node.name
            weights[f"{name}.half"] = weights.pop(f"{name}.int8") * weights.pop(f"{name}.scales")
            nodes.append(helper.make_node("MatMul", [value, f"{name}.half"], [name], name=name))
        elif node.output[0] not in dropped and not _rescales(node, dropped):
            nodes.append(node)
    for node in nodes:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.FLOAT16
    output = graph.output[0].name
    for node in nodes:
        node.output[:] = [f"{output}.half" if name == output else name for name in node.output]
    nodes.append(helper.make_node("Cast", [f"{output}.half"], [output], to=TensorProto.FLOAT))
    used = {name for node in nodes for name in node.input}
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.initializer[:]
    graph.initializer.extend(numpy_helper.from_array(_half(v), k) for k, v in weights.items() if k in used)


def _rescales(node: onnx.NodeProto, dropped: set[str]) -> bool:
    """Whether a node only gave an integer product its scale of rows."""
    return node.op_type == "Mul" and f"{node.output[0]}.by_column" in dropped and node.input[0] in dropped


def _half(value: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(value.astype(np.float16) if value.dtype == np.float32 else value)
