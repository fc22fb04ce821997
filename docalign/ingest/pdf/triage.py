"""What a PDF page is, and whether its text layer can be trusted: decided from numbers, with the reasons in words.

Kinds: `blank` (nothing to see), `text` (a sound text layer), `scan` (a picture, or text drawn as outlines, without a
layer), `hidden` (a picture with an invisible layer, which somebody's OCR wrote), `hybrid` (a text layer beside
pictures of text) and `suspect` (a layer that may not be what the page shows).

`judge` only says what to do next; it is pure. Doubt costs a spot check (a few lines are read by OCR and compared), and
only a spot check or a layer of junk replaces a text layer by OCR. Pages that are merely unusual (numbers, code,
formulas, lists of names, other languages) fall into doubt, pass the check, and keep their layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from docalign.document import Box
    from docalign.ingest.pdf.text_signs import TextSigns

__all__ = ["MIN_CHARS", "PageFacts", "Verdict", "judge", "judge_agreement"]

MIN_CHARS: Final = 20
"""A page with fewer characters has no text layer to speak of."""
_JUNK: Final = 0.25
_SOME_JUNK: Final = 0.04
_UNMAPPED: Final = 0.1
_WIDTHS: Final = 0.86
"""Good pages have 0.83–0.99 (98 % of them over 0.88), shuffled letters under 0.63."""
_SHORT_WORDS: Final = 0.45
_VOWELS: Final = (0.31, 0.55)
_ODD_PAIRS: Final = 0.08
_ODD_WORDS: Final = 0.1
_ONE_SCRIPT: Final = 0.6
_FEW_LETTERS: Final = 0.35
_ENOUGH_LETTERS: Final = 60
_WIDE_SCRIPTS: Final = frozenset({"han", "hiragana", "katakana", "hangul"})
_NARROW_EM: Final = 0.75
_STAMPED_SCAN_CHARS: Final = 300
"""Below this many characters a page under a full image may be a scan with a printed stamp."""
_FULL_COVER: Final = 0.8
_MOST_COVER: Final = 0.5
_OUTLINE_INK: Final = 0.02
_OUTLINE_CHARS: Final = 100

_AGREES: Final = 0.94
"""Good layers agree to 0.98–1.00, layers with two letters swapped to 0.8."""
_DISAGREES: Final = 0.9


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What was measured of a page. Counts are non-space characters; shares 0–1."""

    visible: int
    invisible: int
    image_share: float
    hides_text: bool
    """A picture over nearly the whole page is drawn after most of the text."""
    printed_pictures: tuple[Box, ...]
    """Where pictures of some size look like pictures of text and the layer has none (points, unrotated page)."""
    inked: bool
    ink_beside_text: float
    signs: TextSigns
    width_fit: float | None
    advance_em: float
    """Median advance of the letters, in ems."""
    unmapped: float
    """Share of the type runs for whose characters the file says no code points."""
    lost: tuple[str, ...] = ()
    """What is wrong with pictures that do not show, a sentence each."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`read`: `layer` (take it), `ocr` (it must be read), `check` (compare a few lines first), `try` (OCR adds what the
    layer lacks, if that is much) or `pictures` (OCR of these adds to the layer)."""

    kind: Literal["blank", "text", "scan", "hidden", "hybrid", "suspect"]
    read: Literal["layer", "ocr", "check", "try", "pictures"]
    reasons: tuple[str, ...] = ()
    pictures: tuple[Box, ...] = ()


def judge(facts: PageFacts) -> Verdict:
    """What kind of page this is and what to read it by."""
    if facts.hides_text:
        return Verdict("hidden", "ocr", ("a picture lies over its text",))
    if facts.visible < MIN_CHARS:
        return _judge_bare(facts)
    if facts.signs.junk > _JUNK:
        return Verdict("suspect", "ocr", (f"{facts.signs.junk:.0%} of its characters are none",))
    reasons = tuple(_doubts(facts))
    if reasons:
        return Verdict("suspect", "check", reasons)
    if facts.visible < _STAMPED_SCAN_CHARS and facts.image_share >= _FULL_COVER:
        return Verdict("hybrid", "try", (f"{facts.visible} characters on a picture that fills the page",))
    if facts.visible < _OUTLINE_CHARS and facts.ink_beside_text > _OUTLINE_INK and not facts.image_share:
        return Verdict("hybrid", "try", (f"{facts.visible} characters on a page with much more ink",))
    if facts.printed_pictures:
        many = len(facts.printed_pictures)
        return Verdict("hybrid", "pictures", (f"{many} of its pictures look like text",), facts.printed_pictures)
    return Verdict("text", "layer")


