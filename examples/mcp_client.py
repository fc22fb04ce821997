"""A client that starts `docalign mcp` and asks it for a file's chunks: python examples/mcp_client.py [FILE]"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

REPORT = Path(__file__).parent.parent / "data" / "samples" / "report.pdf"


async def ask(file: Path) -> None:
    docalign = Path(sys.executable).with_name("docalign")  # the command of the environment this runs in
    server = StdioServerParameters(
        command=str(docalign), args=["mcp", "--root", str(file.parent)], env=dict(os.environ)
    )
    async with Client(stdio_client(server)) as client:
        print([tool.name for tool in (await client.list_tools()).tools])
        outline = (await client.call_tool("outline", {"path": file.name})).structured_content
        print([heading["text"] for heading in outline["headings"]])
        answer = await client.call_tool("chunk_file", {"path": file.name, "max_tokens": 200, "count": 3})
        for chunk in answer.structured_content["chunks"]:
            print(chunk["start"], chunk["pages"], chunk["headings"], repr(chunk["text"][:40]))


if __name__ == "__main__":
    anyio.run(ask, Path(*sys.argv[1:] or [REPORT]).resolve())
