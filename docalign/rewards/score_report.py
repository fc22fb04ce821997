"""What `docalign score` says of a chunking: one JSON object, and the same as text and as an HTML page.

The composite never stands alone: its parts, with their weights, are beside it everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from docalign.rewards.chunk_lines import ChunkLine
from docalign.rewards.composite import Composite, Scored
from docalign.rewards.reward import Sizes
from docalign.wording import counted

__all__ = ["SCHEMA", "as_html", "as_text", "score_object"]

SCHEMA: Final = "docalign.score/1"

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6570;--line:#d8dde3;--paper:#fff;--bar:#2f6fbb}
@media(prefers-color-scheme:dark){:root{--ink:#e8ebee;--soft:#9aa5b1;--line:#39424c;--paper:#15181c;--bar:#6aa5e8}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;
padding:0 1rem}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .6rem;text-align:left;border-bottom:1px solid var(--line)}th{color:var(--soft);font-weight:500}
.soft{color:var(--soft)}meter{width:8rem}article{border-top:1px solid var(--line);padding:.6rem 0}
blockquote{margin:.3rem 0;color:var(--soft);overflow-wrap:anywhere}ul{margin:.3rem 0}
"""


def score_object(
    lines: Sequence[ChunkLine], composite: Composite, scored: Scored, sizes: Sizes, *, judged_from: str
) -> dict[str, Any]:
    """One document's chunking explained. `judged_from`: `document`, or `chunks` where nothing else was there."""
    weights = {part.name: part.weight for part in composite.parts}
    applying = {name: weights[name] for name, score in scored.parts.items() if score.applies}
    total = sum(applying.values())
    chunks: list[dict[str, Any]] = [
        {
            "index": number,
            "pages": list(line.pages),
            "tokens": sizes.count(line.text),
            "begins": " ".join(line.text[:120].split())[:90],
            "lost": 0.0,
            "reasons": [],
        }
        for number, line in enumerate(lines)
    ]
    general: list[dict[str, Any]] = []
    for name, score in scored.parts.items():
        share = applying.get(name, 0.0) / total if total else 0.0
        for loss in score.losses:
            chunk = chunks[loss.chunk]
            chunk["lost"] += share * loss.points
            chunk["reasons"].append({"part": name, "points": loss.points, "reason": loss.reason})
        if not score.losses:
            general += [{"part": name, "reason": reason} for reason in score.reasons]
    return {
        "doc": lines[0].doc,
        "judged_from": judged_from,
        "composite": scored.value,
        "parts": {
            name: {"score": score.value if score.applies else None, "weight": weights[name], "applies": score.applies}
            for name, score in scored.parts.items()
        },
        "chunks": chunks,
        "reasons": general,
        "flags": [flag for score in scored.parts.values() for flag in score.flags],
    }


def as_text(report: Mapping[str, Any]) -> str:
    """For a terminal."""
    lines: list[str] = []
    for document in report["documents"]:
        lines += [f"{document['doc']}: {counted(len(document['chunks']), 'chunk')}", *_parts_table(document), ""]
        for chunk in document["chunks"]:
            costs = f"costs {chunk['lost']:.3f}" if chunk["reasons"] else "nothing to say"
            lines.append(f"chunk {chunk['index']}{_pages(chunk)}, {chunk['tokens']} tokens: {costs}")
            lines.append(f"    “{chunk['begins']}”")
            lines += [f"    {r['part']} −{r['points']:.3f}: {r['reason']}" for r in chunk["reasons"]]
        lines += [f"{r['part']}: {r['reason']}" for r in document["reasons"]]
        lines += [f"note: {flag}" for flag in document["flags"]]
        lines += _missing(document)
        lines.append("")
    return "\n".join(lines)


def _parts_table(document: Mapping[str, Any]) -> list[str]:
    width = max(len(name) for name in (*document["parts"], "composite"))
    rows = [
        f"  {name:<{width}}  {part['score']:.3f}  × {part['weight']:g}"
        if part["applies"]
        else f"  {name:<{width}}    –    nothing to judge"
        for name, part in document["parts"].items()
    ]
    return [*rows, f"  {'composite':<{width}}  {document['composite']:.3f}  (weighted mean of the parts above)"]


def as_html(report: Mapping[str, Any]) -> str:
    """One page, nothing fetched, no script."""
    body = "\n".join(_document_html(document) for document in report["documents"])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Scores of a chunking</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _document_html(document: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{_meter(part['score'])}</td><td>{part['weight']:g}</td></tr>"
        if part["applies"]
        else f'<tr class="soft"><td>{escape(name)}</td><td>nothing to judge</td><td>–</td></tr>'
        for name, part in document["parts"].items()
    )
    mean = f"<tr><th>weighted mean</th><th>{_meter(document['composite'])}</th><th></th></tr>"
    notes = "".join(f"<li>{escape(t)}</li>" for t in (*document["flags"], *_missing(document)))
    general = "".join(f"<li>{escape(r['part'])}: {escape(r['reason'])}</li>" for r in document["reasons"])
    return (
        f"<h1>{escape(document['doc'])}</h1><table><thead><tr><th>part</th><th>score</th><th>weight</th></tr></thead>"
        f"<tbody>{rows}{mean}</tbody></table><ul>{general}{notes}</ul><h2>Chunk by chunk</h2>"
        + "\n".join(_chunk_html(chunk) for chunk in document["chunks"])
    )


def _chunk_html(chunk: Mapping[str, Any]) -> str:
    reasons = "".join(
        f"<li>{escape(r['part'])} −{r['points']:.3f}: {escape(r['reason'])}</li>" for r in chunk["reasons"]
    )
    said = f"<ul>{reasons}</ul>" if reasons else '<p class="soft">Nothing to say.</p>'
    return (
        f"<article><b>Chunk {chunk['index']}</b>{escape(_pages(chunk))}, {chunk['tokens']} tokens"
        f'<span class="soft">, costs {chunk["lost"]:.3f}</span>'
        f"<blockquote>{escape(chunk['begins'])}</blockquote>{said}</article>"
    )


def _meter(value: float) -> str:
    return f'<meter min="0" max="1" value="{value:.3f}"></meter> {value:.3f}'


def _pages(chunk: Mapping[str, Any]) -> str:
    pages = chunk["pages"]
    if not pages:
        return ""
    return f" (page {pages[0]})" if len(pages) == 1 else f" (pages {pages[0]}–{pages[-1]})"


def _missing(document: Mapping[str, Any]) -> list[str]:
    if document["judged_from"] == "document":
        return []
    said = "judged from the chunks alone: the other parts need the document"
    return [f"{said}; give it with --document (docalign ingest FILE > DOC.json)."]
