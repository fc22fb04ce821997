"""Speed and memory of docalign, beside plain pdfplumber, LangChain's splitter and bare Tesseract, in one run.

Digital PDFs and scans: pages per second of every arm on the same files, interleaved repeats, medians; docalign's wall
time by stage. Memory: the peak of the whole process tree for short and long PDFs. Needs the extra `bench`.

    [DOCALIGN_DATA=…] python benchmarks/chunk.py [--only digital scans memory] [--repeats N] [--pages N] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

SECTIONS = ("digital", "scans", "memory")


def main() -> None:
    arguments = _arguments()
    from speed.machine import machine_facts
    from speed.pipeline import Warm
    from speed.tables import report_text

    with tempfile.TemporaryDirectory(prefix="docalign-bench-") as folder:
        scratch = Path(folder)
        report: dict[str, Any] = {"schema": "docalign.benchmark/1", "machine": machine_facts()}
        with Warm(arguments.model) as warm:
            report |= {"model": warm.model_name, "engine": warm.engine_name}
            if "digital" in arguments.only:
                report["digital"] = _digital(arguments, warm, scratch)
            if "scans" in arguments.only:
                report["scans"] = _scans(arguments, warm, scratch)
        if "memory" in arguments.only:
            from speed.memory import measure_memory

            _say(f"memory at {arguments.memory_pages} pages")
            report["memory"] = measure_memory(arguments.memory_pages, scratch, arguments.model)
    print(report_text(report))
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


def _digital(arguments: argparse.Namespace, warm: Any, scratch: Path) -> list[dict[str, Any]]:
    from speed.digital import measure_digital
    from speed.inputs import digital_sets

    sections = []
    for files in digital_sets(scratch, copies=arguments.copies, max_pages=arguments.pages):
        _say(f"digital: {files.name}, {files.pages} pages")
        sections.append(measure_digital(files, warm, arguments.repeats, scratch, arguments.model))
    return sections


def _scans(arguments: argparse.Namespace, warm: Any, scratch: Path) -> list[dict[str, Any]]:
    from speed.inputs import scan_sources
    from speed.scans import measure_scans, prepare_scans

    sections = []
    for name, files, pages in prepare_scans(scan_sources(), scratch):
        _say(f"scans: {name}, {len(pages)} pages")
        sections.append(measure_scans(name, files, pages, warm, arguments.repeats))
    return sections


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="sections to measure")
    parser.add_argument("--repeats", type=int, default=5, help="measured runs of every arm")
    parser.add_argument("--copies", type=int, default=3, help="how often each digital sample is read in a run")
    parser.add_argument("--pages", type=int, default=30, help="at most this many pages of each of the data's PDFs")
    parser.add_argument(
        "--memory-pages", type=int, nargs="+", default=[10, 100, 1000], help="lengths to measure memory at"
    )
    parser.add_argument("--model", help="model directory or name (default: the shipped one)")
    parser.add_argument("--out", type=Path, help="write the JSON here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
