"""A corpus on Ray: what the command line gives, whoever dies meanwhile; the output is completed and never doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from docalign.cli import run
from docalign.commands.messages import describe_crash
from docalign.errors import LimitExceededError, MissingInputError, OutputError, UsageError
from docalign.integrations.ray.parts import Done, Parts
from docalign.integrations.ray.places import fetched, listed
from docalign.integrations.ray.work import ChunkDocuments, Job, identity, read_files

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: the extra `parquet`")
parquet = pytest.importorskip("pyarrow.parquet")

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples"
WORDS = ["the", "of", "a", "section", "table", "limit", "model", "window", "page", "chunk", "reader", "archive"]


def corpus(folder: Path, files: int) -> Path:
    """Small texts in two folders, and a file that cannot be read."""
    rng = random.Random(3)
    for number in range(files):
        path = folder / f"part{number % 2}" / f"{number:03}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [" ".join(rng.choices(WORDS, k=rng.randint(5, 30))).capitalize() + "." for _ in range(4)]
        path.write_text(f"# {number}\n\n" + "\n\n".join(lines))
    (folder / "bad.pdf").write_bytes(b"%PDF-1.4 garbage")
    return folder


def lines_of(capsys: pytest.CaptureFixture[str], folder: Path) -> list[dict[str, Any]]:
    """What `docalign chunk FOLDER` says in one process."""
    capsys.readouterr()
    assert run(["chunk", str(folder), "--quiet"]) == 1
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def rows_of(out: Path) -> list[dict[str, Any]]:
    rows = parquet.read_table(out / "chunks").to_pylist()
    for row in rows:
        assert row.pop("embed_text") is None
    return sorted(rows, key=lambda row: (row["doc"], row["index"]))


def job(**options: Any) -> Job:
    from docalign.chunker import ChunkOptions
    from docalign.ingest import IngestOptions

    return Job(IngestOptions(workers=1, use_cache=False), ChunkOptions(**options), None, describe_crash)


def row(name: str, *, sha256: str = "aa", chunks: int = 1, error: str = "") -> Any:
    """A row as the actors give it."""
    made = [{"schema": "docalign.chunk/1", "id": "0", "doc": name, "index": i, "text": "x"} for i in range(chunks)]
    failure = json.dumps({"error": error, "what": "w", "remedy": "r", "exit_code": 3}).encode() if error else b""
    return {
        "name": name,
        "sha256": sha256,
        "lines": b"".join(json.dumps(line).encode() + b"\n" for line in made),
        "warnings": b'["a warning"]',
        "pages": 2,
        "error": failure,
    }


def table(*rows: Any) -> Any:
    return pa.Table.from_pylist(list(rows))


# Without a cluster


def test_reading_and_chunking_give_what_one_process_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = corpus(tmp_path / "in", 4)
    (folder / "contract.pdf").write_bytes((SAMPLES / "contract.pdf").read_bytes())
    files = [p for p in sorted(folder.rglob("*.*")) if p.is_file()]
    given = pa.table({"name": [p.relative_to(folder).as_posix() for p in files], "where": [str(p) for p in files]})
    actor = ChunkDocuments(job(), json.dumps(identity(None), sort_keys=True))
    made = pa.concat_tables([part for read in read_files(given, job()) for part in actor(read)])
    parts = Parts(str(tmp_path / "out"))
    parts.write(made, "settings")
    assert rows_of(tmp_path / "out") == sorted(lines_of(capsys, folder), key=lambda r: (r["doc"], r["index"]))
    assert [(f["doc"], f["error"], f["exit_code"]) for f in parts.failures()] == [("bad.pdf", "DamagedInputError", 3)]
    told = {r["doc"]: r for r in parquet.read_table(tmp_path / "out" / "files").to_pylist()}
    assert told["contract.pdf"]["pages"] > 1
    assert told["contract.pdf"]["chunks"] == sum(r["doc"] == "contract.pdf" for r in rows_of(tmp_path / "out"))


def test_a_machine_with_another_model_ends_the_run() -> None:
    with pytest.raises(Exception, match="another model or engine"):
        ChunkDocuments(job(), "{}")


def test_parts_keep_what_is_to_be_kept_and_nothing_twice(tmp_path: Path) -> None:
    parts = Parts(str(tmp_path))
    parts.write(table(row("a", chunks=2), row("b"), row("c", error="EmptyInputError", chunks=0)), "s")
    parts.write(table(row("b"), row("d")), "s")
    parts.write(table(row("e", sha256="old")), "s")
    (tmp_path / "chunks" / "part-0000.parquet").write_bytes(b"a run was killed before this part was finished")
    (tmp_path / "files" / ".part-1.parquet.ab.docalign-tmp").write_bytes(b"half")
    parts.bring_in_order(lambda done: not done.failed and done.sha256 == "aa")
    assert sorted((d.doc, d.failed) for d in parts.done()) == [("a", False), ("b", False), ("d", False)]
    assert sorted(r["doc"] for r in rows_of(tmp_path)) == ["a", "a", "b", "d"]
    names = {kind: sorted(p.name for p in (tmp_path / kind).iterdir()) for kind in ("chunks", "files")}
    assert names["chunks"] == names["files"]
    before = names
    parts.bring_in_order(lambda _: True)
    assert {kind: sorted(p.name for p in (tmp_path / kind).iterdir()) for kind in before} == before


def test_a_part_that_is_written_again_is_the_same_part(tmp_path: Path) -> None:
    parts = Parts(str(tmp_path))
    first = parts.write(table(row("a"), row("b")), "s")
    assert parts.write(table(row("b"), row("a")), "s") == first
    assert list(parts.done()) == [Done("b", "aa", "s", False), Done("a", "aa", "s", False)]


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    Parts(str(tmp_path)).write(table(row("a")), "s")
    (part,) = (tmp_path / "files").iterdir()
    part.write_bytes(b"no table")
    with pytest.raises(OutputError):
        list(Parts(str(tmp_path)).done())


def test_addresses_are_listed_and_fetched(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "in", 2)
    (folder / ".hidden.md").write_text("x")
    (folder / "a b%20.md").write_text("a name to be quoted")
    (folder / "kind.unknown").write_text("x")
    address = folder.as_uri()
    found = listed(address, {".md", ".pdf"})
    assert [p.name for p in found] == ["a b%20.md", "bad.pdf", "part0/000.md", "part1/001.md"]
    assert found[2].where == f"{address}/part0/000.md"
    assert [fetched(p.where, 10_000) for p in found] == [(folder / p.name).read_bytes() for p in found]
    with pytest.raises(LimitExceededError):
        fetched(found[2].where, 10)
    with pytest.raises(MissingInputError):
        fetched(f"{address}/none.md", 10)
    with pytest.raises(UsageError):
        listed("gopher://x/y", {".md"})


@pytest.mark.parametrize(
    "options",
    [[], ["--out", "-"], ["--out", "x", "--format", "md"], ["--out", "x", "--server", "http://x"]],
    ids=["no folder", "standard output", "another format", "a service"],
)
def test_options_that_make_no_sense_with_it_are_refused(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    assert run(["chunk", str(tmp_path), "--engine", "ray", *options]) == 2


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    assert run(["chunk", str(tmp_path), "--engine", "spark"]) == 2


# With one

ray_installed = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("ray") is None, reason="Ray is not installed: the extra `ray`"
)


def on_ray(folder: Path, out: Path, address: str | None = None) -> subprocess.Popen[str]:
    """`docalign chunk --engine ray` as a process."""
    code = "import sys; from docalign.cli import run; sys.exit(run(sys.argv[1:]))"
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    environment["PYTHONPATH"] = str(ROOT)
    if address:
        environment["RAY_ADDRESS"] = address
    return subprocess.Popen(
        [sys.executable, "-c", code, "chunk", str(folder), "--engine", "ray", "--out", str(out), "--no-cache"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@ray_installed
@pytest.mark.slow
def test_a_small_corpus_on_this_machine_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = corpus(tmp_path / "in", 5), tmp_path / "out"
    first = on_ray(folder, out)
    stdout, stderr = first.communicate(timeout=600)
    assert first.returncode == 1, stderr
    assert stdout == ""
    assert "bad.pdf: " in stderr
    assert "1 of 6 inputs failed" in stderr
    expected = sorted(lines_of(capsys, folder), key=lambda r: (r["doc"], r["index"]))
    assert rows_of(out) == expected


@contextmanager
def cluster(workers: int) -> Iterator[tuple[str, list[int]]]:
    """Its address and its workers' process ids."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.ray_cluster", str(workers)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        told = json.loads(next(line for line in process.stdout if line.startswith("{")))
        yield told["address"], told["workers"]
    finally:
        process.stdin.close()
        process.wait(120)
        process.stdout.close()


