"""Numbers of list items as letters and Roman numerals."""

from __future__ import annotations

__all__ = ["written_number"]


def written_number(number: int, how: str) -> str:
    """The number as `how` says: decimal, decimalZero, lowerLetter, upperLetter, lowerRoman or upperRoman; a number that
    has no such form is written in digits."""
    if how in ("lowerLetter", "upperLetter") and number > 0:
        letter = chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 10)
        return letter.upper() if how == "upperLetter" else letter
    if how in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        return _roman(number) if how == "upperRoman" else _roman(number).lower()
    if how == "decimalZero":
        return f"{number:02d}"
    return str(number)


def _roman(number: int) -> str:
    signs = ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I")
    worths = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)
    text = ""
    for sign, worth in zip(signs, worths, strict=True):
        text += sign * (number // worth)
        number %= worth
    return text
