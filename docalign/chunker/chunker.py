"""The chunker: document in, chunks out. It joins prompt, engine, solver and bookkeeping, and holds none of them.

document ──hints──▶ windows ──engine──▶ log-odds per block ──segment──▶ spans ──describe──▶ chunks
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from docalign import __version__
from docalign.chunk import Chunk
from docalign.chunker.context import FREE_OVERLAP_TOKENS, FREE_WINDOW_TOKENS, windows_of
from docalign.chunker.describe import describe
from docalign.chunker.embed import embed_text
from docalign.chunker.options import ChunkOptions
from docalign.chunker.prior import FreePrior, LengthPrior
from docalign.chunker.prompt import PROMPT_VERSION, READABLE, Renderer, hints_for
from docalign.chunker.segment import Segment, segment_with_boundaries
from docalign.counting import Counter, counter, counter_identity
from docalign.document import Document
from docalign.errors import ModelIncompatibleError, ModelMissingError
from docalign.models import info, resolve
from docalign.runtime.engine import Engine
from docalign.runtime.onnx import OnnxEngine

__all__ = ["Chunker"]

_WINDOWS_AT_A_TIME: Final = 8
"""Windows handed to the engine together: enough to keep every core busy, few enough for bounded memory."""

Progress = Callable[[int, int], None]
"""Called with (blocks scored, blocks in all)."""


class Chunker:
    """A model ready to chunk. Safe to use for many documents, one at a time."""

    def __init__(self, engine: Engine, renderer: Renderer, prior: LengthPrior, *, model_name: str, tokenizer: str,
                 free_bias: float = 0.0, free_prior: FreePrior | None = None) -> None:  # fmt: skip
        """`tokenizer` names the model's own counter; `free_…` are for documents chunked without sizes."""
        self.engine = engine
        self.renderer = renderer
        self.prior = prior
        self.model_name = model_name
        self.tokenizer = tokenizer
        self.free_bias = free_bias
        self.free_prior = free_prior

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        threads: int | None = None,
        make_engine: Callable[[Path, str], Engine] | None = None,
    ) -> Chunker:
        """Load a model directory; None for the shipped model.

        Args:
            threads: windows scored at a time; None for one a core.
            make_engine: (graph file, precision) → the engine to use in place of the usual one.

        Raises:
            ModelMissingError: no model there.
            ModelIncompatibleError: another prompt version, or files that are not what `docalign.json` says.
        """
        model = info(resolve(path))
        config = model.config
        version = config.get("prompt_version")
        if version not in READABLE:
            raise ModelIncompatibleError(
                f"it was trained with prompt version {version!r}, this docalign renders {PROMPT_VERSION!r}.",
                source=str(model.path),
                remedy=f"Use a model made for docalign {__version__}, or train it again.",
            )
        _check_hash(model.path / "model.onnx", config.get("sha256"))
        try:
            prior = LengthPrior.from_json(config["prior"])
            renderer = Renderer(_encoder(model.path / "tokenizer.json"), int(config["slot_id"]))
            free_bias = float(config.get("free_bias", 0.0))
            stated = config.get("free_prior")
            free_prior = FreePrior.from_json(stated) if stated else None
        except (KeyError, TypeError, ValueError) as error:
            raise ModelIncompatibleError(f"docalign.json lacks {error}.", source=str(model.path)) from error
        graph, precision = model.path / "model.onnx", str(config.get("precision", "fp32"))
        device = str(config.get("device", "cpu"))
        make = make_engine or (lambda file, kind: OnnxEngine(file, threads=threads, name=f"onnx-{kind}", device=device))
        engine = make(graph, precision)
        return cls(
            engine,
            renderer,
            prior,
            model_name=f"{model.name}@{config.get('sha256', 'unknown')[:12]}",
            tokenizer=str(model.path / "tokenizer.json"),
            free_bias=free_bias,
            free_prior=free_prior,
        )

    def with_engine(self, engine: Engine) -> Chunker:
        """The same model, its windows scored by `engine`; cheap, so that every request can have its own."""
        return Chunker(
            engine,
            self.renderer,
            self.prior,
            model_name=self.model_name,
            tokenizer=self.tokenizer,
            free_bias=self.free_bias,
            free_prior=self.free_prior,
        )

    def identity(self) -> dict[str, Any]:
        """Everything of the model that decides chunks, JSON-like: what a stale result is told by."""
        return {
            "model": self.model_name,
            "engine": self.engine.name,
            "prompt": PROMPT_VERSION,
            "prior": self.prior.to_json(),
            "free_bias": self.free_bias,
            "free_prior": self.free_prior and self.free_prior.to_json(),
            "tokenizer": counter_identity(self.tokenizer),
        }

    def chunk(
        self, document: Document, options: ChunkOptions | None = None, progress: Progress | None = None
    ) -> list[Chunk]:
        """Chunk a document; an empty text gives no chunks.

        Raises:
            UsageError: an unknown tokenizer, or a limit that a single character breaks.
        """
        return self.chunk_with_boundaries(document, options, progress)[0]

    def chunk_with_boundaries(
        self, document: Document, options: ChunkOptions | None = None, progress: Progress | None = None
    ) -> tuple[list[Chunk], npt.NDArray[np.float64]]:
        """The chunks, and the probability (0–1) that a chunk starts at each block of the document, `(blocks,)`.

        Raises:
            UsageError: as `chunk`.
        """
        options = options or ChunkOptions()
        count = counter(options.tokenizer or self.tokenizer)
        log_odds = self.log_odds(document, options, progress)
        found = segment_with_boundaries(
            document,
            log_odds,
            count=count,
            max_tokens=options.max_tokens,
            target=options.target,
            prior=self.prior,
            free_bias=self.free_bias,
            free_prior=self.free_prior,
        )
        return self._describe(document, found.segments, options, count), found.boundaries

    def log_odds(
        self, document: Document, options: ChunkOptions, progress: Progress | None = None, *, outline: bool = True
    ) -> npt.NDArray[np.float64]:
        """s of every block, `(blocks,)`. `outline=False` hides the rules' opinion from the model (for ablations)."""
        count = counter(options.tokenizer or self.tokenizer)
        sizes = [max(1, count(document.block_text(b))) for b in document.blocks]
        hints = hints_for(document, sizes, options.target, options.max_tokens, outline=outline)
        values = np.zeros(len(document.blocks))
        done = 0
        sizes_of_windows = (
            {"window_tokens": FREE_WINDOW_TOKENS, "overlap_tokens": FREE_OVERLAP_TOKENS}
            if options.max_tokens is None
            else {}
        )
        windows = windows_of(document, hints, self.renderer, **sizes_of_windows)
        while part := list(islice(windows, _WINDOWS_AT_A_TIME)):
            for window, scores in zip(part, self.engine.log_odds(part), strict=True):
                values[list(window.blocks)] = scores
                done += len(window.blocks)
            if progress is not None:
                progress(done, len(document.blocks))
        return values

    def _describe(
        self, document: Document, segments: list[Segment], options: ChunkOptions, count: Counter
    ) -> list[Chunk]:
        settings = json.dumps(
            {**options.to_json(), "model": self.model_name, "engine": self.engine.name, "document": document.sha256},
            sort_keys=True,
        )

        def embed(part: Segment, headings: tuple[str, ...]) -> str:
            return embed_text(document, part, headings, options, count)

        return describe(document, segments, settings=settings, embed=embed if options.embed_text else None)


def _check_hash(graph: Path, expected: str | None) -> None:
    """A graph that was cut short, or swapped, must not chunk quietly.

    Raises:
        ModelMissingError: there is no graph.
        ModelIncompatibleError: its hash is not the one that `docalign.json` states.
    """
    if not graph.is_file():
        raise ModelMissingError("the model directory has no model.onnx.", source=str(graph.parent))
    with graph.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise ModelIncompatibleError(
            f"model.onnx has sha256 {found[:12]}…, docalign.json says {str(expected)[:12]}….",
            source=str(graph.parent),
            remedy="Copy the model again, or export it again.",
        )


def _encoder(path: Path) -> Any:
    """Texts → ids with the model's tokenizer file.

    Raises:
        ModelIncompatibleError: the file is missing or no tokenizer.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelIncompatibleError(f"its tokenizer.json cannot be read ({error}).", source=str(path)) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return partial(_encode, tokenizer)


def _encode(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    return [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
