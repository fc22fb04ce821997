"""What the chunker is tested with in place of a trained model: tokenizers made on the spot and an engine of hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from docalign.chunker.chunker import Chunker
from docalign.chunker.context import Window
from docalign.chunker.prior import LengthPrior
from docalign.chunker.prompt import Renderer

__all__ = ["SLOT", "HashEngine", "RecordingCounter", "bpe_tokenizer", "encoder", "stand_in_chunker"]

SLOT = "<file_sep>"
LABELS = (" S", " C")

_TEXTS = [
    "The committee reviewed the report and asked for a second sample. Results were published in the spring.",
    "1 Introduction\n\n2 Methods\n\n2.1 Sampling\n\nHouseholds were drawn from each of the regions.",
    "# A title\n\n## Another\n\n- first item\n- second item\n\n| a | b |\n| 1 | 2 |\n\nFigure 1. A caption.",
    "x = f(y)\n    return x + 1\n\nThe court held that the clause was void; the appeal was dismissed.",
]


@lru_cache(maxsize=1)
def bpe_tokenizer() -> Any:
    """A byte-level BPE of about 400 tokens with the labels and the slot as single tokens; the same every time."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>", SLOT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*_TEXTS * 4, *[f"a{label}" for label in LABELS] * 40], trainer)
    known = [AddedToken(label, normalized=False) for label in LABELS if len(tokenizer.encode(label).ids) != 1]
    tokenizer.add_tokens(known)
    return tokenizer


def encoder(tokenizer: Any) -> Callable[[list[str]], list[list[int]]]:
    """Texts → ids, as the renderer asks for them."""
    return lambda texts: [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]


class HashEngine:
    """Pseudo-random log-odds between −4 and 4 from the tokens of each slot's own block and the one before it.

    `calls` and `tokens` record the work.
    """

    name = "hash"

    def __init__(self, *, spread: float = 4.0) -> None:
        self.spread = spread
        self.calls = 0
        self.tokens = 0

    def log_odds(self, windows: Sequence[Window]) -> list[npt.NDArray[np.float64]]:
        self.calls += 1
        self.tokens += sum(len(w.ids) for w in windows)
        return [np.array([self._one(w, int(slot)) for slot in w.slots]) for w in windows]

    def _one(self, window: Window, slot: int) -> float:
        # Only the last few tokens: the value is the same whatever window a block is read in.
        seen = window.ids[max(0, slot - 3) : slot + 1].tobytes()
        value = int.from_bytes(hashlib.sha256(seen).digest()[:4], "big") / 2**32
        return round((2 * value - 1) * self.spread * 256) / 256


class RecordingCounter:
    """A counter that adds up how many characters it was asked to count, and in how many calls."""

    def __init__(self, count: Callable[[str], int]) -> None:
        self._count = count
        self.calls = 0
        self.characters = 0

    def __call__(self, text: str) -> int:
        self.calls += 1
        self.characters += len(text)
        return self._count(text)


def stand_in_chunker(tokenizer_path: Path, *, engine: Any = None, prior: LengthPrior | None = None) -> Chunker:
    """A whole chunker around the engine of hashes."""
    tokenizer = bpe_tokenizer()
    return Chunker(
        engine or HashEngine(),
        Renderer(encoder(tokenizer), tokenizer.token_to_id(SLOT)),
        prior or LengthPrior(),
        model_name="hash",
        tokenizer=str(tokenizer_path),
    )
