"""Every seed and every past finding of the fuzzer ends in a Document or a named error."""

from __future__ import annotations

from pathlib import Path

import pytest

from docalign.document import Document
from docalign.errors import DocalignError
from tests.fuzz.targets import FINDINGS, gather, names, read, seeds

FOUND = sorted(p for p in FINDINGS.rglob("*") if p.is_file() and p.suffix != ".md")


@pytest.mark.parametrize("name", names())
def test_every_seed_is_read_or_refused(name: str) -> None:
    for data in [*seeds(name), b"", b"\0", b"\xff" * 99]:
        assert isinstance(read(name, data), Document | DocalignError)


@pytest.mark.parametrize("path", FOUND, ids=lambda p: f"{p.parent.name}/{p.name[:24]}")
def test_every_finding_stays_mended(path: Path) -> None:
    assert isinstance(read(path.parent.name, path.read_bytes()), Document | DocalignError)


def test_findings_of_any_kind_end_in_the_folder_that_is_replayed(tmp_path: Path) -> None:
    left = {"oom-36d2", "crash-1a", "timeout-77", "slow-unit-5", "leak-0", "report.txt"}
    for name in left:
        (tmp_path / name).write_bytes(b"x")
    moved = gather("PDF", tmp_path, tmp_path / "findings")
    assert {p.name for p in moved} == left - {"report.txt"}
    assert {p.name for p in (tmp_path / "findings" / "PDF").iterdir()} == left - {"report.txt"}
    assert {p.name for p in tmp_path.iterdir()} == {"report.txt", "findings"}
