"""Measuring one policy: what it samples, what is most probable to it, what it does with the solver, what it likes.

Every measure is kept by window or document, so that two policies can be compared pair by pair. What the baseline
thinks of a window is kept on disk for the KL of the others; only one policy is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from docalign.chunk import violations
from docalign.chunker.chunker import Chunker
from docalign.chunker.options import ChunkOptions
from docalign.counting import counter
from docalign.errors import UsageError
from docalign.evaluate.adversarial import adversaries
from docalign.evaluate.boundaries import boundary_f1, pk
from docalign.evaluate.run import DocumentResult, evaluate_line
from docalign.evaluate.spans import spans_of, starts_of
from docalign.preference import PreferenceLine, Starts
from docalign.rewards.composite import Composite, Scored
from docalign.rewards.reward import Sizes, Span
from docalign.train.engine import TorchEngine
from docalign.train.gold import GoldLine
from docalign.train.methods.examples import Example, gold_examples, preference_examples, stacked
from docalign.train.methods.lab import Lab, bf16_helps
from docalign.train.methods.look import span_violations
from docalign.train.methods.method import draw
from docalign.train.slot_model import load_policy

__all__ = ["MODES", "AdversaryFacts", "Held", "Measured", "ModeFacts", "PreferenceFact", "WindowFacts", "measure"]

MODES: Final = ("samples", "greedy", "solver")
"""Raw samples, the raw distribution's most probable chunking, and what comes out at run time."""
_BATCH: Final = 4

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What policies are measured on, none of it trained on; and how many samples, of windows how long.

    `gold` and `ood` lines are chunked as at run time; `windows` are sampled.
    """

    windows: Sequence[GoldLine]
    gold: Sequence[GoldLine]
    ood: Sequence[GoldLine] = ()
    preferences: Sequence[PreferenceLine] = ()
    rewards: Composite = field(default_factory=Composite.of_rules)
    samples: int = 8
    window_tokens: int = 1000
    seed: int = 7


@dataclass(frozen=True, slots=True)
class ModeFacts:
    """A window's chunkings in one mode: the reward and its parts, closeness to gold, chunks and broken rules.

    Of samples these are means.
    """

    reward: float
    parts: Mapping[str, float]
    boundary_f1: float
    pk: float
    broken: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """One window. KL to the baseline and entropy are in nats per block; `distance` is the mean share of blocks at which
    two samples differ, `distinct` the number of different samples. `scatter` holds, by part of the reward, what each
    sample got less the window's mean."""

    id: str
    source: str
    line: GoldLine
    modes: Mapping[str, ModeFacts]
    kl_per_block: float
    entropy_per_block: float
    distance: float
    distinct: int
    drawn: tuple[Starts, ...]
    greedy: Starts
    solver: Starts
    scatter: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class PreferenceFact:
    """How much of a preference line (0–1) a policy orders as its source did; `source` says who judged."""

    id: str
    source: str
    agreed: float


@dataclass(frozen=True, slots=True)
class AdversaryFacts:
    """What a policy makes of an adversarial document: promises broken at run time, and both modes' rewards."""

    name: str
    tempts: str
    promises_broken: int
    chunks: int
    greedy: Mapping[str, float]
    solver: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """All of one policy."""

    name: str
    windows: tuple[WindowFacts, ...]
    gold: tuple[DocumentResult, ...]
    ood: tuple[DocumentResult, ...]
    preferences: tuple[PreferenceFact, ...]
    adversaries: tuple[AdversaryFacts, ...]


def measure(name: str, policy: Path, held: Held, reference: Path, *, note: Callable[[str], None]) -> Measured:
    """Measure the policy in a folder.

    Args:
        reference: where the first policy measured leaves its view of the windows, for the KL of the others.
        note: is told what is going on.

    Raises:
        UsageError: the policy reads windows otherwise than the baseline does.
        ModelError: the policy cannot be loaded.
    """
    lab = Lab(*load_policy(policy), bf16=bf16_helps())
    lab.model.train(False)
    examples = gold_examples(held.windows, lab.renderer, max_tokens=held.window_tokens)
    if not examples:
        raise UsageError("no window of the gold has two blocks.", remedy="Give longer documents as gold.")
    note(f"{name}: {len(examples)} windows")
    lab.keep_reference(examples, reference)
    chunk = _chunker(lab, examples[0].line)
    windows = tuple(_windows(lab, examples, held, chunk))
    note(f"{name}: {len(held.gold)} gold documents, {len(held.ood)} of other domains")
    gold, ood = (tuple(evaluate_line(line, chunk, rewards={}) for line in lines) for lines in (held.gold, held.ood))
    judged = preference_examples(held.preferences, lab.renderer, max_tokens=held.window_tokens)
    note(f"{name}: {len(judged)} held-out preferences, adversarial documents")
    return Measured(name, windows, gold, ood, _preferences(lab, judged), _adversaries(lab, held, chunk))


SpanOf = Callable[[GoldLine], list[Span]]


def _chunker(lab: Lab, line: GoldLine) -> SpanOf:
    """The policy as at run time: the legal distribution's best, sizes as each line asks."""
    engine = TorchEngine.of(lab.model, lab.config, bf16=bf16_helps())
    chunker = Chunker(engine, lab.renderer, lab.prior.prior(), model_name="measured", tokenizer=line.counter)

    def chunk(line: GoldLine) -> list[Span]:
        target, limit = (None, None) if line.is_transcript else line.sizes
        options = ChunkOptions(max_tokens=limit, target_tokens=target, tokenizer=line.counter)
        return [(c.start, c.end) for c in chunker.chunk(line.document, options)]

    return chunk


