"""Plain text: the decoded text exactly as it is, and blocks as spans of it.

Paragraphs end at blank lines. Three common habits without blank lines are known: transcripts (a block per speaker
turn), text with one long line per paragraph, and lists. Headings are not guessed: that is the chunker's trade.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from docalign.document import Block, Document, Kind
from docalign.errors import EmptyInputError, UnsupportedFormatError

__all__ = ["TextLineSpan", "decode", "few_nuls", "line_spans", "read_text", "text_document", "to_blocks"]

_BULLET: Final = re.compile(r"(?:[-*+•‣◦▪–·]\s+)\S")
_NUMBER: Final = re.compile(r"(?:\(?\d{1,3}[.)]|\(?[a-z][.)]|\(?[ivx]{1,5}[.)])\s+\S")
_TIME: Final = r"(?:[\[(]?\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?[\])]?\s*[-–]?\s*)"
_NAME: Final = r"[A-Z][\w.'’\-]*(?:\s+(?:[A-Z][\w.'’\-]*|\d{1,3})){0,4}\s*(?:\([^)\n]{1,30}\))?"
_SPEAKER: Final = re.compile(rf"{_TIME}?(?:{_NAME}\s*{_TIME}?:|[QA][.:])(?:\s|$)")
_LONG_LINE: Final = 120
_HEAD: Final = 120
_CONTROL: Final = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
"""Control characters but white space, backspace, escape (terminal logs) and the next-line character."""
_FEW_NULS: Final = 8
_NULS_AMONG: Final = 1000
"""A text may hold this many NULs, or one among so many characters: a crashed logger's, a careless export's. What is no
text is full of them."""


@dataclass(frozen=True, slots=True)
class TextLineSpan:
    """A line without its line end: `text[start:end]`."""

    start: int
    end: int
    blank: bool


def read_text(data: bytes, *, source: str, sha256: str) -> Document:
    """A text file as a Document.

    Raises:
        UnsupportedFormatError: binary data. EmptyInputError: nothing but white space.
    """
    text, warnings = decode(data)
    return text_document(text, source=source, sha256=sha256, warnings=warnings)


def text_document(text: str, *, source: str, sha256: str, warnings: tuple[str, ...] = ()) -> Document:
    """A text that is decoded already, character by character, as a Document.

    Raises:
        EmptyInputError: nothing but white space.
    """
    if not text or text.isspace():
        raise EmptyInputError("the text is empty: it has no visible character.", remedy="Check how it was made.")
    spans = [span for part in _paragraphs(text) for span in _split(text, part)]
    blocks = to_blocks(text, [(start, end, _kind(_head(text, start))) for start, end in spans])
    blocks = _without_lone_numbers(text, blocks)
    return Document(source=source, sha256=sha256, text=text, blocks=blocks, warnings=warnings).check()


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Bytes as text, and warnings about how: a byte-order mark decides, else UTF-8, else Windows-1252.

    Raises:
        UnsupportedFormatError: the bytes are no text.
    """
    warnings: tuple[str, ...] = ()
    codec = _codec(data)
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        if codec != "utf-8-sig":
            raise _binary(f"it is not the {codec} its first bytes promise") from error
        text = data.decode("cp1252", "replace") if _fits_cp1252(data) else data.decode("latin-1")
        warnings = ("the text is not UTF-8; it was read as Windows-1252.",)
    nuls = few_nuls(text)
    controls = sum(1 for _ in _CONTROL.finditer(text))
    allowed, free = (0.01, 2) if warnings else (0.1, 8)
    if controls > max(0 if nuls else free, allowed * len(text)):
        raise _binary(f"it holds {controls} control characters in {len(text)}")
    return text, (*warnings, *nuls)


def few_nuls(text: str) -> tuple[str, ...]:
    """A warning that says how many NUL characters the text holds, if any.

    Raises:
        UnsupportedFormatError: too many for a text.
    """
    count = text.count("\x00")
    if count > max(_FEW_NULS, len(text) / _NULS_AMONG):
        raise _binary(f"it holds {count} NUL characters in {len(text)}")
    return (f"the text holds {count} NUL character{'s'[: count > 1]}; it may be damaged there.",) if count else ()


