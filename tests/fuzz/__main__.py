"""`python -m tests.fuzz TARGET --seconds 300`: mutate, read, and stop at the first finding (`make fuzz` runs them all).

A finding is written to `tests/fuzz/findings/TARGET/`; add it to git with its mending. Inside archives the parts are
mutated and packed again, because flipped bytes of packed data seldom reach the reader.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import warnings
import zipfile
from io import BytesIO
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["docalign.ingest", "docalign.document"]):
    from tests.fuzz import targets


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=["list", *targets.names()], help="a reader; `list` prints their names")
    parser.add_argument("--seconds", type=int, default=300)
    asked = parser.parse_args()
    if asked.target == "list":
        print(*targets.names(), sep="\n")
        return
    warnings.simplefilter("ignore")
    findings = targets.FINDINGS / asked.target
    findings.mkdir(parents=True, exist_ok=True)
    corpus = Path(tempfile.mkdtemp(prefix=f"fuzz-{asked.target}-"))
    for number, seed in enumerate(targets.seeds(asked.target)):
        (corpus / f"seed-{number}").write_bytes(seed)
    flags = [f"-max_total_time={asked.seconds}", "-timeout=30", "-rss_limit_mb=3000", "-max_len=65536"]
    flags += [f"-artifact_prefix={findings}/", "-print_final_stats=1", "-verbosity=0", str(corpus)]
    packed = any(seed.startswith(b"PK") for seed in targets.seeds(asked.target))
    custom = {"custom_mutator": mutate} if packed else {}
    atheris.Setup([sys.argv[0], *flags], lambda data: targets.read(asked.target, data), **custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
