"""docalign, and docalign with one part taken away: each part has to earn its place.

All arms share one loaded model, and log-odds are kept by document, so an arm that differs only in the solver costs
nothing. The arm without the LLM puts a rule's opinion where the log-odds would be: the same outline hint that the
prompt tells the model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from docalign.bench.ask import Ask, Cut, Piece, Setup
from docalign.chunker.chunker import Chunker
from docalign.chunker.options import ChunkOptions
from docalign.chunker.segment import segment
from docalign.document import Document
from docalign.evaluate.rules import RULES, outline_hint
from docalign.evaluate.spans import spans_of
from docalign.train.gold import GoldLine

if TYPE_CHECKING:
    from docalign.chunker.context import Window
    from docalign.rewards.reward import Span

__all__ = [
    "TimedEngine",
    "full",
    "loaded",
    "no_layout",
    "no_outline",
    "no_solver",
    "policy",
    "rule",
    "rules_scored",
    "shuffled",
]

_RULE_LOG_ODDS: Final = 3.0
"""What a rule's yes is worth to the solver: clearly more than the length prior's usual opinion, less than a limit."""

_loaded: dict[str, _Scorer] = {}


def loaded() -> Mapping[str, _Scorer]:
    """The models loaded so far, by folder."""
    return _loaded


class TimedEngine:
    """An engine that adds up the time its runs take, to say what share of the work is the LLM's."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.name, self.seconds = engine, engine.name, 0.0

    def log_odds(self, windows: Sequence[Window]) -> list[npt.NDArray[np.float64]]:
        begun = time.perf_counter()
        found: list[npt.NDArray[np.float64]] = self.engine.log_odds(windows)
        self.seconds += time.perf_counter() - begun
        return found


class _Scorer:
    """A model, and the log-odds it gave to what it was asked last."""

    def __init__(self, chunker: Chunker) -> None:
        self.chunker = chunker
        self._kept: dict[Any, npt.NDArray[np.float64]] = {}

    def log_odds(self, ask: Ask, *, outline: bool = True) -> npt.NDArray[np.float64]:
        kinds = hash(tuple((b.start, b.kind, b.level, b.bold, b.font_scale) for b in ask.document.blocks))
        key = (ask.document.sha256, kinds, ask.target, ask.limit, ask.counter, ask.free, outline)
        if key not in self._kept:
            self._kept[key] = self.chunker.log_odds(ask.document, _options(ask), outline=outline)
        return self._kept[key]

    def pieces(self, ask: Ask, s: npt.NDArray[np.float64]) -> list[Piece]:
        c, options = self.chunker, _options(ask)
        parts = segment(
            ask.document, s, count=ask.count, max_tokens=options.max_tokens, target=options.target, prior=c.prior,
            free_bias=c.free_bias, free_prior=c.free_prior,
        )  # fmt: skip
        return _pieces(ask.document, [(p.start, p.end) for p in parts])


def full(setup: Setup) -> Cut:
    scorer = _scorer(setup)
    return lambda ask: scorer.pieces(ask, scorer.log_odds(ask))


def no_solver(setup: Setup) -> Cut:
    """A chunk starts wherever the log-odds are positive."""
    scorer = _scorer(setup)

    def cut(ask: Ask) -> Sequence[Piece]:
        s = scorer.log_odds(ask) + (scorer.chunker.free_bias if ask.free else 0.0)
        return _pieces(ask.document, spans_of(ask.document, np.flatnonzero(s > 0).tolist()))

    return cut


def no_outline(setup: Setup) -> Cut:
    scorer = _scorer(setup)
    return lambda ask: scorer.pieces(ask, scorer.log_odds(ask, outline=False))


def no_layout(setup: Setup) -> Cut:
    """The model sees neither kinds, levels, sizes of type nor bold; the solver still keeps headings with their text."""
    scorer = _scorer(setup)
    return lambda ask: scorer.pieces(ask, scorer.log_odds(replace(ask, document=_plain(ask.document))))


def shuffled(setup: Setup) -> Cut:
    """The log-odds permuted within the document: what the solver and the sizes do alone."""
    scorer = _scorer(setup)

    def cut(ask: Ask) -> Sequence[Piece]:
        s = scorer.log_odds(ask).copy()
        np.random.default_rng(len(s)).shuffle(s)
        return scorer.pieces(ask, s)

    return cut


def rules_scored(setup: Setup) -> Cut:
    """The solver with the outline rule's opinion in place of the LLM's."""
    scorer = _scorer(setup)

    def cut(ask: Ask) -> Sequence[Piece]:
        s = np.full(len(ask.document.blocks), -_RULE_LOG_ODDS)
        s[outline_hint(_line(ask))] = _RULE_LOG_ODDS
        return scorer.pieces(ask, s)

    return cut


def rule(name: str) -> Any:
    """A rule baseline alone: no LLM, no solver."""

    def load(_: Setup) -> Cut:
        return lambda ask: _pieces(ask.document, spans_of(ask.document, RULES[name](_line(ask))))

    return load


def policy(name: str) -> Any:
    """A trained policy's folder, run in torch, in place of the model."""

    def load(setup: Setup) -> Cut:
        from docalign.chunker.prior import LengthPrior
        from docalign.train.engine import TorchEngine

        folder = setup.policies[name]
        chunker = Chunker.load(setup.model)
        chunker.engine = TorchEngine(folder)
        described = json.loads((folder / "docalign.json").read_text("utf-8"))
        chunker.prior = LengthPrior.from_json(described["prior"])
        scorer = _Scorer(chunker)
        return lambda ask: scorer.pieces(ask, scorer.log_odds(ask))

    return load


def _scorer(setup: Setup) -> _Scorer:
    key = str(setup.model and Path(setup.model).resolve())
    if key not in _loaded:
        _loaded[key] = _Scorer(Chunker.load(setup.model))
    return _loaded[key]


def _options(ask: Ask) -> ChunkOptions:
    if ask.free:
        return ChunkOptions(max_tokens=None, tokenizer=ask.counter)
    return ChunkOptions(max_tokens=ask.limit, target_tokens=ask.target, tokenizer=ask.counter)


def _line(ask: Ask) -> GoldLine:
    """The question as rules take it; the starts are not looked at."""
    return GoldLine("bench", None, ask.document, (0,), ask.counter, ask.target, ask.limit)


def _plain(document: Document) -> Document:
    blocks = tuple(replace(b, kind="paragraph", level=None, font_scale=1.0, bold=False) for b in document.blocks)
    return replace(document, blocks=blocks)


def _pieces(document: Document, spans: Sequence[Span]) -> list[Piece]:
    return [Piece(document.text[a:b], claimed=(a, b)) for a, b in spans]
