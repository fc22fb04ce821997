"""The page about what was measured: docalign beside other chunkers, made by the script and from the JSON that make the
README's table; then what the README has of speed and of the service."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any, Final

__all__ = ["page"]

ROOT: Final = Path(__file__).resolve().parents[2]
CARD: Final = ROOT / "benchmarks" / "card" / "bench.json"
_OPENING: Final = """\
# What was measured

## Beside other chunkers

`docalign bench` runs chonkie, LangChain, LlamaIndex, semchunk, text-splitter, unstructured, docling and others beside
docalign, on the same documents with the same token counter in one run: boundaries, retrieval within the same budget of
tokens, broken promises, cost, and docalign with each of its parts taken away. [How each is
measured](../benchmarks/README.md#docalign-bench). Gold follows authors' headings, as the model was trained to and the
others were not.

"""
_NOTHING: Final = """\
**Not measured yet:** no run is committed. `make bench` makes one on this machine (`make bench-quick` a small one), and
`make bench-card`, with `DOCALIGN_DATA`, the one that belongs here.
"""
_CLOSING: Final = """
What was measured of the shipped model alone is in [its card](../models/docalign-smollm2-16l/card.md); what other
scripts measure is [listed with their commands](../benchmarks/README.md).
"""


def page(card: Path = CARD) -> str:
    return f"{_OPENING}{_compared(card)}{_CLOSING}\n## Speed and service\n\n{_speed()}"


def _compared(card: Path) -> str:
    if not card.is_file():
        return _NOTHING
    spec = importlib.util.spec_from_file_location("readme_table", ROOT / "benchmarks" / "readme_table.py")
    assert spec is not None
    assert spec.loader is not None
    script: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made: str = script.part(json.loads(card.read_text("utf-8")))
    return made.replace("](benchmarks/", "](../benchmarks/") + "\n"


def _speed() -> str:
    """The README's part of that, up to the comparison."""
    measured = (ROOT / "README.md").read_text("utf-8").split("\n## Measured\n")[1].split("\n### ")[0].split("\n## ")[0]
    return re.sub(r"\]\((?!\w+:|#)", "](../", measured.strip()) + "\n"
