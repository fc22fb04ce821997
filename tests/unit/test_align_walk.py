"""The documented walk of alignment, command for command, in miniature: SFT, rankings, DPO, PPO, export, chunk."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="the training extra is not installed")
pytest.importorskip("sqlalchemy", reason="the extra rank is not installed")

from docalign.cli import run
from docalign.feedback import store as feedback
from docalign.feedback.values import Candidate, Judgement, Stretch, Task
from docalign.preference import read_preferences
from docalign.train.export import export
from docalign.train.gold import read_gold, write_gold
from docalign.train.slot_model import cut_base, save_policy
from tests.support.tiny_models import gold_file, tiny_base

ROOT = Path(__file__).parents[2]
WALK = (ROOT / "docs" / "alignment.md").read_text("utf-8")
SHIPPED = "docalign-smollm2-16l"

CORE = "max_steps = 3\neval_steps = 3\nheld_out_windows = 2\ndev_lines = 2\neval_samples = 2\nwindow_tokens = 400\n"
TINY = {
    "teach.toml": "max_steps = 3\nsave_steps = 3\nwarmup_steps = 0\nlearning_rate = 1e-3\ndev_lines = 2\n",
    "dpo.toml": CORE + "learning_rate = 1e-3\n",
    "ppo.toml": CORE + "samples = 4\n",
    "update.toml": CORE.replace("3", "12") + 'learning_rate = 5e-3\nkeep = "preferences"\nkl_budget = 99.0\n'
    "gold_tolerance = 1.0\ncollapse_share = 1.1\n[gate]\ntolerance = 1.0\npromise_tolerance = 1.0\n",
}

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def commands() -> list[list[str]]:
    """The command lines of the page's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", WALK, re.M | re.S)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line]


def gold(root: Path) -> None:
    """Gold whose documents have names of their own, four of them held out."""
    made = [
        replace(line, document=replace(line.document, source=f"d{n}"))
        for n, line in enumerate(read_gold(gold_file(root / "all.jsonl", lines=16)))
    ]
    write_gold(root / "gold.jsonl", made[4:])
    write_gold(root / "gold.dev.jsonl", made[:4])


def rankings(path: Path, root: Path) -> None:
    """A store in which somebody prefers chunks of one block in documents of their own."""
    with feedback.open_store(path) as database:
        me = feedback.add_annotator(database, "somebody", simulated=True)
        for number, line in enumerate([*read_gold(root / "all.jsonl")] * 2):
            text = line.document.text.replace("Households", f"Hamlets{number:03}", 1)
            document = replace(line.document, source=f"letter{number}", sha256=f"{number:064x}", text=text)
            stored = feedback.add_document(database, document)
            blocks = len(document.blocks)
            stretch = feedback.add_stretch(database, Stretch(stored.id, 0, blocks, 60, 120))
            every = Candidate(tuple(range(blocks)), "every", "1")
            shown = feedback.add_candidates(database, stretch, [Candidate((0,), "one", "1"), every])
            feedback.add_task(database, Task(stretch, shown, seed=number))
        while (task := feedback.next_task(database, me.id)) is not None:
            best = next(i for i, c in enumerate(task.candidates) if len(c.starts) > 1)
            ranking = ((best,), (1 - best,))
            said = Judgement(str(uuid.uuid4()), task.id, me.id, "ranking", ranking=ranking, milliseconds=900)
            feedback.judge(database, said)


def test_every_command_of_the_walk_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    gold(tmp_path)
    rankings(tmp_path / "docalign-rankings.db", tmp_path)
    shutil.copyfile(ROOT / "data" / "samples" / "report.pdf", tmp_path / "report.pdf")
    save_policy(*cut_base(str(tiny_base(tmp_path / "base")), layers=2), tmp_path / "policy")
    export(tmp_path / "policy", tmp_path / "shipped", precision="fp32")
    for name, text in TINY.items():
        (tmp_path / name).write_text(text)
    done = []
    for program, command, *given in commands():
        assert program == "docalign"
        arguments = [a.replace(SHIPPED, "shipped").replace("data/recipes/", "") for a in given]
        if command == "export":
            arguments += ["--precision", "fp32"]
        if command == "advise":
            arguments += ["--model", "shipped"]
        assert run([command, *arguments]) == 0, (command, given, capfd.readouterr().err)
        done.append(command if command != "train" or "--method" not in given else given[given.index("--method") + 1])
    assert done[:4] == ["advise", "train", "feedback", "prefs"]
    assert {"dpo", "ppo", "export", "chunk", "eval", "explain"} <= set(done)
    assert {line.source for line in read_preferences("prefs.jsonl")} >= {"simulated", "rule"}
    for number, method in ((1, "dpo"), (2, "ppo")):
        record = json.loads((tmp_path / "runs" / method / "run.json").read_text("utf-8"))
        assert record["steps"] == 3, number
    chunks = [json.loads(line) for line in (tmp_path / "chunks.jsonl").read_text("utf-8").splitlines()]
    assert {chunk["schema"] for chunk in chunks} == {"docalign.chunk/1"}
    report = json.loads((tmp_path / "alignment.json").read_text("utf-8"))
    assert report["schema"] == "docalign.alignment/1"
    assert "<html" in (tmp_path / "alignment.html").read_text("utf-8")
    assert "0 by people" in (tmp_path / "versions" / "current" / "card.md").read_text("utf-8")


def test_recipes_and_links_of_the_walk_are_there() -> None:
    for recipe in re.findall(r"data/recipes/\S+\.toml", WALK):
        assert tomllib.loads((ROOT / recipe).read_text("utf-8"))
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", WALK):
        assert (ROOT / "docs" / link).exists(), link