def _judge_bare(facts: PageFacts) -> Verdict:
    if facts.image_share >= _MOST_COVER:
        if facts.invisible >= MIN_CHARS:
            return Verdict("hidden", "ocr", (f"a picture with {facts.invisible} hidden characters",))
        return Verdict("scan", "ocr", (f"pictures cover {facts.image_share:.0%} of the page",))
    if not facts.visible:
        return (
            Verdict("scan", "try", ("it shows something, but no text",)) if facts.inked else Verdict("blank", "layer")
        )
    if facts.ink_beside_text > _OUTLINE_INK:
        return Verdict("scan", "try", (f"{facts.visible} characters on a page with much more ink",))
    return Verdict("text", "layer")


def _doubts(facts: PageFacts) -> list[str]:
    signs = facts.signs
    doubts = []
    if signs.junk > _SOME_JUNK:
        doubts.append(f"{signs.junk:.0%} of its characters are none")
    if facts.unmapped > _UNMAPPED:
        doubts.append(f"{facts.unmapped:.0%} of its type has no code points")
    if facts.width_fit is not None and facts.width_fit < _WIDTHS:
        doubts.append(f"its letters are not as wide as such letters are (fit {facts.width_fit:.2f})")
    if signs.letters < _FEW_LETTERS * (signs.letters + signs.digits):
        doubts.append(f"{signs.digits} digits and only {signs.letters} letters")
    elif signs.letters + signs.digits < _FEW_LETTERS * signs.characters and signs.characters > 2 * MIN_CHARS:
        doubts.append(f"only {signs.letters + signs.digits} of its {signs.characters} characters are letters or digits")
    if signs.odd_words > _ODD_WORDS:
        doubts.append(f"{signs.odd_words:.0%} of its words mix scripts or capitals")
    if signs.script_share < _ONE_SCRIPT and signs.letters:
        doubts.append("its letters belong to many scripts")
    if signs.script in _WIDE_SCRIPTS and facts.advance_em < _NARROW_EM:
        doubts.append(f"its {signs.script} letters are narrow ({facts.advance_em:.2f} em)")
    if signs.letters >= _ENOUGH_LETTERS:
        doubts += _sound_doubts(signs)
    return doubts


def _sound_doubts(signs: TextSigns) -> list[str]:
    doubts = []
    if signs.vowels is not None and not _VOWELS[0] <= signs.vowels <= _VOWELS[1]:
        doubts.append(f"{signs.vowels:.0%} of its letters are vowels")
    if signs.odd_pairs is not None and signs.odd_pairs > _ODD_PAIRS:
        doubts.append(f"{signs.odd_pairs:.0%} of its letter pairs are rare in every language")
    if signs.short_words is not None and signs.short_words < _SHORT_WORDS and signs.script in ("latin", "cyrillic"):
        doubts.append(f"only {signs.short_words:.0%} of its shortest words are common in a language")
    return doubts


def judge_agreement(verdict: Verdict, agreement: float | None, *, overrules: bool = True) -> Verdict:
    """The verdict after a spot check: `agreement` (0–1; None where OCR was no good witness) acquits the layer where it
    is high, and convicts it where it is low and OCR may overrule it."""
    if agreement is None:
        return Verdict("suspect", "layer", (*verdict.reasons, "and OCR cannot tell"))
    if agreement >= _AGREES:
        return Verdict("text", "layer", (*verdict.reasons, f"yet OCR agrees ({agreement:.2f})"))
    if agreement >= _DISAGREES or not overrules:
        return Verdict("suspect", "layer", (*verdict.reasons, f"OCR agrees in part ({agreement:.2f})"))
    return Verdict("suspect", "ocr", (*verdict.reasons, f"OCR of a few lines reads something else ({agreement:.2f})"))
