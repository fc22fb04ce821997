"""The human reward: a Bradley–Terry model of what people (or whoever ranked) prefer, as a reward.

A chunking is shown to the base LLM as the policy's own prompt with the cuts marked: each block is rendered as at run
time (`chunker/prompt.py`, its hints included) and followed, where the policy has its slot, by the label ` S` if the
chunking starts a chunk with that block and ` C` if it does not. One linear row over the hidden state at these marks
gives a number for each block; their mean is the chunking's strength r. Two chunkings a, b of one document are preferred
a over b with probability σ((r_a − r_b) / T), T fitted on rankings held out from training. As a reward, from 0 to 1, a
chunking scores σ((r − c) / T), c being the mean strength of the candidates trained on: 0.5 is an average candidate.

A document longer than the model's window is shown in parts, blocks weighing the same. It can see what the prompt shows
of a block, its first and last words, and no more; and it knows only the taste of those who ranked.

Folders hold safetensors and JSON, no pickle. Needs the extra `train`, loaded when a model is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.document import Document
from docalign.errors import ModelIncompatibleError, ModelMissingError
from docalign.rewards.pieces import pieces_of
from docalign.rewards.reward import NOT_JUDGED, Score, Sizes, Span

if TYPE_CHECKING:
    from torch import Tensor, nn

    from docalign.chunker.prompt import Renderer

__all__ = [
    "DESCRIPTION",
    "KIND",
    "WEIGHTS",
    "HumanReward",
    "MarkedPrompt",
    "marked_prompt",
    "strengths",
    "with_scalar_head",
]

KIND: Final = "docalign.reward-model/1"
WEIGHTS: Final = "reward.safetensors"
DESCRIPTION: Final = "docalign.json"
_BATCH: Final = 4
"""Chunkings shown to the model at a time: few, since they are as long as the window each."""


@dataclass(frozen=True, slots=True)
class MarkedPrompt:
    """A document's blocks as token ids, without marks, in parts that fit the model's window; made once per document."""

    parts: tuple[tuple[tuple[int, list[int]], ...], ...]
    start_id: int
    continue_id: int

    def ids(self, part: int, starts: frozenset[int]) -> tuple[list[int], list[int]]:
        """Token ids of one part with the cuts of a chunking marked, and the positions of the marks."""
        ids: list[int] = []
        marks = []
        for block, tokens in self.parts[part]:
            ids += tokens
            marks.append(len(ids))
            ids.append(self.start_id if block in starts or block == 0 else self.continue_id)
        return ids, marks


def marked_prompt(
    document: Document, sizes: Sizes, renderer: Renderer, labels: tuple[int, int], *, window_tokens: int
) -> MarkedPrompt:
    """Render the blocks as the policy sees them, for marking; a part has at most `window_tokens` where its blocks do.

    Args:
        labels: ids of the marks for "starts a chunk" and "continues".
    """
    from docalign.chunker.prompt import hints_for

    counts = [max(1, sizes.count(document.block_text(b))) for b in document.blocks]
    hints = hints_for(document, counts, sizes.target_tokens, sizes.max_tokens)
    parts: list[list[tuple[int, list[int]]]] = []
    filled = 0
    for block, ids in enumerate(renderer.render(document, hints, document.blocks)):
        if not parts or filled + len(ids) > window_tokens:
            parts.append([])
            filled = 0
        parts[-1].append((block, ids[:-1]))  # without the slot: the mark stands there
        filled += len(ids)
    return MarkedPrompt(tuple(map(tuple, parts)), *labels)


def strengths(model: nn.Module, input_ids: Tensor, marks: Tensor, counts: Tensor) -> Tensor:
    """r of each sequence, `(sequences,)`: the mean of the head over the marks.

    Args:
        input_ids: `(sequences, tokens)`, right-padded; `marks` `(sequences, blocks)` positions, right-padded;
            `counts` `(sequences,)` how many of them are real.
    """
    import torch

    values = model(input_ids=input_ids, use_cache=False).logits[..., 0].float()
    at_marks = torch.gather(values, 1, marks)
    real = torch.arange(marks.shape[1], device=marks.device)[None, :] < counts[:, None]
    return (at_marks * real).sum(1) / counts.clamp(min=1)


class HumanReward:
    """A trained reward model, ready to score. Deterministic; gradients are off."""

    def __init__(self, model: nn.Module, renderer: Renderer, described: Mapping[str, Any]) -> None:
        self.model = model
        self.renderer = renderer
        self.labels: tuple[int, int] = (int(described["label_ids"][0]), int(described["label_ids"][1]))
        self.temperature = float(described["temperature"])
        self.center = float(described["center"])
        self.window_tokens = int(described["window_tokens"])
        self.described = described

    @classmethod
    def load(cls, path: Path) -> HumanReward:
        """Read a folder that `docalign train --method reward` wrote.

        Raises:
            ModelMissingError: no such folder, or the training extra is not installed.
            ModelIncompatibleError: it is no reward model, was made for another prompt version, or is damaged.
        """
        try:
            import torch
            from safetensors import SafetensorError
            from safetensors.torch import load_file
            from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
        except ImportError as error:
            raise ModelMissingError(
                f"a reward model needs {error.name}, which is not installed.",
                source=str(path),
                remedy="Install the extra: pip install '.[train]' in the docalign folder",
            ) from error
        from docalign.chunker.prompt import PROMPT_VERSION, Renderer

        try:
            described = json.loads((path / DESCRIPTION).read_text("utf-8"))
            tensors = load_file(path / WEIGHTS)
        except FileNotFoundError as error:
            raise ModelMissingError(
                "this is no reward model.", source=str(path), remedy="Give the folder that --method reward printed."
            ) from error
        except (SafetensorError, ValueError, OSError) as error:
            raise ModelIncompatibleError(
                f"its files are damaged ({error}).", source=str(path), remedy="Copy it again, or train it again."
            ) from error
        if described.get("kind") != KIND or described.get("prompt_version") != PROMPT_VERSION:
            raise ModelIncompatibleError(
                f"it is {described.get('kind')!r} of prompt version {described.get('prompt_version')!r}; this docalign "
                f"reads {KIND!r} of version {PROMPT_VERSION!r}.",
                source=str(path),
                remedy="Train it again with this version.",
            )
        model: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
            AutoConfig.from_pretrained(path), dtype=torch.float32
        )
        with_scalar_head(model)
        try:
            model.load_state_dict(tensors)
        except RuntimeError as error:
            raise ModelIncompatibleError(f"its weights do not fit its config ({error}).", source=str(path)) from error
        tokenizer = AutoTokenizer.from_pretrained(path)
        renderer = Renderer(
            lambda texts: tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else [],
            int(described["slot_id"]),
        )
        return cls(model.eval(), renderer, described)

    def __call__(self, document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
        """The calibrated score; a cut inside a block is not shown to the model."""
        if not document.blocks:
            return NOT_JUDGED
        starts = [p.first for p in pieces_of(document, spans, sizes) if p.opens]
        value = self.prepare(document, sizes).values([starts])[0]
        reason = f"people who ranked would place it {'above' if value >= 0.5 else 'below'} an average candidate."
        return Score(value, (f"{value:.2f}: {reason}",))

    def prepare(self, document: Document, sizes: Sizes) -> PreparedHuman:
        """Render the document once, for many chunkings of it."""
        prompt = marked_prompt(document, sizes, self.renderer, self.labels, window_tokens=self.window_tokens)
        return PreparedHuman(self, prompt)


@dataclass(frozen=True, slots=True)
class PreparedHuman:
    """One document, rendered."""

    reward: HumanReward
    prompt: MarkedPrompt

    def values(self, chunkings: Sequence[Sequence[int]]) -> list[float]:
        """σ((r − c) / T) of each chunking."""
        import math

        told = self.reward
        scaled = [(r - told.center) / told.temperature for r in self.raw(chunkings)]
        return [1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, x)))) for x in scaled]

    def raw(self, chunkings: Sequence[Sequence[int]]) -> list[float]:
        """r of each chunking; equal ones are shown to the model once."""
        import torch

        distinct = list(dict.fromkeys(frozenset(c) | {0} for c in chunkings))
        totals = dict.fromkeys(distinct, 0.0)
        blocks = sum(len(part) for part in self.prompt.parts)
        for part in range(len(self.prompt.parts)):
            for first in range(0, len(distinct), _BATCH):
                group = distinct[first : first + _BATCH]
                shown = [self.prompt.ids(part, starts) for starts in group]
                # Marks change no length: the sequences of a group need no padding.
                ids, marks = (torch.tensor([one[k] for one in shown]) for k in (0, 1))
                counts = torch.full((len(group),), marks.shape[1])
                with torch.no_grad():
                    found = strengths(self.reward.model, ids, marks, counts)
                for starts, r in zip(group, found.tolist(), strict=True):
                    totals[starts] += r * marks.shape[1] / max(1, blocks)
        return [round(totals[frozenset(c) | {0}], 6) for c in chunkings]


def with_scalar_head(model: Any) -> None:
    """Put one row in place of the vocabulary head; it starts at 0, where every chunking is as good as any other."""
    import torch
    from torch import nn

    head = nn.Linear(model.config.hidden_size, 1, bias=False)
    with torch.no_grad():
        head.weight.zero_()
    model.config.tie_word_embeddings = False
    model.config.num_labels = 1
    model.set_output_embeddings(head)
