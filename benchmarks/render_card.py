"""Draw the page of a `docalign bench` run again from its JSON, after a change of the page alone.

python benchmarks/render_card.py [benchmarks/card/bench.json]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from docalign.bench.page import page

if __name__ == "__main__":
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "benchmarks/card/bench.json")
    source.with_name("index.html").write_text(page(json.loads(source.read_text("utf-8"))), "utf-8")
    print(source.with_name("index.html"))
