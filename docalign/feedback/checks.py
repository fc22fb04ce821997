"""What people and their browsers may send: lengths, ids, rankings, starts. Each check raises an error that says why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from docalign.errors import FeedbackError, RankingError, TooLongError

__all__ = [
    "MAX_NAME_CHARS",
    "MAX_NOTE_CHARS",
    "MAX_NUMBER",
    "check_client_id",
    "check_name",
    "check_ranking",
    "check_starts",
    "check_storable",
    "check_text",
]

MAX_NOTE_CHARS: Final = 4000
MAX_NAME_CHARS: Final = 100
MAX_NUMBER: Final = 2**31 - 1
"""No id or size of the store is larger."""

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def check_client_id(value: str) -> None:
    """Raises:
    FeedbackError: it is no id a client should make."""
    if not _CLIENT_ID.match(value):
        raise FeedbackError(
            f"the id {value[:70]!r} is none.", remedy="Make a new id of 8 to 64 letters, digits, - or _ (a UUID)."
        )


def check_text(value: str, what: str, *, limit: int = MAX_NOTE_CHARS) -> None:
    """Raises:
    TooLongError: more than `limit` characters.
    FeedbackError: characters that no database stores."""
    if len(value) > limit:
        raise TooLongError(
            f"the {what} has {len(value):,} characters; at most {limit:,} are kept.", remedy="Shorten it."
        )
    check_storable(value, what)


def check_storable(value: str, what: str) -> None:
    """Raises:
    FeedbackError: characters that no database stores, nor looks up."""
    if _UNSTORABLE.search(value):
        raise FeedbackError(f"the {what} holds a character that is no text (NUL or half a pair).", remedy="Remove it.")


def check_name(name: str) -> None:
    """Raises:
    FeedbackError: it is empty, too long, or not printable."""
    check_text(name, "name", limit=MAX_NAME_CHARS)
    if not name.strip() or not name.isprintable():
        raise FeedbackError("an annotator needs a name that can be printed.", remedy="Give a name.")


def check_ranking(ranking: Sequence[Sequence[int]], candidates: int) -> None:
    """Raises:
    RankingError: it does not name each position from 0 exactly once, or a rank is empty."""
    named = Counter(position for group in ranking for position in group)
    missing = [p for p in range(candidates) if p not in named]
    strange = [p for p in named if not 0 <= p < candidates]
    twice = [p for p, times in named.items() if times > 1]
    for positions, what in (
        (strange, "there is no candidate"),
        (missing, "no rank for candidate"),
        (twice, "two ranks for candidate"),
    ):
        if positions:
            shown = ", ".join(str(p) for p in sorted(positions)[:5])
            raise RankingError(
                f"{what} {shown} (of {candidates}, from 0).", remedy="Give every candidate shown exactly one rank."
            )
    if not all(ranking):
        raise RankingError("a rank is empty.", remedy="Leave empty ranks out.")


def check_starts(starts: Sequence[int], blocks: int, what: str = "the starts") -> None:
    """Raises:
    RankingError: they are no chunking of `blocks` blocks."""
    increasing = all(a < b for a, b in pairwise(starts))
    if not starts or starts[0] != 0 or not increasing or starts[-1] >= blocks:
        raise RankingError(
            f"{what} are no chunking of {blocks} blocks.", remedy="Name block ids in order, the first 0."
        )
