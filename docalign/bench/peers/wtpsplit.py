"""wtpsplit's SaT, its sentences packed by its own length constraint where this version has one, else by us.

Its weights are on the hub only; `DOCALIGN_BENCH_SAT` names a folder that holds them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from docalign.bench.ask import Ask, Cut, Piece, Setup
from docalign.errors import ModelMissingError

__all__ = ["sat"]

_FOLDER: Final = "DOCALIGN_BENCH_SAT"


def sat(_: Setup) -> Cut:
    folder = os.environ.get(_FOLDER)
    if not folder or not Path(folder).is_dir():
        raise ModelMissingError(
            "the weights of SaT are on the hub only, and no package brings them.",
            remedy=f"Fetch sat-3l-sm, install wtpsplit, and set {_FOLDER} to the folder.",
        )
    from wtpsplit import SaT

    model = SaT(folder)

    def cut(ask: Ask) -> Sequence[Piece]:
        pieces: list[str] = []
        for sentence in model.split(ask.document.text):
            if pieces and ask.count(pieces[-1] + sentence) <= ask.size:
                pieces[-1] += sentence
            else:
                pieces.append(sentence)
        return [Piece(p) for p in pieces]

    return cut
