"""Every alignment method on a policy of two layers: it learns, survives kill -9, and ends cleanly when it must end."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

from docalign.cli import run  # noqa: E402
from docalign.errors import ForgettingError, TrainingStoppedError, UsageError  # noqa: E402
from docalign.preference import PreferenceLine, read_preferences, write_preferences  # noqa: E402
from docalign.train.corpus import is_held_out  # noqa: E402
from docalign.train.gold import read_gold, write_gold  # noqa: E402
from docalign.train.methods import loop  # noqa: E402
from docalign.train.methods.examples import gold_examples, preference_examples, shortened  # noqa: E402
from docalign.train.methods.run import METHODS, Data, train_aligned  # noqa: E402
from docalign.train.methods.scoring import Scored  # noqa: E402
from docalign.train.methods.stages import Gate, Stage, train_stages  # noqa: E402
from docalign.train.prefs import PrefsOptions, build_prefs, perturbed  # noqa: E402
from docalign.train.sft import SftOptions, train_sft  # noqa: E402
from docalign.train.slot_model import load_policy, renderer_of  # noqa: E402
from tests.support.tiny_models import gold_file, tiny_base  # noqa: E402

pytestmark = [
    # What transformers, TRL and torch say about themselves is not ours to mend.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

FAST = {
    "max_steps": 6, "eval_steps": 2, "batch_windows": 3, "learning_rate": 1e-3, "kl_budget": 9.0, "held_out_windows": 3,
    "eval_samples": 4, "gold_tolerance": 1.0, "collapse_share": 1.1,
}  # fmt: skip
OWN = {
    "ppo": {"epochs": 2, "ema_decay": 0.9},
    "online-dpo": {"round_steps": 4, "margin": 0.001},
    "dpo": {"sft_weight": 0.1},
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """A forked child has none of its parent's threads, and torch would wait for them for ever."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def made(tmp_path_factory, one_thread) -> Path:
    """A folder with a base, gold for training and development, a policy, and preference lines."""
    root = tmp_path_factory.mktemp("align")
    tiny_base(root / "base")
    lines = [
        replace(line, document=replace(line.document, source=f"doc{n}"), target_tokens=60 + n, max_tokens=120)
        for n, line in enumerate(read_gold(gold_file(root / "gold.jsonl", lines=13)))
    ]
    lines = [line for line in lines if not is_held_out(line.document.source)]
    write_gold(root / "dev.jsonl", lines[9:])
    write_gold(root / "gold.jsonl", lines[:9])
    sft = SftOptions(base=str(root / "base"), layers=2, max_steps=4, learning_rate=2e-3, warmup_steps=0)
    train_sft([root / "gold.jsonl"], root / "sft", sft)
    options = PrefsOptions(samples=8, margin=0.005)
    build_prefs([root / "gold.jsonl"], root / "sft" / "policy", root / "prefs.jsonl", options)
    return root


def data_for(made: Path, method: str) -> Data:
    spec = METHODS[method]
    return Data(
        gold=(str(made / "gold.jsonl"),) if spec.needs_gold else (),
        prefs=(str(made / "prefs.jsonl"),) if spec.needs_prefs else (),
        dev=(str(made / "dev.jsonl"),),
    )


def align(made: Path, method: str, out: Path, scorer=None, **more) -> dict:
    options = METHODS[method].options(**(FAST | OWN.get(method, {}) | more))
    train_aligned(method, data_for(made, method), out, options, init=made / "sft" / "policy", scorer=scorer)
    return json.loads((out / "run.json").read_text())


def killed_at(step: int, work) -> None:
    """Run `work` in a child process that is killed, not stopped, when it comes to a step."""
    child = os.fork()
    if child == 0:
        taken = loop.Run._step

        def step_or_die(self, number):
            if number == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return taken(self, number)

        loop.Run._step = step_or_die
        try:
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


