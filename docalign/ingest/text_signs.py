"""Cheap signs that the characters of a text layer are not the ones its page shows. Numbers only; `triage` judges.

A PDF draws glyphs and says apart from that which characters they are (ToUnicode, encodings, glyph names). Where the
second part is shifted, shuffled or missing, three things give it away without looking at the page, and without a
dictionary:

* **junk**: U+FFFD, private use, unassigned and control characters;
* **letters**: vowels too rare or too common, letter pairs that hardly stand in any of 27 European languages, capitals
  inside words, several scripts in one word, none of the short words that every running text of a language is full of;
* **widths**: in proportional fonts an `i` is narrow and an `m` wide in any language and nearly any design. If what
  the layer calls `i` is as wide as what it calls `m`, the letters are not these (Pearson correlation of the mean
  advance of each letter with that of Helvetica and Times).

No function here opens a file or renders.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docalign.ingest.pdf_chars import PageChars

__all__ = ["TextSigns", "fold", "letter_fit", "script_of", "text_signs", "width_fit"]

_ADVANCE: Final = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;-()'/",
        (500, 528, 472, 528, 500, 306, 528, 528, 250, 250, 500, 250, 806, 528, 528, 528, 528, 333, 445, 278, 528, 500)
        + (722, 500, 500, 472)
        + (695, 667, 695, 722, 639, 583, 750, 750, 306, 445, 695, 583, 861, 722, 750, 611, 750, 695, 611, 611, 722, 695)
        + (944, 695, 695, 611)
        + (528,) * 10
        + (264, 264, 278, 278, 333, 333, 333, 186, 278),
        strict=True,
    )
)
"""Advance widths in thousandths of an em: the mean of Helvetica's and Times-Roman's."""

_FREQUENT: Final = {
    first: frozenset(following)
    for first, following in {
        "a": "abcdefghijklmnopqrstuvwxyz",
        "b": "abehijlnorstuy",
        "c": "acehijklnorstuyz",
        "d": "abcdefghijklmnoprstuvwyz",
        "e": "abcdefghijklmnopqrstuvwxyz",
        "f": "adefhijlorstu",
        "g": "acdeghijklnorstuy",
        "h": "abcdefijklmnorstuvy",
        "i": "abcdefghijklmnopqrstuvwxyz",
        "j": "adeiklmnostuvz",
        "k": "abcdehijklnorstuvy",
        "l": "abcdefghijklmnoprstuvyz",
        "m": "abdehijklmnoprstuy",
        "n": "abcdefghijklmnoprstuvwyz",
        "o": "abcdefghijklmnoprstuvwyz",
        "p": "abcdefghijklnoprstuyz",
        "q": "u",
        "r": "abcdefghijklmnopqrstuvwxyz",
        "s": "acdefghijklmnopqrstuvwyz",
        "t": "abcdefghijklmnoprstuvwxyz",
        "u": "abcdefghijklmnoprstuvwxyz",
        "v": "aehijklnoprstuyz",
        "w": "adehiknoprsuyz",
        "x": "aeioptu",
        "y": "abcdefghijklmnoprstuvwyz",
        "z": "abcdeghiklmnoprstuvwyz",
    }.items()
}
"""Letter pairs that make up at least 4 in 10,000 of some one of 27 languages (accents stripped), counted in the
gettext translations of Debian 12: English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish,
Norwegian, Finnish, Polish, Czech, Hungarian, Turkish, Romanian, Catalan, Croatian, Slovak, Slovene, Estonian,
Latvian, Lithuanian, Indonesian, Vietnamese, Basque, Irish."""

_SHORT_WORDS: Final = tuple(
    frozenset(words.split())
    for words in (
        "the of and to in is for that with as by on are or be this from at it an was not",
        "der die das und in den von zu mit des ist ein eine für auf dem nicht im werden sich wird bei",
        "le la les de des et en un une du est que pour dans par sur au qui ne pas se ou plus avec",
        "el la los las de en y que un una del se por con para es al no su como lo o más",
        "il la di che e un una in per del della è non i le si con da al gli lo dei sono",
        "o a os as de do da em e que um uma para com no na por se não dos das é ou ao",
        "de het een en van in is op te dat voor met zijn die aan niet wordt of door bij als ook",
        "och att det i en som är på av för med den till ett inte om de kan eller har vid",
        "og at det i en som er på af for med den til et ikke om de kan eller har ved der fra",
        "ja on ei se että tai kun ovat jos hän mutta joka sen ole niin kuin myös voi",
        "i w na z do się nie jest że o od dla po to przez lub jak oraz są za ze a",
        "a v na se je s z do že o k pro není to za by ve jako nebo od po i jsou",
        "a az és hogy nem is egy van meg de ha mint csak vagy el ki ez azt",
        "ve bir bu için ile da de olarak olan değil daha çok gibi ya ne her kadar",
        "и в не на с что по для из к от о как это или при а за до его он бы но же ее её то так был мы вы их все ни",
    )
)
_ENOUGH_SHORT: Final = 10
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_VOWELS: Final = {
    "latin": frozenset("aeiouyæœøıə"),
    "cyrillic": frozenset("аеёиоуыэюяіїєў"),
    "greek": frozenset("αεηιουω"),
}
_LEADER: Final = re.compile(r"([.·_…‥-])(?:\s?\1){2,}")
"""Dots from a title to its page number, lines to write on."""
_ONE_WORD_SCRIPTS: Final = frozenset({"latin", "cyrillic", "greek", "hebrew", "arabic", "armenian", "georgian"})


@dataclass(frozen=True, slots=True)
class TextSigns:
    """What the characters of a page say. Shares are 0–1; None where there is too little to tell.

    `junk`: share of characters that are none. `script`: that of most letters, `script_share` their share. `vowels`:
    their share of the letters of words. `odd_pairs`: share of rare letter pairs. `odd_words`: share of words with
    capitals inside or letters of two scripts. `short_words`: of the words of two or three letters, the share that are
    among the commonest of one language; on good pages of running text over 0.5, with two letters swapped under 0.3.
    """

    characters: int
    letters: int
    digits: int
    junk: float
    script: str
    script_share: float
    vowels: float | None
    odd_pairs: float | None
    odd_words: float
    short_words: float | None


def text_signs(texts: Iterable[str], controls: int = 0) -> TextSigns:
    """The signs of a page's words; `controls` characters were dropped from them as control characters."""
    text = _LEADER.sub(" ", " ".join(texts))
    count = sum(1 for c in text if c != " ") + controls
    junk = controls + sum(1 for c in text if c == "\ufffd" or unicodedata.category(c) in ("Co", "Cn", "Cc"))
    words = _WORD.findall(text)
    scripts = Counter[str]()
    odd = 0
    for word in words:
        found = {script_of(c) for c in word if c.isalpha()}
        scripts.update(script_of(c) for c in word if c.isalpha())
        odd += len(found & _ONE_WORD_SCRIPTS) > 1 or (len(word) > 3 and _jumps(word))
    script, most = scripts.most_common(1)[0] if scripts else ("", 0)
    lower = [word.casefold() for word in words]
    vowels, pairs = _sound(lower, script)
    short = [word for word in lower if 2 <= len(word) <= 3]
    known = max((sum(word in common for word in short) for common in _SHORT_WORDS), default=0)
    return TextSigns(
        characters=count,
        letters=scripts.total(),
        digits=sum(map(str.isdecimal, text)),
        junk=junk / count if count else 0.0,
        script=script,
        script_share=most / scripts.total() if scripts else 0.0,
        vowels=vowels,
        odd_pairs=pairs,
        odd_words=odd / len(words) if words else 0.0,
        short_words=known / len(short) if len(short) >= _ENOUGH_SHORT else None,
    )


