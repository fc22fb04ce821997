"""Retrieval after Chroma's report, at an equal budget of retrieved tokens: recall, precision and IoU in characters of
the document, by true offsets, and PΩ.

All chunks of all documents stand in one index. A chunk is embedded as the peer gives it, by MiniLM.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from docalign.bench.ask import Ask, Cut, Peer, Setup, SizeChoice
from docalign.bench.place import Placement, place
from docalign.bench.registry import OURS
from docalign.counting import counter
from docalign.evaluate.boundaries import bootstrap_interval
from docalign.rewards.questions import QuestionLine
from docalign.rewards.retrieval import Passage, PrecisionOmega, retrieve
from docalign.rewards.reward import Sizes

__all__ = ["measure_retrieval"]

_DEFAULT = (350, 512)


def measure_retrieval(
    lines: Sequence[QuestionLine], cuts: Mapping[Peer, Cut], sizes: Mapping[str, SizeChoice], setup: Setup,
    *, budget: int, say: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Every peer's retrieval, with intervals over documents, and docalign's difference to it.

    Raises:
        ModelMissingError: the embedder is not there.
    """
    embed = setup.embedder
    omega = PrecisionOmega(lines)
    by_document: dict[str, list[dict[str, float]]] = {}
    tokens: dict[str, float] = {}
    for peer, cut in cuts.items():
        say(f"retrieval: {peer.name}")
        try:
            placed = [_placed(line, cut, sizes.get(peer.name, "target")) for line in lines]
        except Exception as failure:  # noqa: BLE001 - reported in the section on promises; here it has no numbers
            say(f"retrieval: {peer.name} failed ({type(failure).__name__})")
            continue
        passages, asked = [], []
        for number, (line, found) in enumerate(zip(lines, placed, strict=True)):
            count = counter(line.counter)
            passages += [
                Passage(number, a, b, text, count(line.document.text[a:b]))
                for (a, b), text in zip(found.spans, found.texts, strict=True)
            ]
            asked += [(number, q) for q in line.questions]
        results = retrieve(passages, asked, embed, budget_tokens=budget)
        tokens[peer.name] = sum(p.tokens for p in passages) / max(1, len(passages))
        by_document[peer.name] = []
        for number, (line, found) in enumerate(zip(lines, placed, strict=True)):
            mine = [r for (n, _), r in zip(asked, results, strict=True) if n == number]
            sizes_of = Sizes(line.target_tokens, line.max_tokens, counter(line.counter))
            by_document[peer.name].append(
                {name: sum(getattr(r, name) for r in mine) / len(mine) for name in ("recall", "precision", "iou")}
                | {"p_omega": omega(line.document, found.tiles, sizes_of).value}
            )
    return {
        "documents": len(lines),
        "questions": sum(len(line.questions) for line in lines),
        "budget_tokens": budget,
        "arms": {
            name: {"mean_tokens": round(tokens[name], 1), **_summary(rows, by_document[OURS])}
            for name, rows in by_document.items()
        },
    }


def _placed(line: QuestionLine, cut: Cut, size: SizeChoice) -> Placement:
    target, limit = (line.target_tokens or _DEFAULT[0]), (line.max_tokens or _DEFAULT[1])
    return place(line.document, list(cut(Ask(line.document, target, limit, line.counter, size))))


def _summary(rows: Sequence[Mapping[str, float]], ours: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name in ("recall", "precision", "iou", "p_omega"):
        values = [r[name] for r in rows]
        value[name] = round(sum(values) / len(values), 4)
        value[f"{name}_interval"] = [round(v, 4) for v in bootstrap_interval(values)]
    for name in ("recall", "iou"):
        ahead = [a[name] - b[name] for a, b in zip(ours, rows, strict=True)]
        low, high = bootstrap_interval(ahead)
        mean = round(sum(ahead) / len(ahead), 4)
        value[f"docalign_ahead_{name}"] = {"mean": mean, "low": round(low, 4), "high": round(high, 4)}
    return value
