"""Supervised fine-tuning: −log P(gold) of the exact policy, on TRL's SFTTrainer with our collator and loss.

TRL brings the loop: checkpoints, resume, schedule, logging, several devices. Its token loss, packing and dataset
preparation are not used: the policy is no token sequence. The loss is the negative log-likelihood of the gold
segmentation under the raw distribution (`segments.py`) per block, or cross-entropy at the slots.
"""

from __future__ import annotations

import json
import logging
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import torch
from datasets import Dataset
from tensorboardX import SummaryWriter
from torch import Tensor, nn
from torch.utils.data import Sampler, SequentialSampler
from transformers import EarlyStoppingCallback, PrinterCallback, ProgressCallback, set_seed
from transformers.integrations.integration_utils import TensorBoardCallback
from transformers.utils.logging import disable_progress_bar
from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]

from docalign.errors import UsageError
from docalign.train.dev_score import dev_score
from docalign.train.free_bias import fit_free_bias
from docalign.train.gold import GoldLine, read_gold
from docalign.train.inspect_gold import one_label
from docalign.train.processes import is_main, main_first
from docalign.train.progress import TrainingProgress
from docalign.train.record import run_facts
from docalign.train.run_folder import claim_run, digest_of, newest_checkpoint
from docalign.train.segments import log_partition, score
from docalign.train.slot_model import cut_base, load_policy, log_odds, renderer_of, save_policy
from docalign.train.windows import collate, training_windows

__all__ = ["SftOptions", "train_sft"]

log: Final = logging.getLogger(__name__)

Loss = Literal["likelihood", "cross_entropy"]

_LOG_STEPS: Final = 10


@dataclass(frozen=True, slots=True)
class SftOptions:
    """Knobs of a supervised run.

    Model: `layers` of the base are kept (None: all); `lora_rank` trains adapters of that rank in place of all weights.
    Loss: `likelihood` is −log P of the gold segmentation, `cross_entropy` that of each label.
    Steps: `batch_windows` windows make one step, `accumulate` steps one update; `epochs`, or `max_steps` updates where
    it is above 0; `window_tokens` is the longest prompt; `gradient_checkpointing` trades time for memory.
    Rates: `learning_rate` for the weights, `prior_learning_rate` for the length prior, `warmup_steps` to reach them.
    Looking: with development gold, every `save_steps` updates the policy chunks `dev_lines` lines of it; the best
    policy by boundary F1 is kept, and `patience` evaluations without a better one end the run (0: never).
    """

    base: str
    layers: int | None = 16
    lora_rank: int | None = None
    loss: Loss = "likelihood"
    epochs: float = 1.0
    max_steps: int = -1
    batch_windows: int = 2
    accumulate: int = 1
    gradient_checkpointing: bool = False
    learning_rate: float = 1e-4
    prior_learning_rate: float = 1e-2
    warmup_steps: int = 30
    window_tokens: int = 2600
    save_steps: int = 100
    dev_lines: int = 60
    patience: int = 0
    seed: int = 7


class SlotTrainer(SFTTrainer):
    """SFTTrainer with the policy's loss in place of the token loss."""

    def __init__(
        self, *, loss_kind: Loss, prior_learning_rate: float, measure: Callable[[Any], dict[str, float]], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._measure = measure
        self._loss_kind = loss_kind
        self._prior_learning_rate = prior_learning_rate
        # The loss is already a mean over blocks; Trainer must not divide it by a token count as well.
        self.model_accepts_loss_kwargs = False

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: Any = False,
        num_items_in_batch: Any = None,  # noqa: ARG002 - Trainer's signature
    ) -> Any:
        s = log_odds(model, inputs)
        prior = _prior_of(self.accelerator.unwrap_model(model))
        loss = policy_loss(s, inputs, prior.values, self._loss_kind)
        return (loss, {"log_odds": s}) if return_outputs else loss

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ARG002 - Trainer's signature
        """AdamW; the length prior has 17 numbers and a learning rate of its own, no weight decay."""
        policy: Any = self.model
        named = [(n, p) for n, p in policy.named_parameters() if p.requires_grad]
        groups = [
            {"params": [p for n, p in named if "length_prior" not in n], "weight_decay": 0.01},
            {
                "params": [p for n, p in named if "length_prior" in n],
                "lr": self._prior_learning_rate,
                "weight_decay": 0.0,
            },
        ]
        self.optimizer = torch.optim.AdamW(
            [g for g in groups if g["params"]], lr=self.args.learning_rate, betas=(0.9, 0.98), fused=True
        )
        return self.optimizer

    def _get_train_sampler(self, *_: Any) -> Sampler[int]:
        """The windows in the order given: `bucketed` has shuffled them, neighbours being of like length."""
        windows: Any = self.train_dataset
        return SequentialSampler(windows)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The task's metrics on development gold in place of a loss; Trainer keeps the best and stops by them."""
        scores = self._measure(self.accelerator.unwrap_model(self.model))
        metrics = {f"eval_{name}": value for name, value in scores.items()}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """TRL's card speaks of text generation; ours is written at export."""


