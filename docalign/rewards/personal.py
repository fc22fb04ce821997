"""Personal data: found by rules, flagged, and kept together.

A *record* is a run of neighbouring blocks with personal data of one person: a new record begins where the kind of data
that opened the record comes again (the next "Name:"), or at a heading. A record that fits the limit should lie in one
chunk, so that what must be locked away or deleted can be, without touching three chunks.
Rules find e-mail addresses, phone numbers, IBANs, payment cards and social security numbers (with their check digits)
and values behind labels such as "Patient:" or "Date of birth:". They do not find names in running text; Presidio does,
where it is installed and `[rewards] personal_data = "presidio"` asks for it. A cut inside a block is not seen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from docalign.document import Document
from docalign.rewards.pieces import pieces_of
from docalign.rewards.reward import Reward, Score, Sizes, Span
from docalign.rewards.wholes import Whole, fits, kept_whole

__all__ = ["Datum", "Finder", "find_by_rules", "personal_data_together", "personal_reward", "personal_wholes"]


@dataclass(frozen=True, slots=True)
class Datum:
    """Personal data of some kind (`e-mail address`, …): `text[start:end]`."""

    kind: str
    start: int
    end: int


Finder = Callable[[str], list[Datum]]
"""Text → the personal data in it, in order of their starts."""

_GAP_BLOCKS: Final = 1
"""So many blocks without personal data may stand inside a record."""

_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE: Final = re.compile(
    r"(?<![\w.])(?:\+\d{1,3}[ .\-/]?(?:\(\d{1,4}\)[ .\-/]?)?\d(?:[ .\-/]?\d){6,12}"
    r"|\(\d{3}\) ?\d{3}[-. ]\d{4}|\d{3}[-.]\d{3}[-.]\d{4})(?![\w])"
)
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD: Final = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w])")
_SSN: Final = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_LABELS: Final = {
    "name": "name|full name|first name|last name|surname|patient|applicant|employee|insured|client|customer|tenant|"
    "account holder|contact person|next of kin",
    "date of birth": "date of birth|birth date|born|dob",
    "address": "address|home address|postal address|residence",
    "number of a person": "passport no|passport number|ssn|social security number|tax id|tax number|mrn|patient id|"
    "employee id|account number|account no|iban|national insurance number",
    "phone number": "phone|telephone|tel|mobile|cell|fax",
}
_LABELLED: Final = {
    kind: re.compile(rf"(?:^|(?<=[\n;|,]))[ \t]*(?:{labels})\.?[ \t]*[:|][ \t]*(\S[^\n;|]{{1,80}})", re.IGNORECASE)
    for kind, labels in _LABELS.items()
}


def find_by_rules(text: str) -> list[Datum]:
    """Personal data that has a form or a label, in order; where two overlap, the longer one."""
    found = [Datum("e-mail address", *m.span()) for m in _EMAIL.finditer(text)] if "@" in text else []
    if any(c.isdigit() for c in text):
        found += [Datum("phone number", *m.span()) for m in _PHONE.finditer(text)]
        found += [Datum("IBAN", *m.span()) for m in _IBAN.finditer(text) if _is_iban(m.group())]
        found += [Datum("payment card", *m.span()) for m in _CARD.finditer(text) if _is_card(m.group())]
        found += [Datum("social security number", *m.span()) for m in _SSN.finditer(text)]
    if ":" in text or "|" in text:
        found += [Datum(kind, *m.span(1)) for kind, pattern in _LABELLED.items() for m in pattern.finditer(text)]
    kept: list[Datum] = []
    for datum in sorted(found, key=lambda d: (d.start - d.end, d.start, d.kind)):
        if all(datum.end <= k.start or datum.start >= k.end for k in kept):
            kept.append(datum)
    return sorted(kept, key=lambda d: d.start)


def personal_reward(find: Finder) -> Reward:
    """The reward with another finder in place of the rules."""

    def reward(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
        data = [find(document.block_text(b)) for b in document.blocks]
        pieces = pieces_of(document, spans, sizes)
        score = kept_whole("personal record", _records(document, data, sizes), document, pieces)
        flags = []
        for piece in pieces:
            kinds = Counter(
                d.kind
                for i in range(piece.first, piece.end_block)
                for d in data[i]
                if document.blocks[i].start + d.start >= piece.start and document.blocks[i].start + d.start < piece.end
            )
            if kinds:
                listed = ", ".join(f"{n} × {kind}" for kind, n in sorted(kinds.items()))
                flags.append(f"chunk {piece.index} holds personal data: {listed}.")
        return Score(score.value, score.reasons, score.losses, score.applies, tuple(flags))

    return reward


def personal_data_together(document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
    """Share of personal records (of several blocks, within the limit) that lie in one chunk; all data is flagged."""
    return personal_reward(find_by_rules)(document, spans, sizes)


def personal_wholes(document: Document, sizes: Sizes, find: Finder = find_by_rules) -> list[Whole]:
    """The personal records of a document that a chunking can keep or break."""
    return _records(document, [find(document.block_text(b)) for b in document.blocks], sizes)


def _records(document: Document, data: Sequence[Sequence[Datum]], sizes: Sizes) -> list[Whole]:
    records: list[Whole] = []
    first = last = -1
    opened = ""
    for block in document.blocks:
        kinds = [d.kind for d in data[block.id]]
        ends = first >= 0 and (block.kind == "heading" or block.id - last > _GAP_BLOCKS + 1 or opened in kinds)
        if ends:
            records.append(Whole(first, last))
            first = -1
        if kinds:
            if first < 0:
                first, opened = block.id, kinds[0]
            last = block.id
    if first >= 0:
        records.append(Whole(first, last))
    return [r for r in records if r.last > r.first and fits(document, r.first, r.last, sizes)]


def _is_iban(text: str) -> bool:
    """Whether the check digits are right (ISO 13616, remainder 1 modulo 97)."""
    plain = text.replace(" ", "")
    moved = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _is_card(text: str) -> bool:
    """Whether the check digit is right (Luhn)."""
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(doubled) % 10 == 0
