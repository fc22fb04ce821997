"""What machines a corpus needs, worked out from measured rates: every step of the arithmetic is printed.

The rates are what one core did in `benchmarks/chunk.py` (digital and scanned pages per second, end to end) and are
given, not guessed: measure them on your machines and your files.

    python service/deploy/capacity.py --digital 2.6 --scanned 0.63 --share-scanned 0.3 --core-hour 0.04
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass

CORPORA = (10_000_000, 1_000_000_000)


@dataclass(frozen=True, slots=True)
class Rates:
    """Pages a second of one core; the share of pages that are scans; what part of the time a core is at work."""

    digital: float
    scanned: float
    share_scanned: float
    utilisation: float

    @property
    def seconds_a_page(self) -> float:
        """Core-seconds that an average page takes."""
        share = self.share_scanned
        return ((1 - share) / self.digital + share / self.scanned) / self.utilisation


@dataclass(frozen=True, slots=True)
class Plan:
    """What a corpus takes."""

    pages: int
    core_hours: float
    machines: int
    cost: float


def plan(pages: int, rates: Rates, *, days: float, cores: int, core_hour: float) -> Plan:
    """Machines of `cores` cores that read `pages` pages in `days` days, and what their core-hours cost."""
    core_hours = pages * rates.seconds_a_page / 3600
    return Plan(pages, core_hours, math.ceil(core_hours / (days * 24) / cores), core_hours * core_hour)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digital", type=float, required=True, help="digital pages a second of one core")
    parser.add_argument("--scanned", type=float, required=True, help="scanned pages a second of one core")
    parser.add_argument("--share-scanned", type=float, default=0.3)
    parser.add_argument("--utilisation", type=float, default=0.85)
    parser.add_argument("--days", type=float, default=7.0, help="how long it may take")
    parser.add_argument("--cores", type=int, default=16, help="of one machine")
    parser.add_argument("--core-hour", type=float, required=True, help="what a core costs an hour, in your currency")
    given = parser.parse_args()
    rates = Rates(given.digital, given.scanned, given.share_scanned, given.utilisation)
    say = sys.stdout.write
    share = given.share_scanned
    say(
        f"core-seconds a page = ({1 - share:g} / {given.digital:g} + {share:g} / {given.scanned:g}) "
        f"/ {given.utilisation:g} = {rates.seconds_a_page:.3f}\n"
    )
    for pages in CORPORA:
        made = plan(pages, rates, days=given.days, cores=given.cores, core_hour=given.core_hour)
        say(
            f"{pages:>13,} pages × {rates.seconds_a_page:.3f} s / 3600 = {made.core_hours:,.0f} core-hours"
            f" = {made.machines:,} machines of {given.cores} cores for {given.days:g} days,"
            f" {made.cost:,.0f} at {given.core_hour:g} a core-hour\n"
        )


if __name__ == "__main__":
    main()
