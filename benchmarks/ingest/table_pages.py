"""Tables with known cells, rendered with typst: the pages that `tables.py` measures on.

A `Sample` is one PDF with prose, one table and prose again. `VARIANTS` draw it in the ways that printed tables are
drawn: every line, some lines, none; merged cells; cells of several lines; two pages; turned pages; two columns.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import typst

__all__ = ["BORDERLESS", "RULED", "VARIANTS", "Sample", "render"]

_FONTS: Final = ("Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono", "Liberation Sans", "DejaVu Sans")
_NOUNS: Final = [
    "harbour",
    "survey",
    "station",
    "river",
    "sample",
    "valve",
    "pump",
    "permit",
    "budget",
    "grant",
    "ledger",
    "clinic",
    "patient",
    "cohort",
    "dose",
    "visit",
    "reactor",
    "engine",
    "pilot",
    "runway",
    "beacon",
    "policy",
    "claim",
    "premium",
    "audit",
    "branch",
    "teller",
    "mortgage",
    "bond",
    "yield",
    "index",
    "fund",
    "school",
    "district",
    "teacher",
    "pupil",
    "library",
    "archive",
    "folio",
    "parish",
    "county",
    "region",
    "border",
    "export",
    "import",
    "tariff",
    "quota",
]
_OTHER: Final = [
    "annual",
    "northern",
    "southern",
    "coastal",
    "inland",
    "primary",
    "secondary",
    "monthly",
    "corrected",
    "observed",
    "expected",
    "adjusted",
    "gross",
    "net",
    "final",
    "interim",
    "total",
    "partial",
    "mean",
    "median",
    "upper",
    "lower",
    "early",
    "late",
    "open",
    "closed",
    "pending",
    "approved",
]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text and how many columns and rows it takes."""

    text: str
    colspan: int = 1
    rowspan: int = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """A PDF and the cells of its one table: `(row, column) → text`, empty cells left out."""

    name: str
    pdf: bytes
    cells: dict[tuple[int, int], str]
    header_rows: int
    pages: int = 1


@dataclass(slots=True)
class _Plan:
    """A table before it is drawn: rows of cells (merged ones once, at their top-left corner) and typst's settings."""

    columns: int
    rows: list[list[Cell]]
    header: int = 1
    table: str = ""
    """Further arguments of typst's `table`, e.g. its stroke."""
    bold_header: bool = True
    page: str = "paper: 'a4', margin: 60pt"
    repeat: bool = False
    turned: bool = False
    lines: dict[int, str] = field(default_factory=dict)
    """Rules to draw above a row (row number → typst)."""


def _word(draw: random.Random) -> str:
    return draw.choice(_NOUNS)


def _label(draw: random.Random) -> str:
    return f"{draw.choice(_OTHER)} {_word(draw)}".capitalize()


def _number(draw: random.Random) -> str:
    kind = draw.randrange(4)
    if kind == 0:
        return f"{draw.randrange(1, 99999):,}"
    if kind == 1:
        return f"{draw.uniform(0, 100):.1f}%"
    return f"{draw.uniform(-50, 500):.2f}" if kind == 2 else str(draw.randrange(1, 400))


def _sentence(draw: random.Random, words: int) -> str:
    text = " ".join(draw.choice((_word(draw), draw.choice(_OTHER), draw.choice(("of", "and", "in the", "for"))))
                    for _ in range(words))  # fmt: skip
    return text.capitalize() + "."


def prose(draw: random.Random, sentences: int) -> str:
    """A paragraph of made-up sentences."""
    return " ".join(_sentence(draw, draw.randrange(8, 19)) for _ in range(sentences))


def _plain(draw: random.Random, *, rows: int | None = None, columns: int | None = None, numbers: float = 0.8) -> _Plan:
    """A header row and body rows: a label first, then columns of numbers or short words."""
    columns = columns or draw.randrange(3, 6)
    numeric = [False] + [draw.random() < numbers for _ in range(columns - 1)]
    if not any(numeric):
        numeric[-1] = True
    header = [Cell(_label(draw) if k == 0 else draw.choice(_OTHER).capitalize()) for k in range(columns)]
    body = [
        [Cell(_label(draw) if k == 0 else _number(draw) if numeric[k] else _word(draw)) for k in range(columns)]
        for _ in range(rows or draw.randrange(4, 11))
    ]
    return _Plan(columns, [header, *body])


