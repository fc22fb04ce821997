"""What sampling and reinforcement cost beside what they would cost without an exact policy.

    python -m benchmarks.align.cost --policy models/docalign-smollm2-16l --out cost.json

In one process, interleaved, after a warm-up round: a forward pass with one sample of each window and with 64; a
step of SFT, of GRPO and of a one-epoch PPO with K samples and rule rewards on the same windows; and the same GRPO
step written as a loop that runs the model once for every sample, as a policy must whose samples cost a generation
each. Medians; the ratios are the numbers, the seconds are of this machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from docalign.document import Block, Document
from docalign.rewards.composite import Composite
from docalign.train.gold import GoldLine
from docalign.train.methods.examples import Example, gold_examples
from docalign.train.methods.joint import sft_loss
from docalign.train.methods.lab import Lab, bf16_helps
from docalign.train.methods.losses import group_advantages
from docalign.train.methods.method import draw
from docalign.train.methods.online import Group, score_samples
from docalign.train.methods.options import GroupOptions, PpoOptions
from docalign.train.methods.ppo import Ppo
from docalign.train.methods.scoring import CompositeScorer
from docalign.train.slot_model import load_policy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    lab = Lab(*load_policy(chosen.policy), bf16=bf16_helps())
    examples = gold_examples([_line(n) for n in range(chosen.windows)], lab.renderer, max_tokens=1000)
    lab.keep_reference(examples, Path(f"{chosen.out or 'cost'}.reference"))
    arms = _arms(lab, examples, chosen.samples)
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for repeat in range(chosen.repeats + 1):
        for name, arm in arms.items():
            began = time.perf_counter()
            arm()
            if repeat:
                seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    report = {
        "windows": chosen.windows,
        "blocks": [e.blocks for e in examples],
        "tokens": [len(e.window["input_ids"]) for e in examples],
        "seconds": medians,
        "64 samples / 1 sample": medians["forward, 64 samples"] / medians["forward, 1 sample"],
        "grpo / sft": medians["grpo step"] / medians["sft step"],
        "ppo / sft": medians["ppo step"] / medians["sft step"],
        "a pass for every sample / sft": medians["a pass for every sample"] / medians["sft step"],
    }
    print(json.dumps(report, indent=2))
    if chosen.out:
        chosen.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


def _line(number: int) -> GoldLine:
    """A window of sections whose sentences differ, so that nothing is cached."""
    text, blocks = "", []
    for section in range(12):
        for part in range(4):
            body = f"{section + 1} Section {number}"
            if part:
                body = f"Line {section}.{part} of {number} was drawn from each of the regions. " * 4
            kind, level = ("paragraph", None) if part else ("heading", 2)
            blocks.append(Block(len(blocks), len(text), len(text) + len(body.strip()), kind, level))
            text += body.strip() + "\n\n"
    document = Document("made", str(number), text.rstrip(), tuple(blocks)).check()
    starts = tuple(range(0, len(blocks), 4))
    return GoldLine(f"made/{number}", None, document, starts, target_tokens=150, max_tokens=256)


def _arms(lab: Lab, examples: list[Example], samples: int) -> dict[str, Callable[[], None]]:
    scorer = CompositeScorer("composite", Composite.of_rules())
    size = len(examples)
    grpo = Group(lab, examples, scorer, GroupOptions(samples=samples, batch_windows=size, max_steps=1), baseline="grpo")
    ppo = Ppo(lab, examples, scorer, PpoOptions(samples=samples, batch_windows=size, max_steps=1))

    def sampled(number: int) -> None:
        with torch.no_grad():
            lab.forward(examples).segmentations.sample(number, draw(1, number))

    def backward(loss: Callable[[], torch.Tensor]) -> None:
        lab.model.zero_grad(set_to_none=True)
        loss().backward()  # type: ignore[no-untyped-call]

    def one_by_one() -> torch.Tensor:
        """The loss of the same GRPO step with a pass of the model for every sample before the one that learns."""
        drawn = []
        for k in range(samples):
            with torch.no_grad():
                drawn.append(lab.forward(examples).segmentations.sample(1, draw(1, k)))
        chunkings = torch.cat(drawn, dim=1)
        values = [torch.from_numpy(s.values) for s in score_samples(scorer, examples, chunkings)]
        advantages = group_advantages(torch.stack(values), baseline="grpo")
        return -(advantages * lab.forward(examples).segmentations.log_prob(chunkings)).mean()

    return {
        "forward, 1 sample": lambda: sampled(1),
        "forward, 64 samples": lambda: sampled(64),
        "sft step": lambda: backward(lambda: sft_loss(lab, examples)),
        "grpo step": lambda: backward(lambda: grpo.step(0).loss),
        "ppo step": lambda: backward(lambda: ppo.step(0).loss),
        "a pass for every sample": lambda: backward(one_by_one),
    }


if __name__ == "__main__":
    main()
