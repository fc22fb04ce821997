"""The reward model: preference lines become a Bradley–Terry model of what the rankers like, on TRL's RewardTrainer.

TRL brings the loop (checkpoints, resume, schedule, logging). The loss is Bradley–Terry's,

    −w [t log σ(r_a − r_b) + (1 − t) log σ(r_b − r_a)],

with t = 1 where a is ranked above b and ½ where they tie, and w the pair's share of its line's weight. How a chunking
is shown to the model, and what its score means, is `rewards/human.py`'s. Rankings of a fifth of the documents (or
those of `dev`) are held out: they give the temperature, the accuracy and its interval, and are never trained on.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import torch
from datasets import Dataset
from safetensors.torch import save_file
from tensorboardX import SummaryWriter
from torch import Tensor, nn
from torch.utils.data import Sampler, SequentialSampler
from transformers import PrinterCallback, ProgressCallback, set_seed
from transformers.integrations.integration_utils import TensorBoardCallback
from transformers.utils.logging import disable_progress_bar
from trl import RewardConfig, RewardTrainer  # type: ignore[attr-defined]

from docalign.chunker.prompt import PROMPT_VERSION
from docalign.counting import counter
from docalign.errors import UsageError
from docalign.evaluate.boundaries import bootstrap_interval
from docalign.preference import PreferenceLine, read_preferences
from docalign.rewards.human import (
    DESCRIPTION,
    KIND,
    WEIGHTS,
    HumanReward,
    MarkedPrompt,
    marked_prompt,
    strengths,
    with_scalar_head,
)
from docalign.rewards.reward import Sizes
from docalign.train.progress import TrainingProgress
from docalign.train.record import commit
from docalign.train.run_folder import claim_run, digest_of, newest_checkpoint
from docalign.train.slot_model import SlotConfig, cut_base, load_policy, renderer_of

__all__ = ["Comparison", "RewardOptions", "bradley_terry", "comparisons_of", "fit_temperature", "train_reward"]

_HELD_OUT: Final = 5
"""Without `dev`, the rankings of one document in this many are held out, by the hash of its source."""


@dataclass(frozen=True, slots=True)
class RewardOptions:
    """Knobs of a reward model's run.

    Model: `layers` of the base are kept (None: all). Steps: `batch_pairs` pairs make one update, `epochs` rounds over
    all pairs, or `max_steps` updates where it is above 0; a window is cut at `window_tokens` of prompt. Rates:
    `learning_rate` for the LLM, `head_learning_rate` for the one row on top, `warmup_steps` to reach them.
    """

    base: str
    layers: int | None = 16
    epochs: float = 3.0
    max_steps: int = -1
    batch_pairs: int = 2
    accumulate: int = 1
    learning_rate: float = 2e-5
    head_learning_rate: float = 1e-3
    warmup_steps: int = 10
    window_tokens: int = 2600
    save_steps: int = 100
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two candidates of a line by index: `target` 1 where the first is preferred, ½ where they tie."""

    first: int
    second: int
    target: float
    weight: float


def comparisons_of(line: PreferenceLine) -> list[Comparison]:
    """Every pair of ranked candidates, ties included; they share the line's weight equally."""
    ordered = [(a, b, 1.0) for up, down in combinations(line.ranking, 2) for a in up for b in down]
    tied = [(a, b, 0.5) for place in line.ranking for a, b in combinations(place, 2)]
    pairs = ordered + tied
    return [Comparison(a, b, t, line.weight / len(pairs)) for a, b, t in pairs]


