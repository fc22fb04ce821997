"""Every example runs as it stands, but for the model: a cheap one takes its place."""

from __future__ import annotations

import importlib
import os
import re
import runpy
import sys
from pathlib import Path

import pytest

from tests.support.peers import on_path

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "examples"
NEEDS = {
    "arrow_table": "pyarrow",
    "chonkie_chunks": "chonkie",
    "docling_chunks": "docling_core",
    "haystack_pipeline": "haystack",
    "langchain_chunks": "langchain_text_splitters",
    "llama_index_nodes": "llama_index.core",
    "mcp_client": "mcp.client.client",
}
"""Name of an example → what it shows docalign in."""


def test_the_list_of_examples_is_the_folder() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(NEEDS)
    assert set(re.findall(r"\((\w+)\.py\)", (FOLDER / "README.md").read_text("utf-8"))) == set(NEEDS)


@pytest.mark.parametrize("name", sorted(set(NEEDS) - {"mcp_client"}))
def test_an_example_runs(
    name: str, quick_model: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(os.environ, "HAYSTACK_TELEMETRY_ENABLED", "False")
    with on_path(monkeypatch):
        pytest.importorskip(NEEDS[name], reason=f"{NEEDS[name]} is not installed: see examples/README.md")
        report = tmp_path / "report.md"
        report.write_text("# One\n\nText.\n\n# Two\n\n" + "More of it. " * 40, "utf-8")
        files = [] if name == "docling_chunks" else [str(report)]
        monkeypatch.setattr(sys, "argv", [name, *files])
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    assert len(capsys.readouterr().out.splitlines()) >= 2


def test_the_example_of_mcp_asks_what_the_server_has() -> None:
    pytest.importorskip(NEEDS["mcp_client"], reason="MCP is not installed: the extra `mcp`")
    source = (FOLDER / "mcp_client.py").read_text("utf-8")
    assert callable(runpy.run_path(str(FOLDER / "mcp_client.py"))["ask"])
    server = importlib.import_module("docalign.integrations.mcp")
    tools = set(re.findall(r'call_tool\("(\w+)"', source))
    assert tools
    assert all(f"def {tool}(" in Path(server.__file__ or "").read_text("utf-8") for tool in tools)
