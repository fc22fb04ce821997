"""An MCP server (extra `mcp`, `docalign mcp`): who speaks the Model Context Protocol has files read and chunked here.

Three tools: `outline` of a file (its headings and where they stand), `chunk_file` and `chunk_text`. Files are those
below one folder; what lies elsewhere, also behind a link, is refused. Nothing is fetched. Chunks come in parts of
`count`, because whoever asks may have a small context; the last few results are kept, so that the next part costs
nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Final, TypeVar

from docalign import __version__
from docalign.chunk import Chunk
from docalign.document import Document
from docalign.errors import DocalignError
from docalign.integrations.cutter import Cutter, document_of, missing

try:
    from mcp.server.mcpserver import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from pydantic import Field
except ImportError as error:
    raise missing("mcp", error) from error

__all__ = ["make_server"]

_T = TypeVar("_T")
_KEPT: Final = 8
_INSTRUCTIONS: Final = (
    "docalign reads PDFs, scans, Office files, HTML, mail and text, and cuts them into chunks. A chunk's start and end "
    "are offsets into the document's text; pages and boxes say where it stands. Ask for a long file's outline first."
)

File = Annotated[str, Field(description="A file, relative to the server's folder.")]
MaxTokens = Annotated[int | None, Field(description="The limit of a chunk in tokens; the server's own without it.")]
TargetTokens = Annotated[int | None, Field(description="The size to aim at, in tokens.")]
First = Annotated[int, Field(description="Index of the first chunk to give.", ge=0)]
Count = Annotated[int, Field(description="How many chunks to give.", ge=1, le=500)]


def make_server(cutter: Cutter, root: Path) -> MCPServer:
    """A server that chunks with `cutter` and reads files below `root`.

    Its tools answer with JSON; what docalign raises on purpose is the answer's error, in docalign's words.
    """
    desk = _Desk(cutter, root.resolve())
    server = MCPServer("docalign", version=__version__, instructions=_INSTRUCTIONS, log_level="WARNING")

    @server.tool()
    def outline(path: File) -> dict[str, Any]:
        """The headings of a file with their levels, pages and offsets, and how long its text is."""
        document = desk.answer(lambda: desk.read(path))
        headings = [
            {"level": b.level, "text": document.block_text(b), "page": b.page, "start": b.start}
            for b in document.blocks
            if b.kind == "heading"
        ]
        return {
            "source": path,
            "pages": len(document.pages),
            "characters": len(document.text),
            "headings": headings,
            "warnings": list(document.warnings),
        }

    @server.tool()
    def chunk_file(
        path: File,
        max_tokens: MaxTokens = None,
        target_tokens: TargetTokens = None,
        first: First = 0,
        count: Count = 20,
    ) -> dict[str, Any]:
        """The chunks of a file (PDF, scan, Office, HTML, mail, Markdown, text), with headings, pages and boxes."""
        return desk.answer(lambda: _part(*desk.chunks_of_file(path, max_tokens, target_tokens), first, count))

    @server.tool()
    def chunk_text(
        text: Annotated[str, Field(description="The text, plain or Markdown.")],
        max_tokens: MaxTokens = None,
        target_tokens: TargetTokens = None,
        first: First = 0,
        count: Count = 20,
    ) -> dict[str, Any]:
        """The chunks of a text; start and end are offsets into it."""
        return desk.answer(lambda: _part(*desk.chunks_of_text(text, max_tokens, target_tokens), first, count))

    return server


class _Desk:
    """What the tools share: the folder, the chunker, the last results."""

    def __init__(self, cutter: Cutter, root: Path) -> None:
        self._cutter = cutter
        self._root = root
        self._kept: OrderedDict[Any, Any] = OrderedDict()
        self._lock = Lock()

    def answer(self, work: Callable[[], _T]) -> _T:
        """What `work` gives; its named errors are the tool's."""
        try:
            return work()
        except DocalignError as error:
            raise ToolError(str(error)) from error

    def read(self, path: str) -> Document:
        """The file's Document.

        Raises:
            ToolError: it is not below the folder. DocalignError: it cannot be read.
        """
        file = self._inside(path)
        document: Document = self._once(("document", *_state(file)), lambda: self._cutter.read(file, name=path))
        return document

    def chunks_of_file(self, path: str, *sizes: int | None) -> tuple[Sequence[Chunk], Document]:
        document = self.read(path)
        key = ("chunks", document.sha256, path, *sizes)
        return self._once(key, lambda: self._cutter.document(document, **_given(*sizes))), document

    def chunks_of_text(self, text: str, *sizes: int | None) -> tuple[Sequence[Chunk], Document | None]:
        document = document_of(text)
        if document is None:
            return [], None
        key = ("chunks", document.sha256, "", *sizes)
        return self._once(key, lambda: self._cutter.document(document, **_given(*sizes))), document

    def _inside(self, path: str) -> Path:
        file = (self._root / path).resolve()
        if not file.is_relative_to(self._root):
            raise ToolError(f"{path} is not below the folder this server reads from. Start `docalign mcp` with --root.")
        return file

    def _once(self, key: Any, work: Callable[[], Any]) -> Any:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = work()
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return value


def _state(file: Path) -> tuple[str, int, int]:
    """The file as it is now; one that is not there is left to the reader, which says so."""
    try:
        found = file.stat()
    except OSError:
        return str(file), -1, -1
    return str(file), found.st_mtime_ns, found.st_size


def _given(max_tokens: int | None, target_tokens: int | None) -> dict[str, int]:
    sizes = {"max_tokens": max_tokens, "target_tokens": target_tokens}
    return {name: size for name, size in sizes.items() if size is not None}


def _part(chunks: Sequence[Chunk], document: Document | None, first: int, count: int) -> dict[str, Any]:
    part = chunks[first : first + count]
    after = first + len(part)
    return {
        "chunks": [chunk.to_json() for chunk in part],
        "total": len(chunks),
        "next": after if after < len(chunks) else None,
        "warnings": list(document.warnings) if document else [],
    }