def bradley_terry(first: Tensor, second: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The loss of a batch of comparisons, a scalar; all `(pairs,)`. Weights are relative to a mean of 1."""
    difference = first - second
    log_likelihood = target * nn.functional.logsigmoid(difference)
    log_likelihood = log_likelihood + (1.0 - target) * nn.functional.logsigmoid(-difference)
    return -(weight * log_likelihood).mean()


class PairTrainer(RewardTrainer):
    """RewardTrainer with marked prompts, ties and weights."""

    head_learning_rate: float = 1e-3

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: Any = False,
        num_items_in_batch: Any = None,  # noqa: ARG002 - Trainer's signature
    ) -> Any:
        r = strengths(model, inputs["input_ids"], inputs["marks"], inputs["counts"])
        first, second = torch.chunk(r, 2)
        loss = bradley_terry(first, second, inputs["target"], inputs["weight"])
        decided = inputs["target"] == 1.0
        if decided.any():
            right = (first > second)[decided].float().mean()
            self._metrics["train"]["accuracy"].append(float(right))
        self._metrics["train"]["mean_reward"].append(float(r.detach().mean()))
        return (loss, {"strengths": r}) if return_outputs else loss

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ARG002 - Trainer's signature
        """AdamW; the head is new and learns faster than the LLM under it."""
        trained: Any = self.model
        head = trained.get_output_embeddings().weight
        rest = [p for p in trained.parameters() if p.requires_grad and p is not head]
        groups = [
            {"params": rest, "weight_decay": 0.01},
            {"params": [head], "lr": self.head_learning_rate, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=self.args.learning_rate, betas=(0.9, 0.98))
        return self.optimizer

    def _get_train_sampler(self, *_: Any) -> Sampler[int]:
        """The pairs in the order given; they were shuffled with the run's seed."""
        pairs: Any = self.train_dataset
        return SequentialSampler(pairs)

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """TRL's card speaks of text."""


def train_reward(
    preferences: Sequence[str | Path],
    out: Path,
    options: RewardOptions,
    *,
    init: Path | None = None,
    dev: Sequence[str | Path] = (),
    quiet: bool = True,
    command: str | None = None,
) -> Path:
    """Train a reward model on preference lines and write it to `out / "reward"`.

    The same call goes on from the newest checkpoint in `out`, or finds the run finished.

    Args:
        preferences: `docalign.preference/1` files.
        init: a policy to take the LLM from, in place of a fresh cut of the base.
        dev: preference files to hold out; none of whose documents may be in `preferences`.
        command: the command line that started it, for the record.

    Raises:
        UsageError: another run lies in `out`, nothing is left to train on or to hold out, or a document is in both.
        InvalidPreferenceError, ModelMissingError, ModelIncompatibleError: see each.
    """
    asked = {
        "reward": asdict(options),
        "preferences": digest_of(preferences),
        "dev": digest_of(dev),
        "init": digest_of([init]) if init else None,
    }
    if claim_run(out, asked):
        return out / "reward"
    disable_progress_bar()  # type: ignore[no-untyped-call]
    set_seed(options.seed)
    train, held_out = _split([line for p in preferences for line in read_preferences(p)], dev)
    model, tokenizer, config = load_policy(init) if init else cut_base(options.base, layers=options.layers)
    shape: Any = model
    del shape.length_prior  # a policy's; a reward has none
    with_scalar_head(shape)
    shape.get_input_embeddings().weight.requires_grad_(False)
    renderer = renderer_of(tokenizer, config)
    pairs = [pair for line in train for pair in _pairs(line, _prompt(line, renderer, config, options))]
    if not pairs:
        raise UsageError("no two candidates of a line differ in what the model sees.", remedy="Raise window_tokens.")
    mean = sum(p["weight"] for p in pairs) / len(pairs)
    pairs = [p | {"weight": p["weight"] / mean} for p in pairs]
    random.Random(options.seed).shuffle(pairs)
    trainer = PairTrainer(
        model=model,
        args=_arguments(out, options),
        train_dataset=Dataset.from_list(pairs),
        processing_class=tokenizer,
        data_collator=lambda batch: collate_pairs(batch, pad_id=config.slot_id),
    )
    trainer.head_learning_rate = options.head_learning_rate
    for printer in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(printer)
    trainer.add_callback(TrainingProgress(quiet=quiet))
    curves: Any = TensorBoardCallback
    trainer.add_callback(curves(SummaryWriter(str(out / "tensorboard"))))
    newest = newest_checkpoint(out)
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    trained: Any = trainer.accelerator.unwrap_model(trainer.model).float().cpu().eval()
    described = {
        "kind": KIND,
        "base": config.base,
        "layers": config.layers,
        "slot_id": config.slot_id,
        "label_ids": list(config.label_ids),
        "prompt_version": PROMPT_VERSION,
        "window_tokens": options.window_tokens,
        "temperature": 1.0,
        "center": 0.0,
    }
    reward = HumanReward(trained, renderer, described)
    described |= _calibrated(reward, train, held_out)
    record = asked | {
        "lines": len(train), "held_out_lines": len(held_out), "pairs": len(pairs), "commit": commit(),
        "command": command, "sources": _sources(train), "curve": [e for e in trainer.state.log_history if "loss" in e],
    }  # fmt: skip
    _save(trained, tokenizer, described | {"run": record}, out / "reward")
    (out / "run.json").write_text(json.dumps(record | described, indent=2) + "\n", "utf-8")
    return out / "reward"


def _split(
    lines: Sequence[PreferenceLine], dev: Sequence[str | Path]
) -> tuple[list[PreferenceLine], list[PreferenceLine]]:
    """What to train on and what to hold out, no document in both.

    Raises:
        UsageError: one of them is empty, or `dev` shares a document with the rest.
    """
    held_out = [line for p in dev for line in read_preferences(p)]
    if dev:
        shared = sorted({line.document.source for line in held_out} & {line.document.source for line in lines})
        if shared:
            raise UsageError(
                f"{len(shared)} documents are ranked in both files, {shared[0]!r} among them.",
                remedy="Split rankings by document.",
            )
        train = list(lines)
    else:
        train = [line for line in lines if not _held_out(line.document.source)]
        held_out = [line for line in lines if _held_out(line.document.source)]
    if not any(comparisons_of(line) for line in train) or not any(len(line.ranking) > 1 for line in held_out):
        raise UsageError(
            f"{len(train)} rankings to train on and {len(held_out)} held out are not enough.",
            remedy="Rank chunkings of more documents, or give held-out rankings with --dev.",
        )
    return train, held_out


def _held_out(source: str) -> bool:
    return int(hashlib.sha256(f"preference {source}".encode("utf-8", "replace")).hexdigest(), 16) % _HELD_OUT == 0


def _sizes(line: PreferenceLine) -> Sizes:
    return Sizes(line.target_tokens, line.max_tokens, counter(line.counter))


def _prompt(line: PreferenceLine, renderer: Any, config: SlotConfig, options: RewardOptions) -> MarkedPrompt:
    return marked_prompt(line.document, _sizes(line), renderer, config.label_ids, window_tokens=options.window_tokens)


def _pairs(line: PreferenceLine, prompt: MarkedPrompt) -> list[dict[str, Any]]:
    """Training rows of a line: the first window of the prompt with either candidate's cuts marked.

    Pairs that the window does not tell apart are left out.
    """
    rows = []
    candidates = [prompt.ids(0, frozenset(c)) for c in line.candidates]
    for c in comparisons_of(line):
        (first, marks), (second, _) = candidates[c.first], candidates[c.second]
        if first != second:
            rows.append(
                {"chosen_ids": first, "rejected_ids": second, "marks": marks, "target": c.target, "weight": c.weight}
            )
    return rows


def collate_pairs(rows: Sequence[Mapping[str, Any]], *, pad_id: int) -> dict[str, Tensor]:
    """Right-padded batch: the first candidates of all pairs, then the second ones.

    Returns:
        `input_ids`, `attention_mask` `(2 pairs, tokens)`; `marks` `(2 pairs, blocks)`; `counts` `(2 pairs,)`;
        `target`, `weight` `(pairs,)`.
    """
    sequences = [r["chosen_ids"] for r in rows] + [r["rejected_ids"] for r in rows]
    marks = [r["marks"] for r in rows] * 2
    tokens, blocks = max(map(len, sequences)), max(map(len, marks))
    return {
        "input_ids": torch.tensor([[*s, *[pad_id] * (tokens - len(s))] for s in sequences]),
        "attention_mask": torch.tensor([[1] * len(s) + [0] * (tokens - len(s)) for s in sequences]),
        "marks": torch.tensor([[*m, *[0] * (blocks - len(m))] for m in marks]),
        "counts": torch.tensor([len(m) for m in marks]),
        "target": torch.tensor([r["target"] for r in rows]),
        "weight": torch.tensor([r["weight"] for r in rows]),
    }


def _calibrated(
    reward: HumanReward, train: Sequence[PreferenceLine], held_out: Sequence[PreferenceLine]
) -> dict[str, Any]:
    """Temperature, center and what the held-out rankings say."""
    differences: list[tuple[float, float, float]] = []  # r_a − r_b, target, weight
    right: list[float] = []  # by line: the share of its ordered pairs that are ordered right
    for line in held_out:
        r = reward.prepare(line.document, _sizes(line)).raw(line.candidates)
        found = comparisons_of(line)
        differences += [(r[c.first] - r[c.second], c.target, c.weight) for c in found]
        ordered = [r[c.first] - r[c.second] for c in found if c.target == 1.0]
        if ordered:
            right.append(sum(1.0 if d > 0 else 0.5 if d == 0 else 0.0 for d in ordered) / len(ordered))
    seen = [r for line in train[:100] for r in reward.prepare(line.document, _sizes(line)).raw(line.candidates)]
    temperature = fit_temperature(differences)
    low, high = bootstrap_interval(right)
    return {
        "temperature": temperature,
        "center": round(sum(seen) / len(seen), 6),
        "held_out": {
            "lines": len(held_out),
            "pairs": len(differences),
            "accuracy": round(sum(right) / len(right), 4),
            "interval": [round(low, 4), round(high, 4)],
            "log_loss": round(_log_loss(differences, 1.0), 4),
            "log_loss_calibrated": round(_log_loss(differences, temperature), 4),
            "log_loss_of_a_coin": round(math.log(2), 4),
        },
    }


def fit_temperature(differences: Sequence[tuple[float, float, float]]) -> float:
    """The T that makes σ(difference / T) fit the targets best, from 0.02 to 50; `(difference, target, weight)` each.

    Targets are drawn a little towards ½, as if one more pair had gone either way: rankings that are all ordered right
    would otherwise ask for certainty, and a reward that is 0 or 1 everywhere teaches nothing.
    """
    drawn = 1.0 / (len(differences) + 1)
    smoothed = [(d, (1.0 - drawn) * target + drawn / 2, w) for d, target, w in differences]
    return min(
        (round(math.exp(step / 50), 6) for step in range(-196, 197)),
        key=lambda t: (_log_loss(smoothed, t), abs(math.log(t))),
    )


def _log_loss(differences: Sequence[tuple[float, float, float]], temperature: float) -> float:
    total = sum(w for _, _, w in differences)

    def one(difference: float, target: float) -> float:
        x = difference / temperature
        softplus = max(x, 0.0) + math.log1p(math.exp(-abs(x)))
        return softplus - target * x

    return sum(w * one(d, t) for d, t, w in differences) / total if total else 0.0


def _sources(lines: Sequence[PreferenceLine]) -> dict[str, int]:
    """How many rankings came from whom: people, rules, a simulation, …"""
    return {s: sum(line.source == s for line in lines) for s in sorted({line.source for line in lines})}


def _save(model: Any, tokenizer: Any, described: Mapping[str, Any], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    save_file({name: t.detach().contiguous().cpu() for name, t in model.state_dict().items()}, out / WEIGHTS)
    model.config.save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / DESCRIPTION).write_text(json.dumps(described, indent=2) + "\n", "utf-8")


def _arguments(out: Path, options: RewardOptions) -> RewardConfig:
    bf16 = torch.cuda.is_available() or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return RewardConfig(
        output_dir=str(out),
        num_train_epochs=options.epochs,
        max_steps=options.max_steps,
        per_device_train_batch_size=options.batch_pairs,
        gradient_accumulation_steps=options.accumulate,
        learning_rate=options.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=options.warmup_steps,
        max_grad_norm=1.0,
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=False,
        logging_steps=math.gcd(10, options.save_steps),
        save_steps=options.save_steps,
        save_total_limit=2,
        report_to=[],
        seed=options.seed,
        data_seed=options.seed,
        remove_unused_columns=False,
        max_length=None,
        dataloader_pin_memory=False,
        disable_tqdm=True,
    )
