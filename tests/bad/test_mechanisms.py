"""Every row of `cases.CASES`: what it must end in, in time, and without a trace outside."""

from __future__ import annotations

import importlib.util
import threading
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
_AT_MOST_S = 3 * _TIMEOUT_S
"""Opening, the one page that takes all its time, and what is done outside the workers, where no limit holds."""
_OUTSIDE = ("/etc/passwd", "/etc/evil", "/tmp/evil", "/tmp/evil.txt", "/evil.txt", "/abs")
"""Absolute paths that rows of the table name, or might end up at."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that holds the home, the temporary and the working folder, so deep that `../../..` stays inside."""
    root = tmp_path_factory.mktemp("sandbox")
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in {"HOME": root / "home", "TMPDIR": root / "tmp", "PWD": root / "a/b/c/d/e/f"}.items():
            folder.mkdir(parents=True)
            patch.setenv(name, str(folder))
        patch.setattr("tempfile.tempdir", str(root / "tmp"))
        patch.chdir(root / "a/b/c/d/e/f")
        yield root


@pytest.fixture(scope="module")
def pool(sandbox: Path) -> Iterator[WorkerPool]:
    assert sandbox.is_dir(), "workers inherit its environment and its working folder"
    with WorkerPool(1) as opened:
        yield opened


def _state(root: Path) -> dict[str, tuple[int, int] | None]:
    """Every file under a folder and the paths outside, with size and time of change."""
    paths = [*root.rglob("*"), *map(Path, _OUTSIDE)]
    return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) if p.is_file() else None for p in paths if p.exists()}


def _read(case: Case, path: Path, pool: WorkerPool) -> Document | DocalignError:
    """What `ingest()` makes of the file. Fails when it has not come back although every limit has passed."""
    options = IngestOptions(**{"page_timeout_s": _TIMEOUT_S, "file_timeout_s": _TIMEOUT_S, **case.options})
    results: list[Document | BaseException] = []

    def run() -> None:
        try:
            results.append(ingest(path, name=case.name, options=options, pool=pool))
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_AT_MOST_S)
    if thread.is_alive():
        pool.stop_calls()
        pytest.fail(f"it hangs: no answer within {_AT_MOST_S:g} s at a limit of {_TIMEOUT_S:g} s")
    (result,) = results
    if isinstance(result, Document | DocalignError):
        return result
    raise result


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.mechanism}: {c.name}")
def test_a_bad_file_ends_as_its_row_says(case: Case, pool: WorkerPool, tmp_path: Path, sandbox: Path) -> None:
    if case.needs and importlib.util.find_spec(case.needs) is None:
        pytest.skip(f"{case.needs} is not installed")
    path = tmp_path / case.name
    path.write_bytes(case.make())
    before = _state(tmp_path) | _state(sandbox)
    result = _read(case, path, pool)
    assert _state(tmp_path) | _state(sandbox) == before, "something was written"
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
