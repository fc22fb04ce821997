"""Chunking without sizes: neighbouring blocks are not both starts where one topic goes over into the next."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from docalign.chunker import Chunker, ChunkOptions
from docalign.chunker.prior import FreePrior, LengthPrior
from docalign.chunker.segment import segment
from docalign.counting import counter
from docalign.errors import ModelIncompatibleError
from docalign.models import models_dir
from tests.support.documents import document_of

SIZE = 20  # words; 27 tokens
COUNT = counter("words*1.35")


def starts(log_odds: list[float], prior: FreePrior | None) -> list[int]:
    document = document_of([("paragraph", " ".join([f"word{i}"] * SIZE)) for i in range(len(log_odds))])
    parts = segment(
        document, np.array(log_odds), count=COUNT, max_tokens=None, target=None, prior=LengthPrior(), free_prior=prior
    )
    return [p.blocks[0] for p in parts]


def test_of_two_neighbours_the_likelier_start_is_kept():
    s = [0.0, -3, -3, -3, 0.5, 1.5, 0.4, -3, -3, -3, -3, -3]
    assert starts(s, None) == [0, 4, 5, 6]
    assert starts(s, FreePrior(typical_tokens=5.4 * SIZE, short_cost=2.0)) == [0, 5]


def test_a_short_topic_that_is_plain_is_kept_and_a_long_one_is_never_cut_for_its_length():
    s = [0.0, 9, 9] + [-0.1] * 200
    assert starts(s, FreePrior(typical_tokens=5.4 * SIZE, short_cost=2.0)) == [0, 1, 2]


def test_a_cost_of_nothing_changes_nothing():
    s = np.random.default_rng(1).normal(size=60).tolist()
    assert starts(s, FreePrior(100.0, 0.0)) == starts(s, None)


@pytest.mark.parametrize(("typical", "cost"), [(0.0, 1.0), (-1.0, 1.0), (100.0, -1.0), (float("nan"), 1.0)])
def test_numbers_that_make_no_sense_are_refused(typical, cost):
    with pytest.raises(ModelIncompatibleError):
        FreePrior(typical, cost)


def test_a_model_says_its_own(tmp_path: Path):
    model = Path(shutil.copytree(models_dir() / "docalign-smollm2-16l", tmp_path / "model"))
    described = json.loads((model / "docalign.json").read_text())
    (model / "docalign.json").write_text(
        json.dumps(described | {"free_prior": {"typical_tokens": 70, "short_cost": 1}})
    )
    chunker = Chunker.load(model)
    assert chunker.free_prior == FreePrior(70.0, 1.0)
    assert chunker.identity()["free_prior"] == {"typical_tokens": 70.0, "short_cost": 1.0}
    document = document_of([("paragraph", f"Speaker {i % 3}: we said it again and again, {i}.") for i in range(60)])
    assert "".join(c.text for c in chunker.chunk(document, ChunkOptions(max_tokens=None))) == document.text
