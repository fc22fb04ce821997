"""`python -m tests.fuzz TARGET --seconds 300`: mutate, read, and stop at the first finding (`make fuzz` runs them all).

A finding of any kind (crash, time, memory) is written to `tests/fuzz/findings/TARGET/`; add it to git with its mending.
Inside archives the parts are mutated and packed again, because flipped bytes of packed data seldom reach the reader.

Memory is bounded by the system, not by libFuzzer: its own watch once hung with the memory taken, and once left the file
in the working directory. An allocation over the limit ends a library in C at once, in the thread that asked for it.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import warnings
import zipfile
from io import BytesIO
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["docalign.ingest", "docalign.document"]):
    from tests.fuzz import targets


GROWTH_MIB = 1024
MOST_MIB = 4096
SLICE_S = 60
GRACE_S = 900
"""How much longer than its seconds a slice may live; on a busy machine starting alone takes minutes."""


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """One part of an archive mutated, or the bytes themselves where they are no archive."""
    chance = random.Random(seed)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            parts = {info.filename: archive.read(info) for info in archive.infolist() if info.file_size < 1 << 16}
    except Exception:
        return bytes(atheris.Mutate(data, max_size))
    if not parts or chance.random() < 0.05:
        return bytes(atheris.Mutate(data, max_size))
    name = chance.choice(sorted(parts))
    parts[name] = bytes(atheris.Mutate(parts[name], len(parts[name]) + 64)) if parts[name] else b"x"
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(zipfile.ZipInfo(part), content)
    return buffer.getvalue()[:max_size]


def read_within(target: str, data: bytes) -> None:
    """Read, and count it as a finding when so small a file makes the process grow by a gigabyte."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    targets.read(target, data)
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    if grown_mib > GROWTH_MIB:
        raise MemoryError(f"{len(data)} bytes took {grown_mib} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=["list", *targets.names()], help="a reader; `list` prints their names")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.target == "list":
        print(*targets.names(), sep="\n")
        return
    if asked.corpus is not None:
        fuzz(asked.target, asked.seconds, asked.corpus)
        return
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{asked.target}-") as folder:
        for number, seed in enumerate(targets.seeds(asked.target)):
            Path(folder, f"seed-{number}").write_bytes(seed)
        for seconds in slices(asked.seconds):
            command = [sys.executable, "-m", "tests.fuzz", asked.target, "--seconds", str(seconds), "--corpus", folder]
            try:
                failed = subprocess.run(command, check=False, timeout=seconds + GRACE_S).returncode
            except subprocess.TimeoutExpired:
                failed = 1
            strays = targets.gather(asked.target, Path.cwd())
            if strays or failed:
                print(*(f"FINDING: {path}" for path in strays), sep="\n", flush=True)
                raise SystemExit(1)


def slices(seconds: int) -> list[int]:
    """Runs of a minute: inside the fuzzer the C library gives no picture's memory back, so a process has to end."""
    whole, rest = divmod(seconds, SLICE_S)
    return [SLICE_S] * whole + ([rest] if rest else [])


def fuzz(target: str, seconds: int, corpus: Path) -> None:
    """One process of fuzzing; ends the process."""
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MIB << 20, MOST_MIB << 20))
    findings = targets.FINDINGS / target
    findings.mkdir(parents=True, exist_ok=True)
    flags = [f"-max_total_time={seconds}", "-timeout=30", "-rss_limit_mb=0", "-max_len=65536"]
    flags += [f"-artifact_prefix={findings}/", "-print_final_stats=1", "-verbosity=0", str(corpus)]
    packed = any(seed.startswith(b"PK") for seed in targets.seeds(target))
    custom = {"custom_mutator": mutate} if packed else {}
    atheris.Setup([sys.argv[0], *flags], lambda data: read_within(target, data), **custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