def bucketed(windows: Sequence[dict[str, Any]], batch: int, *, seed: int) -> list[dict[str, Any]]:
    """The windows shuffled, with the members of each batch of like length, so that little is padding."""
    rng = random.Random(seed)
    shuffled = list(windows)
    rng.shuffle(shuffled)
    pool = 25 * batch
    batches = []
    for first in range(0, len(shuffled), pool):
        part = sorted(shuffled[first : first + pool], key=lambda w: len(w["input_ids"]))
        batches += [part[i : i + batch] for i in range(0, len(part), batch)]
    rng.shuffle(batches)
    return [window for members in batches for window in members]


def policy_loss(s: Tensor, batch: dict[str, Tensor], prior: Tensor, kind: Loss) -> Tensor:
    """Loss per block, a scalar: −log P_raw(gold | x), or cross-entropy of the labels at the slots."""
    starts, lengths = batch["starts"], batch["lengths"]
    inside = torch.arange(s.shape[1], device=s.device)[None, :] < lengths[:, None]
    inside[:, 0] = False  # The first block always starts a chunk: nothing to learn there.
    if kind == "cross_entropy":
        each = nn.functional.binary_cross_entropy_with_logits(s, starts.double(), reduction="none")
        return (each * inside).sum() / inside.sum().clamp(min=1)
    sizes = (batch["sizes"], lengths, batch["target"], batch["cap"], prior)
    nll = log_partition(s, *sizes) - score(s, starts, *sizes)
    return nll.sum() / inside.sum().clamp(min=1)


def _prior_of(model: nn.Module) -> Any:
    found = [m for name, m in model.named_modules() if name.endswith("length_prior")]
    return found[0]


def train_sft(
    gold: Sequence[str | Path],
    out: Path,
    options: SftOptions,
    *,
    init: Path | None = None,
    dev: Sequence[str | Path] = (),
    quiet: bool = True,
    command: str | None = None,
) -> Path:
    """Train a policy on gold lines and write it to `out / "policy"`.

    The same call goes on from the newest checkpoint in `out`, or finds the run finished.

    Args:
        gold: `docalign.gold/1` files.
        init: a policy directory or an exported model to go on from, in place of a fresh cut of the base.
        dev: `docalign.gold/1` files to measure on while training, none of whose documents may be in `gold`.
        quiet: nothing on standard error.
        command: the command line, for the run's record.

    Raises:
        UsageError: another run lies in `out`, a document is in both `gold` and `dev`, or an option makes no sense.
        InvalidGoldError, ModelMissingError, ModelIncompatibleError: see each.
    """
    asked = {
        "sft": asdict(options),
        "gold": digest_of(gold),
        "dev": digest_of(dev),
        "init": digest_of([init]) if init else None,
    }
    with main_first():  # the first process claims the folder; the others find their own question in it
        finished = claim_run(out, asked)
    if finished:
        return out / "policy"
    disable_progress_bar()  # type: ignore[no-untyped-call]
    set_seed(options.seed)
    model, tokenizer, config = load_policy(init) if init else cut_base(options.base, layers=options.layers)
    model.get_input_embeddings().weight.requires_grad_(False)
    renderer = renderer_of(tokenizer, config)
    documents: set[str] = set()
    windows = list(
        training_windows(_noting(gold, documents), renderer, seed=options.seed, max_tokens=options.window_tokens)
    )
    if not windows:
        raise UsageError("no window of the gold is usable.", remedy="Give gold lines with at least two blocks.")
    if problem := one_label(windows, gold):
        raise problem
    dev_gold = _dev_lines(dev, documents, options)
    windows = bucketed(windows, options.batch_windows, seed=options.seed)
    trainer = SlotTrainer(
        model=model,
        args=_arguments(out, options, measured=bool(dev_gold)),
        train_dataset=Dataset.from_list(windows),
        eval_dataset=Dataset.from_list(windows[:1])
        if dev_gold
        else None,  # Trainer asks for one; `evaluate` reads gold
        processing_class=tokenizer,
        data_collator=partial(collate, pad_id=config.slot_id),
        loss_kind=options.loss,
        prior_learning_rate=options.prior_learning_rate,
        measure=lambda policy: dev_score(policy, renderer, config, dev_gold),
        peft_config=_lora(options.lora_rank),
        callbacks=[EarlyStoppingCallback(options.patience)] if dev_gold and options.patience else None,
    )
    for printer in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(printer)
    trainer.add_callback(TrainingProgress(quiet=quiet or not is_main()))
    if is_main():
        curves: Any = TensorBoardCallback
        trainer.add_callback(curves(SummaryWriter(str(out / "tensorboard"))))
    _unfreeze_prior(trainer.accelerator.unwrap_model(trainer.model))
    newest = newest_checkpoint(out)
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    trained = trainer.accelerator.unwrap_model(trainer.model)
    if options.lora_rank:
        trained = trained.merge_and_unload()
    if is_main():
        record = asked | run_facts(gold, dev, windows=len(windows), command=command) | _curves(trainer.state)
        bias = fit_free_bias(trained.eval(), windows, pad_id=config.slot_id, default=config.free_bias)
        save_policy(trained, tokenizer, config, out / "policy", free_bias=bias, run=record)
        (out / "run.json").write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    trainer.accelerator.wait_for_everyone()
    return out / "policy"


