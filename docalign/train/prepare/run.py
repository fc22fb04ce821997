"""Building gold: read, drop repeats, plan, make, split by document; a killed build goes on where it was.

Finished lines are kept in a journal beside the output (`.NAME.part`): its first line says what was asked and of which
files, the others are results in the order of the plan. Going on gives the same bytes as an unbroken build, because
every line depends on its task alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

from docalign import __version__
from docalign.errors import EmptyInputError, OutputError, UsageError
from docalign.jsonl import write_lines
from docalign.output.atomic import clean_stale, place_beside
from docalign.train.corpus import is_held_out
from docalign.train.policy_gold import CONDITIONS
from docalign.train.prepare.duplicates import NearDuplicates
from docalign.train.prepare.make import POLICIES, make_line
from docalign.train.prepare.plan import FORMS, Task, plan
from docalign.train.prepare.sources import Passed, SourceFiles, read_sources
from docalign.train.prepare.structured import Structured

__all__ = ["BuildOptions", "BuildReport", "build_gold", "dev_path"]

_FLUSH_EVERY: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What gold to make. Weights need not add up to 1.

    Raises:
        UsageError: a value that makes no sense.
    """

    policy: str = "reference"
    number: int | None = None
    targets: tuple[int, int] = (90, 700)
    conditions: dict[str, float] = field(default_factory=lambda: {"marked": 0.25, "bare": 0.4, "headless": 0.35})
    forms: dict[str, float] = field(default_factory=lambda: {"native": 0.5, "plain": 0.5})
    domain: str | None = None
    duplicate_share: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise UsageError(
                f"there is no gold policy {self.policy!r}.", remedy=f"Choose one of {', '.join(POLICIES)}."
            )
        if not 1 <= self.targets[0] <= self.targets[1]:
            raise UsageError(f"targets {self.targets} make no sense.", remedy="Give 1 <= smallest <= largest.")
        if self.number is not None and self.number < 1:
            raise UsageError(f"{self.number} lines make no sense.", remedy="Give 1 or more, or leave it out.")
        for what, given, known in (("form", self.forms, FORMS), ("condition", self.conditions, CONDITIONS)):
            unknown = set(given) - set(known)
            if unknown or min(given.values(), default=0) < 0 or not sum(given.values()) > 0:
                named = f"unknown: {', '.join(sorted(unknown))}" if unknown else "they must be positive"
                raise UsageError(f"the {what} weights make no sense ({named}).", remedy=f"Use {', '.join(known)}.")


@dataclass(slots=True)
class BuildReport:
    """What a build did. Counters by domain; `left_out` counts tasks by why they made no line; `alignment` has, by form,
    how well each kept copy was matched with its source (0–1)."""

    documents: Counter[str] = field(default_factory=Counter)
    train_lines: Counter[str] = field(default_factory=Counter)
    dev_lines: Counter[str] = field(default_factory=Counter)
    blocks: Counter[str] = field(default_factory=Counter)
    starts: Counter[str] = field(default_factory=Counter)
    forms: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    alignment: dict[str, list[float]] = field(default_factory=dict)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    resumed_at: int = 0


def dev_path(out: Path) -> Path:
    """Where held-out lines go: `gold.jsonl` → `gold.dev.jsonl`, also when compressed."""
    stem, dot, rest = out.name.partition(".")
    return out.with_name(f"{stem}.dev{dot}{rest}")


def build_gold(
    sources: Sequence[str],
    out: Path,
    options: BuildOptions = BuildOptions(),
    *,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> BuildReport:
    """Write the gold lines of `sources` to `out`, those of held-out documents to `dev_path(out)`.

    Args:
        progress: called with (stage, done, in all).

    Raises:
        MissingInputError: a source does not exist.
        EmptyInputError: no source has structure, or no line could be made.
        UsageError: a journal of another build lies beside `out`, or `out` is a device.
        OutputError: it cannot be written.
    """
    journal = place_beside(out, f".{out.name}.part")
    report = BuildReport()
    files = SourceFiles.of(sources)
    documents = _documents(files, options, report, progress)
    tasks = plan(
        documents,
        number=options.number,
        targets=options.targets,
        conditions=options.conditions,
        forms=options.forms,
        seed=options.seed,
    )
    asked = _fingerprint(documents, options)
    try:
        _make_all(tasks, documents, options, journal, asked, report, progress)
        _split(journal, out, report)
        journal.unlink()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"cannot be written: {reason}.", source=str(out), remedy="Check path and space.") from error
    return report


