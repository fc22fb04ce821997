"""The objects behind a PDF's pages, through a second parser (qpdf, by `pikepdf`): opened once beside PDFium.

PDFium shows a page and keeps quiet about what it could not read. qpdf knows the objects: streams, resources, the page
tree, attachments. Opening costs 0.1 ms a page, so every file is opened. Where qpdf cannot open a file at all, that
is no error: PDFium reads it, and nothing is known about its objects.
"""

from __future__ import annotations

import logging
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pikepdf

__all__ = [
    "PdfFile",
    "filters",
    "open_structure",
    "page_count",
    "picture_fault",
    "repaired",
    "stream_damage",
]

_MAX_OUTPUT: Final = 64 << 20
_PIECE: Final = 1 << 16
_FILTERS: Final = frozenset(
    f"/{name}"
    for name in (
        *("ASCIIHexDecode", "ASCII85Decode", "LZWDecode", "FlateDecode", "RunLengthDecode", "CCITTFaxDecode"),
        *("JBIG2Decode", "DCTDecode", "JPXDecode", "AHx", "A85", "LZW", "Fl", "RL", "CCF", "DCT"),
    )
)
_FLATE: Final = (["/FlateDecode"], ["/Fl"])
_JPEG: Final = (["/DCTDecode"], ["/DCT"])
_JPEG_END: Final = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class PdfFile:
    """Where a PDF's bytes are: at `path`, or (a file found inside another) in `data`."""

    path: str
    data: bytes | None = None

    def opened(self) -> str | BytesIO:
        """What libraries open: the path, or the bytes as a file."""
        return self.path if self.data is None else BytesIO(self.data)

    def ends(self) -> tuple[bytes, bytes]:
        """The first 1 and the last 2 kB."""
        if self.data is not None:
            return self.data[:1024], self.data[-2048:]
        with Path(self.path).open("rb") as file:
            head = file.read(1024)
            file.seek(max(0, Path(self.path).stat().st_size - 2048))
            return head, file.read()


def open_structure(file: PdfFile, password: str | None) -> pikepdf.Pdf | None:
    """The file's objects; None where qpdf cannot open it."""
    import pikepdf

    logging.getLogger("pikepdf").setLevel(logging.CRITICAL)  # damage is reported by page, not on stderr
    try:
        return pikepdf.open(file.opened(), password=password or "", suppress_warnings=True)
    except Exception:  # noqa: BLE001 - a second opinion only, and hostile files raise anything at all
        return None


def page_count(structure: pikepdf.Pdf | None) -> int | None:
    """How many pages qpdf finds; None where it cannot tell."""
    if structure is None:
        return None
    try:
        return len(structure.pages)
    except Exception:  # noqa: BLE001 - as above
        return None


def repaired(structure: pikepdf.Pdf) -> bytes | None:
    """The file written anew with a sound cross-reference table and page tree; None where that fails."""
    target = BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about form fields; the copy is only read
            structure.save(target)
    except Exception:  # noqa: BLE001 - as above
        return None
    return target.getvalue()


def filters(stream: Any) -> list[str]:
    """The names of a stream's filters, as `/FlateDecode`."""
    value = stream.get("/Filter")
    if value is None:
        return []
    return [str(name) for name in value] if _is_array(value) else [str(value)]


def _is_array(value: Any) -> bool:
    import pikepdf

    return isinstance(value, pikepdf.Array)


def stream_damage(stream: Any) -> tuple[bytes, str | None]:
    """The decoded bytes of a stream as far as they can be had, and what is wrong with it (None: nothing).

    Flate streams are decoded here, because qpdf takes a stream that breaks off for whole; others are left to qpdf.
    Image codecs are not run. Output is bounded: past 64 MiB nothing more is decoded or checked.
    """
    import pikepdf

    names = filters(stream)
    unknown = [name for name in names if name not in _FILTERS]
    if unknown:
        return b"", f"uses {', '.join(unknown)}, a filter that PDFium does not know"
    try:
        if names in _FLATE and not (stream.get("/DecodeParms") or {}):
            return _inflate(stream.read_raw_bytes())
        if set(names) & {"/DCTDecode", "/JPXDecode", "/JBIG2Decode", "/CCITTFaxDecode", "/DCT", "/CCF"}:
            return b"", None
        return stream.read_bytes(), None
    except pikepdf.PdfError as error:
        return b"", f"cannot be decoded ({str(error).rpartition(': ')[2]})"


def picture_fault(stream: Any, *, inflate: bool) -> str | None:
    """What is wrong with the data of a picture (None: nothing): where they break off PDFium shows black or grey.

    Codecs are not run: of JPEG data only the end is looked at. Flate data are looked through only to `inflate` them.
    """
    names = filters(stream)
    if names in _FLATE:
        return _inflate(stream.read_raw_bytes(), keep=False)[1] if inflate else None
    if names in _JPEG and _JPEG_END not in stream.read_raw_bytes().rstrip(b"\0\t\n\r ")[-64:]:
        return "breaks off: its JPEG data have no end"
    return stream_damage(stream)[1]


def _inflate(data: bytes, *, keep: bool = True) -> tuple[bytes, str | None]:
    """What a Flate stream holds (nothing, unless `keep`), and what is wrong with it."""
    done, size = bytearray(), 0
    checked = zlib.decompressobj()
    fault = None
    for start in range(0, len(data), _PIECE):
        try:
            piece = checked.decompress(data[start : start + _PIECE], _MAX_OUTPUT)
        except zlib.error as error:
            fault = str(error).rpartition(": ")[2]
            break
        size += len(piece)
        if keep:
            done += piece
        if size >= _MAX_OUTPUT or checked.eof:
            return bytes(done), None
    if fault is None and (not data or _ends(data)):
        return bytes(done), None
    if fault == "incorrect data check":
        return bytes(done), "fails its checksum, so characters of it may be wrong"
    part = _salvage(data)
    where = f" ({fault})" if fault else ""
    return part, f"breaks off after {len(part)} bytes{where}"


def _ends(data: bytes) -> bool:
    """Whether the last deflate block ends; the checksum behind it may be missing."""
    plain = zlib.decompressobj(-15)
    try:
        plain.decompress(data[2:], _MAX_OUTPUT)
    except zlib.error:
        return False
    return plain.eof or bool(plain.unconsumed_tail)


def _salvage(data: bytes) -> bytes:
    """What can be inflated before the fault."""
    plain = zlib.decompressobj()
    done = bytearray()
    for piece in _pieces(data):
        try:
            done += plain.decompress(piece, _MAX_OUTPUT)
        except zlib.error:
            break
        if len(done) > _MAX_OUTPUT:
            break
    return bytes(done)


def _pieces(data: bytes, size: int = 64) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))
