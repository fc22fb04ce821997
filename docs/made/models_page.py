"""The page that lists the models of the repository, from what they say of themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

__all__ = ["page"]

ROOT: Final = Path(__file__).resolve().parents[2]
_OPENING: Final = """\
# Models

Every model has a card, written from the records of its training and of its measurement: data and licences, commands,
curves, scores with intervals, limits. `docalign models list` shows what is installed, `docalign models info NAME` what
a model says of itself, and `docalign export` writes a card for one of your own.

| Model | Graph | Prompt version | Card |
|---|---|---|---|
"""


def page() -> str:
    rows = []
    for card in sorted(ROOT.glob("models/*/card.md")):
        name, size = card.parent.name, (card.parent / "model.onnx").stat().st_size / 1e6
        config = json.loads((card.parent / "docalign.json").read_text("utf-8"))
        graph = f"{config['precision']}, {size:.0f} MB, sha256 `{config['sha256'][:12]}…`"
        rows.append(f"| `{name}` | {graph} | {config['prompt_version']} | [card](../models/{name}/card.md) |")
    return _OPENING + "\n".join(rows) + "\n"