def _jumps(word: str) -> bool:
    """Capitals inside a word twice or more, as in `qXaRt`; `McDonald`, `iPhone` and `PDFs` are fine."""
    return sum(a.islower() and b.isupper() for a, b in pairwise(word)) >= 2


def _sound(words: list[str], script: str) -> tuple[float | None, float | None]:
    """Vowels among the letters of words of three letters or more, and rare pairs among the Latin ones' pairs."""
    letters = vowels = pairs = odd = 0
    known = _VOWELS.get(script, frozenset())
    for word in words:
        plain = fold(word)
        if len(plain) < 3:
            continue
        letters += len(plain)
        vowels += sum(c in known for c in plain)
        for a, b in pairwise(plain):
            if a in _FREQUENT and b.isascii():
                pairs += 1
                odd += b not in _FREQUENT[a]
    return (vowels / letters if letters >= 30 and known else None), (odd / pairs if pairs >= 30 else None)


def fold(text: str) -> str:
    """Lower case without accents; ligatures and full-width forms spelled out."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


@lru_cache(maxsize=4096)
def script_of(character: str) -> str:
    """The script a letter belongs to, by its Unicode name: latin, greek, cyrillic, han, …"""
    first = unicodedata.name(character, "").partition(" ")[0].lower()
    return "han" if first in ("cjk", "kangxi") else first


def width_fit(chars: PageChars) -> float | None:
    """How well the advances of the letters a page shows fit these letters; −1 to 1, the mean over its type styles.

    None where widths cannot tell: fewer than nine different letters of a style, or type of one width.
    """
    mono = np.array([style.mono or style.hidden or style.size <= 0 for style in chars.styles], np.bool_)
    total, weight = 0.0, 0
    for number, style in enumerate(chars.styles):
        mine = (chars.style == number) & (chars.codes > 0)
        if mono[number] or not mine.any():
            continue
        boxes = chars.boxes[mine]
        along = 1 if round(style.angle / 90) % 2 else 0
        fit = letter_fit(chars.codes[mine], (boxes[:, along + 2] - boxes[:, along]) / style.size)
        if fit is not None:
            total += fit * int(mine.sum())
            weight += int(mine.sum())
    return total / weight if weight else None


def letter_fit(codes: npt.NDArray[np.int64], advances: npt.NDArray[np.float64]) -> float | None:
    """Correlation of letters' advances (fractions of their size) with what these letters usually take."""
    sums: dict[int, list[float]] = {}
    for code in np.unique(codes):
        if code < 0x250 and chr(code) in _ADVANCE:
            mine = advances[codes == code]
            if len(mine) >= 2:
                sums[int(code)] = [float(np.median(mine)), min(len(mine), 20)]
    letters = [c for c in sums if chr(c).isalpha()]
    if len(letters) < 9:
        return None
    seen = np.array([sums[c][0] for c in letters])
    usual = np.array([_ADVANCE[chr(c)] for c in letters])
    weight = np.sqrt(np.array([sums[c][1] for c in letters]))
    seen = seen - np.average(seen, weights=weight)
    usual = usual - np.average(usual, weights=weight)
    spread = float(np.sqrt(np.average(seen**2, weights=weight)))
    if spread < 0.08 * float(np.mean([sums[c][0] for c in letters])):
        return None
    norm = float(np.sqrt(np.average(seen**2, weights=weight) * np.average(usual**2, weights=weight)))
    return float(np.average(seen * usual, weights=weight)) / max(norm, 1e-9)
