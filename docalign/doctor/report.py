"""What an examination found, as values and as the fixed `docalign.doctor/1` object."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

__all__ = ["Check", "Group", "Report", "State"]

SCHEMA: Final = "docalign.doctor/1"

Group = Literal["library", "model", "ocr", "settings", "plugin", "program", "device", "extra"]
State = Literal["ok", "missing", "partial", "broken"]
"""`partial`: some of an extra's packages are there, or in a version it does not take. `broken`: there, and unusable."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that docalign needs, or could use.

    `needed` says whether plain `docalign chunk` is incomplete without it. `command` is what adds it; None where nothing
    has to be added or no one command can.
    """

    group: Group
    name: str
    state: State
    found: str
    purpose: str = ""
    command: str | None = None
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was looked at. `folder` is the checkout that runs, None for an installed wheel."""

    version: str
    python: str
    platform: str
    folder: str | None
    checks: tuple[Check, ...]

    @property
    def wanting(self) -> tuple[Check, ...]:
        """What plain `docalign chunk` needs and does not have."""
        return tuple(check for check in self.checks if check.needed and check.state != "ok")

    def to_json(self) -> dict[str, Any]:
        """The `docalign.doctor/1` object."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "python": self.python,
            "platform": self.platform,
            "folder": self.folder,
            "ok": not self.wanting,
            "checks": [asdict(check) for check in self.checks],
        }
