"""How far a reading is from the truth: edit distance, character error rates, bag-of-words F1.

Two spellings of one mark are no error of reading: white space is one space, quotation marks and dashes are folded,
runs of dashes or dots count once (transcripts write a long dash as two short ones). Letters, digits and case count.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

__all__ = ["bag_f1", "best_line_errors", "character_errors", "edit_distance", "folded"]

_FOLD = str.maketrans({"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"'} | dict.fromkeys("‐‑‒–—―−", "-"))


def folded(text: str) -> str:
    """The text as it is compared."""
    plain = unicodedata.normalize("NFKC", text).translate(_FOLD)
    return " ".join(re.sub(r"-+", "-", re.sub(r"\.{2,}", "..", plain)).split())


def edit_distance(a: str, b: str, *, inside: bool = False) -> int:
    """Levenshtein's distance; with `inside` from `a` to the part of `b` that is nearest to it.

    Hyyrö's bit-parallel form of Myers' algorithm: one step of big integers for each character of `b`.
    """
    if not a:
        return 0 if inside else len(b)
    masks: dict[str, int] = {}
    for at, character in enumerate(a):
        masks[character] = masks.get(character, 0) | (1 << at)
    full, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    plus, minus, distance = full, 0, len(a)
    best = distance
    for character in b:
        match = masks.get(character, 0)
        across = (((match & plus) + plus) ^ plus) | match | minus
        up, down = minus | (full & ~(across | plus)), plus & across
        distance += bool(up & last) - bool(down & last)
        best = min(best, distance)
        up, down = (up << 1) | (not inside), down << 1
        plus, minus = down | (full & ~(across | up)) & full, up & across
        plus &= full
    return best if inside else distance


def character_errors(truth: str, read: str) -> tuple[int, int]:
    """(edits, characters of the truth), in reading order."""
    truth, read = folded(truth), folded(read)
    return edit_distance(truth, read), len(truth)


def best_line_errors(truth: Sequence[str], read: str) -> tuple[int, int]:
    """(edits, characters) with every true line compared to the part of the reading nearest to it.

    Blind to order and to what was read beside the truth; for pages whose transcript has an order of its own.
    """
    read = folded(read)
    lines = [line for line in map(folded, truth) if line]
    return sum(edit_distance(line, read, inside=True) for line in lines), sum(map(len, lines))


def bag_f1(truth: str, read: str) -> float:
    """F1 of the words as a multiset."""
    wanted, found = Counter(folded(truth).split()), Counter(folded(read).split())
    shared = sum((wanted & found).values())
    return 2 * shared / max(1, sum(wanted.values()) + sum(found.values()))
