"""A model that costs nothing, in place of whatever an integration would load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from docalign.chunker.chunker import Chunker
from tests.support.policies import stand_in_chunker


@pytest.fixture
def quick_model(tokenizer_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Chunker.load` gives a chunker around the engine of hashes."""

    def load(cls: type[Chunker], path: Any = None, **_: Any) -> Chunker:
        return stand_in_chunker(tokenizer_path)

    monkeypatch.setattr(Chunker, "load", classmethod(load))
