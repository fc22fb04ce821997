"""Does a chunking keep the limit? Said of what people corrected, before it is called gold.

A correction is a person's word, and the limit is a promise that no taste outranks. So a chunk over the limit stays what
somebody preferred, and is never taught as the right answer. A block that is too long for any chunk is nobody's fault:
it is cut at run time, and the chunk around it is only held to the limit between the places where it may be cut.
"""

from __future__ import annotations

from collections.abc import Sequence

from docalign.chunker.atoms import atoms_of
from docalign.counting import Counter
from docalign.document import Document

__all__ = ["chunks_over"]


def chunks_over(document: Document, starts: Sequence[int], max_tokens: int | None, count: Counter) -> tuple[int, ...]:
    """Which chunks (from 0) are over the limit however their overlong blocks are cut.

    Args:
        starts: block ids, the first 0.

    Raises:
        UsageError: a single character has more tokens than the limit.
    """
    if max_tokens is None:
        return ()
    wanted = set(starts) - {0}
    places: list[tuple[int, int]] = []  # where a chunk starts or may be cut, and which chunk that is
    for atom in atoms_of(document, count, max_tokens):
        chunk = places[-1][1] if places else 0
        if atom.opens_block and atom.block in wanted:
            places.append((atom.start, chunk + 1))
        elif not places or not atom.opens_block:
            places.append((atom.start, chunk))
    ends = [*(start for start, _ in places[1:]), len(document.text)]
    spans = zip(places, ends, strict=True)
    return tuple(dict.fromkeys(n for (start, n), end in spans if count(document.text[start:end]) > max_tokens))
