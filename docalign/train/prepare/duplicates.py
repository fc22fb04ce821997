"""Near-duplicates: documents most of whose text stands in an earlier one.

Bottom-k sketches of hashed word shingles (Broder, "On the resemblance and containment of documents", 1997): the share
of a sketch that an earlier document's sketch holds estimates their resemblance. Deterministic; memory grows by one
sketch a document.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from typing import Final

__all__ = ["NearDuplicates"]

_SHINGLE_WORDS: Final = 6
_SKETCH: Final = 128
_WORD: Final = re.compile(r"\w+")


class NearDuplicates:
    """Remembers documents; `repeats` names the earlier one that a text resembles by at least `share`."""

    def __init__(self, share: float = 0.5) -> None:
        self._share = share
        self._by_value: defaultdict[int, list[str]] = defaultdict(list)

    def repeats(self, name: str, text: str) -> str | None:
        """The name of the earlier document this one repeats; None for a new one, which is remembered."""
        sketch = _sketch(text)
        shared = Counter(earlier for value in sketch for earlier in self._by_value.get(value, ()))
        if shared:
            earlier, count = min(shared.items(), key=lambda kv: (-kv[1], kv[0]))
            if count >= self._share * len(sketch):
                return earlier
        for value in sketch:
            self._by_value[value].append(name)
        return None


def _sketch(text: str) -> list[int]:
    words = _WORD.findall(text.lower())
    runs = {" ".join(words[i : i + _SHINGLE_WORDS]) for i in range(max(1, len(words) - _SHINGLE_WORDS + 1))}
    hashes = (
        int.from_bytes(hashlib.blake2b(run.encode("utf-8", "replace"), digest_size=8).digest(), "big") for run in runs
    )
    return sorted(hashes)[:_SKETCH]
