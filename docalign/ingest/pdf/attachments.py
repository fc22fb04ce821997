"""Files inside a PDF: listed as warnings; the PDFs of a portfolio are opened as further pages.

A portfolio (a PDF with a /Collection) is a cover page and a bag of files; what people mean by its content is in the
bag. Attachments of an ordinary PDF are named and left alone. Bounded: files, bytes, and portfolios inside portfolios.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pikepdf

__all__ = ["Attachment", "attachments", "is_portfolio", "list_attachments"]

_MAX_FILES: Final = 200
_MAX_BYTES: Final = 256 << 20
_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the file. `data` is None where it cannot be read or is over the limit; `size` in bytes."""

    name: str
    size: int | None
    data: bytes | None = None

    @property
    def is_pdf(self) -> bool:
        return self.data is not None and b"%PDF-" in self.data[:1024]


def is_portfolio(structure: pikepdf.Pdf | None) -> bool:
    """Whether the file says that its attachments are what it is about."""
    try:
        return structure is not None and structure.Root.get("/Collection") is not None
    except Exception:  # noqa: BLE001 - a second opinion only, and hostile files raise anything at all
        return False


def attachments(structure: pikepdf.Pdf | None, *, read: bool) -> tuple[Attachment, ...]:
    """The embedded files in the order of their names; with `read` their bytes too, as far as the limits go."""
    if structure is None:
        return ()
    try:
        names = sorted(structure.attachments)[:_MAX_FILES]
    except Exception:  # noqa: BLE001 - as above
        return ()
    return tuple(_read_all(structure, names, read))


def _read_all(structure: pikepdf.Pdf, names: list[str], read: bool) -> Iterator[Attachment]:
    left = _MAX_BYTES
    for name in names:
        try:
            spec = structure.attachments[name]
            file = spec.get_file()
            size = _size(file)
            data = file.read_bytes() if read and size is not None and size <= left else None
        except Exception:  # noqa: BLE001 - as above
            yield Attachment(name, None)
            continue
        left -= len(data or b"")
        yield Attachment(spec.filename or name, size if data is None else len(data), data)


def _size(file: Any) -> int | None:
    """As the file says; else the length of what is stored."""
    if file.size and file.size > 0:
        return int(file.size)
    length = file.obj.get("/Length")
    return None if length is None else int(length)


def list_attachments(found: tuple[Attachment, ...]) -> tuple[str, ...]:
    """A warning that names the files that were not read."""
    if not found:
        return ()
    named = ", ".join(f"{a.name} ({_shown_size(a.size)})" for a in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    what = "1 attached file was" if len(found) == 1 else f"{len(found)} attached files were"
    return (f"{what} not read: {named}{more}.",)


def _shown_size(size: int | None) -> str:
    return "size unknown" if size is None else f"{size:,} bytes"
