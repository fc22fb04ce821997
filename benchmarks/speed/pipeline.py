"""docalign end to end in a warm process, with the wall time of its stages."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

import docalign.chunker.chunker as chunker_module
from docalign.chunker import Chunker
from docalign.chunker.context import Window
from docalign.chunker.segment import segment_with_boundaries
from docalign.ingest import IngestOptions, WorkerPool, ingest
from docalign.runtime.engine import Engine
from speed.timing import Stages

__all__ = ["Warm"]


class _TimedEngine:
    """The engine, with a stop-watch: seconds, windows, their tokens, and the blocks scored."""

    def __init__(self, engine: Engine, stages: Stages) -> None:
        self.name = engine.name
        self.tokens = self.windows = self.blocks = 0
        self.cpu_s = 0.0
        self._engine, self._stages = engine, stages

    def log_odds(self, windows: Sequence[Window]) -> list[npt.NDArray[np.float64]]:
        begun, cpu_before = time.perf_counter(), time.process_time()
        values = self._engine.log_odds(windows)
        self._stages.add("llm", time.perf_counter() - begun)
        self.cpu_s += time.process_time() - cpu_before
        self.windows += len(windows)
        self.tokens += sum(len(w.ids) for w in windows)
        self.blocks += sum(len(w.blocks) for w in windows)
        return values


class Warm:
    """A loaded model and its worker processes, kept from file to file as a service would."""

    def __init__(self, model: str | None) -> None:
        self._chunker = Chunker.load(model)
        self._plain = self._chunker.engine
        self._pool = WorkerPool()
        self.model_name = self._chunker.model_name
        self.engine_name = self._plain.name
        self.tokenizer = self._chunker.tokenizer
        self.reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def reset(self) -> None:
        """Forget what was timed so far."""
        self._stages = Stages()
        self._timed = _TimedEngine(self._plain, self._stages)
        self._chunker.engine = self._timed
        self._files = self._pages = self._ocr_pages = self._chunks = 0

    def run(self, files: Sequence[Path]) -> None:
        """Ingest and chunk every file, one after the other."""
        with patch.object(chunker_module, "segment_with_boundaries", self._timed_segment):
            for file in files:
                self._one(file)

    def _one(self, file: Path) -> None:
        begun = time.perf_counter()
        document = ingest(file, options=IngestOptions(), pool=self._pool)
        read = time.perf_counter()
        measured = sum(self._stages.seconds.get(s, 0.0) for s in ("llm", "solver"))
        chunks = self._chunker.chunk(document)
        whole = time.perf_counter() - read
        inside = sum(self._stages.seconds.get(s, 0.0) for s in ("llm", "solver")) - measured
        self._stages.add("ingest", read - begun)
        self._stages.add("rest", whole - inside)
        self._files += 1
        self._pages += len(document.pages)
        self._ocr_pages += sum(p.ocr for p in document.pages)
        self._chunks += len(chunks)

    def _timed_segment(self, *arguments: Any, **options: Any) -> Any:
        begun = time.perf_counter()
        try:
            return segment_with_boundaries(*arguments, **options)
        finally:
            self._stages.add("solver", time.perf_counter() - begun)

    def summary(self) -> dict[str, Any]:
        """Shares of the wall time since `reset`, and the LLM's own rate."""
        total = sum(self._stages.seconds.values())
        llm = self._stages.seconds.get("llm", 0.0)
        return {
            "share": {
                s: round(self._stages.seconds.get(s, 0.0) / total, 4) for s in ("ingest", "llm", "solver", "rest")
            },
            "window_tokens_per_s": round(self._timed.tokens / llm) if llm else None,
            "window_tokens_per_cpu_s": round(self._timed.tokens / self._timed.cpu_s) if llm else None,
            "window_tokens_per_page": round(self._timed.tokens / self._pages, 1),
            "blocks_per_page": round(self._timed.blocks / self._pages, 1),
            "chunks_per_page": round(self._chunks / self._pages, 2),
            "ocr_pages_share": round(self._ocr_pages / self._pages, 4),
        }
