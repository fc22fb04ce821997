"""Starting is fast and arrows point one way: what may be loaded when, and who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {
    "PIL", "cv2", "docalign.chunker", "docalign.ingest", "numpy", "onnxruntime", "pdfplumber", "pypdfium2", "rich",
    "tesserocr", "tokenizers", "torch", "transformers",
}  # fmt: skip


def loaded_by(code: str) -> set[str]:
    """The modules a fresh interpreter holds after running `code`."""
    probe = f"import sys\ntry:\n    {code}\nexcept SystemExit: pass\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(run.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import docalign",
        "from docalign.cli import run; run(['--help'])",
        "from docalign.cli import run; run(['chunk', '--help'])",
        "from docalign.cli import run; run(['--version'])",
    ],
)
def test_starting_loads_nothing_heavy(code: str) -> None:
    assert loaded_by(code) & HEAVY == set()


def test_loading_the_chunker_needs_no_torch() -> None:
    loaded = loaded_by("import docalign.chunker, docalign.ingest, docalign.output, docalign.commands.chunk")
    assert loaded & {"torch", "transformers", "trl"} == set()


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def offenders(folder: str, *forbidden: str) -> list[str]:
    """`file imports module` for each module below `folder` that imports one of `forbidden`."""
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in imports_of(path)
        if any(name == f or name.startswith(f + ".") for f in forbidden)
    ]


def test_nothing_imports_the_command_line_or_the_service() -> None:
    assert offenders("docalign", "service", "tests", "benchmarks") == []
    for folder in sorted(p.name for p in (ROOT / "docalign").iterdir() if p.is_dir() and p.name != "commands"):
        assert offenders(f"docalign/{folder}", "docalign.cli", "docalign.commands") == []


@pytest.mark.parametrize(
    ("folder", "above"),
    [
        ("docalign/ingest", ["docalign.chunker", "docalign.train", "docalign.evaluate", "docalign.rewards"]),
        ("docalign/rewards", ["docalign.train", "docalign.evaluate"]),
        ("docalign/chunker", ["docalign.train", "docalign.evaluate"]),
        ("docalign/runtime", ["docalign.train", "docalign.evaluate"]),
        ("docalign/output", ["docalign.train", "docalign.evaluate", "docalign.ingest", "docalign.chunker"]),
    ],
)
def test_arrows_point_one_way(folder: str, above: list[str]) -> None:
    assert offenders(folder, *above) == []


def test_values_at_the_bottom_know_only_errors() -> None:
    bottom = [ROOT / "docalign" / name for name in ("document.py", "_document_json.py", "errors.py")]
    ours = {name for path in bottom for name in imports_of(path) if name.startswith("docalign")}
    assert ours <= {"docalign.errors", "docalign.document", "docalign._document_json"}
