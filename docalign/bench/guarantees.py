"""Promises: what a chunking breaks, counted alike for everybody, on gold windows and on documents made to hurt."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any, Final

from docalign.bench.ask import Ask, Cut, Peer, SizeChoice
from docalign.bench.place import Placement, place
from docalign.chunk import avoidable_orphans
from docalign.counting import WORDS, Counter
from docalign.document import Block, Document, Kind

__all__ = ["Kept", "kept_promises", "nasty_documents", "stress"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What broke; only `chunks`, `headings`, `tables` and `characters` are what there was.

    `wrong_offsets` counts among `offsets_stated`. A table is cut when it would have fitted the limit.
    """

    chunks: int = 0
    over_limit: int = 0
    headings: int = 0
    orphaned: int = 0
    tables: int = 0
    tables_cut: int = 0
    characters: int = 0
    lost: int = 0
    altered: int = 0
    offsets_stated: int = 0
    wrong_offsets: int = 0
    failures: int = 0

    def __add__(self, other: Kept) -> Kept:
        return Kept(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(Kept)})

    def to_json(self) -> dict[str, int | bool]:
        return asdict(self)


def kept_promises(document: Document, found: Placement, count: Counter, limit: int | None, given: int) -> Kept:
    """Count on one document; `given` is how many pieces the peer gave."""
    headings = [b for b in document.blocks if b.kind == "heading"]
    tables = [
        b for b in document.blocks
        if b.kind == "table" and (limit is None or count(document.block_text(b)) <= limit)
    ]  # fmt: skip
    cuts = [start for start, _ in found.tiles[1:]]
    stated = found.wrong_offsets is not None
    return Kept(
        chunks=given,
        over_limit=0 if limit is None else sum(count(text) > limit for text in found.texts),
        headings=len(headings),
        orphaned=len(avoidable_orphans(document, found.tiles, count, limit)) if headings else 0,
        tables=len(tables),
        tables_cut=sum(any(b.start < cut < b.end for cut in cuts) for b in tables),
        characters=sum(not c.isspace() for c in document.text),
        lost=found.lost if given else 0,
        altered=found.altered,
        offsets_stated=given if stated else 0,
        wrong_offsets=found.wrong_offsets or 0,
    )


_LIMIT: Final = 60


def nasty_documents() -> dict[str, Document]:
    """What users of chunkers complain of, each as a small document; the limit is `words*1.35`, 60 tokens."""
    draw = random.Random(8)
    words = ["river", "stone", "window", "paper", "engine", "garden", "letter", "market", "record", "winter"]

    def sentence(n: int) -> str:
        return " ".join(draw.choices(words, k=n)).capitalize() + "."

    def prose(n: int) -> str:
        return " ".join(sentence(draw.randint(6, 14)) for _ in range(n))

    table = "\n".join(f"{draw.choice(words)} | {i} | {draw.choice(words)}" for i in range(200))
    small = "\n".join(f"{draw.choice(words)} | {i}" for i in range(8))
    said: tuple[tuple[Kind, str], ...] = (("paragraph", "The same line again."),)
    return {
        "a paragraph far over the limit": _made([("heading", "One"), ("paragraph", prose(60))]),
        "one word per line, no full stop": _made([("paragraph", " ".join(draw.choices(words, k=400)))]),
        "a table of 200 rows": _made([("heading", "Rows"), ("table", table), ("paragraph", prose(3))]),
        "small tables between prose": _made(
            [pair for _ in range(8) for pair in (("paragraph", prose(3)), ("table", small))]
        ),
        "headings only": _made([("heading", sentence(3)) for _ in range(20)]),
        "a heading at every limit": _made(
            [pair for _ in range(12) for pair in (("heading", sentence(4)), ("paragraph", prose(4)))]
        ),
        "a heading over the limit": _made([("heading", sentence(70)), ("paragraph", prose(4))]),
        "the same text again and again": _made(list(said * 60)),
        "emoji, combining marks, Chinese": _made(
            [
                ("paragraph", "👩‍👩‍👧 café naïve e\u0301te\u0301 " * 6),
                ("paragraph", "川の水がゆっくりと流れていた。" * 6),
            ]
            * 6
        ),
        "tabs, double spaces and line ends": _made([("paragraph", "one\ttwo  three\nfour   five\n" * 12)] * 6),
    }


def stress(cuts: Mapping[Peer, Cut], sizes: Mapping[str, SizeChoice], say: Callable[[str], None]) -> dict[str, Any]:
    """Every peer on every nasty document: what it broke, and where it failed."""
    report: dict[str, Any] = {}
    for peer, cut in cuts.items():
        say(f"nasty documents: {peer.name}")
        total, broke = Kept(), {}
        for name, document in nasty_documents().items():
            size = sizes.get(peer.name, "target")
            kept, error = _try(cut, Ask(document, int(0.7 * _LIMIT), _LIMIT, WORDS, size))
            total += kept
            what = _broken(kept)
            if error or what:
                broke[name] = error or what
        report[peer.name] = {"total": total.to_json(), "broke": broke}
    return report


def _try(cut: Cut, ask: Ask) -> tuple[Kept, str | None]:
    try:
        pieces = list(cut(ask))
    except Exception as failure:  # noqa: BLE001 - other people's code may fail in any way, and is reported
        return Kept(failures=1), f"fails: {type(failure).__name__}: {str(failure)[:120]}"
    return kept_promises(ask.document, place(ask.document, pieces), ask.count, ask.limit, len(pieces)), None


def _broken(kept: Kept) -> str:
    names = {
        "over_limit": "over the limit", "orphaned": "headings orphaned", "tables_cut": "tables cut",
        "lost": "characters lost", "altered": "altered", "wrong_offsets": "wrong offsets",
    }  # fmt: skip
    return ", ".join(f"{getattr(kept, key)} {name}" for key, name in names.items() if getattr(kept, key))


def _made(parts: Sequence[tuple[Kind, str]]) -> Document:
    texts = [text.strip() for _, text in parts]
    ends = [0]
    for text in texts:
        ends.append(ends[-1] + len(text) + 2)
    blocks = tuple(
        Block(i, a, b - 2, kind, level=2 if kind == "heading" else None)
        for i, ((a, b), (kind, _)) in enumerate(zip(pairwise(ends), parts, strict=True))
    )
    text = "\n\n".join(texts)
    return Document("nasty", hashlib.sha256(text.encode()).hexdigest(), text, blocks).check()
