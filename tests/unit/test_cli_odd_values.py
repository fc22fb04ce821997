"""Values nobody should give: a result in place of its input, empty strings, folders that are none, odd addresses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from docalign.cli import run
from docalign.preference import PreferenceLine, write_preferences
from docalign.train.gold import GoldLine, write_gold
from tests.support.documents import document_of

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = document_of([("heading", "A"), ("paragraph", "One."), ("heading", "B"), ("paragraph", "Two.")])


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCALIGN_CACHE", str(tmp_path / "cache"))
    write_gold("gold.jsonl", [GoldLine("g/1", None, DOCUMENT, (0, 2), target_tokens=9, max_tokens=20)])
    ranked = PreferenceLine("p/1", DOCUMENT, ((0, 2), (0, 1)), ((0,), (1,)), "human", "a", 9, 20)
    write_preferences("prefs.jsonl", [ranked])
    Path("gold.dev.json").write_bytes(Path("gold.jsonl").read_bytes())
    Path("a.md").write_text("# A\n\nOne.\n\n# B\n\nTwo.\n")
    chunk = {"schema": "docalign.chunk/1", "id": "0" * 16, "doc": "a.md", "index": 0, "text": "One.", "start": 0,
             "end": 4, "tokens": 2, "headings": [], "pages": [], "boxes": [], "blocks": [0], "confidence": None,
             "boundary": 1.0}  # fmt: skip
    Path("chunks.jsonl").write_text(json.dumps(chunk) + "\n")


@pytest.mark.parametrize(
    ("command", "lost"),
    [
        (["chunk", "a.md", "--out"], "a.md"),
        (["ingest", "a.md", "--out"], "a.md"),
        (["explain", "a.md", "--out"], "a.md"),
        (["score", "chunks.jsonl", "--out"], "chunks.jsonl"),
        (["score", "chunks.jsonl", "--document", "a.md", "--out"], "a.md"),
        (["eval", "gold.jsonl", "--chunker", "every", "--out"], "gold.jsonl"),
        (["eval", "gold.jsonl", "--alignment", "--aligned", "x", "--ood", "prefs.jsonl", "--out"], "prefs.jsonl"),
        (["advise", "--prefs", "prefs.jsonl", "--out"], "prefs.jsonl"),
        (["data", "view", "gold.jsonl", "--out"], "gold.jsonl"),
        (["data", "build", "a.md", "--out"], "a.md"),
        (["judge", "prefs.jsonl", "--out"], "prefs.jsonl"),
        (["prefs", "build", "gold.jsonl", "--human", "prefs.jsonl", "--out"], "prefs.jsonl"),
    ],
)
def test_no_result_replaces_what_it_is_made_of(
    command: list[str], lost: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(lost).read_bytes()
    Path("linked").symlink_to(lost)
    for name in (lost, "linked", f"../{Path.cwd().name}/{lost}"):
        assert run([*command, name]) == 2
        assert f"{name}: is the input itself; it would be lost." in capsys.readouterr().err
        assert Path(lost).read_bytes() == before


def test_the_twin_of_a_result_replaces_no_input_either(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["eval", "gold.dev.json", "--alignment", "--aligned", "x", "--out", "gold.dev.html"]
    assert run(asked) == 2
    assert "gold.dev.json: is the input itself" in capsys.readouterr().err
    assert run(["data", "build", "gold.dev.json", "a.md", "--out", "gold.json"]) == 2
    assert "gold.dev.json: is the input itself" in capsys.readouterr().err


def test_rankings_are_not_exported_over_their_own_store(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sqlalchemy")
    assert run(["feedback", "import", "prefs.jsonl", "--store", "r.db"]) == 0
    assert run(["feedback", "export", "--store", "r.db", "--out", "r.db"]) == 2
    assert run(["feedback", "report", "--store", "r.db", "--out", "r.db"]) == 2
    assert capsys.readouterr().err.count("r.db: is the input itself; it would be lost.") == 2
    assert run(["feedback", "export", "--store", "r.db", "--out", "r.jsonl", "--quiet"]) == 0
    assert json.loads(Path("r.jsonl").read_text())["ranking"] == [[0], [1]]


def test_a_store_may_have_a_name_that_is_no_utf_8(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sqlalchemy")
    store = os.fsdecode(b"r\xe9.db")
    assert run(["feedback", "import", "prefs.jsonl", "--store", store]) == 0
    assert run(["feedback", "report", "--store", store]) == 0
    Path(store).write_bytes(b"SQLite format 3\x00" + bytes(200))
    assert run(["feedback", "import", "prefs.jsonl", "--store", store]) == 1
    assert "the database failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["chunk", "a.md", "--tokenizer", ""], 2, "--tokenizer is empty"),
        (["chunk", "a.md", "--format", ""], 2, "no output format ''"),
        (["eval", "gold.jsonl", "--chunker", "every", "--format", ""], 2, "no report format ''"),
        (["chunk", "a.md", "--server", "http://[::1"], 2, "http://[::1: this is no address of a service"),
        (["rank", "a.md", "--host", "", "--no-browser", "--store", "r.db"], 2, "--host is empty"),
        (["rank", "a.md", "--port", "-1", "--no-browser", "--store", "r.db"], 2, "--port is -1"),
        (["serve", "--host", ""], 2, "host is empty"),
        (["serve", "--port", "99999"], 2, "--port is 99999"),
        (["serve", "--port", "-1"], 2, "--port is -1"),
        (["models", "pull", ""], 6, "a base LLM has an empty name"),
        (["models", "pull", "."], 6, "no model '.' on this machine"),
        (["train", "gold.jsonl", "--out", "t", "--method", ""], 2, "no training method ''"),
        (["train", "nosuch.jsonl", "--out", "t"], 3, "nosuch.jsonl: there is no such file"),
        (["train", "gold.jsonl", "--out", "a.md"], 2, "--out is 'a.md', no folder"),
        (["train", "gold.jsonl", "--out", ""], 2, "--out is '', no folder"),
        (["export", "a.md", "--out", "e"], 6, "a.md: this is no policy directory"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert run(arguments) == code
    assert says in capsys.readouterr().err


def test_a_service_that_cannot_start_ends_and_says_why(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    command = [sys.executable, "-c", "from docalign.cli import main; main()", "serve", "--port", "0"]
    done = subprocess.run(
        [*command, "--model", "nosuch", "--database", str(tmp_path / "jobs.db")],
        capture_output=True, text=True, timeout=60, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 6, done.stderr
    assert "there is no chunker model at 'nosuch'" in done.stderr
    assert "Traceback" not in done.stderr
