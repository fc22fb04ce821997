"""Small parts of sentences for people: numbers with their nouns."""

from __future__ import annotations

__all__ = ["counted", "s_of"]


def counted(number: int, noun: str) -> str:
    """`1 line`, `2 lines`, `1,200 lines`; of nouns whose plural takes an s."""
    return f"{number:,} {noun}{s_of(number)}"


def s_of(number: int) -> str:
    """The ending of a noun's plural, where there is one."""
    return "" if number == 1 else "s"
