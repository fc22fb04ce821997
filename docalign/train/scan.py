"""Make clean pages look scanned: rendered at 200 dpi, skewed, unevenly lit, blurred, noisy, JPEG-coded.

Everything is drawn from the seed, so the same page and seed give the same bytes. Two strengths for training, measured
with Tesseract on twelve pages in six fonts: `light` costs it nothing (character errors .004, as on the clean pages),
`medium` brings .03 on average, most of it on thin type. `heavy` is for measuring alone: plain Tesseract reads next to
nothing on it. Creases, stains, show-through and handwriting are not modelled.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DPI", "Strength", "images_to_pdf", "page_pixels", "scan_page", "scan_pdf"]

DPI: Final = 200
Strength = Literal["light", "medium", "heavy"]


@dataclass(frozen=True, slots=True)
class _Wear:
    """Ranges to draw from: degrees, pixels of blur, grey levels of noise, JPEG quality, contrast left.

    `specks` is the share of pixels (0–1) that are black or white whatever was printed there, on every second page.
    """

    skew_deg: float
    blur_px: tuple[float, float]
    noise: tuple[float, float]
    quality: tuple[int, int]
    contrast: tuple[float, float]
    specks: float = 0.0


_WEAR: Final[dict[str, _Wear]] = {
    "light": _Wear(0.6, (0.9, 1.15), (4.5, 8.0), (55, 75), (0.7, 0.85)),
    "medium": _Wear(1.0, (1.0, 1.3), (5.0, 9.0), (45, 65), (0.6, 0.75)),
    "heavy": _Wear(3.0, (1.0, 1.3), (15.0, 20.0), (35, 50), (0.5, 0.65), specks=0.02),
}


def page_pixels(pdf: bytes, *, dpi: int = DPI) -> Iterator[NDArray[np.uint8]]:
    """The pages of a PDF as grey images of shape (height, width), one after the other."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        for index in range(len(document)):
            page = document[index]
            bitmap = page.render(scale=dpi / 72, grayscale=True)
            pixels: NDArray[np.uint8] = bitmap.to_numpy().squeeze().copy()
            bitmap.close()
            page.close()
            yield pixels
    finally:
        document.close()


def scan_page(pixels: NDArray[np.uint8], *, seed: int, strength: Strength = "light") -> bytes:
    """The JPEG bytes of a page as a scanner might have seen it.

    Args:
        pixels: grey image, shape (height, width), 200 dpi.
    """
    import cv2
    import numpy as np

    draw, wear = np.random.default_rng([seed, len(strength)]), _WEAR[strength]
    height, width = pixels.shape
    turn: Any = cv2.getRotationMatrix2D((width / 2, height / 2), draw.uniform(-wear.skew_deg, wear.skew_deg), 1.0)
    turn[:, 2] += draw.uniform(-6, 6, size=2)
    page = cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=(255.0,))
    page = cv2.GaussianBlur(page, (0, 0), draw.uniform(*wear.blur_px))
    contrast = draw.uniform(*wear.contrast)
    paper = draw.uniform(232, 248)
    light = _lighting(height, width, draw, depth=1 - contrast)
    noise = cv2.GaussianBlur(draw.standard_normal((height, width), dtype=np.float32), (0, 0), 0.6)
    grey = (paper - (255.0 - page.astype(np.float32)) * contrast) * light + noise * (2.0 * draw.uniform(*wear.noise))
    if wear.specks and seed % 2:
        drawn = draw.random((height, width), dtype=np.float32)
        grey[drawn < wear.specks / 2], grey[drawn > 1 - wear.specks / 2] = 0.0, 255.0
    return encode_jpeg(np.clip(grey, 0, 255).astype(np.uint8), quality=int(draw.integers(*wear.quality)))


def scan_pdf(pdf: bytes, *, seed: int, strength: Strength = "light") -> bytes:
    """A PDF of images only: every page of `pdf` scanned, each with its own damage."""
    pages = [scan_page(p, seed=seed * 1009 + i, strength=strength) for i, p in enumerate(page_pixels(pdf))]
    return images_to_pdf(pages, dpi=DPI)


def encode_jpeg(pixels: NDArray[np.uint8], *, quality: int) -> bytes:
    """Grey or BGR pixels as JPEG bytes; quality 1–100."""
    import cv2

    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    if not done:
        raise ValueError(f"OpenCV could not encode an image of shape {pixels.shape} as JPEG")
    return bytes(data.tobytes())


def images_to_pdf(jpegs: Sequence[bytes], *, dpi: int) -> bytes:
    """A minimal PDF 1.4 with one JPEG a page, its bytes untouched, and no dates, so that it is reproducible."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = []
    for jpeg in jpegs:
        height, width, colour = _jpeg_shape(jpeg)
        size = f"{width * 72 / dpi:.2f} {height * 72 / dpi:.2f}"
        number = len(objects) + 1
        kids.append(f"{number} 0 R")
        content = zlib.compress(f"q {size.split()[0]} 0 0 {size.split()[1]} 0 0 cm /I Do Q".encode())
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size}] /Contents {number + 1} 0 R "
            f"/Resources << /XObject << /I {number + 2} 0 R >> >> >>".encode(),
            _stream("/Filter /FlateDecode", content),
            _stream(
                f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8 "
                f"/ColorSpace /Device{'RGB' if colour == 3 else 'Gray'} /Filter /DCTDecode",
                jpeg,
            ),
        ]
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>".encode()
    return _pdf_file(objects)


def _lighting(height: int, width: int, draw: Any, *, depth: float) -> NDArray[np.float32]:
    """Brightness over the page, shape (height, width): a plane that falls off by up to `depth` / 3."""
    import numpy as np

    across, down = draw.uniform(-1, 1, size=2) * depth / 3
    rows = np.linspace(0, down, height, dtype=np.float32)[:, None]
    columns = np.linspace(0, across, width, dtype=np.float32)[None, :]
    plane: NDArray[np.float32] = rows + columns
    plane += 1.0 - plane.max()
    return plane


def _jpeg_shape(jpeg: bytes) -> tuple[int, int, int]:
    """Height, width and components of a JPEG, from its frame header."""
    at = 2
    while at < len(jpeg):
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xC2:
            height, width = int.from_bytes(jpeg[at + 5 : at + 7], "big"), int.from_bytes(jpeg[at + 7 : at + 9], "big")
            return height, width, jpeg[at + 9]
        at += 2 + length
    raise ValueError("these bytes are no JPEG: no frame header in them")


def _stream(entries: str, data: bytes) -> bytes:
    return f"<< {entries} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    """Header, objects, cross-reference table and trailer."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)
