"""Build the sample files from their sources: typst to PDF, the report to a scan, the letter to a photograph.

`python data/samples/make.py [DIR]` writes into DIR (default: beside the sources). Fixed seeds, embedded fonts and no
dates, so the same package versions give the same bytes. Needs the packages typst, pypdfium2 and opencv-python-headless.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import typst

SOURCES = Path(__file__).parent
sys.path.insert(0, str(SOURCES.parent.parent))  # so that it runs from a checkout that is not installed

from docalign.train.scan import encode_jpeg, images_to_pdf, page_pixels  # noqa: E402

SCAN_DPI = 200
SCAN_LIMIT_BYTES = 2_000_000
PHOTO_LIMIT_BYTES = 500_000


def compile_pdf(name: str) -> bytes:
    """`name`.typ as PDF bytes, with typst's embedded fonts only."""
    pdf = typst.compile(SOURCES / f"{name}.typ", format="pdf", ignore_system_fonts=True, timestamp=0)
    if not isinstance(pdf, bytes):
        raise TypeError(f"typst gave {type(pdf).__name__} for {name}.typ")
    return pdf


def scanned(pixels: Any, *, seed: int) -> bytes:
    """A page as a worn office scanner sees it: 0.5 to 1.4 degrees askew, shadow at one edge, grain, JPEG."""
    draw = np.random.default_rng(seed)
    height, width = pixels.shape
    angle = draw.choice((-1, 1)) * draw.uniform(0.5, 1.4)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    page = cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=(255.0,))
    page = cv2.GaussianBlur(page, (0, 0), 0.75).astype(np.float32)
    edge: Any = 1 - 0.28 * np.exp(-np.arange(width, dtype=np.float32) / 28)[None, :]
    grain = cv2.GaussianBlur(draw.standard_normal((height, width), dtype=np.float32), (0, 0), 0.8) * 9
    dust = np.where(draw.random((height, width)) < 4e-6, 1, 0).astype(np.uint8)
    specks = cv2.dilate(dust, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (4, 4))).astype(np.float32) * 120
    grey = (242 - (255 - page) * 0.82) * edge + grain - specks
    return encode_jpeg(np.clip(grey, 0, 255).astype(np.uint8), quality=38)


def photographed(pixels: Any, *, seed: int) -> bytes:
    """A sheet on a table, seen from one side: perspective, light from the left, a shadow, slight blur, sensor noise."""
    draw = np.random.default_rng(seed)
    height, width = pixels.shape
    across, down = 1500, 2000
    table = draw.standard_normal((down // 8, across // 8), dtype=np.float32)
    grain = cv2.resize(cv2.GaussianBlur(table, (0, 0), sigmaX=14, sigmaY=0.8), (across, down)) * 30
    scene: Any = np.stack([62 + grain, 84 + grain, 112 + grain], axis=-1).astype(np.float32)
    corners = np.array([[176, 118], [1345, 180], [1425, 1872], [98, 1806]], dtype=np.float32)
    sheet = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    view = cv2.getPerspectiveTransform(sheet, corners)
    paper = cv2.warpPerspective(cv2.GaussianBlur(pixels, (0, 0), 0.8), view, (across, down), flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full_like(pixels, 255), view, (across, down)).astype(np.float32)[..., None] / 255
    shadow = cv2.GaussianBlur(np.roll(mask[..., 0], (16, 14), axis=(0, 1)), (0, 0), 16)[..., None]
    scene *= 1 - 0.5 * shadow
    tint = np.array([216, 232, 240], dtype=np.float32) / 255
    ink = 34 + paper.astype(np.float32)[..., None] * (221 / 255)
    scene = scene * (1 - mask) + ink * tint * mask
    x, y = np.linspace(0, 1, across)[None, :, None], np.linspace(0, 1, down)[:, None, None]
    light = 1.04 - 0.30 * x - 0.12 * y - 0.10 * np.exp(-(((x - 0.8) / 0.22) ** 2) - ((y - 0.78) / 0.2) ** 2)
    noise = draw.standard_normal((down, across, 3), dtype=np.float32) * 3.5
    photo = cv2.GaussianBlur((scene * light + noise).astype(np.float32), (0, 0), 0.6)
    return encode_jpeg(np.clip(photo, 0, 255).astype(np.uint8), quality=74)


def within(data: bytes, limit: int, name: str) -> bytes:
    """`data`, or an error when a sample outgrows what a repository should carry."""
    if len(data) > limit:
        raise SystemExit(f"{name} has {len(data):,} bytes; the limit is {limit:,}.")
    return data


def build(target: Path) -> list[Path]:
    """Write every built sample into `target`; returns the paths."""
    report, contract, letter = (compile_pdf(name) for name in ("report", "contract", "letter"))
    scan = [scanned(page, seed=100 + number) for number, page in enumerate(page_pixels(report, dpi=SCAN_DPI))]
    photo = photographed(next(page_pixels(letter, dpi=SCAN_DPI)), seed=7)
    built = {
        "report.pdf": report,
        "contract.pdf": contract,
        "report-scan.pdf": within(images_to_pdf(scan, dpi=SCAN_DPI), SCAN_LIMIT_BYTES, "report-scan.pdf"),
        "letter.jpg": within(photo, PHOTO_LIMIT_BYTES, "letter.jpg"),
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, data in built.items():
        (target / name).write_bytes(data)
    return [target / name for name in built]


if __name__ == "__main__":
    for path in build(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCES):
        print(f"{path.stat().st_size:>9,}  {path}")
