"""Supervised fine-tuning: −log P(gold) of the exact policy, on TRL's SFTTrainer with our collator and loss.

TRL brings the loop: checkpoints, resume, schedule, logging, several devices. Its token loss, packing and dataset
preparation are not used: the policy is no token sequence. The loss is the negative log-likelihood of the gold
segmentation under the raw distribution (`segments.py`) per block, or cross-entropy at the slots.
"""

from __future__ import annotations

import json
import logging
import os
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.utils.data import Sampler, SequentialSampler
from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]

from docalign.errors import UsageError
from docalign.train.free_bias import fit_free_bias
from docalign.train.gold import read_gold
from docalign.train.segments import log_partition, score
from docalign.train.slot_model import cut_base, load_policy, log_odds, renderer_of, save_policy
from docalign.train.windows import collate, training_windows

__all__ = ["SftOptions", "train_sft"]

log: Final = logging.getLogger(__name__)

Loss = Literal["likelihood", "cross_entropy"]


@dataclass(frozen=True, slots=True)
class SftOptions:
    """Knobs of a supervised run. `window_tokens` is the longest prompt; `batch_windows` windows make one step."""

    base: str
    layers: int | None = 16
    lora_rank: int | None = None
    loss: Loss = "likelihood"
    epochs: float = 1.0
    max_steps: int = -1
    batch_windows: int = 2
    learning_rate: float = 1e-4
    prior_learning_rate: float = 1e-2
    warmup_steps: int = 30
    window_tokens: int = 2600
    save_steps: int = 100
    seed: int = 7


class SlotTrainer(SFTTrainer):
    """SFTTrainer with the policy's loss in place of the token loss."""

    def __init__(self, *, loss_kind: Loss, prior_learning_rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
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


def train_sft(gold: Sequence[str | Path], out: Path, options: SftOptions, *, init: Path | None = None) -> Path:
    """Train a policy on gold lines and write it to `out / "policy"`; resumes from the newest checkpoint in `out`.

    Args:
        gold: `docalign.gold/1` files.
        init: a policy directory to go on from, in place of a fresh cut of the base.

    Raises:
        InvalidGoldError, ModelMissingError, ModelIncompatibleError, UsageError: see each.
    """
    # A new 90 MB activation per step would be handed back to the system each time: page faults then cost more than
    # the arithmetic. These are read by glibc when it starts, so the CLI sets them and re-executes itself.
    torch.manual_seed(options.seed)
    model, tokenizer, config = load_policy(init) if init else cut_base(options.base, layers=options.layers)
    model.get_input_embeddings().weight.requires_grad_(False)
    renderer = renderer_of(tokenizer, config)
    lines = (line for path in gold for line in read_gold(path))
    windows = list(training_windows(lines, renderer, seed=options.seed, max_tokens=options.window_tokens))
    if not windows:
        raise UsageError("no window of the gold is usable.", remedy="Give gold lines with at least two blocks.")
    windows = bucketed(windows, options.batch_windows, seed=options.seed)
    trainer = SlotTrainer(
        model=model,
        args=_arguments(out, options),
        train_dataset=Dataset.from_list(windows),
        processing_class=tokenizer,
        data_collator=partial(collate, pad_id=config.slot_id),
        loss_kind=options.loss,
        prior_learning_rate=options.prior_learning_rate,
        peft_config=_lora(options.lora_rank),
    )
    _unfreeze_prior(trainer.accelerator.unwrap_model(trainer.model))
    newest = _newest_checkpoint(out)
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    trained = trainer.accelerator.unwrap_model(trainer.model)
    if options.lora_rank:
        trained = trained.merge_and_unload()
    curve = [e for e in trainer.state.log_history if "loss" in e]
    record = {"sft": asdict(options), "gold": [str(g) for g in gold], "windows": len(windows), "curve": curve}
    bias = fit_free_bias(trained.eval(), windows, pad_id=config.slot_id)
    save_policy(trained, tokenizer, config, out / "policy", free_bias=bias, run=record)
    (out / "run.json").write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return out / "policy"


def _arguments(out: Path, options: SftOptions) -> SFTConfig:
    bf16 = torch.cuda.is_available() or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return SFTConfig(
        output_dir=str(out),
        num_train_epochs=options.epochs,
        max_steps=options.max_steps,
        per_device_train_batch_size=options.batch_windows,
        learning_rate=options.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=options.warmup_steps,
        max_grad_norm=1.0,
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=False,
        logging_steps=10,
        save_steps=options.save_steps,
        save_total_limit=2,
        report_to=[],
        seed=options.seed,
        data_seed=options.seed,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        dataloader_pin_memory=False,
        disable_tqdm=not os.isatty(2),
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


def _newest_checkpoint(out: Path) -> Path | None:
    found = sorted(out.glob("checkpoint-*"), key=lambda p: int(p.name.rsplit("-", 1)[1]))
    complete = [p for p in found if (p / "trainer_state.json").is_file()]
    return complete[-1] if complete else None
