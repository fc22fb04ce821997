"""What goes wrong from outside while aligning: kills at any moment, a judge that goes away, rankings nobody can use."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

import docalign.train.reward_model as reward_model  # noqa: E402
from docalign.cli import run  # noqa: E402
from docalign.errors import JudgeError, TrainingStoppedError  # noqa: E402
from docalign.preference import PreferenceLine, write_preferences  # noqa: E402
from docalign.rewards.assemble import composite_of  # noqa: E402
from docalign.rewards.judge import DIMENSIONS, Judge  # noqa: E402
from docalign.train.gold import read_gold, write_gold  # noqa: E402
from docalign.train.methods import loop  # noqa: E402
from docalign.train.methods.run import METHODS, Data, train_aligned  # noqa: E402
from docalign.train.methods.scoring import CompositeScorer  # noqa: E402
from docalign.train.methods.stages import Gate, Stage, train_stages  # noqa: E402
from docalign.train.prefs import PrefsOptions  # noqa: E402
from docalign.train.reward_model import RewardOptions, train_reward  # noqa: E402
from docalign.train.slot_model import cut_base, load_policy, save_policy  # noqa: E402
from tests.support.tiny_models import gold_file, tiny_base  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

FAST: dict[str, Any] = {
    "max_steps": 4, "eval_steps": 2, "batch_windows": 2, "learning_rate": 1e-3, "kl_budget": 9.0, "held_out_windows": 2,
    "eval_samples": 2, "dev_lines": 2, "gold_tolerance": 1.0, "collapse_share": 1.1,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """A forked child has none of its parent's threads, and torch would wait for them for ever."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """A policy of two layers, gold, and rankings of documents with names of their own."""
    del one_thread
    root = tmp_path_factory.mktemp("robust")
    save_policy(*cut_base(str(tiny_base(root / "base")), layers=2), root / "policy")
    lines = [
        replace(line, document=replace(line.document, source=f"doc{n}"), target_tokens=60, max_tokens=120)
        for n, line in enumerate(read_gold(gold_file(root / "all.jsonl", lines=14)))
    ]
    write_gold(root / "gold.jsonl", lines[:10])
    write_gold(root / "dev.jsonl", lines[10:])
    write_preferences(root / "prefs.jsonl", [ranking(line.document, n) for n, line in enumerate(lines[:10])])
    write_preferences(root / "others.jsonl", [ranking(line.document, n) for n, line in enumerate(lines[10:])])
    return root


def ranking(document: Any, number: int) -> PreferenceLine:
    every = tuple(range(len(document.blocks)))
    return PreferenceLine(f"p/{number}", document, ((0,), every), ((1,), (0,)), "simulated", "many cuts", 60, 120)


def killed(work: Callable[[], object], where: Any, name: str, call: int) -> None:
    """Run `work` in a child process that is killed, not stopped, at that call of `where.name`."""
    child = os.fork()
    if child == 0:
        kept, calls = getattr(where, name), []

        def dies(*given: Any, **named: Any) -> Any:
            calls.append(1)
            if len(calls) == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return kept(*given, **named)

        setattr(where, name, dies)
        try:
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def test_a_reward_model_killed_at_any_step_is_the_same_in_the_end(made: Path, tmp_path: Path) -> None:
    options = RewardOptions(str(made / "base"), layers=None, max_steps=9, save_steps=3, batch_pairs=2, warmup_steps=1)

    def train(name: str) -> Path:
        return train_reward([made / "prefs.jsonl"], tmp_path / name, options, dev=[made / "others.jsonl"])

    whole = train("whole")
    killed(lambda: train("killed"), reward_model, "bradley_terry", random.Random(5).randrange(2, 10))
    assert not (tmp_path / "killed" / "run.json").exists()
    again = train("killed")
    assert (again / "reward.safetensors").read_bytes() == (whole / "reward.safetensors").read_bytes()
    first, second = (json.loads((p.parent / "run.json").read_text("utf-8")) for p in (whole, again))
    assert first["held_out"] == second["held_out"]
    for before, after in zip(first["curve"], second["curve"], strict=True):
        assert {k: v for k, v in before.items() if k in ("loss", "step", "accuracy")} == {
            k: v for k, v in after.items() if k in ("loss", "step", "accuracy")
        }