def _noting(gold: Sequence[str | Path], documents: set[str]) -> Iterator[GoldLine]:
    """The lines of gold files; their documents are added to `documents`."""
    for path in gold:
        for line in read_gold(path):
            documents.add(line.document.source)
            yield line


def _dev_lines(dev: Sequence[str | Path], trained_on: set[str], options: SftOptions) -> list[GoldLine]:
    """A seeded sample of the development gold.

    Raises:
        UsageError: a document of it is trained on.
    """
    lines = [line for path in dev for line in read_gold(path)]
    shared = sorted({line.document.source for line in lines} & trained_on)
    if shared:
        raise UsageError(
            f"{len(shared)} documents are in the gold and in the development gold, {shared[0]!r} among them.",
            remedy="Split by document; docalign data build does.",
        )
    return lines if len(lines) <= options.dev_lines else random.Random(options.seed).sample(lines, options.dev_lines)


def _curves(state: Any) -> dict[str, Any]:
    """What was logged: the loss by step, and the scores on development gold; which step's policy was kept."""
    return {
        "curve": [e for e in state.log_history if "loss" in e],
        "dev_curve": [e for e in state.log_history if "eval_boundary_f1" in e],
        "best_step": state.best_global_step if state.best_metric is not None else state.global_step,
    }


def _arguments(out: Path, options: SftOptions, *, measured: bool) -> SFTConfig:
    bf16 = torch.cuda.is_available() or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return SFTConfig(
        output_dir=str(out),
        num_train_epochs=options.epochs,
        max_steps=options.max_steps,
        per_device_train_batch_size=options.batch_windows,
        gradient_accumulation_steps=options.accumulate,
        learning_rate=options.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=options.warmup_steps,
        max_grad_norm=1.0,
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=options.gradient_checkpointing,
        # The reentrant kind gives no gradients where the embeddings are frozen.
        gradient_checkpointing_kwargs={"use_reentrant": False} if options.gradient_checkpointing else None,
        # Every trained weight is used in every step. Looking for unused ones would miss the length prior, which is
        # used outside the wrapped model's forward pass.
        ddp_find_unused_parameters=False,
        # The loss is averaged since the last log; a resumed run must begin where a log was.
        logging_steps=math.gcd(_LOG_STEPS, options.save_steps),
        save_steps=options.save_steps,
        save_total_limit=2,
        eval_strategy="steps" if measured else "no",
        eval_steps=options.save_steps,
        load_best_model_at_end=measured,
        metric_for_best_model="boundary_f1" if measured else None,
        greater_is_better=True if measured else None,
        report_to=[],
        seed=options.seed,
        data_seed=options.seed,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        dataloader_pin_memory=False,
        restore_callback_states_from_checkpoint=measured and options.patience > 0,
        disable_tqdm=True,
    )


def _lora(rank: int | None) -> Any:
    if not rank:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", modules_to_save=["lm_head", "length_prior"]
    )


def _unfreeze_prior(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        if "length_prior" in name and "original_module" not in name:
            parameter.requires_grad_(True)
