"""Scans: docalign end to end beside bare Tesseract on the same pages.

Bare Tesseract is `tesserocr` on page images rendered beforehand at 200 dpi: two worker processes, one thread each,
the same trained data and page mode as docalign's, nothing else (no tilt, no noise, no blocks). Loading a page image is
part of its time, rendering it is not.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from speed.pipeline import Warm
from speed.timing import interleaved

__all__ = ["measure_scans", "prepare_scans"]

DPI = 200
_WORKERS = 2
_api: Any = None


def prepare_scans(sources: dict[str, list[Path]], scratch: Path) -> list[tuple[str, list[Path], list[Path]]]:
    """`(set, files for docalign, page images for Tesseract)`.

    Page images are measured twice: each as its own file (a file's only page leaves the second core idle, since
    docalign takes files one after the other), and all as one TIFF.
    """
    sets = []
    for name, files in sources.items():
        folder = scratch / name.replace(" ", "-")
        folder.mkdir(parents=True)
        pages = [image for file in files for image in _rendered(file, folder)]
        sets.append((name, files, pages))
        if len(files) > 1:
            sets.append((f"{name}, one TIFF", [_as_tiff(pages, folder)], pages))
    return sets


def measure_scans(name: str, files: Sequence[Path], pages: Sequence[Path], warm: Warm, repeats: int) -> dict[str, Any]:
    """Both arms on one set, interleaved."""
    from docalign.ingest.ocr.tesseract import find_data

    data = find_data(("eng",))
    with ProcessPoolExecutor(_WORKERS, get_context("spawn"), initializer=_start, initargs=(str(data),)) as pool:
        timed = interleaved(
            {"docalign": lambda: warm.run(files), "tesseract": lambda: list(pool.map(_recognise, map(str, pages)))},
            repeats,
            warmed_up=warm.reset,
        )
    ratios = [b / a for a, b in zip(timed["docalign"].seconds, timed["tesseract"].seconds, strict=True)]
    return {
        "set": name,
        "files": len(files),
        "pages": len(pages),
        "repeats": repeats,
        "ratio_of_rates": round(median(ratios), 3),
        "arms": {
            "docalign": timed["docalign"].rate(len(pages)) | warm.summary(),
            "bare Tesseract": timed["tesseract"].rate(len(pages)),
        },
    }


def _start(data: str) -> None:
    """One engine per process; the thread limit must stand before the library loads."""
    global _api
    os.environ["OMP_THREAD_LIMIT"] = "1"
    import tesserocr

    tesserocr.set_leptonica_log_level(tesserocr.LeptLogLevel.NONE)
    _api = tesserocr.PyTessBaseAPI(path=data, lang="eng", psm=tesserocr.PSM.AUTO, oem=tesserocr.OEM.LSTM_ONLY)
    _api.SetVariable("debug_file", os.devnull)


def _recognise(path: str) -> int:
    """Characters read from a page image."""
    from PIL import Image

    with Image.open(path) as image:
        _api.SetImage(image)
    _api.SetSourceResolution(DPI)
    return len(_api.GetUTF8Text())


def _rendered(file: Path, folder: Path) -> list[Path]:
    """The pages of a scan in grey at 200 dpi, one file each."""
    import pypdfium2 as pdfium
    from PIL import Image

    from docalign.ingest.ocr.images import page_dpi, to_grey

    made = []
    if file.suffix == ".pdf":
        with pdfium.PdfDocument(file) as pdf:
            images = [page.render(scale=DPI / 72, grayscale=True).to_pil() for page in pdf]
    else:
        with Image.open(file) as image:
            grey, (across, down) = to_grey(image), page_dpi(image)
        images = [
            grey.resize((round(grey.width * DPI / across), round(grey.height * DPI / down)), Image.Resampling.LANCZOS)
        ]
    for number, image in enumerate(images):
        made.append(folder / f"{file.stem}-{number:02d}.pgm")
        image.save(made[-1])
    return made


def _as_tiff(pages: Sequence[Path], folder: Path) -> Path:
    from PIL import Image

    first, *others = [Image.open(p) for p in pages]
    target = folder / "all.tiff"
    first.save(target, save_all=True, append_images=others, dpi=(DPI, DPI), compression="tiff_deflate")
    return target
