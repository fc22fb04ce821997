"""The reward model learns a stated taste from rankings, is calibrated, resumes to the same result, saves no pickle."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

from docalign.cli import run  # noqa: E402
from docalign.counting import count_words  # noqa: E402
from docalign.errors import ModelIncompatibleError, ModelMissingError, UsageError  # noqa: E402
from docalign.preference import PreferenceLine, write_preferences  # noqa: E402
from docalign.rewards.assemble import composite_of  # noqa: E402
from docalign.rewards.composite import Composite, Part  # noqa: E402
from docalign.rewards.human import HumanReward  # noqa: E402
from docalign.rewards.pieces import block_spans  # noqa: E402
from docalign.rewards.reward import Sizes  # noqa: E402
from docalign.rewards.weights import RewardSettings  # noqa: E402
from docalign.train.reward_model import (  # noqa: E402
    Comparison,
    RewardOptions,
    bradley_terry,
    comparisons_of,
    fit_temperature,
    train_reward,
)
from tests.support.documents import document_of  # noqa: E402
from tests.support.tiny_models import tiny_base  # noqa: E402

pytestmark = [
    # What transformers, TRL and torch say about themselves is not ours to mend.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def rankings(number: int) -> list[PreferenceLine]:
    """A simulated taste: cuts before list items are bad, whatever their number."""
    draws = random.Random(3)
    lines = []
    for n in range(number):
        kinds = [draws.choice(["paragraph", "list_item"]) for _ in range(8)]
        document = document_of([(k, f"Households were drawn {n}.") for k in kinds])
        items = [i for i, k in enumerate(kinds) if i and k == "list_item"]
        others = [i for i, k in enumerate(kinds) if i and k != "list_item"]
        if len(items) < 2 or len(others) < 2:
            continue
        good, bad = sorted(draws.sample(others, 2)), sorted(draws.sample(items, 2))
        document = type(document)(f"made-{n}", document.sha256, document.text, document.blocks)
        lines.append(
            PreferenceLine(f"made/{n}", document, ((0, *bad), (0, *good)), ((1,), (0,)), "simulated", "no list cuts",
                           target_tokens=30, max_tokens=60)
        )  # fmt: skip
    return lines


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("reward")
    tiny_base(root / "base")
    write_preferences(root / "prefs.jsonl", rankings(60))
    return root


def options(made: Path, **more: object) -> RewardOptions:
    # Three seeds of three learned the taste at this rate and length (.83 to 1.0); faster or shorter, only some did.
    given = {"layers": None, "learning_rate": 2e-3, "head_learning_rate": 1e-2, "warmup_steps": 2, "batch_pairs": 4,
             "max_steps": 200, "save_steps": 20}  # fmt: skip
    return RewardOptions(str(made / "base"), **given | more)


@pytest.fixture(scope="module")
def trained(made) -> Path:
    return train_reward([made / "prefs.jsonl"], made / "run", options(made))


def test_it_learns_the_taste_and_says_how_well_on_documents_it_has_not_seen(trained) -> None:
    described = json.loads((trained / "docalign.json").read_text("utf-8"))
    held_out = described["held_out"]
    assert held_out["accuracy"] >= 0.8
    assert held_out["interval"][0] <= held_out["accuracy"] <= held_out["interval"][1]
    assert held_out["log_loss_calibrated"] < held_out["log_loss_of_a_coin"]
    assert described["run"]["sources"] == {"simulated": described["run"]["lines"]}
    assert not list(trained.rglob("*.bin")) + list(trained.rglob("*.pt")) + list(trained.rglob("*.pkl"))


def test_as_a_reward_it_prefers_what_was_preferred_alone_and_in_the_composite(trained) -> None:
    reward = HumanReward.load(trained)
    line = rankings(70)[-1]
    sizes = Sizes(line.target_tokens, line.max_tokens, count_words)
    bad, good = (reward(line.document, block_spans(line.document, c), sizes).value for c in line.candidates)
    assert 0.0 <= bad < good <= 1.0
    composite = Composite((*Composite.of_rules().parts, Part("human", 5.0, reward)))
    batch = composite.prepare(line.document, sizes).batch(line.candidates)
    assert batch.parts["human"].tolist() == pytest.approx([bad, good], abs=1e-5)
    assert HumanReward.load(trained)(line.document, block_spans(line.document, line.candidates[0]), sizes).value == bad


def test_a_long_document_is_shown_in_parts(trained) -> None:
    reward = HumanReward.load(trained)
    document = document_of([("paragraph", "Households were drawn.")] * 30)
    sizes = Sizes(30, 60, count_words)
    whole = reward.prepare(document, sizes).values([[0, 10]])
    reward.window_tokens = 60
    parts = reward.prepare(document, sizes)
    assert len(parts.prompt.parts) > 3
    assert sum(len(p) for p in parts.prompt.parts) == 30
    assert 0.0 < parts.values([[0, 10]])[0] < 1.0
    assert 0.0 < whole[0] < 1.0


def test_a_killed_run_goes_on_to_the_same_model(made, trained, monkeypatch) -> None:
    class KilledError(Exception):
        pass

    import docalign.train.reward_model as module

    calls = []

    def dies(*args):
        calls.append(1)
        if len(calls) == 27:
            raise KilledError
        return bradley_terry(*args)

    monkeypatch.setattr(module, "bradley_terry", dies)
    with pytest.raises(KilledError):
        train_reward([made / "prefs.jsonl"], made / "killed", options(made))
    monkeypatch.undo()
    resumed = train_reward([made / "prefs.jsonl"], made / "killed", options(made))
    assert (resumed / "reward.safetensors").read_bytes() == (trained / "reward.safetensors").read_bytes()
    one, other = (json.loads((p / "docalign.json").read_text()) for p in (resumed, trained))
    assert {k: one[k] for k in ("temperature", "center", "held_out")} == {
        k: other[k] for k in ("temperature", "center", "held_out")
    }


def test_ties_and_weights_count_as_stated() -> None:
    line = rankings(9)[0]
    tied = PreferenceLine(line.id, line.document, ((0,), (0, 1), (0, 2)), ((1, 2), (0,)), "human", "a", weight=3.0)
    assert comparisons_of(tied) == [Comparison(1, 0, 1.0, 1.0), Comparison(2, 0, 1.0, 1.0), Comparison(1, 2, 0.5, 1.0)]
    a, b = torch.tensor([1.0, 1.0]), torch.tensor([0.0, 0.0])
    loss = bradley_terry(a, b, torch.tensor([1.0, 0.5]), torch.tensor([1.0, 2.0]))
    won, lost = -math.log(1 / (1 + math.exp(-1))), -math.log(1 / (1 + math.exp(1)))
    assert loss.item() == pytest.approx((won + 2 * (won + lost) / 2) / 2, rel=1e-6)
    equal = bradley_terry(torch.zeros(1), torch.zeros(1), torch.tensor([0.5]), torch.ones(1))
    assert equal.item() == pytest.approx(math.log(2))


def test_bradley_terry_is_the_loss_of_trl() -> None:
    a, b = torch.tensor([0.3, -1.0, 2.0]), torch.tensor([0.1, 0.5, -1.0])
    ours = bradley_terry(a, b, torch.ones(3), torch.ones(3))
    assert torch.allclose(ours, -torch.nn.functional.logsigmoid(a - b).mean(), atol=1e-7)


def test_the_temperature_is_found() -> None:
    draws = random.Random(0)
    true = 2.5
    seen = []
    for _ in range(4000):
        difference = draws.gauss(0, 5)
        won = draws.random() < 1 / (1 + math.exp(-difference / true))
        seen.append((difference, float(won), 1.0))
    assert fit_temperature(seen) == pytest.approx(true, rel=0.15)
    assert fit_temperature([(0.0, 0.5, 1.0)]) == 1.0
    assert fit_temperature([(1.0, 1.0, 1.0)] * 9) > 0.2


def test_rankings_must_be_split_by_document(made, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ranked in both"):
        train_reward([made / "prefs.jsonl"], tmp_path / "a", options(made), dev=[made / "prefs.jsonl"])
    write_preferences(tmp_path / "one.jsonl", rankings(60)[:1])
    with pytest.raises(UsageError, match="not enough"):
        train_reward([tmp_path / "one.jsonl"], tmp_path / "b", options(made))


def test_damaged_or_foreign_folders_are_refused(trained, made, tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError):
        HumanReward.load(tmp_path)
    described = json.loads((trained / "docalign.json").read_text())
    for name in trained.iterdir():
        (tmp_path / name.name).write_bytes(name.read_bytes())
    (tmp_path / "docalign.json").write_text(json.dumps(described | {"prompt_version": "0"}))
    with pytest.raises(ModelIncompatibleError, match="prompt version"):
        HumanReward.load(tmp_path)
    (tmp_path / "docalign.json").write_text(json.dumps(described))
    (tmp_path / "reward.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelIncompatibleError, match="damaged"):
        HumanReward.load(tmp_path)


def test_the_command_trains_one_that_settings_name(made, tmp_path: Path, capsysbinary) -> None:
    recipe = tmp_path / "reward.toml"
    recipe.write_text("max_steps = 2\nwarmup_steps = 1\nlayers = 1\n")
    arguments = ["train", str(made / "prefs.jsonl"), "--method", "reward", "--base", str(made / "base"), "--quiet"]
    assert run([*arguments, "--recipe", str(recipe), "--out", str(tmp_path / "run")]) == 0
    folder = capsysbinary.readouterr().out.decode().strip()
    composite = composite_of(RewardSettings(models={folder: 2.0}))
    assert (composite.parts[-1].name, composite.parts[-1].weight) == ("model run/reward", 2.0)
