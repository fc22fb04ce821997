"""`docalign doctor`: what is installed, what is missing and the command that adds it, for people or as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from docalign.commands.results import write_stdout
from docalign.doctor import Check, Report, examine
from docalign.errors import IncompleteInstallationError
from docalign.output.jsonout import dump

__all__ = ["run_doctor"]

_SIGNS: Final = {"ok": "✓", "missing": "–", "partial": "–", "broken": "✗"}
_WIDTH: Final = 14
_SHOWN: Final = 3
"""Of the packages that an extra lacks; `--json` has them all."""


def run_doctor(*, as_json: bool, config: Path | None = None) -> None:
    """Print what there is.

    Raises:
        IncompleteInstallationError: something that plain chunking needs is missing or broken; it is printed before.
    """
    report = examine(config=config)
    if as_json:
        write_stdout(dump(report.to_json(), indent=2) + b"\n")
    else:
        write_stdout("".join(f"{line}\n" for line in _lines(report)).encode("utf-8", "backslashreplace"))
    if report.wanting:
        names = ", ".join(f"{check.group} {check.name}" for check in report.wanting)
        raise IncompleteInstallationError(
            f"docalign is not complete: {names}.", remedy="Run the command beside each line with ✗, then look again."
        )


def _lines(report: Report) -> Iterator[str]:
    where = report.folder or "installed"
    yield f"docalign {report.version} ({where}), Python {report.python}, {report.platform}"
    yield ""
    libraries = [check for check in report.checks if check.group == "library"]
    good = sum(check.state == "ok" for check in libraries)
    sign = "✓" if good == len(libraries) else "✗"
    yield f"{sign} {'libraries':<{_WIDTH}} {good} of {len(libraries)} of the base install"
    for check in report.checks:
        if check.group not in ("library", "extra") or (check.group == "library" and check.state != "ok"):
            yield from _one(check)
    yield ""
    yield "Extras"
    for check in report.checks:
        if check.group == "extra":
            yield from _one(check)


def _one(check: Check) -> Iterator[str]:
    """A line, and below it the command that mends it."""
    lacking = check.state != "ok"
    sign = "✗" if lacking and check.needed else _SIGNS[check.state]
    name = {"ocr": f"OCR ({check.name})", "model": "model"}.get(check.group, check.name)
    found = f"{check.name}, {check.found}" if check.group == "model" else check.found
    says = check.purpose if check.group == "extra" and check.state in ("ok", "missing") else found
    if check.group == "extra" and check.state == "partial":
        lacking_parts = check.found.split("; ")
        more = f" and {len(lacking_parts) - _SHOWN} more" if len(lacking_parts) > _SHOWN else ""
        says = f"{check.purpose}; {'; '.join(lacking_parts[:_SHOWN])}{more}"
    yield f"{sign} {name:<{_WIDTH}} {says}"
    if lacking and check.command:
        yield f"  {'':<{_WIDTH}} → {check.command}"
