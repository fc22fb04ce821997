"""Typeset documents whose headings and levels are known, in the ways people set headings.

Every document has a title (level 1), sections on levels 2 to 4, and what is easily taken for a heading: lists with bold
beginnings, numbered lists, captions of figures and tables, bold sentences, an author line, short paragraphs. Headings
are set by hand (typst's own would be tagged).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from order_pages import Prose

__all__ = ["STYLES", "Typeset", "make"]

_SECTIONS: Final = (1, 2, 2, 3, 3, 1, 2, 3, 2, 1, 2, 2, 3, 1)
_NAMES: Final = """
Introduction|Scope of the survey|Earlier work|The northern district|Methods|Choice of places|Instruments and their
errors|Results for the first year|What the keepers reported|Comparison with other towns|Discussion|Costs|Risks and
remedies|Open questions|Conclusions|Who took part|Harbour and market|Water|Summary of findings|Next steps|Legal
basis|Training of staff|How the figures were checked|Data and tools|Limits of this study|Definitions|Notice
periods|Transport|Storage and handling|Terms of reference
""".replace("\n", " ").split("|")


@dataclass(frozen=True, slots=True)
class Typeset:
    """A typst source and its headings in order: (text, level)."""

    source: str
    headings: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Style:
    """How the title and the headings of levels 2 to 4 are set: typst around `TEXT`. `number` gives its number."""

    looks: tuple[str, str, str, str]
    number: Callable[[list[int]], str] = lambda _: ""
    setup: str = ""
    columns: int = 1
    capitals: tuple[int, ...] = ()


def _dotted(counts: list[int]) -> str:
    return ".".join(map(str, counts))


def _legal(counts: list[int]) -> str:
    if len(counts) == 1:
        return f"ARTICLE {['I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII'][counts[0] - 1]}."
    return f"Section {_dotted(counts)}" if len(counts) == 2 else f"{_dotted(counts)}"


def _block(text: str, above: float = 1.4, below: float = 0.8) -> str:
    return f"#block(above: {above}em, below: {below}em, sticky: true)[{text}]"


def _sized(*sizes: float, weight: str = "bold") -> tuple[str, ...]:
    return tuple(_block(f'#text(size: {size}pt, weight: "{weight}")[TEXT]') for size in sizes)


_BOLD: Final = _block("*TEXT*")
_TITLE: Final = _block("#align(center, text(size: 20pt)[TEXT])")

STYLES: Final[dict[str, Style]] = {
    "numbered, by size": Style(_sized(22, 16, 13, 11), _dotted),  # type: ignore[arg-type]
    "numbered, all bold in one size": Style((_TITLE, _BOLD, _BOLD, _BOLD), _dotted),
    "unnumbered, by size": Style(_sized(24, 18, 14, 12), setup='#set text(font: "New Computer Modern")'),  # type: ignore[arg-type]
    "unnumbered, regular weight": Style(_sized(24, 17, 14, 12, weight="regular"), setup=""),  # type: ignore[arg-type]
    "bold, bold italic, italic in one size": Style((_TITLE, _BOLD, _block("_*TEXT*_"), _block("_TEXT_"))),
    "capitals": Style((_TITLE, _BOLD, _block("TEXT"), _BOLD), capitals=(1, 2)),
    "small capitals and colour": Style(
        (
            _block("#text(size: 24pt, fill: rgb(31, 78, 121))[TEXT]"),
            _block("#text(size: 15pt, fill: rgb(46, 116, 181))[#smallcaps[TEXT]]"),
            _block("#text(size: 12.5pt, fill: rgb(46, 116, 181))[TEXT]"),
            _block("#text(size: 11pt, fill: rgb(46, 116, 181))[TEXT]"),
        )
    ),
    "centred": Style(
        (
            _block("#align(center, text(size: 18pt)[*TEXT*])"),
            _block("#align(center)[*TEXT*]"),
            _block("#align(center)[_TEXT_]"),
            _BOLD,
        ),
        capitals=(1,),
    ),
    "two columns": Style((_TITLE, *_sized(12, 10, 10)[:2], _block("_*TEXT*_")), _dotted, columns=2),  # type: ignore[arg-type]
    "legal": Style(
        (_TITLE, _block("#align(center)[*TEXT*]"), _BOLD, _block("#underline[TEXT]")), _legal, capitals=(1,)
    ),
    "bold with run-in headings": Style((_TITLE, *_sized(14, 11)[:2], ""), _dotted),  # type: ignore[arg-type]
}


def make(name: str, seed: int) -> Typeset:
    """A document of four pages or so in the style `name`; another seed gives other words."""
    style, prose = STYLES[name], Prose(f"{name} {seed}")
    truth: list[tuple[str, int]] = []
    size = 9.5 if style.columns == 2 else 10.5
    setup = f'#set page(paper: "a4", margin: 60pt, numbering: "1")\n#set text(size: {size}pt)\n{style.setup}\n'
    parts = [setup + "#set par(justify: true)\n#set enum(tight: false)"]
    parts.append(_heading(style, prose.title(), 0, [], truth))
    parts.append("#align(center)[Maria Lopez and John Smith \\ Department of Geography, University of Ostbridge]")
    if style.columns == 2:
        parts.append("#show: columns.with(2)")
    parts.append(prose.paragraph())
    counts: list[int] = []
    start = 7 * seed
    for index, level in enumerate(_SECTIONS):
        counts = [*counts[:level], *([0] * (level - len(counts)))]
        counts[level - 1] += 1
        text = _NAMES[(start + index) % len(_NAMES)].strip()
        if level == 3 and not style.looks[3]:
            parts.append(f"*{text}.* {prose.paragraph()}")
            continue
        parts.append(_heading(style, text, level, counts, truth))
        parts.extend(_matter(prose, index + seed))
    return Typeset("\n\n".join(parts), tuple(truth))


def _heading(style: Style, text: str, level: int, counts: list[int], truth: list[tuple[str, int]]) -> str:
    text = text.upper() if level in style.capitals else text
    number = style.number(counts) if counts else ""
    text = f"{number} {text}" if number else text
    truth.append((text, level + 1))
    return style.looks[level].replace("TEXT", text.replace("#", ""))


def _matter(prose: Prose, index: int) -> list[str]:
    """What stands under a heading: paragraphs, and by turns a list, a table, a figure or a short line."""
    text = [prose.paragraph() for _ in range(1 + index % 3)]
    turn = index % 6
    if turn == 0:
        text.append("\n".join(f"- *{prose.title()}:* {prose.sentence()}" for _ in range(3)))
    elif turn == 1:
        text.append("\n".join(f"+ {prose.sentence()}" for _ in range(4)))
    elif turn == 2:
        cells = ", ".join(f"[{w}]" for w in prose.title().split()[:4] * 3)
        text.append(f"#figure(table(columns: 4, {cells}), caption: [{prose.title()}])")
    elif turn == 3:
        text.append(f"#figure(rect(width: 100pt, height: 50pt), caption: [{prose.title()}])")
    elif turn == 4:
        text.append(f"*{prose.sentence()}* {prose.paragraph()}")
    else:
        text.append("See the annex for details.")
    return [*text, prose.paragraph(2)]
