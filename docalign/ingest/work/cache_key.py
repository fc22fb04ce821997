"""What a page depends on, as one key: the file's bytes, the reader, the options, and what reads on this machine.

Whatever is not known to be irrelevant is part of the key, so that a cached page is never another page than would be
read now. Docalign's own code goes in by its sources, not its version alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Final

import docalign
from docalign.errors import UsageError
from docalign.ingest.options import IngestOptions

__all__ = ["PageKeys", "may_be_cached"]

_IRRELEVANT: Final = {
    "max_bytes", "max_pages", "page_timeout_s", "file_timeout_s", "worker_memory_mib", "worker_output_mib",
    "workers", "password", "use_cache", "cache_dir", "cache_mib",
}  # fmt: skip
"""Options that decide whether a page is read, not what is read; a file with a password is not cached at all."""
_ALWAYS: Final = (
    "faster-paddle",
    "pdfplumber",
    "pdfminer.six",
    "pillow",
    "pypdfium2",
    "numpy",
    "tesserocr",
    "pytesseract",
)


def may_be_cached(reader: str, options: IngestOptions) -> bool:
    """Not what a password protects, nor what a reader of another package makes: nobody says what that depends on."""
    return options.use_cache and options.password is None and reader.startswith("docalign.ingest.")


class PageKeys:
    """The keys of one file's parts."""

    def __init__(self, sha256: str, reader: str, options: IngestOptions) -> None:
        relevant = {name: value for name, value in asdict(options).items() if name not in _IRRELEVANT}
        engine = None if options.ocr == "never" else _trained_data(options.languages)
        about = [sha256, reader, relevant, _code(), _versions(), engine]
        self._about = hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode())

    def of(self, part: str | int) -> str:
        """The key of a page by its index, or of another part by its name; 64 hexadecimal digits."""
        key = self._about.copy()
        key.update(f"\n{part}".encode())
        return key.hexdigest()


@cache
def _code() -> str:
    """A hash of everything in docalign that has a say in a page."""
    root = Path(docalign.__file__).parent
    found = hashlib.sha256(docalign.__version__.encode())
    for path in sorted([*root.glob("*.py"), *(root / "ingest").rglob("*.py")]):
        found.update(f"{path.relative_to(root)}\n".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


@cache
def _versions() -> dict[str, str]:
    """Versions of the packages docalign may use here, those of its extras too."""
    names = set(_ALWAYS)
    for line in _requirements():
        found = re.match(r"[\w.\-]+", line)
        if found and not re.search(r"extra\s*==\s*['\"](train|dev|bench)['\"]", line):
            names.add(found[0])
    versions: dict[str, str] = {}
    for name in sorted(names):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _requirements() -> list[str]:
    try:
        return requires("docalign") or []
    except PackageNotFoundError:  # a checkout on the path
        return []


def _trained_data(languages: str) -> dict[str, Any]:
    """The hash of each language's trained data, and which command would read where the wheel cannot."""
    from docalign.ingest.ocr import tesseract
    from docalign.ingest.ocr.engine import split_languages

    try:
        wanted = split_languages(languages)
    except UsageError:
        return {}
    facts: dict[str, Any] = {"wheel": tesseract.wheel_installed()}
    for names in (wanted, ("osd",)):
        directory = tesseract.find_data(names)
        for name in names if directory is not None else ():
            facts[name] = _file_hash(directory / f"{name}.traineddata")  # type: ignore[operator]
    command = tesseract.find_command()
    if command:
        stat = Path(command).stat()
        facts["command"] = [command, stat.st_size, stat.st_mtime_ns]
    return facts


def _file_hash(path: Path) -> str:
    stat = path.stat()
    return _hash_of(path, stat.st_size, stat.st_mtime_ns)


@cache
def _hash_of(path: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001 - a changed file is hashed anew
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
