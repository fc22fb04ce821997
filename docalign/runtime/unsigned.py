"""int8 products that are exact on every processor.

ONNX Runtime multiplies uint8 activations by int8 weights with `vpmaddubsw` where a processor has no VNNI, and that
instruction clips the sum of two products to 16 bits: the same model then gives other log-odds, and other chunks. With
unsigned weights around 128 it takes another way, which clips nothing. Whether this processor clips is tried, not looked
up: it depends on the build of ONNX Runtime, too.

Source: "When to use reduce_range", https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from docalign.runtime.wire import BYTES, VARINT, field_of, fields_of, varint

__all__ = ["clips_int8", "with_unsigned_weights"]

_GRAPH: Final = 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_TYPE = 1, 2, 4
_DIMS, _DATA_TYPE, _TENSOR_NAME, _RAW = 1, 2, 8, 9
_UINT8, _INT8, _INT32 = 2, 3, 6
_SIGN: Final = 0x80

Pieces = list[bytes | memoryview]


def with_unsigned_weights(model: bytes) -> bytes:
    """A serialised ONNX model whose integer products take the same weights as uint8 around 128.

    Only products that `train/quantise.py` made are changed: those with activations around 128 and weights around 0.

    Raises:
        ValueError: it is no protobuf message.
    """
    top = list(fields_of(memoryview(model)))
    weights: set[bytes] = set()
    for number, _, value in top:
        if number == _GRAPH:
            weights |= {names[1] for n, _, node in fields_of(value) if n == _NODE and (names := _signed_product(node))}
    pieces: Pieces = []
    for number, kind, value in top:
        pieces += field_of(number, kind, *(_graph(value, weights) if number == _GRAPH else [value]))
    return b"".join(pieces)


def _graph(graph: memoryview, weights: set[bytes]) -> Pieces:
    pieces: Pieces = []
    for number, kind, value in fields_of(graph):
        parts: Pieces = [value]
        if number == _NODE and (names := _signed_product(value)):
            parts += field_of(_NODE_INPUT, BYTES, names[2])  # the activations' zero point, 128, is the weights' as well
        elif number == _INITIALIZER and _name(value) in weights:
            parts = _unsigned(value)
        pieces += field_of(number, kind, *parts)
    return pieces


def _signed_product(node: memoryview) -> list[bytes] | None:
    """The inputs of a `MatMulInteger` whose weights have no zero point: rows, weights, the rows' zero point."""
    fields = list(fields_of(node))
    if not any(number == _NODE_TYPE and bytes(value) == b"MatMulInteger" for number, _, value in fields):
        return None
    names = [bytes(value) for number, _, value in fields if number == _NODE_INPUT]
    return names if len(names) == 3 else None


def _name(tensor: memoryview) -> bytes:
    return next((bytes(value) for number, _, value in fields_of(tensor) if number == _TENSOR_NAME), b"")


def _unsigned(tensor: memoryview) -> Pieces:
    pieces: Pieces = []
    for number, kind, value in fields_of(tensor):
        part: bytes | memoryview = value
        if number == _DATA_TYPE:
            part = varint(_UINT8)
        elif number == _RAW:
            part = (np.frombuffer(value, np.uint8) ^ np.uint8(_SIGN)).tobytes()
        pieces += field_of(number, kind, part)
    return pieces


@cache
def clips_int8() -> bool:
    """Whether products of uint8 and int8 are clipped here: two products of the greatest numbers are tried."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(_greatest(), options, providers=["CPUExecutionProvider"])
    (sums,) = session.run(None, {"a": np.full((_ROWS, _DEEP), 255, np.uint8)})
    return bool((np.asarray(sums) != _DEEP * (255 - _SIGN) * 127).any())


_ROWS, _DEEP, _WIDE = 8, 64, 32


def _greatest() -> bytes:
    """A model of one product: rows `a` (uint8 around 128) with a matrix of 127s (int8)."""

    def join(*fields: Pieces) -> bytes:
        return b"".join(piece for field in fields for piece in field)

    def text(number: int, value: bytes) -> Pieces:
        return field_of(number, BYTES, value)

    def number(field: int, value: int) -> Pieces:
        return field_of(field, VARINT, varint(value))

    def tensor(name: bytes, kind: int, dims: tuple[int, ...], raw: bytes) -> bytes:
        return join(
            *(number(_DIMS, n) for n in dims), number(_DATA_TYPE, kind), text(_TENSOR_NAME, name), text(_RAW, raw)
        )

    def value(name: bytes, kind: int, dims: tuple[int, ...]) -> bytes:
        shape = join(*(text(1, join(number(1, n))) for n in dims))
        return join(text(1, name), text(2, join(text(1, join(number(1, kind), text(2, shape))))))

    node = join(
        *(text(_NODE_INPUT, name) for name in (b"a", b"b", b"zero")),
        text(_NODE_OUTPUT, b"c"),
        text(_NODE_TYPE, b"MatMulInteger"),
    )
    graph = join(
        text(_NODE, node),
        text(2, b"greatest"),
        text(_INITIALIZER, tensor(b"b", _INT8, (_DEEP, _WIDE), b"\x7f" * (_DEEP * _WIDE))),
        text(_INITIALIZER, tensor(b"zero", _UINT8, (), bytes([_SIGN]))),
        text(_INPUT, value(b"a", _UINT8, (_ROWS, _DEEP))),
        text(_OUTPUT, value(b"c", _INT32, (_ROWS, _WIDE))),
    )
    return join(number(1, 8), text(_GRAPH, graph), text(8, join(text(1, b""), number(2, 17))))
