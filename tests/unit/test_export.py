"""Export: precisions follow torch, the choice follows measurement, the card says what the records say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

import onnx  # noqa: E402

from docalign.cli import run  # noqa: E402
from docalign.runtime.onnx import OnnxEngine  # noqa: E402
from docalign.train.compare import MOST_LOST, Measured, choose, windows_for  # noqa: E402
from docalign.train.engine import TorchEngine  # noqa: E402
from docalign.train.export import export  # noqa: E402
from docalign.train.gold import read_gold  # noqa: E402
from docalign.train.sft import SftOptions, train_sft  # noqa: E402
from docalign.train.slot_model import load_policy, renderer_of  # noqa: E402
from tests.support.tiny_models import gold_file, tiny_base  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`gold.jsonl`, a trained `run/`."""
    root = tmp_path_factory.mktemp("export")
    tiny_base(root / "base")
    gold_file(root / "gold.jsonl")
    options = SftOptions(
        base=str(root / "base"), layers=2, max_steps=4, save_steps=2, warmup_steps=0, learning_rate=2e-3
    )
    train_sft([root / "gold.jsonl"], root / "run", options, command="docalign train gold.jsonl --out run")
    return root


@pytest.fixture(scope="module")
def probes(made: Path) -> list:
    _, tokenizer, config = load_policy(made / "run" / "policy")
    return windows_for(renderer_of(tokenizer, config), list(read_gold(made / "gold.jsonl")))


@pytest.mark.parametrize(("precision", "least"), [("fp16", 0.9999), ("int8", 0.98), ("int4", 0.8)])
def test_precisions_follow_torch(made: Path, probes: list, tmp_path: Path, precision: str, least: float) -> None:
    policy = made / "run" / "policy"
    whole = export(policy, tmp_path / "fp32", precision="fp32", probes=probes)
    small = export(policy, tmp_path / "small", precision=precision, probes=probes)
    ours = np.concatenate(OnnxEngine(small / "model.onnx").log_odds(probes))
    theirs = np.concatenate(TorchEngine(policy, bf16=False).log_odds(probes))
    assert theirs.std() > 0.05
    assert np.corrcoef(ours, theirs)[0, 1] > least
    assert (small / "model.onnx").stat().st_size < (whole / "model.onnx").stat().st_size
    alone = [OnnxEngine(small / "model.onnx").log_odds([w])[0] for w in probes]
    together = OnnxEngine(small / "model.onnx").log_odds(probes)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(alone, together, strict=True))


def test_the_graph_for_a_card_has_the_same_numbers(made: Path, probes: list, tmp_path: Path) -> None:
    policy = made / "run" / "policy"
    folder = export(policy, tmp_path / "cuda", device="cuda", probes=probes)
    graph = onnx.load(folder / "model.onnx").graph
    kept = {t.name for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT}
    assert kept == {"norm.weight", "label_row"}
    described = json.loads((folder / "docalign.json").read_text("utf-8"))
    assert (described["precision"], described["device"]) == ("fp16", "cuda")
    # ONNX Runtime runs fp16 on a processor too, so the numbers can be compared without a card.
    ours = np.concatenate(OnnxEngine(folder / "model.onnx", device="cuda").log_odds(probes))
    theirs = np.concatenate(TorchEngine(policy, bf16=False).log_odds(probes))
    np.testing.assert_allclose(ours, theirs, atol=0.02 * max(1.0, float(np.abs(theirs).max())))


def row(precision: str, difference: float, speed: float, megabytes: float = 1.0) -> Measured:
    return Measured(precision, megabytes, 0.9, difference, (0.0, 0.0), 1.0, 0.0, speed)  # type: ignore[arg-type]


def test_the_fastest_that_loses_little_is_chosen() -> None:
    whole = row("fp32", 0.0, 10.0)
    assert choose([whole, row("int8", -MOST_LOST, 20.0), row("int4", -MOST_LOST - 0.001, 30.0)]) == "int8"
    assert choose([whole, row("int8", -0.1, 20.0)]) == "fp32"
    assert choose([whole, row("fp16", 0.0, 10.0, megabytes=0.5)]) == "fp16"


def test_export_with_a_comparison_writes_a_card_from_records(
    made: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, gold = tmp_path / "mine", str(made / "gold.jsonl")
    assert run(["export", str(made / "run"), "--out", str(out), "--compare", gold]) == 0
    said = capfd.readouterr()
    assert said.out == f"{out}\n"
    comparison = json.loads((out / "comparison.json").read_text("utf-8"))
    assert [m["precision"] for m in comparison["measured"]] == ["fp32", "fp16", "int8", "int4"]
    assert all(m["window_tokens_per_s"] > 0 for m in comparison["measured"])
    chosen = next(m for m in comparison["measured"] if m["precision"] == comparison["chosen"])
    assert json.loads((out / "docalign.json").read_text("utf-8"))["precision"] == comparison["chosen"]
    assert f"{comparison['chosen']} is chosen" in said.err
    card = (out / "card.md").read_text("utf-8")
    record = json.loads((made / "run" / "run.json").read_text("utf-8"))
    assert "`docalign train gold.jsonl --out run`" in card
    assert f"commit {record['commit'] or 'unknown'}" in card
    assert "| made | – | not stated | 8 |" in card
    # The card's number comes out again from the command that the card prints.
    command = f"eval {gold} --model {out.name} --format json"
    assert f"`docalign {command}`" in card
    report = tmp_path / "report.json"
    assert run(["eval", gold, "--model", str(out), "--format", "json", "--out", str(report)]) == 0
    assert json.loads(report.read_text("utf-8"))["boundary_f1"] == pytest.approx(chosen["boundary_f1"], abs=6e-5)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--precision", "int3"], "no precision"),
        (["--device", "tpu"], "no device"),
        (["--device", "cuda", "--precision", "int8"], "fp16"),
    ],
)
def test_senseless_exports_are_usage_errors(
    made: Path, tmp_path: Path, arguments: list[str], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", str(made / "run"), "--out", str(tmp_path / "x"), *arguments]) == 2
    assert says in capfd.readouterr().err


def test_other_architectures_are_exported_in_fp32_only(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    base, gold = tiny_base(tmp_path / "base", "qwen2"), gold_file(tmp_path / "gold.jsonl")
    policy = train_sft([gold], tmp_path / "run", SftOptions(base=str(base), layers=1, max_steps=1, warmup_steps=0))
    assert run(["export", str(policy), "--out", str(tmp_path / "a"), "--compare", str(gold)]) == 0
    assert "fp32 is chosen" in capfd.readouterr().err
    described = json.loads((tmp_path / "a" / "docalign.json").read_text("utf-8"))
    assert described["agreement"]["largest_difference"] < 1e-2
    assert run(["export", str(policy), "--out", str(tmp_path / "b"), "--device", "cuda"]) == 6
