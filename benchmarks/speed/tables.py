"""The report as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["report_text"]

_ARM_COLUMNS = ("arm", "pages_per_s", "slowest", "fastest", "cpu_s_per_page")


def report_text(report: Mapping[str, Any]) -> str:
    """Everything measured, as plain-text tables."""
    machine = report["machine"]
    where = f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_average_1min']} at the start"
    parts = [f"{where}\ncommit {machine['commit']}, model {report['model']}, engine {report['engine']}"]
    parts += [_arms(section) for section in (*report.get("digital", ()), *report.get("scans", ()))]
    if report.get("memory"):
        rows = report["memory"]
        parts.append("memory of the process tree (generated digital PDF, command line)\n" + _table(list(rows[0]), rows))
    return "\n\n".join(parts)


def _arms(section: Mapping[str, Any]) -> str:
    rows = [{"arm": name, **values} for name, values in section["arms"].items()]
    ours = section["arms"]["docalign"]
    shares = ", ".join(f"{stage} {share:.1%}" for stage, share in ours["share"].items())
    lines = [
        f"{section['set']}: {section['files']} files, {section['pages']} pages, {section['repeats']} repeats",
        _table(_ARM_COLUMNS, rows),
        f"  docalign's wall time: {shares}",
        f"  LLM: {ours['window_tokens_per_s']} window tokens/s ({ours['window_tokens_per_cpu_s']} a CPU second)",
        f"  a page: {_numbers_per_page(ours)}; {ours['ocr_pages_share']:.0%} of the pages were read by OCR",
    ]
    if "ratio_of_rates" in section:
        lines.append(f"  rate of docalign / rate of bare Tesseract: {section['ratio_of_rates']}")
    return "\n".join(lines)


def _numbers_per_page(ours: Mapping[str, Any]) -> str:
    named = {"window tokens": "window_tokens_per_page", "blocks": "blocks_per_page", "chunks": "chunks_per_page"}
    return ", ".join(f"{ours[key]} {name}" for name, key in named.items())


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    cells = [list(columns), *([str(row.get(c, "")) for c in columns] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    return "\n".join("  " + "  ".join(_aligned(row, widths)).rstrip() for row in cells)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The first column to the left, numbers to the right."""
    return [row[0].ljust(widths[0]), *(value.rjust(width) for value, width in zip(row[1:], widths[1:], strict=True))]