@pytest.mark.parametrize("method", METHODS)
def test_a_run_killed_at_any_step_ends_as_one_that_was_not(made, tmp_path, method):
    whole = align(made, method, tmp_path / "whole")
    step = random.Random(method).randrange(1, 6)
    killed_at(step, lambda: align(made, method, tmp_path / "killed"))
    assert not (tmp_path / "killed" / "run.json").exists()
    resumed = align(made, method, tmp_path / "killed")
    assert len(whole["curve"]) == 6
    for name in ("curve", "looks", "best_step", "stopped"):
        assert resumed[name] == whole[name]
    a, b = (load_policy(tmp_path / n / "policy")[0].state_dict() for n in ("whole", "killed"))
    assert all(torch.equal(b[name], values) for name, values in a.items())
    assert json.loads((tmp_path / "whole" / "policy" / "docalign.json").read_text())["run"]["method"] == method


@pytest.mark.parametrize("method", ["grpo", "rloo", "ppo", "online-dpo"])
def test_methods_that_see_the_reward_raise_it_on_windows_they_did_not_see(made, tmp_path, method):
    more = {"epochs": 1, "kl_weight": 0.0, "ema_decay": 0.0} if method == "ppo" else {}
    record = align(made, method, tmp_path, max_steps=12, eval_steps=12, eval_samples=64, learning_rate=2e-3, **more)
    first, last = record["looks"]
    assert last["reward"] > first["reward"] + 0.015
    assert last["kl_per_block"] > 0
    assert first["kl_per_block"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("method", ["dpo", "kto", "orpo", "joint"])
def test_methods_that_see_preferences_come_to_agree_with_them(made, tmp_path, method):
    # Held out and trained on are the same documents here, which a run would refuse: the lines get other sources.
    held = [replace(p, document=replace(p.document, source="other " + p.document.source)) for p in lines_of(made)]
    write_preferences(tmp_path / "held.jsonl", held)
    data = replace(data_for(made, method), held_out_prefs=(str(tmp_path / "held.jsonl"),), dev=())
    more = {"weight": 0.8} if method == "joint" else {}
    chosen = {"max_steps": 16, "eval_steps": 16, "learning_rate": 2e-3, "keep": "preferences"} | more
    options = METHODS[method].options(**(FAST | chosen))
    train_aligned(method, data, tmp_path / "run", options, init=made / "sft" / "policy")
    first, last = json.loads((tmp_path / "run" / "run.json").read_text())["looks"]
    assert last["agreement"] > first["agreement"]


def lines_of(made: Path) -> list[PreferenceLine]:
    return read_preferences(made / "prefs.jsonl")


@pytest.mark.parametrize(
    ("more", "used"),
    [
        ({"joint": "mix"}, {"sft", "agreement"}),
        ({"joint": "maxright", "dpo_best": 10.0}, {"sft"}),  # DPO is better than its best already
        ({"joint": "maxright", "sft_best": 10.0}, {"agreement"}),
    ],
)
def test_joint_training_in_its_other_ways(made, tmp_path, more, used):
    record = align(made, "joint", tmp_path, refresh_steps=2, max_steps=4, **more)
    assert set().union(*record["curve"]) & {"sft", "agreement"} == used


# What ends a run.


class Breaks:
    """A reward that fails, or answers no number, after so many calls."""

    name = "breaks"

    def __init__(self, after: int, answer: float | None = None) -> None:
        self.left, self.answer = after, answer

    def score(self, line, chunkings):
        self.left -= 1
        values = chunkings.mean(1)
        if self.left < 0 and self.answer is None:
            raise RuntimeError("out of order")
        return Scored(np.full(len(values), self.answer) if self.left < 0 else values, {})


@pytest.mark.parametrize(("answer", "words"), [(None, "out of order"), (float("nan"), "did not answer a number")])
def test_a_reward_that_fails_ends_the_run_with_its_last_good_policy(made, tmp_path, answer, words):
    with pytest.raises(TrainingStoppedError, match=words) as caught:
        align(made, "grpo", tmp_path, scorer=Breaks(21, answer))
    assert caught.value.source.startswith("made/")
    load_policy(tmp_path / "policy")
    assert not (tmp_path / "run.json").exists()
    assert list(tmp_path.glob("checkpoint-*"))
    record = align(made, "grpo", tmp_path, scorer=Breaks(10_000))
    assert len(record["curve"]) == 6, "mended, the same command goes on"


def test_a_loss_that_is_no_number_ends_the_run_before_it_reaches_the_weights(made, tmp_path, monkeypatch):
    monkeypatch.setattr("docalign.train.methods.offline.dpo_loss", lambda margins, **_: margins * float("nan"))
    with pytest.raises(TrainingStoppedError, match="loss of step 1 is nan"):
        align(made, "dpo", tmp_path)
    policy = load_policy(tmp_path / "policy")[0]
    assert all(torch.isfinite(p).all() for p in policy.parameters())


def test_a_run_far_from_its_reference_stops_and_says_so(made, tmp_path):
    record = align(made, "ppo", tmp_path, kl_budget=1e-4, epochs=1, ema_decay=0.0)
    assert record["stopped"]["name"] == "kl_budget"
    assert len(record["curve"]) < 6
    assert align(made, "ppo", tmp_path, kl_budget=1e-4, epochs=1, ema_decay=0.0) == record


def test_the_first_policy_is_kept_where_nothing_better_comes(made, tmp_path):
    record = align(made, "dpo", tmp_path, learning_rate=0.0, prior_learning_rate=0.0)
    assert record["best_step"] == 0
    first = load_policy(made / "sft" / "policy")[0].state_dict()
    assert all(torch.equal(first[n], v) for n, v in load_policy(tmp_path / "policy")[0].state_dict().items())


def test_only_the_last_layers_learn_where_that_is_asked(made, tmp_path):
    align(made, "dpo", tmp_path, trained_layers=1, max_steps=2)
    first = load_policy(made / "sft" / "policy")[0].state_dict()
    last = load_policy(next(tmp_path.glob("best-*")))[0].state_dict()
    for name, values in first.items():
        if "layers.0." in name or "embed" in name:
            assert torch.equal(last[name], values)


# Data.


def test_leaked_and_bad_preference_lines_are_quarantined_by_file_and_line(made, tmp_path):
    lines = [p.to_json() for p in lines_of(made)]
    leaked = json.loads((made / "dev.jsonl").read_text().splitlines()[0])["document"]["source"]
    lines[0]["document"]["source"] = leaked
    lines[1]["candidates"][0].append(999)
    path = tmp_path / "p.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told: list[str] = []
    options = METHODS["dpo"].options(**(FAST | {"max_steps": 1}))
    data = Data(prefs=(str(path),), dev=(str(made / "dev.jsonl"),))
    train_aligned("dpo", data, tmp_path / "run", options, init=made / "sft" / "policy", note=told.append)
    refused = [json.loads(line) for line in (tmp_path / "run" / "quarantine.jsonl").read_text().splitlines()]
    assert sorted(r["source"] for r in refused) == [f"{path}:1", f"{path}:2"]
    assert any("held-out data too" in r["what"] for r in refused)
    assert told[0].startswith("2 preference lines are not used")


def test_files_a_method_cannot_use_are_refused(made, tmp_path):
    policy, options = made / "sft" / "policy", METHODS["dpo"].options()
    with pytest.raises(UsageError, match="learns from preferences"):
        train_aligned("dpo", Data(), tmp_path, options, init=policy)
    with pytest.raises(UsageError, match="reads no gold"):
        train_aligned("dpo", data_for(made, "joint"), tmp_path, options, init=policy)
    gold = str(made / "gold.jsonl")
    with pytest.raises(UsageError, match="documents are in the gold and in the development gold"):
        train_aligned("grpo", Data(gold=(gold,), dev=(gold,)), tmp_path, METHODS["grpo"].options(), init=policy)


def test_a_line_longer_than_the_window_is_cut_with_its_chunkings(made):
    _, tokenizer, config = load_policy(made / "sft" / "policy")
    renderer = renderer_of(tokenizer, config)
    for line in read_gold(made / "gold.jsonl"):
        (example,) = gold_examples([line], renderer, max_tokens=120)
        assert len(example.line.document.blocks) == example.blocks < len(line.document.blocks)
        assert line.document.text.startswith(example.line.document.text)
        example.line.document.check()
    for example in preference_examples(lines_of(made), renderer, max_tokens=120):
        assert all(max(c) < example.blocks for c in example.candidates)
        assert all(example.candidates[p.chosen] != example.candidates[p.rejected] for p in example.pairs)
    document = line.document
    assert shortened(document, 99) is document


# Preference lines from rewards.


def test_built_preferences_are_ranked_by_score_with_the_margin_between_places(made):
    lines = lines_of(made)
    assert len(lines) > 5
    for line in lines:
        assert line.source == "rule"
        order = [line.scores[place[0]] for place in line.ranking]
        assert all(a - b >= 0.005 - 1e-6 for a, b in pairwise(order))
        assert len(set(line.candidates)) == len(line.candidates) <= 4
    assert {m.split()[0] for line in lines for m in line.makers} & {"policy", "gold", "rule"}


def test_a_build_is_deterministic_and_goes_on_where_it_was(made, tmp_path):
    options = PrefsOptions(samples=8, margin=0.005)
    out, policy = tmp_path / "p.jsonl", made / "sft" / "policy"
    seen: list[int] = []

    def die_at_four(done: int, of: int) -> None:
        seen.append(done)
        if len(seen) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_prefs([made / "gold.jsonl"], policy, out, options, progress=die_at_four)
    part = tmp_path / ".p.jsonl.part"
    part.write_text(part.read_text() + '{"schema": "docalign.pref')  # it was being written
    assert not out.exists()
    build_prefs([made / "gold.jsonl"], policy, out, options)
    assert out.read_bytes() == (made / "prefs.jsonl").read_bytes()
    assert not part.exists()


def test_preferences_on_policy_hold_nothing_the_policy_did_not_write(made, tmp_path):
    options = PrefsOptions(samples=8, margin=0.001, on_policy=True)
    build_prefs([made / "gold.jsonl"], made / "sft" / "policy", tmp_path / "own.jsonl", options)
    makers = {m for line in read_preferences(tmp_path / "own.jsonl") for m in line.makers}
    assert makers
    assert makers <= {"policy", "policy greedy"}


def test_human_lines_are_mixed_in_by_weight_and_doubles_left_out(made, tmp_path):
    own = lines_of(made)
    human = replace(own[0], source="human", annotator="ann", scores=None, makers=None, weight=2.0)
    write_preferences(tmp_path / "human.jsonl", [human, human, own[1]])
    options = PrefsOptions(samples=8, margin=0.005, human_weight=4.0)
    report = build_prefs(
        [made / "gold.jsonl"], made / "sft" / "policy", tmp_path / "p.jsonl", options, human=[tmp_path / "human.jsonl"]
    )
    found = read_preferences(tmp_path / "p.jsonl")
    assert report.lines == {"human": 1, "rule": len(own)}
    assert report.doubles == 2
    assert [line.weight for line in found if line.source == "human"] == [8.0]


def test_perturbed_gold_is_a_chunking_near_gold():
    rng = random.Random(1)
    for _ in range(200):
        starts = perturbed((0, 3, 7), 10, rng)
        assert starts[0] == 0
        assert list(starts) == sorted(set(starts))
        assert max(starts) < 10
        assert len(set(starts) ^ {0, 3, 7}) <= 6


# The whole road.


def test_the_walk_from_imitation_to_chunks(made, tmp_path, capfd):
    """SFT → sample and rank → DPO → PPO in one recipe → export → `docalign chunk`, by the command line."""
    (tmp_path / "walk.toml").write_text(
        f"""
        [gate]
        tolerance = 1.0
        promise_tolerance = 1.0
        [[stage]]
        method = "sft"
        base = "{made / "base"}"
        layers = 2
        max_steps = 4
        learning_rate = 2e-3
        warmup_steps = 0
        [[stage]]
        method = "prefs"
        samples = 8
        margin = 0.005
        [[stage]]
        method = "dpo"
        max_steps = 3
        eval_steps = 3
        kl_budget = 9.0
        learning_rate = 1e-3
        [[stage]]
        method = "ppo"
        max_steps = 3
        eval_steps = 3
        kl_budget = 9.0
        learning_rate = 1e-3
        """
    )
    out, model = tmp_path / "run", tmp_path / "model"
    train = ["train", str(made / "gold.jsonl"), "--method", "recipe", "--recipe", str(tmp_path / "walk.toml")]
    assert run([*train, "--dev", str(made / "dev.jsonl"), "--out", str(out), "--quiet"]) == 0
    assert capfd.readouterr().out.strip() == str(out / "policy")
    assert [p.name for p in sorted(out.glob("[0-9]-*"))] == ["1-sft", "2-prefs", "3-dpo", "4-ppo"]
    history = json.loads((out / "run.json").read_text())["history"]
    assert [h["stage"] for h in history] == ["1-sft", "3-dpo", "4-ppo"]
    assert all({"gold_f1", "reward_within_limit"} <= h.keys() for h in history)
    assert run(["export", str(out / "policy"), "--out", str(model)]) == 0
    (tmp_path / "text.md").write_text("# One\n\nHouseholds were drawn.\n\n# Two\n\nFrom each of the regions.\n" * 9)
    assert (
        run(
            [
                "chunk",
                str(tmp_path / "text.md"),
                "--model",
                str(model),
                "--max-tokens",
                "60",
                "--out",
                str(tmp_path / "c.jsonl"),
            ]
        )
        == 0
    )
    chunks = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    assert len(chunks) > 1
    assert all(c["tokens"] <= 60 for c in chunks)


def test_a_stage_that_forgets_fails_the_recipe(made, tmp_path):
    options = METHODS["grpo"].options(**(FAST | {"max_steps": 2}))
    data = data_for(made, "grpo")
    shutil.copytree(made / "sft" / "policy", tmp_path / "start")
    with pytest.raises(ForgettingError, match=r"after grpo, gold_f1 is .* it was") as caught:
        # A tolerance below 0 asks for an improvement that two steps cannot bring.
        train_stages(
            [Stage("grpo", options)], data, tmp_path / "run", init=tmp_path / "start", gate=Gate(tolerance=-1.0)
        )
    assert "joint" in caught.value.remedy
    assert not (tmp_path / "run" / "policy").exists()


def test_the_command_line_says_what_it_needs(made, tmp_path, capfd):
    gold, out = str(made / "gold.jsonl"), str(tmp_path / "o")
    assert run(["train", "--method", "dpo", "--prefs", str(made / "prefs.jsonl"), "--out", out]) == 2
    assert "needs a policy to start from" in capfd.readouterr().err
    assert run(["train", "--method", "sft", "--out", out]) == 2
    assert "learns from gold" in capfd.readouterr().err
    assert run(["train", gold, "--method", "grpo", "--joint", "mix", "--out", out]) == 2
    assert "--joint is for the method joint" in capfd.readouterr().err
    assert run(["train", gold, "--method", "recipe", "--out", out]) == 2
    assert "a recipe of several stages is a file" in capfd.readouterr().err
    small = ["--samples", "4", "--margin", "0.005", "--quiet"]
    policy = ["--init", str(made / "sft" / "policy")]
    assert run(["prefs", "build", gold, *policy, *small, "--out", str(tmp_path / "p.jsonl")]) == 0
    assert capfd.readouterr().out.startswith("rule ")