def _grid(draw: random.Random) -> _Plan:
    plan = _plain(draw)
    plan.table = "stroke: 0.6pt"
    return plan


def _grid_words(draw: random.Random) -> _Plan:
    plan = _plain(draw, numbers=0.0)
    plan.table, plan.bold_header = "stroke: 0.4pt", draw.random() < 0.5
    return plan


def _open_sides(draw: random.Random) -> _Plan:
    plan = _plain(draw)
    plan.table = f"stroke: (x, y) => (left: if x > 0 {{0.5pt}}, right: if x < {plan.columns - 1} {{0.5pt}}, y: 0.5pt)"
    return plan


def _flat_rules(draw: random.Random) -> _Plan:
    plan = _plain(draw, numbers=0.6)
    plan.table = "stroke: (x: none, y: 0.5pt)"
    return plan


def _booktabs(draw: random.Random) -> _Plan:
    plan = _plain(draw)
    plan.table = f"stroke: none, inset: (x: 5pt, y: {draw.choice((2, 3, 4))}pt)"
    plan.bold_header = draw.random() < 0.5
    plan.lines = {0: "stroke: 0.9pt", 1: "stroke: 0.5pt", len(plan.rows): "stroke: 0.9pt"}
    return plan


def _booktabs_words(draw: random.Random) -> _Plan:
    plan = _plain(draw, numbers=0.3)
    return _with_booktabs(plan)


def _with_booktabs(plan: _Plan) -> _Plan:
    plan.table, plan.bold_header = "stroke: none, inset: (x: 5pt, y: 3pt)", False
    plan.lines = {0: "stroke: 0.9pt", plan.header: "stroke: 0.5pt", len(plan.rows): "stroke: 0.9pt"}
    return plan


def _booktabs_spans(draw: random.Random) -> _Plan:
    """Two header rows, the upper one with cells over two columns and a rule under each."""
    plan = _plain(draw, columns=5)
    tops = [Cell(""), *(Cell(_label(draw), colspan=2) for _ in range(2))]
    plan.rows.insert(0, tops)
    plan.header = 2
    plan = _with_booktabs(plan)
    plan.lines[1] = "start: 1, end: 3, stroke: 0.4pt), table.hline(y: 1, start: 3, end: 5, stroke: 0.4pt"
    return plan


def _booktabs_lines(draw: random.Random) -> _Plan:
    """No rule between rows whose last cell takes several lines."""
    plan = _plain(draw, columns=3, rows=5)
    for row in plan.rows[1:]:
        row[-1] = Cell(_sentence(draw, draw.randrange(9, 22)))
    plan = _with_booktabs(plan)
    plan.table = "stroke: none, inset: (x: 5pt, y: 4pt), align: left + top"
    return plan


def _shaded(draw: random.Random) -> _Plan:
    plan = _plain(draw)
    colour = draw.choice(("luma(220)", "rgb(30,60,120)", "luma(200)"))
    plan.table = f"stroke: 0.5pt, fill: (x, y) => if y == 0 {{{colour}}}"
    plan.bold_header = False
    return plan


def _stripes(draw: random.Random) -> _Plan:
    """No rules: a shaded header and shaded odd rows."""
    plan = _plain(draw)
    plan.table = "stroke: none, fill: (x, y) => if y == 0 {luma(190)} else if calc.odd(y) {luma(238)}"
    return plan


def _merged(draw: random.Random) -> _Plan:
    """Cells over two rows in the first column, over two columns in the header."""
    columns = draw.choice((4, 5))
    plan = _plain(draw, columns=columns, rows=2 * draw.randrange(2, 5))
    top = [Cell(_label(draw), rowspan=2), Cell(_label(draw), colspan=2)]
    top += [Cell(_label(draw), rowspan=2) for _ in range(columns - 3)]
    second = [Cell(_word(draw)), Cell(_word(draw))]
    body = plan.rows[1:]
    for k in range(0, len(body), 2):
        body[k][0] = Cell(_label(draw), rowspan=2)
        del body[k + 1][0]
    plan.rows, plan.header = [top, second, *body], 2
    plan.table = "stroke: 0.5pt, align: " + draw.choice(("horizon", "top", "center + horizon"))
    return plan


