"""The loop in miniature: a scripted taste judges through the page, is exported, and teaches a policy of two layers."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

from benchmarks.align.ranking_loop import collect, exported, lead_blocks, measure, teach, teach_reward  # noqa: E402
from docalign.chunker.options import ChunkOptions  # noqa: E402
from docalign.counting import WORDS  # noqa: E402
from docalign.document import Document  # noqa: E402
from docalign.feedback import store as feedback  # noqa: E402
from docalign.feedback.prepare import Preparation  # noqa: E402
from docalign.preference import read_preferences  # noqa: E402
from docalign.train.methods.options import DpoOptions  # noqa: E402
from docalign.train.reward_model import RewardOptions  # noqa: E402
from docalign.train.sft import SftOptions, train_sft  # noqa: E402
from tests.support.documents import document_of  # noqa: E402
from tests.support.tiny_models import gold_file, tiny_base  # noqa: E402

pytestmark = [
    # What transformers, TRL and torch say about themselves is not ours to mend.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def documents(number: int, seed: int) -> list[Document]:
    """Texts of long and short paragraphs in no order, none of them marked as a heading."""
    draws = random.Random(seed)
    made = []
    for n in range(number):
        words = [4 if draws.random() < 0.3 else draws.randint(25, 45) for _ in range(24)]
        texts = [
            " ".join(["Households", "were", "drawn", f"{n}-{i}", *["again"] * (w - 4)]) for i, w in enumerate(words)
        ]
        made.append(replace(document_of([("paragraph", text) for text in texts]), source=f"made-{seed}-{n}"))
    return made


def test_the_loop_closes(tmp_path: Path) -> None:
    tiny_base(tmp_path / "base")
    sft = SftOptions(base=str(tmp_path / "base"), layers=2, max_steps=4, learning_rate=2e-3, warmup_steps=0)
    train_sft([gold_file(tmp_path / "gold.jsonl")], tmp_path / "sft", sft)
    policy = tmp_path / "sft" / "policy"
    options = ChunkOptions(max_tokens=240, target_tokens=120, tokenizer=WORDS)
    with feedback.open_store(tmp_path / "rankings.db") as database:
        asked = Preparation(options, comparisons=3, stretches=2, seed=1)
        judged = collect(database, policy, documents(16, seed=1), lead_blocks, "taste", asked)
        tasks = feedback.list_tasks(database)
        assert judged == len(tasks) >= 16
        prefs = tmp_path / "prefs.jsonl"
        assert exported(database, prefs)["sources"] == ["simulated"]
    # No gold is given, so the last step is kept: a few rankings held out would be a coin that keeps the first.
    dpo = DpoOptions(
        max_steps=40, eval_steps=40, batch_windows=4, learning_rate=5e-3, kl_budget=99.0, held_out_windows=4,
        eval_samples=2, dev_lines=0, gold_tolerance=1.0, collapse_share=1.1, keep="gold",
    )  # fmt: skip
    reward = RewardOptions(
        "", layers=None, max_steps=40, learning_rate=1e-2, head_learning_rate=3e-2, warmup_steps=2, batch_pairs=4
    )
    tuned = teach(prefs, policy, tmp_path, dpo)
    assert "accuracy" in teach_reward(prefs, policy, tmp_path, reward)["held_out"]
    assert {line.source for line in read_preferences(prefs)} == {"simulated"}
    found = measure(policy, tuned, documents(24, seed=2), lead_blocks, options, seed=1)
    said = json.dumps(found)
    assert found["tuned_against_untuned"]["low"] > 0.5, said
    assert found["win_rate"]["pack"]["tuned"]["value"] > found["win_rate"]["pack"]["untuned"]["value"], said
