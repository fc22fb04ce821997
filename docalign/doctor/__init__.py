"""What is installed, what is missing, and the command that adds it. `examine` is the door; `commands/doctor` shows it.

Nothing here mends anything, asks a network, or reads a user's files beyond `docalign.toml`.
"""

from __future__ import annotations

from docalign.doctor.examine import examine
from docalign.doctor.report import Check, Report

__all__ = ["Check", "Report", "examine"]
