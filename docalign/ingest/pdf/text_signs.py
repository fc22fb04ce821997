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

    from docalign.ingest.pdf.chars import PageChars

__all__ = ["TextSigns", "fold", "letter_fit", "script_of", "text_signs", "width_fit"]

_LATIN_END: Final = 128
_USUAL: Final = np.zeros(_LATIN_END)
_USUAL[[ord(c) for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"]] = (
    *(500, 528, 472, 528, 500, 306, 528, 528, 250, 250, 500, 250, 806, 528, 528, 528, 528, 333, 445, 278, 528, 500),
    *(722, 500, 500, 472),
    *(695, 667, 695, 722, 639, 583, 750, 750, 306, 445, 695, 583, 861, 722, 750, 611, 750, 695, 611, 611, 722, 695),
    *(944, 695, 695, 611),
)
"""Advance widths of letters by code point, in thousandths of an em: the mean of Helvetica's and Times-Roman's."""
_ENOUGH_LETTERS: Final = 9
_SAME_WIDTH: Final = 0.08
"""Type whose advances vary by less (relative) is of one width."""

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
_ENOUGH: Final = 30
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
    characters = Counter(text)
    characters.pop(" ", None)
    count = characters.total() + controls
    words = Counter(_WORD.findall(text))
    scripts = Counter[str]()
    for character, times in characters.items():
        if character.isalpha():
            scripts[script_of(character)] += times
    script, most = scripts.most_common(1)[0] if scripts else ("", 0)
    sounds = [(_sound(word, script), times) for word, times in words.items()]
    letters, vowels, pairs, odd_pairs, odd = (sum(sound[n] * times for sound, times in sounds) for n in range(5))
    short = {word: times for word, times in words.items() if 2 <= len(word) <= 3}
    shorts = sum(short.values())
    known = max(sum(times for word, times in short.items() if word.casefold() in known) for known in _SHORT_WORDS)
    junk = controls + sum(times for character, times in characters.items() if _is_junk(character))
    return TextSigns(
        characters=count,
        letters=scripts.total(),
        digits=sum(times for character, times in characters.items() if character.isdecimal()),
        junk=junk / count if count else 0.0,
        script=script,
        script_share=most / scripts.total() if scripts else 0.0,
        vowels=vowels / letters if letters >= _ENOUGH and script in _VOWELS else None,
        odd_pairs=odd_pairs / pairs if pairs >= _ENOUGH else None,
        odd_words=odd / words.total() if words else 0.0,
        short_words=known / shorts if shorts >= _ENOUGH_SHORT else None,
    )


def _is_junk(character: str) -> bool:
    return character == "\ufffd" or unicodedata.category(character) in ("Co", "Cn", "Cc")


@lru_cache(maxsize=1 << 15)
def _sound(word: str, script: str) -> tuple[int, int, int, int, bool]:
    """Of a word of three letters or more: letters, vowels, pairs of Latin letters, rare ones among them; and whether it
    mixes scripts, or has capitals inside twice, as in `qXaRt` (`McDonald`, `iPhone` and `PDFs` are fine)."""
    odd = len({script_of(c) for c in word if c.isalpha()} & _ONE_WORD_SCRIPTS) > 1
    odd = odd or sum(a.islower() and b.isupper() for a, b in pairwise(word)) >= 2
    plain = fold(word)
    if len(plain) < 3:
        return 0, 0, 0, 0, odd
    vowels = sum(c in _VOWELS.get(script, ()) for c in plain)
    pairs = [(a, b) for a, b in pairwise(plain) if a in _FREQUENT and b.isascii()]
    return len(plain), vowels, len(pairs), sum(b not in _FREQUENT[a] for a, b in pairs), odd


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
    total, weight = 0.0, 0
    for number, style in enumerate(chars.styles):
        if style.mono or style.hidden or style.size <= 0:
            continue
        mine = np.flatnonzero((chars.style == number) & (chars.codes > 0) & (chars.codes < _LATIN_END))
        along = 1 if round(style.angle / 90) % 2 else 0
        advances = (chars.boxes[mine, along + 2] - chars.boxes[mine, along]) / style.size
        fit = letter_fit(chars.codes[mine], advances) if len(mine) >= _ENOUGH else None
        if fit is not None:
            total += fit * len(mine)
            weight += len(mine)
    return total / weight if weight else None


def letter_fit(codes: npt.NDArray[np.int64], advances: npt.NDArray[np.float64]) -> float | None:
    """Correlation of letters' advances (fractions of their size) with what these letters usually take."""
    times = np.bincount(codes, minlength=_LATIN_END)[:_LATIN_END]
    letters = np.flatnonzero((times >= 2) & (_USUAL > 0))
    if len(letters) < _ENOUGH_LETTERS:
        return None
    mean = np.bincount(codes, weights=advances, minlength=_LATIN_END)[letters] / times[letters]
    weight = np.sqrt(np.minimum(times[letters], 20))
    seen = mean - np.average(mean, weights=weight)
    usual = _USUAL[letters] - np.average(_USUAL[letters], weights=weight)
    spread = float(np.average(seen**2, weights=weight))
    if spread < (_SAME_WIDTH * float(mean.mean())) ** 2:
        return None
    norm = float(np.sqrt(spread * np.average(usual**2, weights=weight)))
    return float(np.average(seen * usual, weights=weight)) / max(norm, 1e-9)
