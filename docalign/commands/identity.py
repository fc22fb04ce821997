"""What besides settings decides the bytes of a result: versions of the libraries, the OCR engine and its data."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from typing import TYPE_CHECKING, Final

from docalign.errors import OcrMissingError
from docalign.output.journal import file_sha256

if TYPE_CHECKING:
    from docalign.ingest import IngestOptions

__all__ = ["library_versions", "ocr_identity"]

_NO_PART: Final = re.compile(
    r"""extra\s*==\s*['"](dev|train|bench|serve|client|rank|postgres|docs|ray|ray-serve|parquet"""
    r"""|langchain|llama-index|haystack|chonkie|mcp)['"]"""
)
"""Extras that no result is made with."""
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def library_versions() -> dict[str, str]:
    """Installed version of every library that reading or chunking may use, third-party readers included."""
    try:
        needed = requires("docalign") or []
    except PackageNotFoundError:  # run from a checkout that is not installed
        needed = []
    names = {found[0] for line in needed if not _NO_PART.search(line) and (found := _NAME.match(line))}
    names |= {point.dist.name for point in entry_points(group="docalign.readers") if point.dist is not None}
    versions = {name: _version(name) for name in sorted(names)}
    return {name: known for name, known in versions.items() if known is not None}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def ocr_identity(options: IngestOptions) -> list[str] | None:
    """The engine that would read a page, and hashes of its trained data; None where there is none, or OCR is off."""
    from docalign.ingest.ocr.engine import choose_engine, split_languages
    from docalign.ingest.ocr.tesseract import find_data

    if options.ocr == "never":
        return None
    try:
        engine = choose_engine(options.languages, options.ocr_engine)
    except OcrMissingError:
        return None
    languages = split_languages(options.languages)
    folder = find_data(languages)
    return [engine.name, *(file_sha256(folder / f"{name}.traineddata") for name in languages if folder is not None)]
