"""What a caller may ask of ingestion. Values only; each is checked once, here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from docalign.errors import UsageError

__all__ = ["IngestOptions", "OcrChoice", "OcrMode"]

OcrMode = Literal["auto", "always", "never"]
OcrChoice = Literal["auto", "tesseract", "hard"]

_MIB: Final = ("worker_memory_mib", "worker_output_mib", "cache_mib")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """Limits and choices for reading one file.

    `ocr`: `auto` reads pages without a usable text layer, `always` every page, `never` none. `languages` are
    Tesseract's names joined by `+`, the main one first. `ocr_engine`: `tesseract` reads with Tesseract alone, `hard`
    with the stronger engine of the extra of that name, `auto` with Tesseract and, where the extra is installed, pages
    that stay doubtful once more with the stronger one. `dpi` is what PDF pages are rendered at for OCR. `max_pixels`
    bounds one image.
    `page_timeout_s` is how long one page of a paged file may take, `file_timeout_s` a file without pages.
    `worker_memory_mib` bounds the private memory of a worker process, `worker_output_mib` what it may answer at once.
    `strict` makes a page that cannot be read an error of the file; without it the page is empty and warned about.
    `use_cache` keeps read pages in `cache_dir` (default: `docalign/pages` in the user's cache folder), at most
    `cache_mib` of them, and takes them from there when the same bytes are read the same way again.
    `workers` is the number of worker processes, None for one per available core. `use_outline` and `use_tags`: believe
    a PDF's own outline and tags, where they fit its text, about headings and furniture.

    Raises:
        UsageError: a value out of its range.
    """

    ocr: OcrMode = "auto"
    languages: str = "eng"
    ocr_engine: OcrChoice = "auto"
    dpi: int = 200
    max_pages: int = 5_000
    max_pixels: int = 100_000_000
    max_bytes: int = 1 << 30
    page_timeout_s: float = 120.0
    file_timeout_s: float = 300.0
    worker_memory_mib: int = 2048
    worker_output_mib: int = 256
    strict: bool = False
    use_cache: bool = False
    cache_dir: str | None = None
    cache_mib: int = 1024
    workers: int | None = None
    password: str | None = None
    use_outline: bool = True
    use_tags: bool = True

    def __post_init__(self) -> None:
        if self.ocr not in get_args(OcrMode):
            raise UsageError(f"ocr is {self.ocr!r}.", remedy="Use auto, always or never.")
        if self.ocr_engine not in get_args(OcrChoice):
            raise UsageError(f"ocr_engine is {self.ocr_engine!r}.", remedy="Use auto, tesseract or hard.")
        if not 70 <= self.dpi <= 1200:
            raise UsageError(f"dpi is {self.dpi}.", remedy="Use 70 to 1200; 200 suits print.")
        for name in ("max_pages", "max_pixels", "max_bytes", "page_timeout_s", "file_timeout_s", *_MIB):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} is {getattr(self, name)}.", remedy="Use a number above 0.")
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"workers is {self.workers}.", remedy="Use 1 or more, or leave it out.")
