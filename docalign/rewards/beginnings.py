"""Beginnings: a chunk starts where a sentence starts, and can be read without what stands before it.

Both count bad cuts against the number of chunks the target calls for, so that more cuts dilute nothing; a chunk over
the limit counts as bad once for each limit it holds, so that making none earns nothing either.
The words that point back are English; in other languages only lists and lower case are seen. Meaning is not: an "it"
in the second sentence, an abbreviation explained earlier, or a cut in the middle of an argument passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from docalign.document import Block, Document
from docalign.rewards.pieces import Piece, calls_for, pieces_of
from docalign.rewards.reward import NOT_JUDGED, Loss, Score, Sizes, Span, lose
from docalign.rewards.wholes import fits

__all__ = ["dangling", "mid_sentence", "missing_cuts", "self_contained", "sentences_whole"]

_SENTENCE_END: Final = re.compile(r"[.!?:;…。！？؟।][\"'”’»›)\]]*\s*$")
_OPENING: Final = re.compile(r"[\s\"'“‘«‹(\[]+")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_PROSE: Final = frozenset({"paragraph", "list_item"})

_BACKWARD: Final = (
    "he she it they him them his her hers its their theirs this that these those such "
    "however therefore thus hence moreover furthermore also but and or nor so then yet otherwise instead nevertheless "
    "nonetheless consequently accordingly similarly likewise additionally meanwhile conversely secondly thirdly"
)
_POINTS_BACK: Final = frozenset(_BACKWARD.split())
_PHRASES: Final = (
    "for example", "for instance", "in contrast", "by contrast", "in addition", "as a result", "on the other hand",
    "in other words", "as such", "the former", "the latter", "the same", "the above", "in this case", "as above",
)  # fmt: skip
_DETERMINERS: Final = frozenset({"this", "that", "these", "those", "such"})
"""Before a capital they name something ("This Agreement") and point nowhere."""


def sentences_whole(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """1 less the cuts inside a sentence, for each chunk the target calls for.

    A cut between blocks is inside a sentence when the text before it does not end like one and the text behind it goes
    on in lower case. A cut inside a block of prose is, when the text before it does not end like a sentence.
    """
    broken = mid_sentence(document)

    def reason(piece: Piece) -> str | None:
        if piece.first == len(broken):
            return None
        inside = broken[piece.first] if piece.opens else _cuts_sentence(document, piece)
        return f"chunk {piece.index} begins inside a sentence." if inside else None

    return _beginnings(document, spans, sizes, reason)


def self_contained(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """1 less the chunks whose first words need what stands before them, for each chunk the target calls for.

    A chunk that starts with a heading never does. Another does when its first words point back ("This", "However",
    "For example"), when it starts in lower case, or in the middle of a list that would fit the limit (a longer list
    must be cut, so an item of its outermost depth may start a chunk).
    """
    found = dangling(document, sizes)

    def reason(piece: Piece) -> str | None:
        if piece.first == len(found):
            return None
        why = found[piece.first] if piece.opens else _points_back(document.text[piece.start : piece.start + 80])
        return f"chunk {piece.index} {why}." if why else None

    return _beginnings(document, spans, sizes, reason)


def missing_cuts(tokens: int, sizes: Sizes) -> int:
    """How many cuts a chunk lacks to be within the limit."""
    return tokens // sizes.max_tokens if sizes.max_tokens and tokens > sizes.max_tokens else 0


def mid_sentence(document: Document) -> list[bool]:
    """For each block, whether a cut before it falls inside a sentence."""
    found, before = [], None
    for block in document.blocks:
        broken = (
            before is not None
            and before.kind == block.kind == "paragraph"
            and _starts_low(document.text[block.start : block.start + 80])
            and not _ends_sentence(document, before.start, before.end)
        )
        found.append(broken)
        before = block
    return found


def dangling(document: Document, sizes: Sizes) -> list[str]:
    """For each block, why a chunk had better not start with it; empty where it may."""
    blocks = document.blocks
    in_list = _items_inside_lists(document, sizes)
    return [
        ""
        if block.id == 0 or block.kind not in _PROSE
        else "begins in the middle of a list"
        if block.id in in_list
        else _points_back(document.text[block.start : block.start + 80], item=block.kind == "list_item")
        for block in blocks
    ]


def _items_inside_lists(document: Document, sizes: Sizes) -> set[int]:
    """List items that a chunk should not start with: all behind the first (or behind an introducing colon) of a list
    that fits the limit; of a longer one, those nested deeper than its outermost."""
    blocks, found = document.blocks, set()
    run: list[Block] = []
    for block in (*blocks, None):
        if block is not None and block.kind == "list_item":
            run.append(block)
            continue
        if run:
            found |= _inside_run(document, run, sizes)
        run = []
    return found


def _inside_run(document: Document, run: Sequence[Block], sizes: Sizes) -> set[int]:
    first, last = run[0].id, run[-1].id
    before = document.blocks[first - 1] if first else None
    introduced = before is not None and before.kind == "paragraph" and document.text[before.end - 1] == ":"
    begin = first - 1 if introduced else first
    if fits(document, begin, last, sizes):
        return set(range(begin + 1, last + 1))
    outermost = min(b.depth or 1 for b in run)
    deeper = {b.id for b in run if (b.depth or 1) > outermost}
    return deeper | ({first} if introduced else set())


def _beginnings(
    document: Document, spans: Sequence[Span], sizes: Sizes, reason_of: Callable[[Piece], str | None]
) -> Score:
    if not document.blocks:
        return NOT_JUDGED
    losses = []
    for piece in pieces_of(document, spans, sizes):
        why = reason_of(piece) if piece.index else None
        if why:
            losses.append(Loss(piece.index, 1.0, why))
        missing = missing_cuts(piece.tokens, sizes)
        if missing:
            reason = f"chunk {piece.index} is over the limit and lacks {missing} beginning{'s' if missing > 1 else ''}."
            losses.append(Loss(piece.index, float(missing), reason))
    return lose(losses, calls_for(sizes.count(document.text), sizes))


def _points_back(text: str, *, item: bool = False) -> str:
    """Why these first words need what stands before them; empty where they do not."""
    opening = _OPENING.match(text)
    words = text[opening.end() :] if opening else text
    found = _WORD.match(words)
    if found is None:
        return ""
    first = found.group().lower()
    if first in _POINTS_BACK:
        following = words[found.end() :].lstrip()
        named = first in _DETERMINERS and following[:1].isupper()
        return "" if named else f"begins with {found.group()!r}, which points back"
    lowered = " ".join(words[:40].lower().split())
    for phrase in _PHRASES:
        if lowered.startswith(phrase) and not lowered[len(phrase) : len(phrase) + 1].isalpha():
            return f"begins with {phrase!r}, which points back"
    return "begins in lower case" if found.group()[0].islower() and not item else ""


def _starts_low(text: str) -> bool:
    found = _WORD.match(_OPENING.sub("", text, count=1) if _OPENING.match(text) else text)
    return found is not None and found.group()[0].islower()


def _ends_sentence(document: Document, start: int, end: int) -> bool:
    return _SENTENCE_END.search(document.text[max(start, end - 16) : end]) is not None


def _cuts_sentence(document: Document, piece: Piece) -> bool:
    """Whether a chunk that begins inside a block begins inside a sentence; rows and lines have none."""
    block = document.blocks[piece.first]
    return block.kind not in ("table", "code") and not _ends_sentence(document, block.start, piece.start)
