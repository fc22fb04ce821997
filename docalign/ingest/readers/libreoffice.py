"""Old Office files, RTF and OpenDocument through LibreOffice: converted to the newer Office format in a temporary
folder, then read as that.

LibreOffice runs without a window, with a profile of its own that forbids macros and links to other files, and is ended
with the time limit. Where it is not installed, the error names the command that installs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docalign.document import Document
from docalign.errors import (
    DamagedInputError,
    EncryptedInputError,
    OutputError,
    PageTimeoutError,
    UnsupportedFormatError,
)
from docalign.ingest.readers.archive import open_archive
from docalign.ingest.readers.safe_xml import local_name

if TYPE_CHECKING:
    from docalign.ingest.options import IngestOptions

__all__ = ["read_old_office", "read_open_document", "read_rtf"]

_INSTALL: Final = "Run: apt install libreoffice-writer libreoffice-calc libreoffice-impress, or convert the file."
_PROGRAMS: Final = ("soffice", "libreoffice")
_SHARE_OF_TIME: Final = 0.9
"""LibreOffice is ended before the worker would be, so that its temporary folder goes with it."""
_RESTART: Final = 81
"""Exit status by which it asks to be started again, once its new profile is written."""
_PROFILE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse">
<value>3</value></prop><prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
<prop oor:name="DisableActiveContent" oor:op="fuse"><value>true</value></prop>
<prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update"><prop oor:name="Link" oor:op="fuse">
<value>0</value></prop></item><item oor:path="/org.openoffice.Office.Calc/Content/Update"><prop oor:name="Link"
oor:op="fuse"><value>2</value></prop></item></oor:items>
"""
_STREAMS: Final = (
    ("EncryptedPackage", "encrypted"),
    ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("__properties_version1.0", "msg"),
)
_ENTRY_BYTES: Final = 128
_NAME_BYTES: Final = 64
_TARGETS: Final = {
    "doc": ("docx", "MS Word 2007 XML"),
    "rtf": ("docx", "MS Word 2007 XML"),
    "odt": ("docx", "MS Word 2007 XML"),
    "xls": ("xlsx", "Calc MS Excel 2007 XML"),
    "ods": ("xlsx", "Calc MS Excel 2007 XML"),
    "ppt": ("pptx", "Impress MS PowerPoint 2007 XML"),
    "odp": ("pptx", "Impress MS PowerPoint 2007 XML"),
}
_PARTS: Final = {"docx": "libreoffice-writer", "xlsx": "libreoffice-calc", "pptx": "libreoffice-impress"}
_OPEN_DOCUMENT: Final = {"text": "odt", "spreadsheet": "ods", "presentation": "odp"}


