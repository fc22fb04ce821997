"""Typeset pages whose text and reading order are known: columns, sidebars, footnotes, floats, rotated pages, …

Each case is a typst source made from random sentences (fixed seeds), with `body`, the paragraphs in the order in which
they must be read, and `asides`, texts that must stay whole wherever they stand: footnotes, captions, sidebars.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

__all__ = ["CASES", "Case", "make"]

_WORDS: Final = """
river stone under morning light moved slowly toward open water birds called across quiet fields harbour
council measured several important differences between northern southern districts population administration
committee recommended additional investigation because preliminary observations contradicted earlier
assumptions about temperature distribution responsible engineers considered alternative construction methods
while independent consultants questioned financial projections agricultural production increased considerably
following introduction improved irrigation techniques traditional farming communities benefited particularly
from cooperative arrangements museum library archive letter garden winter summer autumn spring valley mountain
island village bridge railway station market kitchen window mirror candle paper pencil copper silver iron
marble granite timber cotton linen doctor teacher farmer soldier sailor painter writer singer baker miller
weaver hunter keeper warden clerk judge small large heavy narrow broad bright dark warm cold early late first
second third former latter common rare carried brought offered refused accepted followed opened closed began
ended turned raised lowered gathered scattered repeated described explained reported published collected
compared counted weighed tested found lost although therefore however moreover meanwhile instead perhaps
certainly rarely often usually sometimes always never parliament constitution legislation jurisdiction
representative extraordinary characteristic approximately international environmental organisation
communication understanding responsibility establishment significance philosophical mathematical experimental
theoretical statistical historical geographical biological chemical with from into over after before during
without against among through beyond within upon along the a of and to in
""".split()  # noqa: SIM905 - three hundred quoted words are no easier to read
_COMPOUNDS: Final = ["large-leaved", "well-known", "long-term", "state-owned", "hand-written", "self-employed"]


class Prose:
    """Random sentences; the same seed gives the same ones."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def sentence(self) -> str:
        count = self._random.randint(8, 20)
        words = [self._random.choice(_COMPOUNDS if self._random.random() < 0.03 else _WORDS) for _ in range(count)]
        if count > 12:
            words[6] += ","
        return " ".join(words).capitalize() + "."

    def paragraph(self, sentences: int = 0) -> str:
        return " ".join(self.sentence() for _ in range(sentences or self._random.randint(3, 7)))

    def paragraphs(self, count: int) -> list[str]:
        return [self.paragraph() for _ in range(count)]

    def title(self) -> str:
        return " ".join(w.capitalize() for w in self._random.sample(_WORDS[:120], 5))


@dataclass(slots=True)
class Case:
    """`columns` is the most columns a page of it has; `source` is typst."""

    name: str
    columns: int
    source: str = ""
    body: list[str] = field(default_factory=list)
    asides: list[str] = field(default_factory=list)


Maker = Callable[[Prose, Case], str]
CASES: dict[str, tuple[int, Maker]] = {}


def make(name: str) -> Case:
    """The case `name` of `CASES`."""
    columns, maker = CASES[name]
    case = Case(name, columns)
    case.source = maker(Prose(name), case)
    return case


def _case(name: str, columns: int) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        CASES[name] = (columns, maker)
        return maker

    return register


def _setup(*, columns: int = 1, gutter: str = "18pt", size: str = "9.5pt", justify: bool = True, more: str = "") -> str:
    return (
        f"#set page(width: 595pt, height: 842pt, margin: (x: 56pt, y: 64pt), columns: {columns}, {more})\n"
        f"#set columns(gutter: {gutter})\n"
        f'#set text(size: {size}, lang: "en", font: "Libertinus Serif")\n'
        f"#set par(justify: {str(justify).lower()}, leading: 0.6em, spacing: 1.0em)\n"
        "#show heading: it => block(above: 1.4em, below: 0.8em, it.body)\n"
    )


def _flow(prose: Prose, case: Case, count: int, *, headings: int = 0) -> str:
    """Paragraphs, a heading before every `headings`-th of them."""
    parts = []
    for index in range(count):
        if headings and index % headings == 0:
            case.body.append(prose.title())
            parts.append(f"== {case.body[-1]}")
        case.body.append(prose.paragraph())
        parts.append(case.body[-1])
    return "\n\n".join(parts)


@_case("one column", 1)
def _one(prose: Prose, case: Case) -> str:
    return _setup(more='numbering: "1"') + _flow(prose, case, 24, headings=4)


@_case("two columns, justified", 2)
def _two(prose: Prose, case: Case) -> str:
    return _setup(columns=2, more='numbering: "1"') + _flow(prose, case, 48, headings=5)