def _merged_body(draw: random.Random) -> _Plan:
    """A section row over all columns, and a cell over two columns in the body."""
    plan = _plain(draw, columns=4, rows=6)
    plan.rows.insert(3, [Cell(_label(draw), colspan=4)])
    plan.rows[5] = [plan.rows[5][0], Cell(_label(draw), colspan=2), plan.rows[5][3]]
    plan.table = "stroke: 0.5pt"
    return plan


def _long_cells(draw: random.Random) -> _Plan:
    plan = _plain(draw, columns=3, rows=5)
    for row in plan.rows[1:]:
        row[1], row[2] = Cell(_sentence(draw, draw.randrange(8, 25))), Cell(_sentence(draw, draw.randrange(3, 15)))
    plan.table = "stroke: 0.5pt, align: left + " + draw.choice(("top", "horizon"))
    return plan


def _long_flat(draw: random.Random) -> _Plan:
    plan = _long_cells(draw)
    plan.table = "stroke: (x: none, y: 0.5pt), align: left + top"
    return plan


def _holes(draw: random.Random) -> _Plan:
    plan = _plain(draw, columns=5, rows=8)
    for row in plan.rows[1:]:
        for k in range(1, 5):
            if draw.random() < 0.35:
                row[k] = Cell("")
    plan.table = "stroke: 0.5pt"
    return plan


def _two_pages(draw: random.Random) -> _Plan:
    plan = _plain(draw, rows=46)
    plan.table, plan.repeat = "stroke: 0.5pt", True
    return plan


def _two_pages_booktabs(draw: random.Random) -> _Plan:
    plan = _with_booktabs(_plain(draw, rows=58))
    plan.repeat = True
    plan.lines = {0: "stroke: 0.9pt", 1: "stroke: 0.5pt", len(plan.rows): "stroke: 0.9pt"}
    return plan


def _turned(draw: random.Random) -> _Plan:
    plan = _grid(draw)
    plan.turned = True
    return plan


def _in_column(draw: random.Random) -> _Plan:
    plan = _plain(draw, columns=3, rows=6)
    plan.table = "stroke: 0.5pt, inset: 3pt"
    plan.page = "paper: 'a4', margin: 50pt, columns: 2"
    return plan


def _in_column_booktabs(draw: random.Random) -> _Plan:
    plan = _with_booktabs(_plain(draw, columns=3, rows=6))
    plan.page = "paper: 'a4', margin: 50pt, columns: 2"
    return plan


def _bare(draw: random.Random) -> _Plan:
    plan = _plain(draw, rows=draw.randrange(5, 11))
    plan.table = "stroke: none, inset: (x: 7pt, y: 3pt), align: (x, y) => if x == 0 {left} else {right}"
    return plan


def _bare_plain(draw: random.Random) -> _Plan:
    plan = _bare(draw)
    plan.bold_header = False
    return plan


def _bare_words(draw: random.Random) -> _Plan:
    plan = _plain(draw, columns=4, rows=8, numbers=0.0)
    plan.table = "stroke: none, inset: (x: 8pt, y: 3pt), align: left"
    return plan


def _bare_two(draw: random.Random) -> _Plan:
    plan = _plain(draw, columns=2, rows=7)
    plan.table = "stroke: none, inset: (x: 9pt, y: 3pt), align: (left, right)"
    return plan


def _bare_holes(draw: random.Random) -> _Plan:
    plan = _holes(draw)
    plan.table = "stroke: none, inset: (x: 8pt, y: 3pt), align: (x, y) => if x == 0 {left} else {right}"
    return plan


def _bare_in_column(draw: random.Random) -> _Plan:
    plan = _bare(draw)
    plan.columns, plan.rows = 3, [row[:3] for row in plan.rows]
    plan.page = "paper: 'a4', margin: 45pt, columns: 2"
    return plan


def _bare_wrapped(draw: random.Random) -> _Plan:
    """Labels that take two lines beside numbers of one."""
    plan = _plain(draw, columns=4, rows=6, numbers=1.0)
    for row in plan.rows[1:]:
        if draw.random() < 0.5:
            row[0] = Cell(_sentence(draw, 8).rstrip("."))
    plan.table = "stroke: none, inset: (x: 7pt, y: 4pt), align: (x, y) => if x == 0 {left + top} else {right + top}"
    return plan


