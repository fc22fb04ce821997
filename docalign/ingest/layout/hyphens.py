"""Line-end hyphens: which ones are part of the word and which only broke it.

The document itself tells first: a word it spells elsewhere without or with a hyphen is spelled so here. Otherwise the
parts tell: `large-/leaved` are two words that make none together, `docu-/ment` are not. That needs to know English
words, so it is asked of English documents only; in others a hyphen before a lower-case letter goes. Before a capital
or a digit it stays. What goes is reported, so that nothing is lost silently.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from docalign.ingest.layout.english import english_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docalign.ingest.layout.rows import Row

__all__ = ["Spellings", "joint"]

_HYPHENS: Final = "-‐\u00ad"
_BROKEN: Final = re.compile(r"[^\W_][-‐]$")
_SUSPENDED: Final = frozenset({"and", "or", "to", "und", "oder", "et", "ou", "y", "o"})
"""After these a hyphen stands for a word to come: pre- and post-war."""
_TAIL: Final = re.compile(r"(?:[^\W_]+[-‐])*[^\W_]+$")
_HEAD: Final = re.compile(r"[^\W_]+(?:[-‐][^\W_]+)*")
_WORD: Final = re.compile(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*")
_ADDRESS: Final = re.compile(r"://|www\.|@|_")
_PREFIXES: Final = frozenset(
    {"anti", "co", "ex", "inter", "intra", "mid", "multi", "non", "post", "pre", "quasi", "self", "semi", "sub"}
)
_ENDINGS: Final = frozenset(
    {"able", "ally", "ance", "ant", "ate", "ed", "ent", "er", "est", "ful", "hood", "ible", "ing", "ings", "ish", "ism",
     "ist", "ization", "less", "ling", "ly", "man", "ment", "men", "most", "ness", "port", "ship", "some", "ward",
     "wards", "ware", "wise"}
)  # fmt: skip
"""Words, some of them, but more often the end of one."""
_INFLECTED: Final = re.compile(r"(?<=[a-z]{2})s$|(?<=[a-z]{3})(?:e[ds]|ing)$")
_ENGLISH: Final = 0.4
"""Share of a document's words that the list knows: .59 and more in English, .14 at most in four other languages."""


class Spellings:
    """How often each word stands unbroken in the document, with and without hyphens, and whether it is English."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._count: Counter[str] = Counter()
        self._english: bool | None = None
        for row in rows:
            for word in row.words:
                for match in _WORD.finditer(word.text):
                    if match.end() == len(word.text) or word.text[match.end()] not in _HYPHENS:
                        self._count[match.group().lower().replace("‐", "-")] += 1

    def count(self, word: str) -> int:
        return self._count[word.lower().replace("‐", "-")]

    @property
    def english(self) -> bool:
        if self._english is None:
            total = sum(self._count.values())
            known = sum(n for word, n in self._count.items() if word in english_words())
            self._english = known >= _ENGLISH * total
        return self._english

    def is_word(self, text: str) -> bool:
        """Whether it is an English word, plain or inflected."""
        lower, words = text.lower(), english_words()
        stem = _INFLECTED.sub("", lower)
        return lower in words or (stem != lower and (stem in words or f"{stem}e" in words))

    def is_part(self, text: str) -> bool:
        """Whether it may be a part of a compound."""
        return self.is_word(text) or (len(text) > 2 and self.count(text) > 1)


def joint(above: Row, below: Row, spellings: Spellings) -> str | None:
    """How the last word of a row meets the first of the next: `drop` the hyphen, `keep` it (both without a space
    between), or None: two words."""
    left, right = above.words[-1].text, below.words[0].text
    if not (above.words[-1].hyphen or _BROKEN.search(left)) or left[-1] not in _HYPHENS or len(left) < 2:
        return None
    if not left[-2].isalnum() or not right[:1].isalnum():
        return None
    if right.lower() in _SUSPENDED:
        return None
    tail, head = _TAIL.search(left[:-1]), _HEAD.match(right)
    if tail is None or head is None or not left[-2].isalpha() or _ADDRESS.search(left):
        return "keep"
    capitals = above.text.isupper() and below.text.isupper() and right[0].isalpha()
    if _is_compound(tail.group(), head.group(), spellings, open_case=right[0].islower() or capitals):
        return "keep"
    return "drop"


def _is_compound(tail: str, head: str, spellings: Spellings, *, open_case: bool) -> bool:
    """Whether the hyphen between `tail` and `head` (which may hold hyphens themselves) belongs there. `open_case`: the
    case of the letters does not tell."""
    last, first = re.split("[-‐]", tail)[-1], re.split("[-‐]", head)[0]
    whole = max(spellings.count(tail + head), spellings.count(last + first))
    hyphenated = max(spellings.count(f"{tail}-{head}"), spellings.count(f"{last}-{first}"))
    if whole or hyphenated:
        return hyphenated > whole if open_case else hyphenated >= whole
    if not open_case:
        shouted = last.isupper() and first.isupper() and spellings.is_word(last + first)
        return not shouted and last != "Mc"
    if len(last) == 1 or not last.isalpha() or (first[0].islower() and not last[1:].islower()):
        return True  # N-terminal, HTTP-related, 15th-century
    if not spellings.english:
        return last != tail  # east-to-/west
    if spellings.is_word(last + first) or first.lower() in _ENDINGS:
        return False
    return (spellings.is_part(last) or last.lower() in _PREFIXES) and spellings.is_part(first)