def _codec(data: bytes) -> str:
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    sample = data[:4096]
    if len(sample) >= 8 and len(data) % 2 == 0:
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        if odd > 0.4 * len(sample) / 2 and even == 0:
            return "utf-16-le"
        if even > 0.4 * len(sample) / 2 and odd == 0:
            return "utf-16-be"
    return "utf-8-sig"


def _fits_cp1252(data: bytes) -> bool:
    return not any(byte in data for byte in b"\x81\x8d\x8f\x90\x9d")


def _binary(why: str) -> UnsupportedFormatError:
    return UnsupportedFormatError(
        f"this is binary data, not text ({why}).", remedy="Check the file, or give it the name of its real format."
    )


def line_spans(text: str) -> list[TextLineSpan]:
    """The lines of a text; a line ends at LF, CR LF or CR."""
    spans = []
    start = 0
    for end in re.finditer(r"\r\n|\n|\r", text):
        spans.append(TextLineSpan(start, end.start(), not text[start : end.start()].strip()))
        start = end.end()
    spans.append(TextLineSpan(start, len(text), not text[start:].strip()))
    return spans


def _paragraphs(text: str) -> Iterator[list[TextLineSpan]]:
    lines: list[TextLineSpan] = []
    for line in line_spans(text):
        if not line.blank:
            lines.append(line)
        elif lines:
            yield lines
            lines = []
    if lines:
        yield lines


def _split(text: str, lines: Sequence[TextLineSpan]) -> Iterator[tuple[int, int]]:
    """The spans of a run of lines without a blank one: whole, or cut at speakers, list marks or long lines."""
    starts = {0}
    heads = [_head(text, line.start) for line in lines]
    speakers = [i for i, head in enumerate(heads) if _SPEAKER.match(head)]
    if len(speakers) >= 2:
        starts.update(speakers)
    elif len(lines) > 1 and (lines[-1].end - lines[0].start) / len(lines) > _LONG_LINE:
        starts.update(range(len(lines)))
    marks = [i for i, head in enumerate(heads) if _BULLET.match(head) or _NUMBER.match(head)]
    if len(marks) >= 2 or marks[:1] == [0]:
        starts.update(marks)
    order = [*sorted(starts), len(lines)]
    for first, after in pairwise(order):
        yield lines[first].start, lines[after - 1].end


def _head(text: str, start: int) -> str:
    """What the marks and names at a line's beginning are looked for in: short, so that no input makes it slow."""
    return text[start : start + _HEAD].lstrip().split("\n", 1)[0]


def _kind(head: str) -> Kind:
    return "list_item" if _BULLET.match(head) or _NUMBER.match(head) else "paragraph"


def _without_lone_numbers(text: str, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """A numbered line with no numbered neighbour is more likely a heading or a sentence than a list."""
    numbered = [b.kind == "list_item" and not _BULLET.match(_head(text, b.start)) for b in blocks]
    padded = [False, *numbered, False]
    return tuple(
        replace(block, kind="paragraph") if numbered[i] and not (padded[i] or padded[i + 2]) else block
        for i, block in enumerate(blocks)
    )


def to_blocks(
    text: str, spans: Sequence[tuple[int, int, Kind]], levels: Sequence[int | None] | None = None
) -> tuple[Block, ...]:
    """Spans, in order, as blocks: white space at their ends is left outside (inside for code), empty ones vanish."""
    blocks: list[Block] = []
    for index, (start, end, kind) in enumerate(spans):
        inner = text[start:end]
        tail = end - (len(inner) - len(inner.rstrip()))
        head = start if kind == "code" else start + (len(inner) - len(inner.lstrip()))
        if head < tail:
            level = levels[index] if levels is not None else None
            blocks.append(Block(id=len(blocks), start=head, end=tail, kind=kind, level=level))
    return tuple(blocks)
