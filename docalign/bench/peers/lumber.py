"""A generative chunker on the base LLM docalign starts from, asked as LumberChunker asks (arXiv 2406.17526).

Paragraphs with numbers are shown, about 550 words at a time; the model names the first whose content differs clearly
from what stands before it, and the next question begins there. An answer that names none of them ends the chunk with
the last paragraph shown: the paper's code skips text there, which would be unkind to count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from docalign.bench.ask import Ask, Cut, Piece, Setup
from docalign.errors import ModelMissingError

__all__ = ["first_change", "lumber"]

_WORDS_SHOWN: Final = 550
_ANSWER: Final = re.compile(r"ID\D{0,3}(\d+)")
_SYSTEM: Final = (
    "You will receive as input an english document with paragraphs identified by 'ID XXXX: <text>'.\n"
    "Task: Find the first paragraph (not the first one) where the content clearly changes compared to the previous "
    "paragraphs.\nOutput: Return the ID of the paragraph with the content shift as in the exemplified format: "
    "'Answer: ID XXXX'.\nAdditional Considerations: Avoid very long groups of paragraphs. Aim for a good balance "
    "between identifying content shifts and keeping groups manageable."
)


def lumber(setup: Setup) -> Cut:
    if setup.base is None:
        raise ModelMissingError(
            "no base LLM was given, and this arm is slow.",
            remedy="Give --base DIR; `docalign models pull` prints the folder.",
        )
    from docalign.rewards.judge_chat import LocalChat

    chat = LocalChat(setup.base, max_new_tokens=12)

    def cut(ask: Ask) -> Sequence[Piece]:
        document = ask.document
        texts = [document.block_text(b) for b in document.blocks]
        starts = [0]
        while True:
            shown = _shown(texts, starts[-1])
            if shown >= len(texts):
                break
            listed = "\n\n".join(f"ID {i:04d}: {texts[i]}" for i in range(starts[-1], shown))
            answer = chat([{"role": "system", "content": _SYSTEM}, {"role": "user", "content": f"Document:\n{listed}"}])
            starts.append(first_change(answer, starts[-1], shown))
        edges = [*(document.blocks[s].start for s in starts), len(document.text)]
        spans = list(pairwise(edges))
        return [Piece(document.text[a:b], claimed=(a, b)) for a, b in spans]

    return cut


def first_change(answer: str, first: int, shown: int) -> int:
    """The paragraph the answer names, if it is one of those after `first` that were shown; else the next one."""
    named = _ANSWER.search(answer)
    found = int(named.group(1)) if named else shown
    return found if first < found < shown else shown


def _shown(texts: Sequence[str], first: int) -> int:
    words, end = 0, first
    while end < len(texts) and words <= _WORDS_SHOWN:
        words += len(texts[end].split())
        end += 1
    return max(end, first + 1)
