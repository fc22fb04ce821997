"""Training and data builds killed with SIGKILL at a random moment, and training in two processes.

The moment is drawn anew in every run and printed when a test fails; the outcome may not depend on it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="the training extra is not installed")

from tests.support.tiny_models import gold_file, tiny_base

ROOT = Path(__file__).parents[2]
DOCALIGN = "import sys; from docalign.cli import run; sys.exit(run(sys.argv[1:]))"
RECIPE = "layers = 1\nmax_steps = 8\nsave_steps = 2\nwarmup_steps = 0\nlearning_rate = 2e-3\n"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base/`, `gold.jsonl`, `dev.jsonl` of other documents, `recipe.toml`."""
    root = tmp_path_factory.mktemp("interrupted")
    tiny_base(root / "base")
    gold_file(root / "gold.jsonl")
    gold_file(root / "dev.jsonl", lines=3)
    lines = [json.loads(line) for line in (root / "dev.jsonl").read_text("utf-8").splitlines()]
    for line in lines:
        line["document"]["source"] = "held out"
    (root / "dev.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    (root / "recipe.toml").write_text(RECIPE)
    return root


def environment(**more: str) -> dict[str, str]:
    return os.environ | ONE_THREAD | {"PYTHONPATH": str(ROOT)} | more


def train_command(made: Path, out: Path) -> list[str]:
    given = ["--base", str(made / "base"), "--recipe", str(made / "recipe.toml"), "--dev", str(made / "dev.jsonl")]
    return ["train", str(made / "gold.jsonl"), *given, "--out", str(out), "--quiet"]


def finish(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", DOCALIGN, *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done


def kill_when(arguments: list[str], due: Callable[[], bool], after_s: float) -> bool:
    """Start the command and kill it `after_s` behind the moment when `due()` holds; False: it had ended before."""
    command = [sys.executable, "-c", DOCALIGN, *arguments]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        while not due() and process.poll() is None:
            time.sleep(0.001)
        time.sleep(after_s)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its worker processes too
    return process.returncode == -signal.SIGKILL


def curves(out: Path) -> tuple[object, object, object]:
    record = json.loads((out / "run.json").read_text("utf-8"))
    loss = [(e["step"], e["loss"], e["learning_rate"]) for e in record["curve"]]
    kept = ("step", "eval_boundary_f1", "eval_pk", "eval_windowdiff")
    return loss, [tuple(e[k] for k in kept) for e in record["dev_curve"]], record["best_step"]


def test_training_killed_at_any_moment_ends_with_the_same_curve_and_weights(made: Path) -> None:
    finish(train_command(made, made / "whole"))
    step, after_s = random.choice((2, 4, 6, 8)), random.uniform(0.0, 0.4)
    print(f"killed {after_s:.3f} s after checkpoint-{step} appeared")
    broken = made / "broken"
    kill_when(train_command(made, broken), (broken / f"checkpoint-{step}").exists, after_s)
    finish(train_command(made, broken))
    assert curves(broken) == curves(made / "whole")
    assert len(curves(broken)[1]) == 4  # type: ignore[arg-type]
    weights = [(out / "policy" / "policy.safetensors").read_bytes() for out in (broken, made / "whole")]
    assert weights[0] == weights[1]


def test_a_data_build_killed_at_any_moment_ends_in_the_same_bytes(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for number in range(60):
        words = " ".join(f"w{number}x{k}" for k in range(60))
        body = "\n\n".join(f"## Part {k} of {number}\n\n{words} {k}.\n\n{k} {words}." for k in range(40))
        (notes / f"n{number}.md").write_text(f"# Note {number}\n\n{body}\n", "utf-8")
    command = ["data", "build", str(notes), "--targets", "90:300", "--quiet", "--out"]
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    finish([*command, str(whole)])
    journal = tmp_path / ".broken.jsonl.part"
    kills = 0
    for _ in range(4):
        size = random.randrange(1, whole.stat().st_size)
        print(f"to be killed when the journal holds {size} bytes")

        def is_due(size: int = size) -> bool:
            return journal.exists() and journal.stat().st_size >= size

        kills += kill_when([*command, str(broken)], is_due, 0.0)
    assert kills
    finish([*command, str(broken)])
    assert broken.read_bytes() == whole.read_bytes()
    for out in (whole, broken):
        dev = out.with_name(f"{out.stem}.dev.jsonl")
        assert dev.exists() == (tmp_path / "whole.dev.jsonl").exists()
    assert not list(tmp_path.glob(".*.part"))


def test_two_processes_train_one_policy(made: Path) -> None:
    out = made / "two"
    script = made / "docalign_main.py"
    script.write_text("from docalign.cli import main\n\nmain()\n")
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    ports = ["--main_process_port", "0", "--mixed_precision", "no", "--num_machines", "1", "--dynamo_backend", "no"]
    done = subprocess.run(
        [*launch, *ports, str(script), *train_command(made, out)],
        env=environment(ACCELERATE_USE_CPU="true"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == f"{out / 'policy'}\n"
    record = json.loads((out / "run.json").read_text("utf-8"))
    assert record["processes"] == 2
    assert [e["step"] for e in record["dev_curve"]] == [2, 4, 6, 8]
    # Eight gold lines in steps of two windows by two processes are two steps a pass: half of what one process takes.
    assert record["curve"][-1]["epoch"] == pytest.approx(4.0)
