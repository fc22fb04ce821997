"""What Word, PowerPoint and Excel files share: parts, and the relations that lead from one to the next."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from docalign.errors import DamagedInputError
from docalign.ingest.readers.safe_xml import local_name

if TYPE_CHECKING:
    from docalign.ingest.readers.archive import Archive

__all__ = ["MC", "WP", "A", "M", "R", "Relation", "W", "main_part", "related", "relations"]

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
M: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
MC: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
WP: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"


@dataclass(frozen=True, slots=True)
class Relation:
    """`kind` is the last word of the relation's type (`header`, `comments`, …), `target` a part's name."""

    id: str
    kind: str
    target: str


def relations(archive: Archive, part: str) -> Iterator[Relation]:
    """Where a part (''  for the whole file) leads inside the archive; links out of it are left out."""
    folder, name = posixpath.split(part)
    rels = posixpath.join(folder, "_rels", f"{name}.rels")
    if rels not in archive.names:
        return
    for element in archive.xml(rels):
        if local_name(element) == "Relationship" and element.get("TargetMode") != "External":
            target = unquote(element.get("Target", ""))
            full = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            yield Relation(element.get("Id", ""), element.get("Type", "").rpartition("/")[2], full)


def related(archive: Archive, part: str, *kinds: str) -> list[str]:
    """Names of the parts of these kinds that `part` leads to and that exist, each once, in order."""
    found = (r.target for r in relations(archive, part) if r.kind in kinds)
    return [name for name in dict.fromkeys(found) if name in archive.names]


def main_part(archive: Archive, what: str) -> str:
    """The part that the file is about.

    Raises:
        DamagedInputError: it is missing.
    """
    found = related(archive, "", "officeDocument")
    if not found:
        raise DamagedInputError(f"its main {what} part is missing.", remedy="Save the file again and retry.")
    return found[0]
