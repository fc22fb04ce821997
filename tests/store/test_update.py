"""The periodic update: a store's rankings make a new version behind a gate, or change nothing."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

from docalign.chunker.chunker import Chunker  # noqa: E402
from docalign.cli import app  # noqa: E402
from docalign.commands.export import export_model  # noqa: E402
from docalign.document import Document  # noqa: E402
from docalign.errors import EmptyInputError, UpdateRefusedError, UsageError  # noqa: E402
from docalign.feedback import store as feedback  # noqa: E402
from docalign.feedback.drift import drift, drift_text  # noqa: E402
from docalign.feedback.update import CURRENT, RECORD, Update, gate_failures, update  # noqa: E402
from docalign.feedback.values import Candidate, Judgement, Stretch, Task  # noqa: E402
from docalign.preference import PreferenceLine, read_preferences  # noqa: E402
from docalign.store import Database  # noqa: E402
from docalign.train.methods.options import DpoOptions  # noqa: E402
from docalign.train.methods.stages import Gate  # noqa: E402
from docalign.train.sft import SftOptions, train_sft  # noqa: E402
from tests.support.documents import document_of  # noqa: E402
from tests.support.tiny_models import gold_file, tiny_base  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

DPO = DpoOptions(
    max_steps=24, eval_steps=24, batch_windows=4, learning_rate=5e-3, kl_budget=99.0, held_out_windows=4,
    eval_samples=2, dev_lines=2, gold_tolerance=1.0, collapse_share=1.1, keep="preferences",
)  # fmt: skip
WIDE = Gate(tolerance=1.0, promise_tolerance=1.0)


def letter(number: int) -> tuple[Document, tuple[int, ...], tuple[int, ...]]:
    """A text of short and long paragraphs, and two chunkings of the same number: at short ones, and elsewhere."""
    draws = random.Random(number)
    words = [4 if i % 4 == 3 else draws.randint(20, 30) for i in range(16)]
    texts = [
        " ".join(["Households", "were", "drawn", f"{number}-{i}", *["again"] * (w - 4)]) for i, w in enumerate(words)
    ]
    made = replace(document_of([("paragraph", text) for text in texts]), source=f"letter-{number}")
    good = draws.sample([3, 7, 11, 15], 2)
    bad = draws.sample([i for i in range(1, 16) if i % 4 != 3], 2)
    return made, (0, *sorted(good)), (0, *sorted(bad))


def judge_letters(database: Database, numbers: range) -> None:
    me, liked = feedback.add_annotator(database, "taste", simulated=True), set()
    for number in numbers:
        document, good, bad = letter(number)
        stored = feedback.add_document(database, document)
        stretch = feedback.add_stretch(database, Stretch(stored.id, 0, len(document.blocks), 100, 400))
        shown = feedback.add_candidates(database, stretch, [Candidate(bad, "a", "1"), Candidate(good, "b", "1")])
        feedback.add_task(database, Task(stretch, shown, seed=number))
        liked.add(good)
    while (task := feedback.next_task(database, me.id)) is not None:
        best = next(i for i, c in enumerate(task.candidates) if c.starts in liked)
        said = Judgement(str(uuid.uuid4()), task.id, me.id, "ranking", ranking=((best,), (1 - best,)), milliseconds=900)
        feedback.judge(database, said)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("update")
    tiny_base(root / "base")
    sft = SftOptions(base=str(root / "base"), layers=2, max_steps=2, learning_rate=1e-3, warmup_steps=0)
    train_sft([gold_file(root / "gold.jsonl")], root / "sft", sft)
    export_model(root / "sft" / "policy", root / "ours", precision="fp32")
    return root


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with feedback.open_store(tmp_path / "rankings.db") as opened:
        judge_letters(opened, range(32))
        yield opened


def asked(made: Path, versions: Path, **more: object) -> Update:
    given = {"served": made / "ours", "method": "dpo", "options": DPO, "gate": WIDE} | more
    return Update(versions=versions, dev=[str(made / "gold.jsonl")], **given)  # type: ignore[arg-type]


def as_fp32(policy: Path, folder: Path) -> None:
    export_model(policy, folder, precision="fp32")


def test_new_rankings_make_a_version_that_takes_the_place_and_leaves_the_old_one(
    made: Path, tmp_path: Path, database: Database
) -> None:
    before = {p.name: p.read_bytes() for p in (made / "ours").iterdir()}
    version, record = update(database, asked(made, tmp_path / "versions"), as_fp32)
    assert version.name == "ours-u0001"
    assert (tmp_path / "versions" / CURRENT).resolve() == version.resolve()
    assert Chunker.load(str(tmp_path / "versions" / CURRENT)).chunk(letter(99)[0])
    assert record["after"]["agreement"] > record["before"]["agreement"]
    assert record["passed"]
    assert json.loads((version / RECORD).read_text("utf-8"))["new_rankings"] == 32
    assert {p.name: p.read_bytes() for p in (made / "ours").iterdir()} == before
    work = tmp_path / "versions" / ".updates" / version.name
    sides = [{r.document.source for r in read_preferences(work / f"rankings{s}.jsonl")} for s in ("", ".held-out")]
    assert not sides[0] & sides[1]

    # Nothing has come in since: there is nothing to do, and the version stays.
    served = tmp_path / "versions" / CURRENT
    with pytest.raises(EmptyInputError, match="0 rankings are new"):
        update(database, asked(made, tmp_path / "versions", served=served), as_fp32)
    assert served.resolve() == version.resolve()

    # More come in: the next one goes on from the policy behind this one and counts only them as new.
    judge_letters(database, range(32, 44))
    again = asked(
        made, tmp_path / "versions", served=served, options=replace(DPO, learning_rate=0.0, prior_learning_rate=0.0)
    )
    with pytest.raises(UpdateRefusedError, match="no better") as refused:
        update(database, again, as_fp32)
    work = Path(refused.value.source or "")
    assert work.name == "ours-u0002"
    found = json.loads((work / RECORD).read_text("utf-8"))
    assert (found["new_rankings"], found["passed"]) == (12, False)
    assert found["drift"]["rankings"] == {"before": {"simulated": 32}, "since": {"simulated": 12}}
    assert served.resolve() == version.resolve()
    assert not (tmp_path / "versions" / "ours-u0002").exists()


def test_a_gate_that_stays_shut_changes_nothing_and_says_why(made: Path, tmp_path: Path, database: Database) -> None:
    shut = Gate(tolerance=-1.0, promise_tolerance=1.0)  # F1 would have to rise by 1
    with pytest.raises(UpdateRefusedError, match="boundary F1 on gold") as refused:
        update(database, asked(made, tmp_path / "versions", gate=shut), as_fp32)
    assert "recipe" in str(refused.value.remedy)
    assert [p.name for p in (tmp_path / "versions").iterdir()] == [".updates"]


def test_the_gate_says_what_fell() -> None:
    before = {"agreement": 0.6, "gold_f1": 0.8, "broken": 0.0, "reward_within_limit": 1.0}
    better = before | {"agreement": 0.7}
    assert gate_failures(before, better, Gate()) == []
    for name, value in (("agreement", 0.6), ("gold_f1", 0.78), ("broken", 1.0), ("reward_within_limit", 0.9)):
        assert len(gate_failures(before, better | {name: value}, Gate())) == 1, name


def test_an_update_needs_gold_a_method_that_reads_rankings_and_enough_of_them(
    made: Path, tmp_path: Path, database: Database
) -> None:
    with pytest.raises(UsageError, match="gate measures on gold"):
        update(database, replace(asked(made, tmp_path / "v"), dev=()), as_fp32)
    with pytest.raises(UsageError, match="learns from no rankings"):
        update(database, asked(made, tmp_path / "v", method="ppo"), as_fp32)
    with pytest.raises(EmptyInputError, match="needs 100"):
        update(database, asked(made, tmp_path / "v", least_rankings=100), as_fp32)
    assert not (tmp_path / "v").exists()


def test_the_command_names_what_is_missing(made: Path, tmp_path: Path) -> None:
    arguments = ["train", "--from-feedback", str(tmp_path / "none.db"), "--out", str(tmp_path / "v")]
    found = CliRunner().invoke(app, [*arguments, "--model", str(made / "ours"), "--dev", str(made / "gold.jsonl")])
    assert isinstance(found.exception, UsageError)
    assert "no such store" in str(found.exception)
    found = CliRunner().invoke(app, ["train", "--model", "x", "--out", str(tmp_path / "v")])
    assert isinstance(found.exception, UsageError)
    assert "--from-feedback" in str(found.exception)


def lines(numbers: range, **more: object) -> list[PreferenceLine]:
    found = []
    for number in numbers:
        document, good, bad = letter(number)
        found.append(PreferenceLine(f"{number}", document, (good, bad), ((0,), (1,)), "human", "Ada", 100, 400))
    return [replace(line, **more) for line in found]  # type: ignore[arg-type]


def test_drift_is_said_where_there_is_some_and_not_where_there_is_none() -> None:
    same = drift(lines(range(20)), lines(range(20, 40)), agreement={})
    assert drift_text(same) == ["compared with rankings before, nothing moved by 0.5 standard deviations"]
    other = document_of([("heading2", "Annex"), *[("list_item", f"Ware {i} aus Übersee, Stück {i}") for i in range(9)]])
    changed = lines(range(20, 30), annotator="Ben", document=other, candidates=((0, 5), (0,)))
    said = {str(n): 1.0 for n in range(20)} | {str(n): 0.0 for n in range(20, 30)}
    found = drift(lines(range(20)), changed, agreement=said)
    assert found["of_rankings"]["served_agreement"]["moved"]
    assert found["of_documents"]["share_of_list_items"]["moved"]
    assert found["words"]["moved"]
    assert found["words"]["divergence"] > 0.9
    assert found["annotators_new"] == ["Ben"]
    assert any("Ben" in sentence for sentence in drift_text(found))