def test_a_recipe_killed_in_its_last_stage_ends_as_one_that_was_not(made: Path, tmp_path: Path) -> None:
    stages = [
        Stage("prefs", PrefsOptions(samples=4, margin=0.001)),
        Stage("dpo", METHODS["dpo"].options(**FAST)),
        Stage("ppo", METHODS["ppo"].options(**FAST)),
    ]
    data = Data(gold=(str(made / "gold.jsonl"),), dev=(str(made / "dev.jsonl"),))

    def train(name: str) -> Path:
        gate = Gate(tolerance=1.0, promise_tolerance=1.0)
        return train_stages(stages, data, tmp_path / name, init=made / "policy", gate=gate)

    whole = train("whole")
    killed(lambda: train("killed"), loop.Run, "_step", 4 + random.Random(6).randrange(1, 5))
    assert (tmp_path / "killed" / "2-dpo" / "run.json").exists()
    assert not (tmp_path / "killed" / "3-ppo" / "run.json").exists()
    again = train("killed")
    a, b = (load_policy(p)[0].state_dict() for p in (whole, again))
    assert all(torch.equal(b[name], values) for name, values in a.items())
    histories = [json.loads((p.parent / "stages.json").read_text("utf-8")) for p in (whole, again)]
    assert histories[0] == histories[1]


class Chat:
    """A judge that likes everything alike until it is gone."""

    identity = "fake judge"

    def __init__(self, answers: int) -> None:
        self.left = answers

    def __call__(self, messages: Any) -> str:
        assert messages
        self.left -= 1
        if self.left < 0:
            raise JudgeError("nobody answers.", source="http://127.0.0.1:9/v1", remedy="Start it again.")
        return json.dumps(dict.fromkeys(DIMENSIONS, 5 + self.left % 4) | {"reason": "so"})


def test_a_judge_that_goes_away_ends_the_run_with_its_last_good_policy(made: Path, tmp_path: Path) -> None:
    options = METHODS["grpo"].options(**(FAST | {"samples": 2, "held_out_windows": 1, "eval_samples": 1}))
    data = Data(gold=(str(made / "gold.jsonl"),), dev=(str(made / "dev.jsonl"),))

    def train(answers: int) -> Path:
        chat: Any = Chat(answers)
        scorer = CompositeScorer("composite", composite_of(judge=Judge(chat, None), judge_weight=1.0))
        return train_aligned("grpo", data, tmp_path / "run", options, init=made / "policy", scorer=scorer)

    with pytest.raises(TrainingStoppedError, match="nobody answers") as caught:
        train(14)
    assert caught.value.remedy == "Start it again."
    load_policy(tmp_path / "run" / "policy")
    assert not (tmp_path / "run" / "run.json").exists()
    train(10_000)
    record = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert record["steps"] == 4, "when the judge is back, the same command goes on"


def bad_lines(made: Path) -> list[tuple[dict[str, Any], str]]:
    """Preference lines that cannot be used, and what is said of each."""
    good = [json.loads(line) for line in (made / "prefs.jsonl").read_text("utf-8").splitlines()]
    one, other, beyond, counted = (json.loads(json.dumps(line)) for line in good[:4])
    one["candidates"] = one["candidates"][:1]
    other["ranking"] = other["ranking"][::-1]
    beyond["candidates"][0] = [0, 9999]
    counted["counter_sha256"] = "0" * 64
    return [
        (one, "it has 1 candidate"),
        (other, "the other way round"),
        (beyond, "names block 9999"),
        (counted, "another tokenizer"),
    ]


def test_rankings_nobody_can_use_are_left_out_with_file_line_and_reason(
    made: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = (made / "prefs.jsonl").read_text("utf-8").splitlines()
    path = tmp_path / "p.jsonl"
    path.write_text("".join(f"{line}\n" for line in [*good, *(json.dumps(b) for b, _ in bad_lines(made))]), "utf-8")
    (tmp_path / "r.toml").write_text("max_steps = 1\neval_steps = 1\nheld_out_windows = 2\ndev_lines = 2\n")
    command = ["train", "--method", "dpo", "--init", str(made / "policy"), "--recipe", str(tmp_path / "r.toml")]
    given = ["--prefs", str(path), "--dev", str(made / "dev.jsonl"), "--out", str(tmp_path / "run"), "--quiet"]
    assert run([*command, *given]) == 0, capfd.readouterr().err
    refused = [json.loads(line) for line in (tmp_path / "run" / "quarantine.jsonl").read_text("utf-8").splitlines()]
    said = {r["source"]: r["what"] for r in refused}
    for number, (_, words) in enumerate(bad_lines(made), len(good) + 1):
        assert words in said[f"{path}:{number}"]
    assert len(refused) == 5  # the line that is contradicted, too


def test_a_file_without_one_usable_ranking_is_refused_by_every_method_that_reads_them(
    made: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    empty, bad = tmp_path / "empty.jsonl", tmp_path / "bad.jsonl"
    empty.write_text("", "utf-8")
    bad.write_text(json.dumps(bad_lines(made)[0][0]) + "\n", "utf-8")
    for method in ("dpo", "kto", "orpo", "joint", "reward"):
        gold = [str(made / "gold.jsonl")] if method == "joint" else []
        for path in (empty, bad):
            given = ["--prefs", str(path), "--out", str(tmp_path / method / path.stem), "--quiet"]
            assert run(["train", *gold, "--method", method, "--init", str(made / "policy"), *given]) == 3, method
            assert str(path) in capfd.readouterr().err
