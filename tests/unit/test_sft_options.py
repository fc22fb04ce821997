"""What a supervised run may be asked beside the usual: less memory, gold that teaches nothing, a record of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

from docalign.errors import InvalidGoldError  # noqa: E402
from docalign.train.sft import SftOptions, train_sft  # noqa: E402
from tests.support.tiny_models import gold_file, tiny_base  # noqa: E402

pytestmark = [
    # What transformers, TRL and torch say about themselves is not ours to mend.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with `base/` and `gold.jsonl`."""
    root = tmp_path_factory.mktemp("options")
    tiny_base(root / "base")
    gold_file(root / "gold.jsonl")
    return root


def options(made: Path, **more: object) -> SftOptions:
    fast = {"layers": 2, "batch_windows": 2, "warmup_steps": 0, "learning_rate": 2e-3, "save_steps": 1}
    return SftOptions(base=str(made / "base"), **(fast | more))  # type: ignore[arg-type]


def record_of(made: Path, out: Path, **more: object) -> dict[str, object]:
    train_sft([made / "gold.jsonl"], out, options(made, **more))
    return json.loads((out / "run.json").read_text("utf-8"))


def test_checkpointed_activations_change_no_loss(made: Path, tmp_path: Path) -> None:
    for rank in (None, 2):
        kept, again = (
            [
                entry["loss"]
                for entry in record_of(
                    made,
                    tmp_path / f"{rank}{checkpoint}",
                    max_steps=3,
                    lora_rank=rank,
                    gradient_checkpointing=checkpoint,
                )["curve"]
            ]
            for checkpoint in (False, True)
        )
        assert again == pytest.approx(kept, rel=1e-3)
        assert len(set(kept)) == 3


def test_gold_with_one_label_only_is_refused(made: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in (made / "gold.jsonl").read_text().splitlines()]
    for line in lines:
        line["starts"] = [0]
    (tmp_path / "one.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(InvalidGoldError, match="one label only") as caught:
        train_sft([tmp_path / "one.jsonl"], tmp_path / "run", options(made, max_steps=1))
    assert caught.value.source == str(tmp_path / "one.jsonl")
    assert caught.value.remedy


def test_a_run_records_its_data_and_where_it_was_made(made: Path, tmp_path: Path) -> None:
    record = record_of(made, tmp_path / "run", max_steps=1)
    assert record["data"]["lines"] == 8
    assert record["data"]["sources"]["made"] == {"lines": 8, "domain": None, "licence": None}
    assert record["processes"] == 1
    assert record["torch"] == torch.__version__
