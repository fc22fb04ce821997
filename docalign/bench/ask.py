"""What a peer is asked, and what it answers.

Every peer gets the same document, sizes and counter, and answers pieces of text in reading order. Where in the document
they lie is found afterwards (`place`), because many chunkers do not know or say wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from docalign.counting import Counter, counter
from docalign.document import Document
from docalign.rewards.reward import Span

if TYPE_CHECKING:
    from docalign.rewards.embedder import Embedder

__all__ = ["Ask", "Cut", "Peer", "Piece", "Setup", "SizeChoice"]

SizeChoice = Literal["target", "limit"]


@dataclass(frozen=True, slots=True)
class Ask:
    """A document to chunk, in tokens of the counter called `counter`.

    `size` is what a chunker gets that knows one size only: the target or the limit, whichever serves it better.
    `free` says that only the boundaries matter (a transcript); who cannot do without sizes takes those given.
    """

    document: Document
    target: int
    limit: int
    counter: str
    size_choice: SizeChoice = "target"
    free: bool = False

    @property
    def size(self) -> int:
        return self.target if self.size_choice == "target" else self.limit

    @property
    def count(self) -> Counter:
        return counter(self.counter)

    @property
    def characters_per_token(self) -> float:
        """For chunkers that count characters only."""
        return len(self.document.text) / max(1, self.count(self.document.text))


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk as a peer gave it: what one would embed.

    `claimed` are the offsets the peer states, None where it states none. `span` is where the text lies, when the
    adapter knows better than a search for the text could find out (the text was rendered for the peer).
    """

    text: str
    claimed: Span | None = None
    span: Span | None = None


Cut = Callable[[Ask], Sequence[Piece]]
"""A loaded peer."""


@dataclass
class Setup:
    """What adapters load from: our model, policies to compare, the embedder all share, and the base LLM's folder."""

    model: Path | str | None = None
    policies: dict[str, Path] = field(default_factory=dict)
    base: Path | None = None

    @cached_property
    def embedder(self) -> Embedder:
        """Raises:
        ModelMissingError: MiniLM is not there.
        """
        from docalign.rewards.embedder import Embedder

        return Embedder()


@dataclass(frozen=True, slots=True)
class Peer:
    """A chunker to compare with.

    Attributes:
        package: the distribution whose version is reported; None for what is implemented here.
        sees: whether it gets the bare text, the text as Markdown, or the blocks with their kinds.
        about: its settings, in a few words.
        load: may raise ImportError or a DocalignError: then it is listed as not run, with that reason.
        one_size: it takes one size; both are tried and the better is kept.
        ours: an arm of docalign.
        slow: looks at every sentence with a model; measured in fewer conditions.
        generative: writes its answers, call by call.
    """

    name: str
    package: str | None
    sees: Literal["text", "markdown", "blocks"]
    about: str
    load: Callable[[Setup], Cut]
    one_size: bool = True
    ours: bool = False
    slow: bool = False
    generative: bool = False
