"""One-page PDFs with one thing broken each."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Final

from tests.support.files import make_pdf, pages_pdf, picture_of, stream, text_page

__all__ = ["DAMAGED", "HARMLESS", "PICTURES", "SOUND", "one_page"]

_FLATE: Final = b"/Filter/FlateDecode"
_LINES: Final = [f"Line {n} of a page with words {n * 7919 % 1009} enough to be a page of text" for n in range(40)]
_CONTENT: Final = text_page(_LINES)
_PACKED: Final = zlib.compress(_CONTENT)
_HALF: Final = len(_PACKED) // 2


def one_page(content: bytes, *more: bytes) -> bytes:
    """A page whose content is object 5; `more` are objects from 6 on."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents 5 0 R>>"
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    return make_pdf(
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[4 0 R]/Count 1>>", font, page, content, *more]
    )


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes(b ^ 0x5A for b in data[at : at + 8]) + data[at + 8 :]


def _lengths(length: int) -> bytes:
    return b"<</Length %d%b>>stream\n%b\nendstream" % (length, _FLATE, _PACKED)


SOUND: Final = one_page(stream(_PACKED, _FLATE))

DAMAGED: Final = {
    "flipped in the middle": (one_page(stream(_flipped(_PACKED, _HALF), _FLATE)), "its content"),
    "flipped at the head": (one_page(stream(_flipped(_PACKED, 0), _FLATE)), "breaks off after 0 bytes"),
    "cut stream": (one_page(stream(_PACKED[:_HALF], _FLATE)), "its content breaks off after"),
    "wrong checksum": (one_page(stream(_PACKED[:-4] + b"abcd", _FLATE)), "fails its checksum"),
    "cut plain stream": (one_page(stream(_CONTENT[: len(_CONTENT) // 2])), "ends in the middle of its text"),
    "open string": (one_page(stream(_CONTENT.replace(b"(Line 20", b"(Line ( 20"))), "a string that does not end"),
    "open hexadecimal": (
        one_page(stream(_CONTENT.replace(b"(Line 20", b"<48 zz Line 20"))),
        "a string that does not end",
    ),
    "missing content": (SOUND.replace(b"/Contents 5 0 R", b"/Contents 9 0 R"), "its content is missing"),
    "missing part": (SOUND.replace(b"/Contents 5 0 R", b"/Contents[5 0 R 9 0 R]"), "part 2 of 2 of its content"),
    "content is no stream": (one_page(b"<</Foo 1>>"), "its content is no stream"),
    "missing font": (SOUND.replace(b"/F1 3 0 R", b"/F1 9 0 R"), "its font /F1 is missing"),
    "missing form": (one_page(stream(_CONTENT + b" /X1 Do")), "its picture or form /X1 is missing"),
    "brotli": (one_page(stream(_PACKED, b"/Filter/BrotliDecode")), "/BrotliDecode, a filter that PDFium does not know"),
    "unknown in a chain": (one_page(stream(_PACKED, b"/Filter[/FlateDecode/FooDecode]")), "/FooDecode, a filter"),
}
"""The bytes, and what must be said about page 1."""

HARMLESS: Final = {
    "brackets in a comment": one_page(stream(_CONTENT.replace(b"BT", b"% ( (( <zz\nBT", 1))),
    "brackets in a picture": one_page(stream(b"q BI /W 1 /H 3 /BPC 8 /CS /G ID (<z EI Q\n" + _CONTENT)),
    "one bracket too many": one_page(stream(_CONTENT.replace(b"BT", b") BT", 1))),
    "no checksum": one_page(stream(_PACKED[:-4], _FLATE)),
    "length too short": one_page(_lengths(_HALF)),
    "length too long": one_page(_lengths(3 * len(_PACKED))),
    "length zero": one_page(_lengths(0)),
}
"""Damage that costs no character."""

_SCAN: Final = picture_of([f"Line {n} on this page" for n in range(1, 9)], size=(900, 1100))


def _scan(data: bytes, filter_name: bytes) -> bytes:
    """A page that is a picture."""
    about = b"/Type/XObject/Subtype/Image/ColorSpace/DeviceGray/BitsPerComponent 8/Width %d/Height %d" % _SCAN.size
    picture = stream(data, about + b"/Filter/" + filter_name)
    return pages_pdf([b"q 612 0 0 792 0 0 cm /I1 Do Q"], resources=b"/XObject<</I1 4 0 R>>", more=[picture])


def _saved(form: str) -> bytes:
    target = BytesIO()
    _SCAN.save(target, form)
    return target.getvalue()


_JPEG, _PIXELS = _saved("JPEG"), zlib.compress(_SCAN.tobytes())

PICTURES: Final = {
    "sound JPEG": (_scan(_JPEG, b"DCTDecode"), ""),
    "sound Flate": (_scan(_PIXELS, b"FlateDecode"), ""),
    "cut JPEG": (
        _scan(_JPEG[: len(_JPEG) // 2], b"DCTDecode"),
        "its picture /I1 breaks off: its JPEG data have no end",
    ),
    "cut Flate": (_scan(_PIXELS[: len(_PIXELS) // 2], b"FlateDecode"), "its picture /I1 breaks off after"),
    "cut JPEG 2000": (_scan(_saved("JPEG2000")[:-900], b"JPXDecode"), "a picture of 900 × 1100 pixels (JPXDecode)"),
    "garbage JBIG2": (_scan(bytes(range(256)), b"JBIG2Decode"), "a picture of 900 × 1100 pixels (JBIG2Decode)"),
    "no data": (_scan(b"", b"JPXDecode"), "a picture of 900 × 1100 pixels (JPXDecode)"),
}
"""Scans, and what must be said about the picture of page 1."""
