"""docling-core cannot be installed beside docalign's own typer by pip's rules: where it lies in a folder of its own
(`.venv/peers`, or what `DOCALIGN_BENCH_PEERS` names), tests look there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["on_path"]


@contextmanager
def on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """That folder at the end of `sys.path`, if it is there."""
    folder = os.environ.get("DOCALIGN_BENCH_PEERS") or str(Path(sys.prefix) / "peers")
    if Path(folder).is_dir() and folder not in sys.path:
        monkeypatch.setattr(sys, "path", [*sys.path, folder])
    yield
