"""int8 weights: each exported matrix, and the embedding, as int8 with float scales.

Weight-only in what it stores, and per row in what it computes (ONNX Runtime quantises each activation row by itself):
what else is in a batch cannot change a result.
"""

from __future__ import annotations

import logging
from typing import Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

__all__ = ["quantise_int8"]

_EMBEDDING: Final = "embedding"


def quantise_int8(model: onnx.ModelProto, *, block_size: int = 32, accuracy_level: int = 4) -> onnx.ModelProto:
    """MatMul weights as MatMulNBits with symmetric int8 blocks, the embedding as int8 rows with one scale each.

    Args:
        block_size: input features that share a scale.
        accuracy_level: 4 computes in int8 (a scale per activation row and block), 0 in float32.
    """
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    logging.getLogger("onnxruntime.quantization.matmul_nbits_quantizer").setLevel(logging.WARNING)
    config = DefaultWeightOnlyQuantConfig(
        block_size=block_size, is_symmetric=True, accuracy_level=accuracy_level, bits=8
    )
    quantizer = MatMulNBitsQuantizer(model, algo_config=config)
    quantizer.process()
    quantised: onnx.ModelProto = quantizer.model.model
    _quantise_embedding(quantised)
    return quantised


def _quantise_embedding(model: onnx.ModelProto) -> None:
    graph = model.graph
    at = next(i for i, t in enumerate(graph.initializer) if t.name == _EMBEDDING)
    table = numpy_helper.to_array(graph.initializer[at])
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True) / 127, 1e-12).astype(np.float32)
    rows = np.clip(np.round(table / scales), -127, 127).astype(np.int8)
    del graph.initializer[at]
    graph.initializer.extend(
        [numpy_helper.from_array(rows, "embedding_rows"), numpy_helper.from_array(scales, "embedding_scales")]
    )
    gather = next(i for i, n in enumerate(graph.node) if _EMBEDDING in n.input)
    output = graph.node[gather].output[0]
    del graph.node[gather]
    made = [
        helper.make_node("Gather", ["embedding_rows", "input_ids"], ["embedded_int8"]),
        helper.make_node("Gather", ["embedding_scales", "input_ids"], ["embedded_scale"]),
        helper.make_node("Cast", ["embedded_int8"], ["embedded_float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["embedded_float", "embedded_scale"], [output]),
    ]
    for node in reversed(made):
        graph.node.insert(gather, node)
