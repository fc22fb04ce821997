"""The fixed files that are measured, and where they come from: the samples, and `DOCALIGN_DATA` when it is set."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pypdfium2 as pdfium

from speed.machine import ROOT

__all__ = ["FileSet", "digital_sets", "scan_sources"]

SAMPLES = ROOT / "data" / "samples"
_DIGITAL = ("report.pdf", "contract.pdf")
_DATA_DIGITAL = (
    "pdfs/debian/policy.pdf",
    "pdfs/federal_reports/DOL2022.pdf",
    "pdfs/nih_protocols/NCT06149832_Prot_000.pdf",
    "pdfs/olmocr/pdftotext_two_column_issue.pdf",
    "pdfs/olmocr/repeating_references_on_pg9_pg10.pdf",
)


@dataclass(frozen=True, slots=True)
class FileSet:
    """Files measured together, each a file of its own on disk."""

    name: str
    files: tuple[Path, ...]
    pages: int


def digital_sets(scratch: Path, *, copies: int, max_pages: int) -> list[FileSet]:
    """The samples, `copies` times each, and the first `max_pages` pages of each of the data's PDFs."""
    samples = []
    for copy in range(copies):
        for name in _DIGITAL:
            target = scratch / "samples" / f"{copy:02d}-{name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            samples.append(Path(shutil.copyfile(SAMPLES / name, target)))
    sets = [_file_set("samples", samples)]
    data = _data_directory()
    if data is not None:
        folder = scratch / "data"
        folder.mkdir(parents=True, exist_ok=True)
        sets.append(_file_set("data", [_first_pages(data / name, folder, max_pages) for name in _DATA_DIGITAL]))
    return sets


def scan_sources() -> dict[str, list[Path]]:
    """Scanned files by set: the sample, and the data's page images."""
    sources = {"report-scan.pdf": [SAMPLES / "report-scan.pdf"]}
    data = _data_directory()
    if data is not None:
        sources["page images"] = sorted((data / "pdfs" / "scans").glob("*.png"))
    return sources


def _data_directory() -> Path | None:
    named = os.environ.get("DOCALIGN_DATA")
    return Path(named) if named else None


def _first_pages(source: Path, folder: Path, max_pages: int) -> Path:
    target = folder / source.name
    with pdfium.PdfDocument(source) as whole:
        if len(whole) <= max_pages:
            return Path(shutil.copyfile(source, target))
        with pdfium.PdfDocument.new() as part:
            part.import_pages(whole, list(range(max_pages)))
            part.save(target)
    return target


def _file_set(name: str, files: Sequence[Path]) -> FileSet:
    pages = 0
    for file in files:
        with pdfium.PdfDocument(file) as pdf:
            pages += len(pdf)
    return FileSet(name, tuple(files), pages)