def _windows(lab: Lab, examples: Sequence[Example], held: Held, chunk: SpanOf) -> list[WindowFacts]:
    found: dict[int, WindowFacts] = {}
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].window["input_ids"]))
    for number, first in enumerate(range(0, len(order), _BATCH)):
        rows = order[first : first + _BATCH]
        part = [examples[i] for i in rows]
        with torch.no_grad():
            made = lab.forward(part)
            policy = made.segmentations
            kl = (policy.kl(_reference(lab, part, made.batch)) / made.blocks).tolist()
            entropy = (policy.entropy / made.blocks).tolist()
            samples = policy.sample(held.samples, draw(held.seed, number))
            greedy = policy.viterbi()
        for row, (index, example) in enumerate(zip(rows, part, strict=True)):
            drawn = samples[row, :, : example.blocks]
            best = tuple(torch.nonzero(greedy[row, : example.blocks]).flatten().tolist())
            found[index] = _window(example, drawn, best, chunk(example.line), held, kl[row], entropy[row])
    return [found[i] for i in range(len(examples))]


def _reference(lab: Lab, part: Sequence[Example], batch: dict[str, Tensor]) -> Any:
    try:
        return lab.reference(part, batch)
    except KeyError:
        raise UsageError(
            "this policy reads windows otherwise than the baseline (another tokenizer or prompt version).",
            source=part[0].id,
            remedy="Compare policies that were aligned from the same baseline.",
        ) from None


def _window(
    example: Example, drawn: Tensor, greedy: Starts, spans: Sequence[Span], held: Held, kl: float, entropy: float
) -> WindowFacts:
    line, number = example.line, len(drawn)
    sizes = Sizes(line.target_tokens, line.max_tokens, counter(line.counter))
    ready = held.rewards.prepare(line.document, sizes)
    batch = ready.batch_of_mask(drawn.cpu().numpy())
    chunkings = [tuple(torch.nonzero(d).flatten().tolist()) for d in drawn]
    each = [_mode(line, spans_of(line.document, s), float(v), {}) for s, v in zip(chunkings, batch.values, strict=True)]
    share = drawn.double().mean(0)
    scored = held.rewards.score(line.document, spans, sizes)
    raw = ready.batch([greedy])
    return WindowFacts(
        id=line.id,
        source=line.source,
        line=line,
        modes={
            "samples": ModeFacts(
                float(batch.values.mean()),
                {n: float(v.mean()) for n, v in batch.parts.items()},
                float(np.mean([m.boundary_f1 for m in each])),
                float(np.mean([m.pk for m in each])),
                {n: float(np.mean([m.broken[n] for m in each])) for n in each[0].broken},
            ),
            "greedy": _mode(
                line,
                spans_of(line.document, greedy),
                float(raw.values[0]),
                {n: float(v[0]) for n, v in raw.parts.items()},
            ),
            "solver": _mode(line, spans, scored.value, {n: s.value for n, s in scored.parts.items() if s.applies}),
        },
        kl_per_block=kl,
        entropy_per_block=entropy,
        distance=float((2 * share * (1 - share)).mean()) * number / max(1, number - 1),
        distinct=len(set(chunkings)),
        drawn=tuple(chunkings),
        greedy=greedy,
        solver=tuple(starts_of(line.document, spans)),
        scatter={n: v - v.mean() for n, v in batch.parts.items()},
    )


def _mode(line: GoldLine, spans: Sequence[Span], reward: float, parts: Mapping[str, float]) -> ModeFacts:
    blocks, starts = len(line.document.blocks), starts_of(line.document, spans)
    broken = {n: float(v) for n, v in span_violations(line, spans).items()}
    return ModeFacts(reward, parts, boundary_f1(starts, line.starts), pk(starts, line.starts, blocks), broken)


@torch.no_grad()
def _preferences(lab: Lab, examples: Sequence[Example]) -> tuple[PreferenceFact, ...]:
    found = []
    for first in range(0, len(examples), _BATCH):
        part = examples[first : first + _BATCH]
        made = lab.forward(part)
        scores = made.segmentations.score(stacked([e.candidates for e in part], made.batch["slots"].shape[1]))
        for row, example in enumerate(part):
            margins = [float(scores[row, p.chosen] - scores[row, p.rejected]) for p in example.pairs]
            agreed = float(np.mean([1.0 if m > 0 else 0.5 if m == 0 else 0.0 for m in margins]))
            found.append(PreferenceFact(example.id, example.line.source, agreed))
    return tuple(found)


@torch.no_grad()
def _adversaries(lab: Lab, held: Held, chunk: SpanOf) -> tuple[AdversaryFacts, ...]:
    found = []
    for adversary in adversaries():
        line = adversary.line
        sizes = Sizes(line.target_tokens, line.max_tokens, counter(line.counter))
        spans = chunk(line)
        broken = violations(line.document, spans, sizes.count, line.max_tokens)
        solver = held.rewards.score(line.document, spans, sizes)
        examples = gold_examples([line], lab.renderer, max_tokens=10**6)
        raw: dict[str, float] = {}
        if examples:
            greedy = lab.forward(examples).segmentations.viterbi()[0, : examples[0].blocks]
            starts = torch.nonzero(greedy).flatten().tolist()
            scored = held.rewards.score(line.document, spans_of(line.document, starts), sizes)
            raw = _applying(scored)
        found.append(
            AdversaryFacts(
                adversary.name,
                adversary.tempts,
                broken.lost_characters + broken.over_limit + broken.orphan_headings,
                len(spans),
                raw,
                _applying(solver),
            )
        )
    return tuple(found)


def _applying(scored: Scored) -> dict[str, float]:
    return {"reward": scored.value} | {n: s.value for n, s in scored.parts.items() if s.applies}
