"""Pages without any table, on which a reader must find none.

Rendered here: prose in one and two columns, contents, an index, forms, code, lists, addresses, footnotes, formulas,
definitions, a transcript. From `DOCALIGN_DATA`: pages of real PDFs, in stretches whose pages were looked at (as small
pictures) and hold no table.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pypdfium2 as pdfium
import typst
from table_pages import prose

from docalign.document import Document
from docalign.ingest import IngestOptions, ingest

__all__ = ["prose_documents"]

_REAL: Final = {
    "debian/bashref.pdf": ((1, 60), (150, 196)),
    "debian/R-admin.pdf": ((1, 40),),
    "debian/flex.pdf": ((1, 30), (120, 140)),
    "federal_reports/DHS2020.pdf": ((1, 20),),
    "federal_reports/DOL2022.pdf": ((1, 20),),
    "nih_protocols/NCT06149832_Prot_000.pdf": ((1, 2), (4, 6)),
}
"""First and last page (from 1) of stretches without a table."""


def prose_documents(scratch: Path) -> Iterator[tuple[str, Document]]:
    """Names and documents; the real ones only with `DOCALIGN_DATA`."""
    for name, make in _KINDS.items():
        for seed in range(4):
            draw = random.Random(f"{name} {seed}")
            size = draw.choice((9, 10, 11))
            source = f'#set page(paper: "a4", margin: 60pt)\n#set text(size: {size}pt)\n{make(draw)}'
            path = scratch / "prose.pdf"
            path.write_bytes(typst.compile(source.encode(), timestamp=0, pdf_tags=False))
            yield f"{name} {seed}", ingest(path, options=IngestOptions(ocr="never"))
    data = os.environ.get("DOCALIGN_DATA")
    if not data:
        return
    for name, stretches in _REAL.items():
        with pdfium.PdfDocument(Path(data) / "pdfs" / name) as whole, pdfium.PdfDocument.new() as part:
            part.import_pages(whole, [k - 1 for first, last in stretches for k in range(first, last + 1)])
            part.save(path := scratch / Path(name).name)
        yield name, ingest(path, options=IngestOptions(ocr="never"))


def _escaped(text: str) -> str:
    return f"#{chr(34)}{text}{chr(34)}"


def _paragraphs(draw: random.Random, count: int) -> str:
    return "\n\n".join(_escaped(prose(draw, draw.randrange(3, 8))) for _ in range(count))


def _columns(number: int) -> Callable[[random.Random], str]:
    return lambda draw: f"#set page(columns: {number})\n#set par(justify: true)\n{_paragraphs(draw, 16)}"


def _contents(draw: random.Random) -> str:
    dots = draw.choice(("#box(width: 1fr, repeat[.])", "#h(1fr)"))
    page, lines = 1, []
    for k in range(1, 31):
        page += draw.randrange(0, 6)
        lines.append(f"{k // 5 + 1}.{k % 5} #h(1em) {_escaped(prose(draw, 1)[:40])} {dots} {page}")
    return "= Contents\n" + " \\\n".join(lines)


def _index(draw: random.Random) -> str:
    words = sorted(prose(draw, 40).lower().replace(".", "").split())
    entries = [f"{w}, {draw.randrange(1, 90)}, {draw.randrange(90, 300)}" for w in words[:180]]
    return "#set page(columns: 3)\n= Index\n" + " \\\n".join(entries)


def _form(draw: random.Random) -> str:
    labels = ("Name", "Date of birth", "Address", "Telephone", "Employer", "Signature", "Policy number", "Witness")
    rows = [f"{a}: #h(2em) {draw.randrange(10, 9999)} #h(1fr) {b}: #h(2em) {_escaped(prose(draw, 1)[:14])} #h(3em)"
            for a, b in zip(labels[::2], labels[1::2], strict=True)]  # fmt: skip
    lines = [f"{a} #box(width: 1fr, line(length: 95%)) {b} #box(width: 1fr, line(length: 95%))" for a, b in
             zip(labels, reversed(labels), strict=True)]  # fmt: skip
    return "= Application\n" + " \\\n".join(rows) + "\n\n" + "\n\n".join(lines) + "\n\n" + _paragraphs(draw, 3)


def _code(draw: random.Random) -> str:
    lines = []
    for k in range(1, 24):
        name, other = prose(draw, 1).split()[:2]
        lines.append(f"{k:3}   {name.lower()} = {other.lower()}({draw.randrange(99)})    # {prose(draw, 1)[:24]}")
    listing = "ls -l\n" + "\n".join(
        f"-rw-r--r--  1 root  {draw.randrange(9999):6}  Jan {draw.randrange(1, 28):2}  {n}.c" for n in range(8)
    )
    text = "\n".join(lines)
    return f"{_paragraphs(draw, 2)}\n```\n{text}\n```\n{_paragraphs(draw, 1)}\n```\n{listing}\n```\n"


def _lists(draw: random.Random) -> str:
    bullets = "\n".join(f"- {prose(draw, 1)}" for _ in range(6))
    nested = "\n".join(f"+ {prose(draw, 1)}\n  - {prose(draw, 1)[:40]}\n  - {prose(draw, 1)[:30]}" for _ in range(5))
    wide = "#set enum(body-indent: 3em)\n" + "\n".join(f"+ {prose(draw, 1)[:30]}" for _ in range(8))
    return f"{_paragraphs(draw, 1)}\n\n{bullets}\n\n{nested}\n\n{wide}"


def _addresses(draw: random.Random) -> str:
    def address() -> str:
        words = prose(draw, 2).replace(".", "").split()
        return rf"{words[0]} {words[1]} \ {draw.randrange(1, 200)} {words[2]} Street \ {words[3]} {draw.randrange(1e5)}"

    blocks = f"#grid(columns: (1fr, 1fr, 1fr), {', '.join(f'[{address()}]' for _ in range(3))})"
    return (
        f"{blocks}\n\nDear {prose(draw, 1).split()[0]},\n\n{_paragraphs(draw, 4)}\n\nYours, #h(6em) Signed:\n\n{blocks}"
    )


def _footnotes(draw: random.Random) -> str:
    return "\n\n".join(f"{_escaped(prose(draw, 4))}#footnote[{prose(draw, 1)}]" for _ in range(7))


def _formulas(draw: random.Random) -> str:
    lines = ['#set math.equation(numbering: "(1)")']
    for k in range(6):
        lines += [
            _escaped(prose(draw, 2)),
            f"$ x_{k} = sum_(i=0)^n a_i / (b_i + {k}) quad y_{k} = integral f(t) dif t $",
        ]
    lines.append("$ A = mat(1, 2, 3; 4, 5, 6; 7, 8, 9) $")
    return "\n\n".join(lines)


def _definitions(draw: random.Random) -> str:
    return "\n".join(f"/ {prose(draw, 1).split()[0]}: {prose(draw, 2)}" for _ in range(12))


def _transcript(draw: random.Random) -> str:
    lines = [f"{k % 25 + 1} #h(2.5em) {draw.choice(('Q.', 'A.'))} #h(1.5em) {prose(draw, 1)[:50]}" for k in range(40)]
    return " \\\n".join(lines)


def _ruled_pages(draw: random.Random) -> str:
    """Head and foot rules with two columns of prose between, and ruled headings."""
    rule = '#place(top, scope: "parent", float: true, line(length: 100%))'
    page = "#set page(columns: 2, header: line(length: 100%), footer: line(length: 100%))"
    return f"{page}\n{rule}\n{_paragraphs(draw, 14)}"


_KINDS: Final[dict[str, Callable[[random.Random], str]]] = {
    "one column": _columns(1),
    "two columns": _columns(2),
    "three columns": _columns(3),
    "contents": _contents,
    "index": _index,
    "form": _form,
    "code": _code,
    "lists": _lists,
    "addresses": _addresses,
    "footnotes": _footnotes,
    "formulas": _formulas,
    "definitions": _definitions,
    "transcript": _transcript,
    "rules around columns": _ruled_pages,
}
