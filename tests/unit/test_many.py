"""Reading ahead: results in order, no more files in hand than asked for, and nothing left running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from docalign import errors
from docalign.ingest import IngestOptions, WorkerPool, ingest, ingest_many
from tests.support.files import text_pdf


def pdf(number: int) -> bytes:
    return text_pdf([f"File {number} has a line of text that is long enough"])


def test_documents_come_in_order_and_are_those_of_ingest() -> None:
    inputs = [(pdf(n), f"{n}.pdf") for n in range(6)]
    with WorkerPool(2) as pool:
        documents = [future.result() for future in ingest_many(inputs, pool=pool)]
        assert documents == [ingest(data, name=name, pool=pool) for data, name in inputs]


def test_an_error_is_that_of_its_own_file() -> None:
    inputs = [(pdf(0), "a.pdf"), (b"", "b.pdf"), (b"plain", "c.txt"), (b"%PDF-1.7 x", "d.pdf"), (pdf(4), "e.pdf")]
    errors_ = [f.exception() for f in ingest_many(inputs, options=IngestOptions(workers=1))]
    assert [type(e) for e in errors_] == [
        type(None), errors.EmptyInputError, type(None), errors.DamagedInputError, type(None),
    ]  # fmt: skip


def test_inputs_are_drawn_only_as_far_as_files_are_read_ahead() -> None:
    drawn = 0

    def inputs() -> Iterator[tuple[bytes, str]]:
        nonlocal drawn
        for drawn in range(1, 1001):
            yield b"words", f"{drawn}.txt"

    with WorkerPool(1) as pool:
        results = ingest_many(inputs(), pool=pool, ahead=3)
        assert drawn == 0
        for taken in range(1, 5):
            next(results)
            assert drawn == taken + 3
        results.close()


def test_leaving_early_ends_the_reading_and_leaves_the_pool_usable(tmp_path: Path) -> None:
    many = text_pdf(*([f"Page {n} has a line of text that is long enough"] for n in range(400)))
    done: list[tuple[int, int, int]] = []
    with WorkerPool(1) as pool:
        results = ingest_many(
            [(b"words", "a.txt"), *[(many, f"{n}.pdf") for n in range(5)]],
            pool=pool,
            progress=lambda *step: done.append(step),
        )
        assert next(results).result().text == "words"
        results.close()
        assert not any(pages == of for _, pages, of in done)
        assert ingest(pdf(1), name="b.pdf", pool=pool).text.startswith("File 1")


def test_progress_names_the_input() -> None:
    steps: list[tuple[int, int, int]] = []
    futures = ingest_many([(pdf(n), f"{n}.pdf") for n in range(3)], progress=lambda *step: steps.append(step))
    assert [future.result().source for future in futures] == ["0.pdf", "1.pdf", "2.pdf"]
    assert sorted(steps) == [(n, 1, 1) for n in range(3)]


def test_an_unexpected_error_is_in_its_future(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("sabotage")

    monkeypatch.setattr("docalign.ingest.many.ingest", broken)
    (future,) = ingest_many([(b"x", "a.txt")])
    assert isinstance(future.exception(), ZeroDivisionError)