def kill_machine(raylet: int) -> None:
    """What a power cut does: nothing of it is left, and nothing of it says goodbye."""
    import psutil

    machine = psutil.Process(raylet)
    everything = [machine, *machine.children(recursive=True)]
    for process in everything:
        process.suspend()
    for process in everything:
        process.send_signal(signal.SIGKILL)


def finished(out: Path) -> int:
    return len(list((out / "files").glob("part-*"))) if (out / "files").is_dir() else 0


@ray_installed
@pytest.mark.slow
def test_two_hundred_files_while_a_machine_dies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = corpus(tmp_path / "in", 200), tmp_path / "out"
    with cluster(2) as (address, workers):
        running = on_ray(folder, out, address)
        while finished(out) < 5:
            assert running.poll() is None, running.communicate()[1]
            time.sleep(0.05)
        kill_machine(workers[0])
        stderr = running.communicate(timeout=1800)[1]
        assert running.returncode == 1, stderr
        assert "1 of 201 inputs failed" in stderr
        expected = sorted(lines_of(capsys, folder), key=lambda r: (r["doc"], r["index"]))
        assert rows_of(out) == expected
        changed = folder / "part0" / "000.md"
        changed.write_text("Another text.")
        again = on_ray(folder, out, address)
        stderr = again.communicate(timeout=1800)[1]
        assert "2 of 201 files to chunk" in stderr, "what changed, and what failed"
        expected = [r for r in expected if r["doc"] != "part0/000.md"]
        assert [r for r in rows_of(out) if r["doc"] != "part0/000.md"] == expected
        assert [r["text"] for r in rows_of(out) if r["doc"] == "part0/000.md"] == ["Another text."]
