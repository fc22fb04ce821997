"""Files and folders to structured documents: corpora, scholarly XML, and whatever ingestion finds headings in.

* `.jsonl`, `.jsonl.xz`: a corpus, a document a line (see `train.corpus`);
* JATS and TEI XML: read here, because their section trees are the truth and ingestion has no use for them;
* all else: ingested; a file counts only if its headings come from the format itself or from a PDF's outline or tags,
  never from the look of a page, which would teach the model its own guesses.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.errors import DocalignError, EmptyInputError, MissingInputError
from docalign.train.corpus import read_corpus
from docalign.train.prepare.scholarly import read_scholarly, scholarly_kind
from docalign.train.prepare.structured import Structured

if TYPE_CHECKING:
    from docalign.document import Block, Document

__all__ = ["Passed", "SourceFiles", "read_sources"]

_CORPUS: Final = (".jsonl", ".jsonl.xz")
_MARKS: Final = re.compile(r"^\s{0,3}(?:#{1,6}\s+|[-*+]\s+|\d+[.)]\s+|>\s?)")
_MARKUP: Final = frozenset({".md", ".markdown", ".mdown"})


@dataclass(frozen=True, slots=True)
class Passed:
    """A file no gold can be made from, and why."""

    path: Path
    why: str


@dataclass(slots=True)
class SourceFiles:
    """What the sources named: every file in order, and afterwards those that were passed over."""

    files: list[tuple[str, Path]] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)

    @classmethod
    def of(cls, sources: Sequence[str]) -> SourceFiles:
        """The files of `sources` (files or folders) in order, each with its name relative to its source.

        Raises:
            MissingInputError: a source does not exist. EmptyInputError: there is no file in them.
        """
        found = cls()
        for source in map(Path, sources):
            if source.is_dir():
                inside, unreadable = _files_in(source)
                found.files += [(p.relative_to(source).as_posix(), p) for p in sorted(inside)]
                found.passed += unreadable
            elif source.is_file():
                found.files.append((source.name, source))
            else:
                raise MissingInputError("there is no such file.", source=str(source), remedy="Check the path.")
        if not found.files:
            raise EmptyInputError("there is no file in it.", source=", ".join(sources), remedy="Name another folder.")
        return found


def _files_in(folder: Path) -> tuple[list[Path], list[Passed]]:
    """The files below a folder, hidden ones and links to folders left out, and the folders that cannot be listed."""
    files: list[Path] = []
    passed: list[Passed] = []

    def refused(error: OSError) -> None:
        passed.append(Passed(Path(error.filename), f"the folder cannot be listed ({error.strerror})."))

    for here, folders, names in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [path for name in names if not name.startswith(".") and (path := Path(here, name)).is_file()]
    return files, passed


def read_sources(
    files: SourceFiles, *, domain: str | None = None, on_file: Callable[[str], None] = lambda _: None
) -> Iterator[Structured]:
    """The structured documents of the files, in order; files without structure end in `files.passed`.

    Args:
        domain: what to call the domain of documents that name none.
    """
    for name, path in files.files:
        on_file(name)
        try:
            found = list(_read(name, path, domain))
        except DocalignError as error:
            files.passed.append(Passed(path, f"{error.what} {error.remedy}".strip()))
            continue
        for document in found:
            if document.headings or document.topic_starts is not None:
                yield document
            else:
                files.passed.append(Passed(path, "it has no heading that its format or its outline names."))


def _read(name: str, path: Path, domain: str | None) -> Iterator[Structured]:
    if name.endswith(_CORPUS):
        yield from (_of_corpus(value, domain) for value in read_corpus(path))
    elif path.suffix.lower() in (".xml", ".nxml", ".tei") and (kind := scholarly_kind(path)):
        yield read_scholarly(path, kind, name=name, domain=domain)
    else:
        yield _of_file(name, path, domain)


def _of_corpus(value: Any, domain: str | None) -> Structured:
    return Structured(
        id=value["id"],
        source=value.get("source") or value["id"].split("/", 1)[0],
        title=str(value.get("title") or value["id"]),
        blocks=value["blocks"],
        domain=value.get("domain") or domain,
        licence=value.get("licence"),
        topic_starts=value.get("topic_starts"),
    )


def _of_file(name: str, path: Path, domain: str | None) -> Structured:
    from docalign.ingest import IngestOptions, ingest

    document = ingest(path, name=name, options=IngestOptions(ocr="never"))
    trusted = path.suffix.lower() != ".pdf" or _has_outline(path)
    blocks = [_plain(document, block, path.suffix.lower()) for block in document.blocks]
    if not trusted:
        blocks = [b | {"kind": "paragraph", "level": None} if b["kind"] == "heading" else b for b in blocks]
    title = next((b["text"] for b in blocks if b["kind"] == "heading"), name)
    return Structured(name, _collection(name), title, blocks, domain, native=document)


def _collection(name: str) -> str:
    """Documents of one folder are one source."""
    return name.rsplit("/", 1)[0] if "/" in name else "files"


def _plain(document: Document, block: Block, suffix: str) -> dict[str, Any]:
    """A block without its format's marks: `## 2 Methods` is the heading `2 Methods`."""
    text = document.block_text(block)
    if suffix in _MARKUP and block.kind != "code":
        text = _MARKS.sub("", text).rstrip("#").rstrip() if block.kind == "heading" else _MARKS.sub("", text)
        text = re.sub(r"\n[=-]{2,}\s*$", "", text) if block.kind == "heading" else text
    return {"kind": block.kind, "level": block.level, "text": text or document.block_text(block)}


def _has_outline(path: Path) -> bool:
    """Whether a PDF has bookmarks or a tag tree, which ingestion then takes its headings from."""
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    try:
        with pdfium.PdfDocument(path) as pdf:
            return bool(raw.FPDFCatalog_IsTagged(pdf)) or next(iter(pdf.get_toc(max_depth=2)), None) is not None
    except pdfium.PdfiumError:
        return False
