"""Input files made on the spot: small PDFs, good and bad, and pictures of text."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

__all__ = ["encrypted_pdf", "make_pdf", "picture_of", "scanned_pdf", "text_page", "text_pdf"]

_PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def make_pdf(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of the numbered objects (the first is the catalog), with a correct cross-reference table."""
    data = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer\n<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, len(data))
    return data + head + table + tail


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %d%b>>stream\n%b\nendstream" % (len(content), entries, content)


def text_page(lines: list[str]) -> bytes:
    """Drawing commands for lines of 12-point Helvetica from the top of a letter page."""
    shown = b" ".join(b"(%b) Tj T*" % line.encode("latin-1") for line in lines)
    return b"BT /F1 12 Tf 14 TL 72 720 Td %b ET" % shown


def pages_pdf(
    contents: list[bytes], *, resources: bytes = b"", more: list[bytes] | None = None, extra: bytes = b""
) -> bytes:
    """A letter page for each content stream; `more` are objects from number 4 on, before the pages."""
    more = more or []
    first = 4 + len(more)
    kids = b" ".join(b"%d 0 R" % (first + 2 * n) for n in range(len(contents)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, len(contents)),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *more,
    ]
    for number, content in enumerate(contents):
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>%b>>/Contents %d 0 R%b>>"
            % (resources, first + 2 * number + 1, extra)
        )
        objects.append(stream(content))
    return make_pdf(objects)


def text_pdf(*pages: list[str]) -> bytes:
    """A digital PDF with these lines on these pages."""
    return pages_pdf([text_page(lines) for lines in pages])


def scanned_pdf(image: Image.Image, *, before: bytes = b"", after: bytes = b"", extra: bytes = b"") -> bytes:
    """A page that is one picture, with drawing commands before and after it."""
    buffer = BytesIO()
    image.convert("L").save(buffer, "JPEG", quality=90)
    kind = b"/Type/XObject/Subtype/Image/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/DCTDecode"
    entries = b"%b/Width %d/Height %d" % (kind, *image.size)
    picture = stream(buffer.getvalue(), entries)
    content = b"%b q 612 0 0 792 0 0 cm /I1 Do Q %b" % (before, after)
    return pages_pdf([content], resources=b"/XObject<</I1 4 0 R>>", more=[picture], extra=extra)


def picture_of(lines: list[str], *, size: tuple[int, int] = (1700, 2200), height_px: int = 40) -> Image.Image:
    """Black text on white paper, as 200 dpi would show a letter page."""
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(height_px)
    for number, line in enumerate(lines):
        draw.text((180, 200 + number * height_px * 1.6), line, fill=0, font=font)
    return image


def encrypted_pdf(password: str) -> bytes:
    """A one-page PDF under the oldest standard encryption (RC4, 40 bits), which needs no library to make."""
    key_text = password.encode("latin-1")
    file_id = b"docalign-test-id"
    owner = _rc4(hashlib.md5(_padded(key_text)).digest()[:5], _padded(key_text))
    allowed = (-4).to_bytes(4, "little", signed=True)
    key = hashlib.md5(_padded(key_text) + owner + allowed + file_id).digest()[:5]
    user = _rc4(key, _PAD)
    lock = b"<</Filter/Standard/V 1/R 2/P -4/O<%b>/U<%b>>>" % (owner.hex().encode(), user.hex().encode())
    content = text_page(["A secret that a password opens"])
    object_key = hashlib.md5(key + (5).to_bytes(3, "little") + b"\x00\x00").digest()[:10]
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents 5 0 R>>",
        stream(_rc4(object_key, content)),
        lock,
    ]
    return make_pdf(objects, b"/Encrypt 6 0 R/ID[<%b><%b>]" % (file_id.hex().encode(), file_id.hex().encode()))


def _padded(password: bytes) -> bytes:
    return (password + _PAD)[:32]


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
