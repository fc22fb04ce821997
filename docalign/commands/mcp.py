"""`docalign mcp`: the MCP server on standard input and output, with the settings of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docalign.commands.messages import note
from docalign.commands.reading import ingest_options
from docalign.errors import UsageError

if TYPE_CHECKING:
    from docalign.config import Settings

__all__ = ["run_mcp"]


def run_mcp(settings: Settings, *, root: Path) -> None:
    """Answer until the client closes standard input.

    Raises:
        UsageError: `root` is no folder, or the extra `mcp` is not installed.
    """
    if not root.is_dir():
        raise UsageError("is not a folder.", source=str(root), remedy="Name the folder whose files may be read.")
    from docalign.ingest import WorkerPool
    from docalign.integrations.cutter import Cutter
    from docalign.integrations.mcp import make_server

    chunk, reading = settings.chunk, ingest_options(settings.ingest)
    cutter = Cutter.of(
        model=settings.model.path,
        reading=reading,
        max_tokens=chunk.max_tokens,
        target_tokens=chunk.target_tokens,
        tokenizer=chunk.tokenizer,
        embed_text=chunk.embed_text,
        overlap=chunk.overlap,
    )
    cutter.pool = WorkerPool(reading.workers)
    note(f"MCP on standard input and output, for files below {root.resolve()}")
    try:
        make_server(cutter, root).run("stdio")
    finally:
        cutter.pool.close()
