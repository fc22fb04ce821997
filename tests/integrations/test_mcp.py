"""`docalign mcp`, asked by the real MCP client: in this process, and over standard input and output."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp.server.mcpserver", reason="MCP is not installed: the extra `mcp`")

import anyio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from docalign.chunker.chunker import Chunker
from docalign.cli import run
from docalign.integrations.cutter import Cutter
from docalign.integrations.mcp import make_server

ROOT = Path(__file__).parent.parent.parent
TEXT = "# Tides\n\nThe moon pulls.\n\n## Spring tides\n\nSun and moon pull together.\n\n# Winds\n\nThe sun heats.\n"


def asked(root: Path, question: Callable[[Any], Awaitable[Any]]) -> Any:
    """What the server answers to a client of this process."""

    async def ask() -> Any:
        async with Client(make_server(Cutter.of(max_tokens=30), root)) as client:
            return await question(client)

    return anyio.run(ask)


def answer_to(root: Path, tool: str, **arguments: Any) -> Any:
    return asked(root, lambda client: client.call_tool(tool, arguments))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to serve, and a file beside it that is not to be."""
    (tmp_path / "served" / "deep").mkdir(parents=True)
    (tmp_path / "served" / "deep" / "tides.md").write_text(TEXT, "utf-8")
    (tmp_path / "secret.md").write_text("# Secret\n\nNot to be read.\n", "utf-8")
    (tmp_path / "served" / "link.md").symlink_to(tmp_path / "secret.md")
    return tmp_path / "served"


def test_a_file_comes_in_parts_that_tile_its_text(folder: Path, quick_model: None) -> None:
    text, first = "", 0
    while True:
        answer = answer_to(folder, "chunk_file", path="deep/tides.md", first=first, count=1).structured_content
        (chunk,) = answer["chunks"]
        assert chunk["start"] == len(text)
        assert TEXT[chunk["start"] : chunk["end"]] == chunk["text"]
        text += chunk["text"]
        if answer["next"] is None:
            break
        first = answer["next"]
    assert text == TEXT
    assert first == answer["total"] - 1


def test_a_text_is_chunked_within_the_callers_limit(tmp_path: Path, quick_model: None) -> None:
    found = answer_to(tmp_path, "chunk_text", text=TEXT, max_tokens=12).structured_content
    assert all(chunk["tokens"] <= 12 for chunk in found["chunks"])
    assert "".join(chunk["text"] for chunk in found["chunks"]) == TEXT
    assert answer_to(tmp_path, "chunk_text", text="  ").structured_content["total"] == 0


def test_the_outline_says_where_headings_stand(folder: Path) -> None:
    found = answer_to(folder, "outline", path="deep/tides.md").structured_content
    assert [(h["level"], TEXT[h["start"] : h["start"] + len(h["text"])]) for h in found["headings"]] == [
        (1, "# Tides"),
        (2, "## Spring tides"),
        (1, "# Winds"),
    ]


@pytest.mark.parametrize("path", ["../secret.md", "link.md", "deep/../../secret.md"])
def test_what_is_not_below_the_folder_is_not_read(folder: Path, path: str) -> None:
    for tool in ("outline", "chunk_file"):
        answer = answer_to(folder, tool, path=path)
        assert answer.is_error
        assert "not below the folder" in answer.content[0].text
        assert "Not to be read" not in str(answer)
    absolute = str(folder.parent / "secret.md")
    assert answer_to(folder, "outline", path=absolute).is_error


def test_errors_are_docaligns_own_words(folder: Path, quick_model: None) -> None:
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    missing = answer_to(folder, "chunk_file", path="none.pdf")
    broken = answer_to(folder, "chunk_file", path="bad.pdf")
    sizes = answer_to(folder, "chunk_text", text=TEXT, max_tokens=10, target_tokens=20)
    assert missing.is_error
    assert broken.is_error
    assert sizes.is_error
    assert "bad.pdf" in broken.content[0].text
    assert "over the limit" in sizes.content[0].text


def test_the_next_part_costs_no_second_look(folder: Path, quick_model: None, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    real = Chunker.chunk
    monkeypatch.setattr(Chunker, "chunk", lambda self, *args: runs.append(1) or real(self, *args))

    async def question(client: Any) -> None:
        for first in (0, 1):
            await client.call_tool("chunk_file", {"path": "deep/tides.md", "first": first, "count": 1})
        (folder / "deep" / "tides.md").write_text("# Another\n\nText of another length.\n", "utf-8")
        await client.call_tool("chunk_file", {"path": "deep/tides.md"})

    asked(folder, question)
    assert len(runs) == 2  # once for each state of the file


def test_the_command_answers_over_standard_input_and_output(folder: Path) -> None:
    code = "from docalign.cli import main; main()"
    server = StdioServerParameters(
        command=sys.executable,
        args=["-c", code, "mcp", "--root", str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )

    async def ask() -> tuple[set[str], Any]:
        async with Client(stdio_client(server)) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            return tools, await client.call_tool("outline", {"path": "deep/tides.md"})

    tools, answer = anyio.run(ask)
    assert tools == {"outline", "chunk_file", "chunk_text"}
    assert answer.structured_content["characters"] == len(TEXT)


def test_a_root_that_is_no_folder_is_a_usage_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["mcp", "--root", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capfd.readouterr().err
