"""chonkie's recursive, sentence and semantic chunkers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from docalign.bench.ask import Ask, Cut, Piece, Setup

__all__ = ["recursive", "semantic", "sentence"]

_WORDS: Final = re.compile(r"\s*\S+\s*")


def recursive(_: Setup) -> Cut:
    from chonkie import RecursiveChunker

    make = _tokenizers()
    return lambda ask: _pieces(RecursiveChunker(tokenizer=make(ask), chunk_size=ask.size), ask)


def sentence(_: Setup) -> Cut:
    from chonkie import SentenceChunker

    make = _tokenizers()
    return lambda ask: _pieces(SentenceChunker(tokenizer=make(ask), chunk_size=ask.size), ask)


def semantic(setup: Setup) -> Cut:
    from chonkie import SemanticChunker
    from chonkie.embeddings import BaseEmbeddings

    embedder, make = setup.embedder, _tokenizers()

    class MiniLM(BaseEmbeddings):  # type: ignore[misc]
        def __init__(self, tokenizer: Any) -> None:
            super().__init__()
            self._tokenizer = tokenizer

        def embed(self, text: str) -> Any:
            return self.embed_batch([text])[0]

        def embed_batch(self, texts: list[str]) -> Any:
            import numpy as np

            return [np.asarray(v, dtype=np.float32) for v in embedder(texts)]

        @property
        def dimension(self) -> int:
            return 384

        def get_tokenizer(self) -> Any:
            return self._tokenizer

    return lambda ask: _pieces(SemanticChunker(embedding_model=MiniLM(make(ask)), chunk_size=ask.size), ask)


def _tokenizers() -> Callable[[Ask], Any]:
    """Questions → a tokenizer of chonkie's own kind that counts as the question says.

    A counting function alone is not enough for it: where a word is over the size it wants to encode and decode. So a
    text's tokens are its words with the space behind them, and empty ones wherever the count is ahead of the words.
    """
    from chonkie.tokenizer import Tokenizer

    class Counting(Tokenizer):  # type: ignore[misc]
        def __init__(self, ask: Ask) -> None:
            super().__init__()
            self._ask, self._ids, self._texts = ask, {"": 0}, [""]

        def __repr__(self) -> str:
            return f"Counting({self._ask.counter})"

        def tokenize(self, text: str) -> list[str]:
            words = _WORDS.findall(text)
            missing = self._ask.count(text) - len(words)
            made: list[str] = []
            for number, word in enumerate(words, 1):
                made.append(word)
                made += [""] * (missing * number // len(words) - missing * (number - 1) // len(words))
            return made

        def encode(self, text: str) -> list[int]:
            return [self._id(token) for token in self.tokenize(text)]

        def decode(self, tokens: Sequence[int]) -> str:
            return "".join(self._texts[t] for t in tokens)

        def count_tokens(self, text: str) -> int:
            return self._ask.count(text)

        def _id(self, token: str) -> int:
            if token not in self._ids:
                self._ids[token] = len(self._texts)
                self._texts.append(token)
            return self._ids[token]

    return Counting


def _pieces(chunker: Any, ask: Ask) -> Sequence[Piece]:
    return [Piece(c.text, claimed=(c.start_index, c.end_index)) for c in chunker.chunk(ask.document.text)]