def _documents(
    files: SourceFiles, options: BuildOptions, report: BuildReport, progress: Callable[[str, int, int], None]
) -> list[Structured]:
    seen = NearDuplicates(options.duplicate_share)
    kept: list[Structured] = []
    done = 0

    def on_file(_: str) -> None:
        nonlocal done
        progress("reading", done, len(files.files))
        done += 1

    for document in read_sources(files, domain=options.domain, on_file=on_file):
        earlier = seen.repeats(document.id, document.text)
        if earlier is not None:
            report.duplicates.append((document.id, earlier))
            continue
        kept.append(document)
        report.documents[document.domain or document.source] += 1
    report.passed = files.passed
    if not kept:
        why = f" {files.passed[0].path.name}: {files.passed[0].why}" if files.passed else ""
        raise EmptyInputError(
            f"none of {len(files.files)} files has headings or topics to learn from.{why}",
            remedy="Give files whose format marks headings: Markdown, HTML, DOCX, EPUB, JATS, TEI, PDF with bookmarks.",
        )
    return kept


def _fingerprint(documents: Sequence[Structured], options: BuildOptions) -> str:
    digest = hashlib.sha256(json.dumps([__version__, asdict(options)], sort_keys=True).encode())
    for document in documents:
        digest.update(json.dumps([document.id, document.source, list(document.blocks)], sort_keys=True).encode())
    return digest.hexdigest()


def _make_all(
    tasks: Sequence[Task],
    documents: Sequence[Structured],
    options: BuildOptions,
    journal: Path,
    asked: str,
    report: BuildReport,
    progress: Callable[[str, int, int], None],
) -> None:
    from docalign.ingest import WorkerPool

    with _opened(journal, asked) as (file, done), WorkerPool() as pool:
        report.resumed_at = done
        for number in range(done, len(tasks)):
            progress("making lines", number, len(tasks))
            task = tasks[number]
            made = make_line(task, documents[task.document], options.policy, pool)
            entry = {"why": made} if isinstance(made, str) else {"line": made.to_json()}
            file.write(json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
            if number % _FLUSH_EVERY == 0:
                file.flush()
                os.fsync(file.fileno())


class _opened:  # noqa: N801 - reads as a function in `with`
    """The journal, ready to append behind its last whole line, and how many results it holds."""

    def __init__(self, path: Path, asked: str) -> None:
        self._path, self._asked = path, asked

    def __enter__(self) -> tuple[IO[bytes], int]:
        done = 0
        if self._path.exists() and self._path.stat().st_size:
            done, length = self._whole_lines()
            os.truncate(self._path, length)
        self._file = self._path.open("ab")
        if self._file.tell() == 0:
            self._file.write(json.dumps({"asked": self._asked}).encode() + b"\n")
        return self._file, done

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _whole_lines(self) -> tuple[int, int]:
        lines, length = 0, 0
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                if lines == 0 and json.loads(line).get("asked") != self._asked:
                    raise UsageError(
                        "an unfinished build of other sources or settings lies beside it.",
                        source=str(self._path),
                        remedy="Delete that file to start anew, or repeat the command that began it.",
                    )
                lines, length = lines + 1, length + len(line)
        return max(0, lines - 1), length


def _split(journal: Path, out: Path, report: BuildReport) -> None:
    """Write the journal's lines to the two files, whole or not at all."""

    def lines(*, held_out: bool, counted: Counter[str]) -> Iterator[str]:
        for entry in _entries(journal):
            line = entry.get("line")
            if line is None or is_held_out(line["document"]["source"]) != held_out:
                continue
            domain = line["domain"] or line["source"]
            counted[domain] += 1
            report.blocks[domain] += len(line["document"]["blocks"])
            report.starts[domain] += len(line["starts"])
            report.forms[line["condition"]] += 1
            if "alignment" in line:
                report.alignment.setdefault(line["condition"].split("-", 1)[0], []).append(line["alignment"])
            yield json.dumps(line, ensure_ascii=False)

    report.left_out.update(entry["why"] for entry in _entries(journal) if "why" in entry)
    clean_stale(out.resolve().parent)  # what a killed build was writing here
    train = lines(held_out=False, counted=report.train_lines)
    first = next(train, None)
    if first is None:
        reasons = ", ".join(f"{n} {why}" for why, n in report.left_out.items()) or "all are held out"
        raise EmptyInputError(f"no line could be made ({reasons}).", remedy="Give more or longer documents.")
    write_lines(out, chain([first], train))
    if write_lines(dev_path(out), lines(held_out=True, counted=report.dev_lines)) == 0:
        dev_path(out).unlink()


def _entries(journal: Path) -> Iterator[dict[str, Any]]:
    with journal.open("rb") as file:
        next(file)
        for line in file:
            yield json.loads(line.decode("utf-8", "surrogatepass"))
