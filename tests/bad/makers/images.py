"""Broken and hostile page images."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from tests.support.files import picture_of

WORDS = ["Minutes of the meeting", "The committee agreed on seven points."]


def saved(kind: str, image: Image.Image | None = None, **how: Any) -> bytes:
    buffer = BytesIO()
    (image or picture_of(WORDS, size=(1000, 500))).save(buffer, kind, **how)
    return buffer.getvalue()


def deep() -> bytes:
    """16 bits of grey."""
    grey = np.asarray(picture_of(WORDS, size=(1000, 500)), dtype=np.uint16) * 257
    return saved("PNG", Image.fromarray(grey))


def cut(kind: str, share: float) -> bytes:
    data = saved(kind)
    return data[: int(len(data) * share)]


def png(width: int, height: int, *, rows: int = 1, bits: int = 1) -> bytes:
    """A grey PNG that says it is this large and holds only `rows` packed rows."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    packed = zlib.compress((b"\x00" + b"\xff" * ((width * bits + 7) // 8)) * rows, 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bad_checksum() -> bytes:
    data = bytearray(saved("PNG"))
    at = data.index(b"IDAT") + 40
    data[at] ^= 0xFF
    return bytes(data)


def text_chunk_bomb() -> bytes:
    """A PNG whose comment inflates to 64 MB."""
    packed = zlib.compress(b"A" * (64 << 20), 9)
    data = saved("PNG")
    head = data.index(b"IDAT") - 4
    return data[:head] + _chunk(b"zTXt", b"Comment\x00\x00" + packed) + data[head:]


def tiff(*pages: Image.Image) -> bytes:
    buffer = BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate")
    return buffer.getvalue()


def two_pages() -> tuple[Image.Image, Image.Image]:
    return picture_of(WORDS, size=(1000, 500)), picture_of(["A second page of words"], size=(1000, 500))


def tiff_cycle() -> bytes:
    """The last directory points back at the first."""
    data = bytearray(tiff(*two_pages()))
    first = struct.unpack_from("<I", data, 4)[0]
    at = first
    while True:
        count = struct.unpack_from("<H", data, at)[0]
        following = at + 2 + 12 * count
        pointed = struct.unpack_from("<I", data, following)[0]
        if pointed == 0:
            struct.pack_into("<I", data, following, first)
            return bytes(data)
        at = pointed


def tiff_many(count: int) -> bytes:
    return tiff(*[Image.new("1", (8, 8), 1) for _ in range(count)])


def _second_page(data: bytearray) -> dict[int, int]:
    """Where the values of the second page's tags stand, by tag number."""
    first = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, first)[0]
    second = struct.unpack_from("<I", data, first + 2 + 12 * count)[0]
    places = range(second + 2, second + 2 + 12 * struct.unpack_from("<H", data, second)[0], 12)
    return {struct.unpack_from("<H", data, at)[0]: at + 8 for at in places}


def tiff_second_damaged() -> bytes:
    """Three pages; the packed pixels of the second are overwritten."""
    first, second = two_pages()
    data = bytearray(tiff(first, second, first))
    at = _second_page(data)[273]  # StripOffsets
    many = struct.unpack_from("<I", data, at - 4)[0] > 1
    start = struct.unpack_from("<I", data, at)[0]
    spot = struct.unpack_from("<I", data, start)[0] if many else start
    data[spot : spot + 60] = b"\xff" * 60
    return bytes(data)


def tiff_huge_second() -> bytes:
    """The second page says it is 60,000 pixels wide and high."""
    data = bytearray(tiff(*two_pages()))
    places = _second_page(data)
    for tag in (256, 257):  # ImageWidth, ImageLength
        struct.pack_into("<HI", data, places[tag] - 6, 4, 1)
        struct.pack_into("<I", data, places[tag], 60_000)
    return bytes(data)
