"""What every integration rests on: a text keeps its characters, and its chunks are spans of them."""

from __future__ import annotations

import builtins
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docalign.errors import UsageError
from docalign.integrations.cutter import Cutter, about, document_of
from tests.support.awkward_texts import AWKWARD

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD)
@pytest.mark.parametrize("markup", ["markdown", "text"])
def test_chunks_are_spans_of_the_callers_text(quick_model: None, text: str, markup: Any) -> None:
    chunks = Cutter.of(markup=markup, max_tokens=40).text(text)
    assert "".join(chunk.text for chunk in chunks) == text
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert all(chunk.tokens <= 40 for chunk in chunks)


@given(
    st.text(st.sampled_from("a b.#-|\n\r\t\ufeff\u2028é你\x00\ud800"), max_size=120),
    st.sampled_from(["markdown", "text"]),
)
@settings(max_examples=100)
def test_no_text_loses_a_character_on_its_way_in(text: str, markup: Any) -> None:
    document = document_of(text, markup)
    assert (document is None) == (not text or text.isspace())
    if document is not None:
        assert document.check().text == text


def test_a_text_of_blanks_has_no_chunks(quick_model: None) -> None:
    assert Cutter.of().text(" \n\t ") == []
    assert Cutter.of().text("") == []


def test_options_are_checked_when_the_integration_is_made_and_need_no_model() -> None:
    with pytest.raises(UsageError, match="over the limit"):
        Cutter.of(max_tokens=100, target_tokens=200)
    with pytest.raises(UsageError, match="no markup 'latex'"):
        Cutter.of(markup="latex")  # type: ignore[arg-type]


def test_metadata_says_everything_but_the_text(quick_model: None) -> None:
    chunk = Cutter.of(max_tokens=60, embed_text=True).text("# Title\n\nBody of the text.\n")[0]
    said = about(chunk)
    assert {"start", "end", "pages", "boxes", "headings", "tokens", "boundary", "embed_text"} <= set(said)
    assert "text" not in said


def test_the_core_loads_no_framework() -> None:
    frameworks = "chonkie haystack langchain_core llama_index mcp docling_core"
    code = (
        "import sys, docalign.chunker.chunker, docalign.ingest, docalign.cli, docalign.commands.mcp, docalign.doctor\n"
        f"print([name for name in '{frameworks}'.split() if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("module", "library", "extra"),
    [
        ("langchain", "langchain_core", "langchain"),
        ("llama_index", "llama_index", "llama-index"),
        ("haystack", "haystack", "haystack"),
        ("chonkie", "chonkie", "chonkie"),
        ("mcp", "mcp", "mcp"),
    ],
)
def test_a_missing_framework_is_a_named_error_with_the_command(
    module: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == library:
            raise ModuleNotFoundError(f"No module named {name!r}", name=library)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, f"docalign.integrations.{module}", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=library) as caught:
        importlib.import_module(f"docalign.integrations.{module}")
    assert f"pip install '.[{extra}]'" in caught.value.remedy
