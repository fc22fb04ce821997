"""Just enough of protobuf's wire format to rewrite fields of an ONNX graph without the `onnx` package.

A message is read as its fields, (number, wire type, raw value) each; raw values keep their bytes, so that what is not
touched comes out as it was. Source: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

__all__ = ["BYTES", "VARINT", "Field", "field_of", "fields_of", "varint"]

VARINT: Final = 0
BYTES: Final = 2
_FIXED: Final = {1: 8, 5: 4}

Field = tuple[int, int, memoryview]
"""Number, wire type and value: the varint's bytes, the fixed bytes, or what stands behind the length."""


def fields_of(message: memoryview) -> Iterator[Field]:
    """The fields of a message in order.

    Raises:
        ValueError: it is no protobuf message.
    """
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == BYTES:
            size, at = _read_varint(message, at)
        elif kind == VARINT:
            size = _read_varint(message, at)[1] - at
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise ValueError(f"wire type {kind}")
        if at + size > len(message):
            raise ValueError("cut short")
        yield number, kind, message[at : at + size]
        at += size


def field_of(number: int, kind: int, *parts: bytes | memoryview) -> list[bytes | memoryview]:
    """The pieces of one field; joined with others they make a message."""
    key = varint(number << 3 | kind)
    return [key, varint(sum(map(len, parts))), *parts] if kind == BYTES else [key, *parts]


def varint(value: int) -> bytes:
    """A number of at least 0 in groups of seven bits, the least first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("a number that does not end")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