@_case("two columns, ragged, narrow gutter", 2)
def _two_narrow(prose: Prose, case: Case) -> str:
    return _setup(columns=2, gutter="9pt", justify=False) + _flow(prose, case, 48, headings=6)


@_case("two columns, justified, narrow gutter", 2)
def _two_tight(prose: Prose, case: Case) -> str:
    return _setup(columns=2, gutter="8pt", size="10pt") + _flow(prose, case, 48)


@_case("three columns", 3)
def _three(prose: Prose, case: Case) -> str:
    return _setup(columns=3, gutter="14pt", size="8.5pt") + _flow(prose, case, 60, headings=7)


@_case("three columns, ragged, narrow gutter", 3)
def _three_narrow(prose: Prose, case: Case) -> str:
    return _setup(columns=3, gutter="10pt", size="8.5pt", justify=False) + _flow(prose, case, 60, headings=4)


def _noted(prose: Prose, case: Case, count: int) -> str:
    """Paragraphs every second of which has a footnote at its second sentence."""
    parts = []
    for index in range(count):
        sentences = [prose.sentence() for _ in range(5)]
        case.body.append(" ".join(sentences))
        if index % 2 == 0:
            note = prose.paragraph(1 + index % 3)
            case.asides.append(note)
            sentences[1] += f"#footnote[{note}]"
        parts.append(" ".join(sentences))
    return "\n\n".join(parts)


@_case("one column, footnotes", 1)
def _one_notes(prose: Prose, case: Case) -> str:
    return _setup(more='numbering: "1"', size="10.5pt") + _noted(prose, case, 30)


@_case("two columns, footnotes", 2)
def _two_notes(prose: Prose, case: Case) -> str:
    return _setup(columns=2) + _noted(prose, case, 48)


@_case("two columns, footnotes over the page", 2)
def _wide_notes(prose: Prose, case: Case) -> str:
    """Pages set by hand: two columns, below them a rule and the notes over the full width."""
    parts = []
    for page in range(4):
        halves, notes = [prose.paragraphs(4), prose.paragraphs(4)], [prose.paragraph(2) for _ in range(3)]
        for number, half in enumerate(halves):
            case.body += half
            half[0] += f"#super[{page * 3 + number + 1}]"
        case.asides += notes
        left, right = ("\n\n".join(half) for half in halves)
        foot = "\n\n".join(f"#super[{page * 3 + k + 1}] {note}" for k, note in enumerate(notes))
        parts.append(
            f"#grid(columns: (1fr, 1fr), gutter: 18pt, [{left}], [{right}])\n"
            f"#v(1fr)\n#line(length: 30%, stroke: 0.5pt)\n#text(size: 7.5pt)[{foot}]"
        )
    return _setup() + "\n#pagebreak()\n".join(parts)


def _picture(width: str) -> str:
    return f"rect(width: {width}, height: 70pt, fill: luma(80%))"


@_case("two columns, figures in columns and across", 2)
def _figures(prose: Prose, case: Case) -> str:
    parts = []
    for index in range(40):
        case.body.append(prose.paragraph())
        parts.append(case.body[-1])
        if index % 7 == 3:
            case.asides.append(prose.paragraph(2))
            across = index % 2
            place = 'placement: top, scope: "parent"' if across else "placement: auto"
            size = "100%" if across else "80%"
            parts.append(f"#figure({_picture(size)}, caption: [{case.asides[-1]}], {place})")
    return _setup(columns=2) + "#show figure.caption: set text(size: 8.5pt)\n" + "\n\n".join(parts)


@_case("headings across the columns", 2)
def _across(prose: Prose, case: Case) -> str:
    parts = []
    for _ in range(9):
        case.body.append(prose.title())
        heading = f"= {case.body[-1]}"
        parts.append(f"{heading}\n#columns(2)[{_flow(prose, case, 6)}]")
    return _setup() + "\n\n".join(parts)


@_case("one and two columns mixed", 2)
def _mixed(prose: Prose, case: Case) -> str:
    parts = []
    for _ in range(6):
        parts.append(_flow(prose, case, 2))
        parts.append(f"#columns(2, gutter: 14pt)[{_flow(prose, case, 6)}]")
    return _setup() + "\n\n".join(parts)


