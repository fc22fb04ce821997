"""Every row of `cases.CASES`: what it must end in, in time, and without a trace outside."""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from docalign.document import Document
from docalign.errors import DocalignError
from docalign.ingest import IngestOptions, WorkerPool, ingest
from tests.bad.cases import CASES, Case
from tests.support.accounting import characters

_TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(1) as opened:
        yield opened


def _contents(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.mechanism}: {c.name}")
def test_a_bad_file_ends_as_its_row_says(
    case: Case, pool: WorkerPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case.needs and importlib.util.find_spec(case.needs) is None:
        pytest.skip(f"{case.needs} is not installed")
    path = tmp_path / case.name
    path.write_bytes(case.make())
    monkeypatch.chdir(tmp_path)
    before, home = _contents(tmp_path), set(os.listdir(Path.home()))
    options = IngestOptions(**{"page_timeout_s": _TIMEOUT_S, **case.options})
    try:
        result: Document | DocalignError = ingest(path, name=case.name, options=options, pool=pool)
    except DocalignError as error:
        result = error
    assert (_contents(tmp_path), set(os.listdir(Path.home()))) == (before, home), "something was written"
    if isinstance(result, DocalignError):
        _check_error(case, result)
    else:
        _check_document(case, result)


def _check_error(case: Case, error: DocalignError) -> None:
    assert type(error).__name__ == case.expect, str(error)
    assert case.says.lower() in error.what.lower()
    assert error.source == case.name
    assert error.remedy
    assert error.exit_code in range(2, 8)


def _check_document(case: Case, document: Document) -> None:
    warnings = "\n".join(document.warnings)
    assert case.expect in ("reads", "warns"), f"read as {document.text[:80]!r}; warnings: {warnings!r}"
    if case.expect == "reads":
        assert case.says in document.text, warnings
    else:
        assert document.warnings
        assert case.says in warnings
    assert characters(case.keeps) <= characters(document.text)
    assert case.keeps.split()[:1] == [] or case.keeps.split()[0] in document.text
    assert document.text or document.warnings, "an empty result that nothing explains"


def test_the_table_is_broad() -> None:
    rows = Counter(case.mechanism for case in CASES)
    assert len(rows) >= 25
    assert len(CASES) >= 80
    assert max(rows.values()) <= 4
    assert len({case.name for case in CASES}) + 4 >= len(CASES)
