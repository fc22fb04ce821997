"""What is fuzzed: each reader as a function of bytes, and the files mutation starts from.

A reader may answer with a `Document` or raise a `DocalignError`; anything else is a finding. Readers run in this
process, without the worker that would turn a stray exception into a named error, because a stray exception means
that the reader does not know its own input. Pages are not read by OCR: an engine that sees nothing stands in for it.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from docalign.errors import DocalignError
from docalign.ingest import formats
from docalign.ingest.layout.build import build_document
from docalign.ingest.ocr import images
from docalign.ingest.ocr.skew import straight_page
from docalign.ingest.options import IngestOptions
from docalign.ingest.pdf import reader as pdf
from tests.bad.cases import CASES
from tests.fuzz.seeds import GOOD

if TYPE_CHECKING:
    from docalign.document import Document

__all__ = ["FINDINGS", "gather", "names", "read", "seeds"]

FINDINGS: Final = Path(__file__).parent / "findings"
"""A folder for each target; its files are replayed for ever."""

_ARTIFACTS: Final = ("crash-*", "oom-*", "timeout-*", "leak-*", "slow-unit-*")
_OPTIONS: Final = IngestOptions(max_bytes=1 << 22, max_pages=20, max_pixels=1 << 22, workers=1)
_CONVERTER: Final = "docalign.ingest.readers.libreoffice"
"""Files that LibreOffice converts: what would be fuzzed is LibreOffice."""
_PAGES: Final = 3
_SEED_BYTES: Final = 40_000
_SAMPLES: Final = Path("data/samples")


class _Blind:
    """An OCR engine for which every page is blank."""

    name = "blind"

    def recognise(self, image: Any, *, dpi: float) -> list[Any]:
        return []

    def orientation(self, image: Any, *, dpi: float) -> tuple[int, float]:
        return 0, 0.0


def names() -> list[str]:
    """The readers, by the name of their format."""
    return sorted(f.name.replace(" ", "-") for f in formats.FORMATS if f.reader.partition(":")[0] != _CONVERTER)


def _format(name: str) -> formats.Format:
    return next(f for f in formats.FORMATS if f.name.replace(" ", "-") == name)


def read(name: str, data: bytes) -> Document | DocalignError:
    """What the reader makes of the bytes.

    Raises:
        Exception: a finding.
    """
    found = _format(name)
    module, _, attribute = found.reader.partition(":")
    reader = getattr(importlib.import_module(module), attribute)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "fuzz" + found.suffixes[0])
        path.write_bytes(data)
        try:
            if found.kind == "paged":
                return _pages(reader, path)
            return _whole(reader, found, path, data)
        except DocalignError as error:
            return error


def _whole(reader: Any, found: formats.Format, path: Path, data: bytes) -> Document:
    if found.kind == "flow":
        document: Document = reader(str(path), _OPTIONS, source=path.name, sha256="0" * 64)
        return document.check()
    document = reader(data, source=path.name, sha256="0" * 64)
    return document.check()


def _pages(reader: Any, path: Path) -> Document:
    blind = {"choose_engine": lambda *_, **__: _Blind()}
    with patch.multiple(pdf, **blind), patch.multiple(images, **blind):
        opened = reader(str(path), _OPTIONS)
        try:
            pages = []
            for index in range(min(opened.pages, _PAGES)):
                with suppress(DocalignError):
                    pages.append(straight_page(opened.page(index)))
            return build_document(pages, source=path.name, sha256="0" * 64)
        finally:
            opened.close()


def gather(name: str, folder: Path, findings: Path = FINDINGS) -> list[Path]:
    """Move what libFuzzer left in a folder to the target's findings."""
    left = sorted(path for pattern in _ARTIFACTS for path in folder.glob(pattern))
    (findings / name).mkdir(parents=True, exist_ok=True)
    return [Path(shutil.move(path, findings / name / path.name)) for path in left]


def seeds(name: str) -> list[bytes]:
    """Small files to start from: the samples, the table of bad inputs and the good files of `seeds.py`, by suffix."""
    suffixes = _format(name).suffixes
    found: dict[bytes, None] = {}
    for path in sorted(_SAMPLES.iterdir()):
        if path.suffix in suffixes and path.stat().st_size <= _SEED_BYTES:
            found[path.read_bytes()] = None
    for case in CASES:
        if Path(case.name).suffix in suffixes and "bomb" not in case.mechanism and "endless" not in case.mechanism:
            data = case.make()
            if len(data) <= _SEED_BYTES:
                found[data] = None
    for data in GOOD.get(name, ()):
        found[data()] = None
    return list(found)
