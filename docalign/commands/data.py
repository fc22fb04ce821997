"""`docalign data`: make gold from structured files, look at it, and check it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.commands.messages import error as say_error
from docalign.commands.messages import note, warn
from docalign.commands.progress import progress_bar
from docalign.commands.results import keep_inputs, out_path, write_result, write_stdout
from docalign.errors import InvalidGoldError, UsageError
from docalign.output.jsonout import dump
from docalign.wording import counted

if TYPE_CHECKING:
    from docalign.train.prepare import BuildOptions, BuildReport

__all__ = ["parse_sizes", "parse_weights", "run_build", "run_check", "run_stats", "run_view"]

_SHOWN: Final = 20


def parse_weights(text: str | None, what: str) -> dict[str, float] | None:
    """`"plain=1,pdf=0.2"` as a mapping; a name alone weighs 1.

    Raises:
        UsageError: a weight is no number.
    """
    if text is None:
        return None
    weights = {}
    for part in text.split(","):
        name, _, weight = part.partition("=")
        try:
            weights[name.strip()] = float(weight) if weight else 1.0
        except ValueError as error:
            raise UsageError(f"{part!r} is no {what} weight.", remedy="Write name=number,name=number.") from error
    return weights


def parse_sizes(text: str) -> tuple[int, int]:
    """`"90:700"` as two sizes; one number stands for both.

    Raises:
        UsageError: no whole numbers.
    """
    low, _, high = text.partition(":")
    try:
        return int(low), int(high or low)
    except ValueError as error:
        raise UsageError(f"{text!r} is no range of sizes.", remedy="Write MIN:MAX, such as 90:700.") from error


def run_build(sources: Sequence[str], *, out: str, options: Mapping[str, Any], quiet: bool) -> None:
    """Make gold lines of structured files and print what was made, by domain.

    Raises:
        DocalignError: see `train.prepare.build_gold`.
    """
    from docalign.commands.train import need_extra
    from docalign.train.prepare import BuildOptions, build_gold
    from docalign.train.prepare.run import dev_path

    keep_inputs([Path(out), dev_path(Path(out))], sources)
    asked: BuildOptions = BuildOptions(**{k: v for k, v in options.items() if v is not None})
    if asked.forms.get("pdf") or asked.forms.get("scan"):
        need_extra("train", "typst", "cv2")
    with progress_bar(1, quiet=quiet) as bar:
        bar.file(out)
        stages: dict[str, Any] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = bar.stage(stage)
            if stages[stage] is not None:
                stages[stage](done, total)

        report = build_gold(sources, Path(out), asked, progress=progress)
    if not quiet:
        _say(report)
    write_stdout(_table(report, Path(out)).encode("utf-8", "backslashreplace"))


def _say(report: BuildReport) -> None:
    if report.resumed_at:
        note(f"went on after {report.resumed_at} finished lines")
    for name, earlier in report.duplicates[:_SHOWN]:
        note(f"{name} repeats {earlier} and was left out")
    for passed in report.passed[:_SHOWN]:
        warn(f"{passed.path}: {passed.why}")
    for what, found in (("repeats", report.duplicates), ("files passed over", report.passed)):
        if len(found) > _SHOWN:
            note(f"{what}: {len(found)} in all")
    for why, number in report.left_out.most_common():
        note(f"{counted(number, 'window')} made no line: {why}")
    if not report.dev_lines:
        warn("no document fell into the held-out twentieth; training will have nothing to be measured on")


def _table(report: BuildReport, out: Path) -> str:
    from docalign.train.prepare.run import dev_path

    rows: list[tuple[str, ...]] = [("domain", "documents", "train lines", "dev lines", "blocks", "chunks")]
    columns: tuple[Counter[str], ...] = (
        report.documents,
        report.train_lines,
        report.dev_lines,
        report.blocks,
        report.starts,
    )
    for domain in sorted(report.documents):
        rows.append((domain, *(f"{column[domain]:,}" for column in columns)))
    rows.append(("all", *(f"{column.total():,}" for column in columns)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    forms = ", ".join(f"{form} {number:,}" for form, number in sorted(report.forms.items()))
    files = [str(out), *([str(dev_path(out))] if report.dev_lines else [])]
    return "\n".join([*lines, f"conditions: {forms}", *_alignment(report), *files]) + "\n"


def _alignment(report: BuildReport) -> list[str]:
    """How well rendered copies were matched with their sources, and how many were dropped."""
    said = []
    for form in ("pdf", "scan"):
        kept = sorted(report.alignment.get(form, []))
        misaligned, failed = (report.left_out[f"{form} copy {why}"] for why in ("misaligned", "not rendered"))
        if kept or misaligned or failed:
            quality = f", alignment {kept[len(kept) // 2]:.3f} (median), {kept[0]:.3f} (lowest)" if kept else ""
            said.append(
                f"{form} copies: {len(kept)} kept{quality}; {misaligned} dropped for bad alignment, "
                f"{failed} could not be made"
            )
    return said


def run_check(gold: Sequence[str], *, quiet: bool) -> None:
    """Look at every line of gold and say what is wrong where.

    Raises:
        InvalidGoldError: at least one line cannot be trained on; all of them have been named.
    """
    from docalign.train.inspect_gold import check_gold

    check = check_gold(gold)
    for problem in check.errors:
        say_error(problem)
    if not quiet:
        for text in check.warnings[:_SHOWN]:
            warn(text)
        if len(check.warnings) > _SHOWN:
            note(f"{counted(len(check.warnings) - _SHOWN, 'more warning')} like these")
    if check.errors:
        raise InvalidGoldError(
            f"{len(check.errors)} of {check.lines + len(check.errors)} lines or files cannot be used.",
            source=", ".join(gold),
            remedy="Mend what is named above.",
        )
    good = f"{counted(check.lines, 'line')} {'is' if check.lines == 1 else 'are'} good"
    write_stdout(f"{good}; {counted(len(check.warnings), 'warning')}\n".encode())


def run_stats(gold: Sequence[str], *, format: str) -> None:  # noqa: A002
    """Print lengths and the balance of labels of gold.

    Raises:
        UsageError: no such format. DocalignError: a file or line that is no gold.
    """
    from itertools import chain

    from docalign.train.gold import read_gold
    from docalign.train.inspect_gold import gold_stats

    if format not in ("text", "json"):
        raise UsageError(f"there is no report format {format!r}.", remedy="Choose one of text, json.")
    stats = gold_stats(chain.from_iterable(read_gold(path) for path in gold))
    write_stdout(dump(stats, indent=2) + b"\n" if format == "json" else _stats_table(stats).encode("utf-8"))


def _stats_table(stats: Mapping[str, Any]) -> str:
    rows: list[tuple[str, ...]] = [
        ("", "lines", "documents", "blocks", "chunks", "starts", "headings", "chunk tokens (quartiles)")
    ]
    groups = [("all", {"all": stats["all"]}), *((k, v) for k, v in stats.items() if k != "all")]
    for group, members in groups:
        for name, part in members.items():
            label = name if group == "all" else f"{group} {name}"
            tokens = " / ".join(map(str, part["chunk_tokens"]))
            counts = tuple(f"{part[k]:,}" for k in ("lines", "documents", "blocks", "chunks"))
            rows.append((label, *counts, f"{part['start_share']:.3f}", f"{part['headings']:.3f}", tokens))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "".join(
        "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))) + "\n"
        for row in rows
    )


def run_view(gold: str, *, line: str | None, out: str | None) -> None:
    """Write the HTML view of one gold line: its document with the gold chunks drawn in.

    Args:
        line: the number of the line in the file (from 1), or an id. None: the first.

    Raises:
        UsageError: no such line. DocalignError: a file or line that is no gold.
    """
    from docalign.train.gold import read_gold
    from docalign.train.gold_chunks import gold_chunks
    from docalign.view import html_page

    place = out_path(out, [gold])
    for number, found in enumerate(read_gold(gold), start=1):
        if line is None or line in (str(number), found.id):
            page = html_page(found.document, gold_chunks(found))
            write_result(page.encode("utf-8", "replace"), place)
            return
    raise UsageError(f"there is no line {line!r} in it.", remedy="Give a line's number or its id.")
