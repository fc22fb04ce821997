"""`--report`: a table on standard error for people, or `docalign.report/1` JSON for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from docalign.commands.results import STDOUT, write_result
from docalign.errors import DocalignError
from docalign.output.jsonout import dump
from docalign.output.words import one_line, visible
from docalign.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from docalign.document import Document
    from docalign.ingest.page import PageContent
    from docalign.ingest.report import PageReport, Report

__all__ = ["Watcher", "watch", "write_report"]


class Watcher:
    """Sees the pages of one file as they are read, and in the end the Document."""

    def __init__(self) -> None:
        self.pages: list[PageContent] = []
        self.document: Document | None = None

    @property
    def on_page(self) -> Callable[[PageContent], None]:
        return self.pages.append


@contextmanager
def watch(source: str, place: str | None) -> Iterator[Watcher]:
    """Report on what is read inside, also where reading it fails.

    Args:
        place: None for no report, "" for a table on standard error, `-` or a path for JSON.
    """
    watcher, began = Watcher(), time.perf_counter()
    try:
        yield watcher
    except DocalignError as error:
        _report(source, watcher, place, time.perf_counter() - began, error)
        raise
    _report(source, watcher, place, time.perf_counter() - began, None)


def _report(source: str, watcher: Watcher, place: str | None, seconds: float, error: DocalignError | None) -> None:
    if place is None:
        return
    from docalign.ingest.report import make_report

    write_report(make_report(source, watcher.pages, watcher.document, seconds=seconds, error=error), place)


def write_report(report: Report, place: str) -> None:
    """Put a report where `--report` says.

    Raises:
        OutputError: it cannot be written. ReaderGoneError: the reader of standard output has gone.
    """
    if place == "":
        _print(report)
    else:
        write_result(dump(report.to_json(), indent=2) + b"\n", None if place == STDOUT else Path(place))


def _print(report: Report) -> None:
    from rich.console import Console

    # Wide enough for every column where nobody's window says otherwise.
    console = Console(stderr=True, highlight=False, markup=False, width=None if sys.stderr.isatty() else 140)
    if report.pages:
        console.print(_table(report))
    for page in report.pages:
        for note in (*page.warnings, *filter(None, [page.error])):
            console.print(f"page {page.number}: {visible(one_line(note))}", soft_wrap=True)
    for note in report.warnings:
        console.print(visible(one_line(note)), soft_wrap=True)
    console.print(_sums(report), soft_wrap=True)


def _table(report: Report) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("page", justify="right")
    table.add_column("kind")
    table.add_column("engine", overflow="fold")
    for name in ("conf.", "seconds", "turn", "blocks", "text", "furniture", "invisible", "dropped", "notes"):
        table.add_column(name, justify="right", no_wrap=True)
    for page in report.pages:
        table.add_row(*_cells(page))
    return table


def _cells(page: PageReport) -> list[str]:
    where = page.characters
    numbers = [page.rotation, page.blocks, where.text, where.furniture, where.invisible, where.dropped]
    return [
        str(page.number),
        "failed" if page.error else page.kind or "",
        visible(page.engine or ""),
        "" if page.confidence is None else f"{page.confidence:.2f}",
        "" if page.seconds is None else f"{page.seconds:.2f}",
        *(f"{n:,}" if n else "" for n in numbers),
        str(len(page.warnings) + (page.error is not None) or ""),
    ]


def _sums(report: Report) -> str:
    where = report.characters
    pages = f"{len(report.pages)} page{'s' if len(report.pages) != 1 else ''}"
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.kinds.items())
    parts = [f"{pages} ({kinds})"] if report.pages else []
    if report.error:
        parts.append(f"failed: {visible(one_line(report.error.what))}")
    else:
        parts.append(counted(report.blocks, "block"))
        parts.append(
            f"{where.text:,} characters in the text, {where.furniture:,} in furniture, {where.invisible:,} invisible, "
            f"{where.dropped:,} dropped"
        )
    return f"{visible(one_line(report.source))}: {'; '.join(parts)}; {report.seconds:.2f} s"