def read_old_office(path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:
    """A doc, xls or ppt file as a Document.

    Raises:
        EncryptedInputError: it asks for a password. UnsupportedFormatError: LibreOffice is missing, or it is none of
            the three. DamagedInputError: LibreOffice cannot read it. PageTimeoutError: it took too long.
    """
    kind = _kind_of_ole(Path(path))
    if kind == "encrypted":
        raise EncryptedInputError("the Office file is encrypted with a password.", remedy="Save it without one.")
    if kind == "msg":
        raise UnsupportedFormatError("this is an Outlook message (msg).", remedy="Save it as .eml.")
    if kind is None:
        raise UnsupportedFormatError(
            "this is an OLE container without a Word, Excel or PowerPoint document in it.", remedy="Check the file."
        )
    return _read_as(kind, path, options, source=source, sha256=sha256)


def read_rtf(path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:
    """An RTF file as a Document; errors as for `read_old_office`."""
    return _read_as("rtf", path, options, source=source, sha256=sha256)


def read_open_document(path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:
    """An odt, ods or odp file as a Document; errors as for `read_old_office`."""
    with open_archive(path, options) as archive:
        kind = archive.read("mimetype")[:200].decode("ascii", "replace").strip().rpartition(".opendocument.")[2]
        manifest = "META-INF/manifest.xml"
        if manifest in archive.names and any(local_name(e) == "encryption-data" for e in archive.xml(manifest).iter()):
            raise EncryptedInputError("the document is encrypted with a password.", remedy="Save it without one.")
        archive.check_xml()
    known = _OPEN_DOCUMENT.get(kind.removesuffix("-template"))
    if known is None:
        raise UnsupportedFormatError(f"this is an OpenDocument {kind}.", remedy="Convert it to text, PDF or odt.")
    return _read_as(known, path, options, source=source, sha256=sha256)


def _read_as(kind: str, path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:
    suffix, filter_name = _TARGETS[kind]
    with _working_folder() as folder:
        made = _convert(Path(path), kind, suffix, filter_name, Path(folder), options.file_timeout_s * _SHARE_OF_TIME)
        document = _reader(suffix)(str(made), options, source=source, sha256=sha256)
    note = f"the {kind} file was converted by LibreOffice."
    return replace(document, warnings=(*document.warnings, note))


def _working_folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="docalign-office-", ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputError(
            f"no temporary folder could be made ({error}).", remedy="Free space or set TMPDIR."
        ) from error


def _reader(suffix: str) -> Callable[..., Document]:
    if suffix == "docx":
        from docalign.ingest.readers.docx import read_docx

        return read_docx
    if suffix == "xlsx":
        from docalign.ingest.readers.xlsx import read_xlsx

        return read_xlsx
    from docalign.ingest.readers.pptx import read_pptx

    return read_pptx


def _convert(path: Path, kind: str, suffix: str, filter_name: str, folder: Path, timeout_s: float) -> Path:
    """The converted file, in `folder`."""
    program = _program()
    copy = folder / f"input.{kind}"
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_PROFILE, encoding="utf-8")
    shutil.copyfile(path, copy)
    command = [
        program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nologo", "--nolockcheck",
        "--convert-to", f"{suffix}:{filter_name}", "--outdir", str(folder / "out"), str(copy),
    ]  # fmt: skip
    said = ""
    for _ in range(2):
        status, said = _run(command, folder, timeout_s)
        if status != _RESTART:
            break
    made = folder / "out" / f"input.{suffix}"
    if not made.is_file() or made.stat().st_size == 0:
        last = said.strip().splitlines()[-1:] or ["it said nothing"]
        raise DamagedInputError(
            f"LibreOffice could not convert the {kind} file ({last[0][:200]}).",
            remedy=f"Open and save it again, or check that {_PARTS[suffix]} is installed.",
        )
    return made


def _run(command: list[str], folder: Path, timeout_s: float) -> tuple[int, str]:
    environment = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
    log = folder / "said"
    with log.open("wb") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**environment, "HOME": str(folder), "SAL_USE_VCLPLUGIN": "svp"},
            preexec_fn=_lift_memory_limit if os.name == "posix" else None,
        )
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise PageTimeoutError(
                f"LibreOffice took longer than {timeout_s:g} s and was stopped.",
                remedy="Raise file_timeout_s if the file is worth it, or convert it.",
            ) from None
        finally:
            # A worker that is killed takes LibreOffice with it: both are of one process group.
            with suppress(OSError):
                process.kill()
            process.wait()
    return process.returncode, log.read_text(encoding="utf-8", errors="replace")


def _lift_memory_limit() -> None:
    """LibreOffice reserves far more memory than it uses; the worker's limit is for Python's readers."""
    import resource

    for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        hard = resource.getrlimit(which)[1]
        with suppress(OSError, ValueError):
            resource.setrlimit(which, (hard, hard))


def _program() -> str:
    """The program itself rather than its starter, whose children would outlive it.

    Raises:
        UnsupportedFormatError: LibreOffice is not installed.
    """
    starter = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
    if starter is None:
        raise UnsupportedFormatError("reading this format needs LibreOffice, which is not installed.", remedy=_INSTALL)
    binary = Path(starter).resolve().with_name("soffice.bin")
    return str(binary) if binary.is_file() else starter


def _kind_of_ole(path: Path) -> str | None:
    """What an OLE container holds, by the names in its directory, whose entries stand every 128 bytes."""
    wanted = {name.encode("utf-16-le") + b"\x00\x00": kind for name, kind in _STREAMS}
    found: set[str] = set()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            for at in range(0, len(piece), _ENTRY_BYTES):
                entry = piece[at : at + _NAME_BYTES]
                if entry[1:2] == b"\x00":
                    found.update(kind for name, kind in wanted.items() if entry.startswith(name))
    return next((kind for _, kind in _STREAMS if kind in found), None)
