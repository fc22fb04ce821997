"""Ingestion of scans beside bare Tesseract: pages per second of both in one run, repeats interleaved.

Ratios are given of wall time and of CPU time (this process and its workers); the second is the steadier one where other
work runs beside.

docalign: `ingest()` with two warm workers, from the file to the Document (rendering, preparation, OCR, layout). Bare
Tesseract: `tesserocr` in two processes of one thread each, the same trained data and page mode, on page images rendered
beforehand (loading them counts), and once more rendering them itself, as docalign has to. Sets: the sample scan, the
same pages as one TIFF, and with DOCALIGN_DATA the transcribed scans as one TIFF.

    [DOCALIGN_DATA=…] python benchmarks/ingest/ocr_speed.py [--repeats N] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from docalign.ingest import IngestOptions, WorkerPool, ingest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from speed.timing import interleaved

_SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "report-scan.pdf"
_DPI = 200
_WORKERS = 2
_api: Any = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="docalign-bench-") as folder,
        WorkerPool(_WORKERS) as pool,
        ProcessPoolExecutor(_WORKERS, get_context("spawn"), initializer=_start, initargs=(_data(),)) as bare,
    ):
        report = [_measured(name, *files, arguments.repeats, pool, bare) for name, *files in _sets(Path(folder))]
    for row in report:
        print(json.dumps(row))
    if arguments.out:
        arguments.out.write_text(
            json.dumps({"schema": "docalign.benchmark.ocr_speed/1", "sets": report}, indent=1) + "\n"
        )


def _sets(scratch: Path) -> list[tuple[str, Path, list[Path]]]:
    """(name, the file for docalign, its pages as images for Tesseract)."""
    pages = [_saved(image, scratch / f"sample{n}.pgm") for n, image in enumerate(_rendered(_SAMPLE))]
    sets = [("sample scan, PDF", _SAMPLE, pages), ("sample scan, TIFF", _tiff(pages, scratch / "sample.tiff"), pages)]
    data = os.environ.get("DOCALIGN_DATA")
    if data:
        from PIL import Image

        scans = []
        for path in sorted((Path(data) / "pdfs" / "scans").glob("*.png")):
            with Image.open(path) as image:
                # At one resolution, so that both arms read the same pixels.
                grey = image.convert("L").resize((1700, round(1700 * image.height / image.width)))
            scans.append(_saved(grey, scratch / f"{path.stem}.pgm"))
        sets.append(("transcribed scans, TIFF", _tiff(scans, scratch / "scans.tiff"), scans))
    return sets


def _measured(
    name: str, file: Path, pages: list[Path], repeats: int, pool: WorkerPool, bare: ProcessPoolExecutor
) -> dict[str, Any]:
    options = IngestOptions(ocr_engine="tesseract")
    arms: dict[str, Callable[[], object]] = {
        "docalign": lambda: ingest(file, options=options, pool=pool),
        "bare": lambda: list(bare.map(_read_image, map(str, pages))),
    }
    if file.suffix == ".pdf":
        arms["bare_rendering"] = lambda: list(bare.map(_read_page, [str(file)] * len(pages), range(len(pages))))
    # The unmeasured first round loads engines and starts processes.
    timed = interleaved(arms, repeats, warmed_up=lambda: None)
    row: dict[str, Any] = {"set": name, "pages": len(pages), "repeats": repeats}
    for arm, of in timed.items():
        row[arm] = of.rate(len(pages))
        if arm != "docalign":
            row[arm] |= {"ratio": _ratio(timed["docalign"].seconds, of.seconds)}
            row[arm] |= {"cpu_ratio": _ratio(timed["docalign"].cpu_s, of.cpu_s)}
    return row


def _ratio(own: list[float], their: list[float]) -> float:
    """docalign's rate over the other arm's, round by round."""
    return round(median(b / a for a, b in zip(own, their, strict=True)), 3)


def _data() -> str:
    from docalign.ingest.ocr.tesseract import find_data

    return str(find_data(("eng",)))


def _start(data: str) -> None:
    """One engine per process; the thread limit must stand before the library loads."""
    global _api
    os.environ["OMP_THREAD_LIMIT"] = "1"
    import tesserocr

    tesserocr.set_leptonica_log_level(tesserocr.LeptLogLevel.NONE)
    _api = tesserocr.PyTessBaseAPI(path=data, lang="eng", psm=tesserocr.PSM.AUTO, oem=tesserocr.OEM.LSTM_ONLY)
    _api.SetVariable("debug_file", os.devnull)


def _read_image(path: str) -> int:
    from PIL import Image

    with Image.open(path) as image:
        return _recognised(image)


def _read_page(path: str, index: int) -> int:
    return _recognised(_rendered(Path(path), index)[0])


def _recognised(image: Any) -> int:
    """Characters read from a page image."""
    _api.SetImage(image)
    _api.SetSourceResolution(_DPI)
    return len(_api.GetUTF8Text())


def _rendered(path: Path, index: int | None = None) -> list[Any]:
    """All pages, or one, in grey at 200 dpi."""
    import pypdfium2 as pdfium

    with pdfium.PdfDocument(path) as pdf:
        wanted = range(len(pdf)) if index is None else (index,)
        return [pdf[i].render(scale=_DPI / 72, grayscale=True).to_pil() for i in wanted]


def _saved(image: Any, path: Path) -> Path:
    image.save(path)
    return path


def _tiff(pages: list[Path], target: Path) -> Path:
    from PIL import Image

    first, *others = [Image.open(p) for p in pages]
    first.save(target, save_all=True, append_images=others, dpi=(_DPI, _DPI), compression="tiff_deflate")
    return target


if __name__ == "__main__":
    main()
