"""The benchmark of learning curves: its taste is what it says it is, and in miniature it makes curves that advise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")
pytest.importorskip("uvicorn", reason="the extra rank is not installed")

from benchmarks.align import curves  # noqa: E402
from benchmarks.align.taste import judgement, pages, rankings  # noqa: E402
from docalign.train.advise import Team, advise  # noqa: E402
from docalign.train.curves import Curves  # noqa: E402
from docalign.train.slot_model import cut_base, save_policy  # noqa: E402
from tests.support.tiny_models import tiny_base  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.mark.parametrize("test", [False, True])
def test_the_taste_contradicts_gold_in_one_respect_and_sizes_do_not_give_it_away(test: bool) -> None:
    by_id = {page.line.id: page for page in pages(60, test=test)}
    for ranking in rankings(60, test=test):
        page = by_id[ranking.id]
        better, worse = (ranking.candidates[place[0]] for place in ranking.ranking)
        assert len(better) == len(worse)  # so the mean size is the same, too
        assert judgement(page, better) < judgement(page, worse)
        assert set(better) | set(worse) <= set(page.line.starts)  # neither cuts where the gold policy would not
        assert (set(worse) - set(better)) <= set(page.examples)
        assert set(page.examples) <= set(page.line.starts)
        assert ranking.source == "simulated"
    assert len({page.line.document.text for page in by_id.values()}) == 60


def test_pages_to_learn_from_and_held_out_pages_share_no_sentence() -> None:
    def sentences(test: bool) -> set[str]:
        found = set()
        for page in pages(80, test=test):
            document = page.line.document
            texts = [document.block_text(b) for b in document.blocks if b.kind == "paragraph"]
            found |= {" ".join(words) for t in texts for words in _runs(re.findall(r"[a-z]+", t.lower()), 6)}
        return found

    assert not sentences(False) & sentences(True)


def _runs(words: list[str], length: int) -> list[list[str]]:
    return [words[i : i + length] for i in range(len(words) - length + 1)]


def test_curves_in_miniature_are_what_advise_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_policy(*cut_base(str(tiny_base(tmp_path / "base")), layers=2), tmp_path / "policy")
    few = ["--held-out", "6", "--test", "1", "--sft-steps", "2", "--least-steps", "2", "--learning-rate", "1e-2"]
    where = ["--policy", str(tmp_path / "policy"), "--out", str(tmp_path / "out")]
    published = tmp_path / "published.json"
    curves.main([*where, *few, "--only", "sft", "dpo", "--numbers", "50", "--publish", str(published)])
    found = Curves.load(published)
    assert {m: [p.n for p in points] for m, points in found.points.items()} == {"sft": [0, 50], "dpo": [50]}
    assert found.before is not None
    points = json.loads(published.read_text("utf-8"))["points"]
    # A policy that learnt has moved; an autocast around the whole run would have kept it where it began.
    assert next(p for p in points if p["method"] == "dpo")["kl_per_block"] > 0
    assert str(tmp_path) not in published.read_text("utf-8")
    said = {a.method: a for a in advise(Team(rankings={"human": 50}), found)}
    assert "not measured" in said["ppo"].measured
    assert said["dpo"].minutes is not None

    # The same command again measures nothing twice; one whose minutes are over begins nothing.
    before = (tmp_path / "out" / "curves.json").read_bytes()
    curves.main([*where, *few, "--only", "sft", "dpo", "--numbers", "50"])
    curves.main([*where, *few, "--only", "kto", "--minutes", "0"])
    assert (tmp_path / "out" / "curves.json").read_bytes() == before
    assert "the minutes are over" in capsys.readouterr().out