Variant = Callable[[random.Random], _Plan]
RULED: Final[dict[str, Variant]] = {
    "grid": _grid,
    "grid of words": _grid_words,
    "open sides": _open_sides,
    "horizontal rules": _flat_rules,
    "booktabs": _booktabs,
    "booktabs, words": _booktabs_words,
    "booktabs, spanning header": _booktabs_spans,
    "booktabs, cells of several lines": _booktabs_lines,
    "shaded header": _shaded,
    "stripes": _stripes,
    "merged header and rows": _merged,
    "merged in the body": _merged_body,
    "cells of several lines": _long_cells,
    "horizontal rules, cells of several lines": _long_flat,
    "empty cells": _holes,
    "two pages": _two_pages,
    "two pages, booktabs": _two_pages_booktabs,
    "turned page": _turned,
    "in a column": _in_column,
    "in a column, booktabs": _in_column_booktabs,
}
BORDERLESS: Final[dict[str, Variant]] = {
    "bare": _bare,
    "bare, plain header": _bare_plain,
    "bare, words": _bare_words,
    "bare, two columns": _bare_two,
    "bare, empty cells": _bare_holes,
    "bare, in a column": _bare_in_column,
    "bare, wrapped labels": _bare_wrapped,
}
VARIANTS: Final[dict[str, Variant]] = {**RULED, **BORDERLESS}


def render(name: str, seed: int) -> Sample:
    """The sample of a variant and a seed, the same for the same fonts."""
    draw = random.Random(f"{name} {seed}")
    plan = VARIANTS[name](draw)
    font = _FONTS[0] if plan.repeat else draw.choice([f for f in _FONTS if "Mono" not in f])
    size = draw.choice((9, 10, 11))
    page = plan.page.replace("'", '"')
    before, after = prose(draw, draw.randrange(2, 6)), prose(draw, draw.randrange(2, 5))
    caption = f"Table {draw.randrange(1, 9)}: {_sentence(draw, 5)}"
    source = "\n\n".join(
        [
            f'#set page({page})\n#set text(font: ({_quoted(font)}, "Libertinus Serif"), size: {size}pt)',
            f"#set par(justify: {'true' if draw.random() < 0.5 else 'false'})",
            "#rotate(-90deg, reflow: true, block(width: 600pt)[" if plan.turned else "",
            f"#{_quoted(before)}",
            f"#{_quoted(caption)}",
            _table_source(plan),
            f"#{_quoted(after)}",
            "])" if plan.turned else "",
        ]
    )
    pdf = typst.compile(source.encode(), timestamp=0, pdf_tags=False)
    return Sample(name, pdf, _truth(plan), plan.header, 2 if plan.repeat else 1)


def _table_source(plan: _Plan) -> str:
    header = [_cell_source(c, bold=plan.bold_header) for row in plan.rows[: plan.header] for c in row]
    body = [_cell_source(c, bold=False) for row in plan.rows[plan.header :] for c in row]
    rules = [f"table.hline(y: {y}, {how})" for y, how in plan.lines.items()]
    top = f"table.header({', '.join(header)})" if plan.repeat else ", ".join(header)
    return f"#table(columns: {plan.columns}, {plan.table},\n{', '.join([*rules, top, *body])})"


def _cell_source(cell: Cell, *, bold: bool) -> str:
    text = f"strong({_quoted(cell.text)})" if bold else f"[#{_quoted(cell.text)}]"
    if cell.colspan == cell.rowspan == 1:
        return text
    return f"table.cell(colspan: {cell.colspan}, rowspan: {cell.rowspan}, {text})"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _truth(plan: _Plan) -> dict[tuple[int, int], str]:
    """Where each cell's text belongs: at the top-left corner of what it takes."""
    taken: set[tuple[int, int]] = set()
    cells: dict[tuple[int, int], str] = {}
    for y, row in enumerate(plan.rows):
        x = 0
        for cell in row:
            while (y, x) in taken:
                x += 1
            taken |= {(y + b, x + a) for a in range(cell.colspan) for b in range(cell.rowspan)}
            if cell.text:
                cells[y, x] = cell.text
            x += cell.colspan
    return cells
