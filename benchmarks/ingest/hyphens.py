"""Line-end hyphens: of those that a typesetter put in, how many go; of those that belong to the word, how many stay.

Paragraphs of the development corpora are typeset by Typst in narrow justified columns, a file for each document. Where
the source has a hyphen, the one at the line end belongs to the word; where it has none, the typesetter broke a word.
Both are shown to the reader as the same plain hyphen, without marks of the file. Reported beside the rule: `always
drop`, what a reader without any evidence does.

* `keep`: precision and recall of hyphens kept; `drop`: of hyphens removed;
* `errors`: the share of all line-end hyphens decided wrongly.

    DOCALIGN_DATA=... python benchmarks/ingest/hyphens.py [--documents 20] [--out hyphens.json] [--show]
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pypdfium2 as pdfium
import typst

from docalign.ingest.layout.hyphens import Spellings, joint
from docalign.ingest.layout.rows import Row, make_row, make_sheet
from docalign.ingest.pdf.text import extract_page

_CHARACTERS: Final = 20_000
"""Of each document at most."""
_AHEAD: Final = 3_000
_SETTINGS: Final = """#set page(width: 260pt, height: 700pt, margin: 24pt)
#set text(size: 10pt, lang: "en", hyphenate: true)
#set par(justify: true)
"""
_SPECIAL: Final = re.compile(r"([\\#\[\]*_`$<>@~\"'=/+-])")
_UNUSUAL: Final = re.compile(r"[^\x20-\x7e–—’‘“”é]")
_LINE_END: Final = "\u00ad\u2010\x02"


def paragraphs_of(document: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for block in document["blocks"]:
        if block["kind"] in ("paragraph", "list_item", "utterance") and sum(map(len, found)) < _CHARACTERS:
            found.append(_UNUSUAL.sub("", block["text"]))
    return found


def rows_of(paragraphs: list[str]) -> list[Row]:
    """The typeset lines, with every line-end hyphen made the same plain one."""
    source = _SETTINGS + "\n\n".join(_SPECIAL.sub(r"\\\1", p) for p in paragraphs)
    pdf = pdfium.PdfDocument(typst.compile(source.encode()))
    rows = [row for index in range(len(pdf)) for row in make_sheet(extract_page(pdf, index)).rows]
    return [_plain(row) for row in rows]


def _plain(row: Row) -> Row:
    last = row.words[-1]
    text = last.text[:-1] + "-" if last.text[-1] in _LINE_END else last.text
    return make_row(row.page, [*row.words[:-1], replace(last, text=text, hyphen=False)], row.rank)


def breaks_of(rows: list[Row], paragraphs: list[str]) -> Iterator[tuple[int, bool]]:
    """Indices of rows that end with a hyphen, and whether it stands in the source."""
    truth, place = "".join("".join(paragraphs).split()), 0
    for index, row in enumerate(rows[:-1]):
        text = "".join(row.text.split())
        if truth.startswith(text, place):
            place += len(text)
            if text.endswith("-"):
                yield index, True
        elif text.endswith("-") and truth.startswith(text[:-1], place):
            place += len(text) - 1
            yield index, False
        else:  # something was drawn that the source spells otherwise: go on where a later line fits
            ahead = truth.find(text[:12], place, place + _AHEAD)
            if ahead >= 0:
                place = ahead + len(text) - (not truth.startswith(text, ahead))


def scores(counts: Counter[tuple[bool, bool]]) -> dict[str, Any]:
    """From `(true hyphen, kept)` counts."""
    kept, lost = counts[True, True], counts[True, False]
    wrong, dropped = counts[False, True], counts[False, False]

    def share(part: int, whole: int) -> float | None:
        return round(part / whole, 4) if whole else None

    return {
        "hyphens": counts.total(),
        "true": kept + lost,
        "keep": {"precision": share(kept, kept + wrong), "recall": share(kept, kept + lost)},
        "drop": {"precision": share(dropped, dropped + lost), "recall": share(dropped, dropped + wrong)},
        "errors": share(lost + wrong, counts.total()),
    }


def measure(file: Path, documents: int, *, show: bool) -> Counter[tuple[bool, bool]]:
    """Counts of `(true hyphen, kept)` over the first documents of a corpus."""
    counts: Counter[tuple[bool, bool]] = Counter()
    with lzma.open(file, "rt", encoding="utf-8") as lines:
        for _, line in zip(range(documents), lines, strict=False):
            paragraphs = paragraphs_of(json.loads(line))
            rows = rows_of(paragraphs)
            spellings = Spellings(rows)
            for index, true in breaks_of(rows, paragraphs):
                how = joint(rows[index], rows[index + 1], spellings)
                if how is None:
                    continue  # a hyphen that stands for a word to come
                counts[true, how == "keep"] += 1
                if show and true != (how == "keep"):
                    print(how, rows[index].words[-1].text, rows[index + 1].words[0].text, file=sys.stderr)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--documents", type=int, default=20, help="of each corpus")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--show", action="store_true", help="print the hyphens decided wrongly")
    options = parser.parse_args()
    if "DOCALIGN_DATA" not in os.environ:
        sys.exit("set DOCALIGN_DATA to the directory that holds corpora/dev/")
    corpora = Path(os.environ["DOCALIGN_DATA"]) / "corpora" / "dev"
    total: Counter[tuple[bool, bool]] = Counter()
    report: dict[str, Any] = {}
    for file in sorted(corpora.glob("*.jsonl.xz")):
        counts = measure(file, options.documents, show=options.show)
        total += counts
        report[file.name.partition(".")[0]] = scores(counts)
    report["all"] = scores(total)
    trues = total[True, True] + total[True, False]
    report["always drop"] = scores(Counter({(True, False): trues, (False, False): total.total() - trues}))
    text = json.dumps(report, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