@_case("title, authors and abstract over two columns", 2)
def _paper(prose: Prose, case: Case) -> str:
    title, abstract = prose.title(), prose.paragraph(6)
    names = ["Anna Berger", "Carlo Dominguez", "Emma Fischer"]
    homes = ["Institute of Rivers", "Harbour University", "Valley Laboratory"]
    case.body.append(title)
    case.asides += [*names, *homes]
    case.body.append(abstract)
    cells = ", ".join(f"[{n} \\ {h}]" for n, h in zip(names, homes, strict=True))
    head = (
        f'#place(top, scope: "parent", float: true)[#align(center)[#text(size: 17pt)[{title}] \\\n'
        f"#grid(columns: 3, gutter: 20pt, {cells})]\n#block(inset: (x: 40pt))[{abstract}]]\n"
    )
    return _setup(columns=2) + head + _flow(prose, case, 40, headings=6)


@_case("sidebar in a box", 2)
def _sidebar(prose: Prose, case: Case) -> str:
    parts = []
    for index in range(4):
        main, side = prose.paragraphs(6), prose.paragraphs(3)
        case.body += main
        case.asides += side
        box = "\n\n".join(side)
        side_cell = f"[#rect(inset: 8pt, stroke: 0.6pt)[#text(size: 8pt)[{box}]]]"
        main_cell = "[" + "\n\n".join(main) + "]"
        cells = f"{main_cell}, {side_cell}" if index % 2 else f"{side_cell}, {main_cell}"
        widths = "(2fr, 1fr)" if index % 2 else "(1fr, 2fr)"
        parts.append(f"#grid(columns: {widths}, gutter: 14pt, {cells})")
    return _setup() + "\n#pagebreak()\n".join(parts)


@_case("margin notes", 1)
def _margin(prose: Prose, case: Case) -> str:
    parts = []
    for index in range(20):
        case.body.append(prose.paragraph())
        parts.append(case.body[-1])
        if index % 3 == 1:
            case.asides.append(prose.paragraph(1))
            note = f"#box(width: 95pt)[#set par(justify: false); #text(size: 7.5pt)[{case.asides[-1]}]]"
            parts[-1] = f"#place(dx: -115pt)[{note}]\n" + parts[-1]
    return _setup(more="margin: (left: 150pt, right: 50pt)").replace("margin: (x: 56pt, y: 64pt), ", "") + "\n\n".join(
        parts
    )


@_case("pages turned, two columns", 2)
def _turned(prose: Prose, case: Case) -> str:
    parts = []
    for angle in (90, -90, 180):
        text = _flow(prose, case, 5)
        parts.append(f"#rotate({angle}deg, reflow: true)[#block(width: 480pt, height: 440pt)[#columns(2)[{text}]]]")
    return _setup() + "\n#pagebreak()\n".join(parts)


@_case("running heads, roman and arabic numbers", 1)
def _heads(prose: Prose, case: Case) -> str:
    head = (
        "header: context { let n = counter(page).get().first(); if calc.odd(n) [Harbour Council #h(1fr) #n] "
        "else [#n #h(1fr) Annual Report on Rivers] }, "
    )
    front = _flow(prose, case, 12, headings=3)
    main = _flow(prose, case, 24, headings=6)
    roman = '#set page(footer: context align(center, counter(page).display("i")))\n'
    arabic = (
        f"#pagebreak()\n#set page({head} footer: context [Page #counter(page).display() of "
        "#counter(page).final().first()])\n#counter(page).update(1)\n"
    )
    return _setup() + roman + front + arabic + main


@_case("numbered lines", 1)
def _numbered(prose: Prose, case: Case) -> str:
    return (
        _setup(more="margin: (left: 90pt, right: 60pt, y: 64pt)").replace("margin: (x: 56pt, y: 64pt), ", "")
        + '#set par.line(numbering: "1", numbering-scope: "page")\n#set par(leading: 1.2em)\n'
        + _flow(prose, case, 14)
    )


@_case("drop capitals, letterspacing, small capitals, superscripts", 2)
def _fancy(prose: Prose, case: Case) -> str:
    parts = []
    for _ in range(12):
        title = prose.title()
        case.body.append(title)
        parts.append(f"#text(size: 12pt, tracking: 0.3em, hyphenate: false)[#upper[{title}]]")
        first, rest = prose.sentence(), prose.paragraph(4)
        case.body.append(f"{first} {rest}")
        small, last = first.split(" ", 2)[:2], first.split(" ", 2)[2]
        parts.append(f"#smallcaps[{' '.join(small)}] {last}#super[12,14] {rest}")
        # A drop capital over two lines, set the way word processors do it: the letter beside the first two lines.
        text = prose.paragraph(4)
        case.body.append(text)
        letter, remainder = text[0], text[1:]
        parts.append(f"#grid(columns: (auto, 1fr), column-gutter: 1pt, text(size: 22pt)[{letter}], [{remainder}])")
    return _setup(columns=2) + "\n\n".join(parts)
