"""The prompt: the only place that renders one.

A block becomes one line of tokens: kind and layout hints, its first words, its last words, then the *slot*, the token
at which the model's head says how well a chunk starts with this block. Nothing else is in the prompt: no instruction
(the model is fine-tuned), no page, no confidence.

    \\n## d k > 2.1 Sampling<slot>
    \\n j d Households were drawn from … in each of the regions.<slot>

Hints, each as short as a token: `#` a heading (one per level), `-` list item, `|` table, `^` caption, a backtick for
code; `+` larger than the body text, `*` bold; two letters for the size of this block and of the next, relative to the
target (`a` tiny … `l` well over it), so a heading-sized line before a long one shows; `>` and `~` where packing
sections or packing blocks would start a chunk (`=`: both; see `outline.py`).

Changing what `render` writes for any input means a new PROMPT_VERSION. A model is refused by a version that does not
list its own among the READABLE ones: those whose models were measured to chunk no worse with the present prompt.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from docalign.chunker.heading_guess import guessed_levels
from docalign.chunker.outline import Section, pack, pack_sections
from docalign.document import Block, Document

__all__ = [
    "DEFAULT_TARGET",
    "HEAD_TOKENS",
    "PROMPT_VERSION",
    "READABLE",
    "TAIL_TOKENS",
    "Hints",
    "Renderer",
    "hints_for",
]

PROMPT_VERSION: Final = "2"
"""2: headings that nothing marks are guessed by `heading_guess.py`; in 1 by one rule."""
READABLE: Final = ("1", "2")
"""Version 1 has the same marks in other places: its models read the better placed ones without training."""

HEAD_TOKENS: Final = 18
TAIL_TOKENS: Final = 6
_HEAD_CHARS: Final = 160
_TAIL_CHARS: Final = 48
"""Text beyond these is never tokenised: rendering costs the same for a block of any length."""

DEFAULT_TARGET: Final = 350
"""Sizes are shown relative to this where a document has no target (transcripts with free boundaries)."""

_SIZE_EDGES: Final = (0.02, 0.04, 0.07, 0.11, 0.16, 0.23, 0.33, 0.48, 0.70, 1.0, 1.5)
_LETTERS: Final = "abcdefghijkl"
_KIND_MARKS: Final = {"paragraph": "", "list_item": "-", "table": "|", "caption": "^", "code": "`"}
_MAX_LEVEL: Final = 6

_Encode = Callable[[list[str]], list[list[int]]]
"""Texts → token ids of each, without special tokens."""


@dataclass(frozen=True, slots=True)
class Hints:
    """The hint string of every block of a document, in order; made once per document, whatever the windows."""

    marks: tuple[str, ...]


def hints_for(
    document: Document, sizes: Sequence[int], target: float | None, limit: float | None, *, outline: bool = True
) -> Hints:
    """Layout, size and outline hints of every block.

    Args:
        sizes: tokens per block, counted as the caller's limit is.
        target, limit: in the same tokens; None where only the boundaries matter (then there is no outline hint).
        outline: whether to tell the rules' opinion at all (training hides it in a share of the windows).
    """
    blocks = document.blocks
    proposals = [""] * len(blocks)
    if outline and target is not None:
        proposals = _proposals(document, sizes, target, limit if limit is not None else target / 0.7)
    scale = target or DEFAULT_TARGET
    letters = [_LETTERS[bisect_right(_SIZE_EDGES, n / scale)] for n in sizes]
    following = [*letters[1:], ""][: len(letters)][: len(letters)]
    return Hints(tuple(_marks(b, *parts) for b, *parts in zip(blocks, letters, following, proposals, strict=True)))


def _proposals(document: Document, sizes: Sequence[int], target: float, limit: float) -> list[str]:
    """`>` where sections packed to the target start, `~` where packed blocks do, `=` for both."""
    blocks = document.blocks
    if any(b.kind == "heading" for b in blocks):
        levels = [(b.level or 0) if b.kind == "heading" else None for b in blocks]
    else:
        levels = guessed_levels([b.kind for b in blocks], [document.text[b.start : b.end] for b in blocks])
    units = [Section(tokens, level) for tokens, level in zip(sizes, levels, strict=True)]
    by_section, by_block = set(pack_sections(units, target, limit)), set(pack(units, target))
    names = {(True, True): "=", (True, False): ">", (False, True): "~", (False, False): ""}
    return [names[i in by_section, i in by_block] for i in range(len(blocks))]


def _marks(block: Block, size: str, following: str, proposal: str) -> str:
    kind = "#" * min(block.level or 1, _MAX_LEVEL) if block.kind == "heading" else _KIND_MARKS[block.kind]
    style = ("+" if block.font_scale >= 1.12 else "") + ("*" if block.bold else "")
    return " ".join(part for part in (f"\n{kind}{style}", size, following, proposal) if part)


class Renderer:
    """Renders blocks to token ids with one tokenizer and one slot token."""

    def __init__(self, encode: _Encode, slot_id: int) -> None:
        self._encode = encode
        self.slot_id = slot_id
        self._known: dict[str, list[int]] = {}
        self._gap = encode([" …"])[0]

    def render(self, document: Document, hints: Hints, blocks: Sequence[Block]) -> list[list[int]]:
        """Token ids of each block, the slot last. Blocks follow one another in a window without anything between."""
        texts = [document.text[b.start : b.end] for b in blocks]
        heads = self._encode([_clean(t if len(t) <= _HEAD_CHARS else t[:_HEAD_CHARS]) for t in texts])
        long = [i for i, t in enumerate(texts) if len(t) > _HEAD_CHARS]
        tails = dict(zip(long, self._encode([_clean(texts[i][-_TAIL_CHARS:]) for i in long]), strict=True))
        return [
            [*self._hint(hints.marks[b.id]), *self._shorten(head, tails.get(i)), self.slot_id]
            for i, (b, head) in enumerate(zip(blocks, heads, strict=True))
        ]

    def _hint(self, mark: str) -> list[int]:
        if mark not in self._known:
            self._known[mark] = self._encode([mark])[0]
        return self._known[mark]

    def _shorten(self, head: list[int], tail: list[int] | None) -> list[int]:
        if tail is None:
            if len(head) <= HEAD_TOKENS + TAIL_TOKENS:
                return head
            tail = head
        return [*head[:HEAD_TOKENS], *self._gap, *tail[-TAIL_TOKENS:]]


def _clean(text: str) -> str:
    """White space folded, a leading space so that the first word is tokenised like any other.

    Lone surrogates (broken text layers) become U+FFFD: tokenizers refuse them.
    """
    return " " + " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
