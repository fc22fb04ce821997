"""The report: known rankings give known agreement and strengths, and every page shows what the object says."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from docalign.cli import run
from docalign.feedback import store as feedback
from docalign.feedback.agreement import alpha, pairwise_agreement, ranks_of, self_consistency
from docalign.feedback.opinions import Opinion
from docalign.feedback.strengths import comparisons, generator_strengths, share_won
from docalign.feedback.values import Candidate, Ranking, Stretch, Task
from tests.support.rankings import judgement, tasks_of

SHOWN = (Candidate((0,), "whole"), Candidate((0, 2), "policy", "v2"), Candidate((0, 1, 2, 3), "pack"))


def said(
    question: int, who: str, ranking: Ranking, *, repeat: bool = False, shown: Sequence[Candidate] = SHOWN
) -> Opinion:
    name = f"{question}-{who}-{repeat}"
    return Opinion(
        name, f"task {question}", Stretch(question, 0, 8), tuple(shown), "human", who, ranking, is_repeat=repeat
    )


ORDERS = tuple(tuple((p,) for p in order) for order in itertools.permutations(range(3)))


def test_full_agreement_is_one_and_chance_is_nought() -> None:
    same = [said(q, who, ORDERS[q % 6]) for q in range(40) for who in ("Ada", "Bo")]
    assert alpha(same).value == pytest.approx(1.0)
    assert pairwise_agreement(same).value == 1.0
    rng = random.Random(3)
    chance = [said(q, who, rng.choice(ORDERS)) for q in range(100) for who in ("Ada", "Bo")]
    found = alpha(chance)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high
    assert pairwise_agreement(chance).value == pytest.approx(0.5, abs=0.1)


def test_opposite_rankings_are_below_chance() -> None:
    opposite = [said(q, who, ORDERS[0 if who == "Ada" else 5]) for q in range(10) for who in ("Ada", "Bo")]
    found = alpha(opposite)
    assert found.value is not None
    assert found.value < -0.5
    assert pairwise_agreement(opposite).value == 0.0


def test_alpha_agrees_with_a_published_example() -> None:
    # Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", data of section C: ordinal α is 0.815.
    import evalica
    import pandas as pd

    rows = [[1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
            [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None]]  # fmt: skip
    assert evalica.alpha(pd.DataFrame(rows), distance="ordinal").alpha == pytest.approx(0.815, abs=0.001)


def test_self_consistency_compares_an_answer_with_its_repeat_by_candidate() -> None:
    shown_again = SHOWN[::-1]
    first = [said(q, "Ada", ORDERS[0]) for q in range(4)]
    same = said(0, "Ada", ((2,), (1,), (0,)), repeat=True, shown=shown_again)
    other = said(1, "Ada", ((0,), (1,), (2,)), repeat=True, shown=shown_again)
    assert self_consistency([*first, same]).value == 1.0
    assert self_consistency([*first, same, other]).value == 0.5
    assert self_consistency([*first, said(0, "Bo", ORDERS[5], repeat=True)]).value is None


def test_ties_share_the_mean_of_their_ranks() -> None:
    assert ranks_of(said(1, "Ada", ((1,), (0, 2)))) == {(0, 2): 1.0, (0,): 2.5, (0, 1, 2, 3): 2.5}


def test_the_preferred_generator_is_the_strongest_also_when_it_never_lost() -> None:
    always = [said(q, "Ada", ((1,), (0,), (2,))) for q in range(30)]
    found = generator_strengths(comparisons(always))
    assert list(found) == ["policy v2", "whole", "pack"]
    for estimate in found.values():
        assert estimate.value is not None
        assert 0 < estimate.value < 1
        assert (estimate.low, estimate.high) == (None, None)  # thirty documents that say the same
    assert share_won(comparisons(always), "more_chunks").value == pytest.approx(1 / 3)


def test_generators_nobody_prefers_have_intervals_around_one_half() -> None:
    rng = random.Random(5)
    chance = [said(q, "Ada", rng.choice(ORDERS)) for q in range(120)]
    for estimate in generator_strengths(comparisons(chance)).values():
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < 0.5 < estimate.high
    assert share_won(comparisons(chance), "shown_first").value == pytest.approx(0.5, abs=0.1)


def test_nothing_to_measure_is_said_and_not_invented() -> None:
    for opinions in ([], [said(1, "Ada", ORDERS[0])], [said(1, w, ((0, 1, 2),)) for w in ("Ada", "Bo")]):
        assert alpha(opinions).value is None
    assert generator_strengths([]) == {}


def test_too_few_answers_give_a_value_and_no_interval() -> None:
    one = [said(1, who, ORDERS[0]) for who in ("Ada", "Bo")] + [said(1, "Ada", ORDERS[1], repeat=True)]
    four = [said(q, who, ORDERS[q + (who == "Bo")]) for q in range(4) for who in ("Ada", "Bo")]
    for opinions in (one, four):
        found = [alpha(opinions), pairwise_agreement(opinions), share_won(comparisons(opinions), "shown_first")]
        found += generator_strengths(comparisons(opinions)).values()
        assert all(e.value is not None and e.low is None and e.high is None for e in found)
    assert self_consistency(one).low is None


def test_one_judgement_is_reported_without_an_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.db"
    with feedback.open_store(path) as store:
        tasks_of(store, 1)
        ada = feedback.add_annotator(store, "Ada").id
        task = feedback.next_task(store, ada)
        assert task is not None
        feedback.judge(store, judgement(task, ada))
    for kind in ("text", "html"):
        assert run(["feedback", "report", "--store", str(path), "--format", kind]) == 0
    text = capsys.readouterr().out
    assert "decided pairs won by the one shown first: 1.000 (–; 1 documents)" in text
    assert re.search(r"\d to \d", text) is None


def test_a_seed_below_nought_is_refused_at_the_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["feedback", "report", "--store", str(tmp_path / "a.db"), "--seed", "-1"]) == 2
    assert "--seed" in capsys.readouterr().err


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "kept.db"
    with feedback.open_store(path) as store:
        made = tasks_of(store, 6, starts=((0, 4), (0, 2, 4), (0, 1, 2, 3)))
        for name in ("Ada", "<script>alert(1)</script>"):
            who = feedback.add_annotator(store, name, simulated=name != "Ada").id
            for _ in made:
                task = feedback.next_task(store, who, overlap=2)
                assert task is not None
                feedback.judge(store, judgement(task, who, [task.id % 3], [(task.id + 1) % 3, (task.id + 2) % 3]))
        repeat = Task(made[0].stretch, made[0].candidates[::-1], 1, is_repeat_of=made[0].id, for_annotator=1)
        feedback.add_task(store, repeat)
        task = feedback.next_task(store, 1)
        assert task is not None
        feedback.judge(store, judgement(task, 1, kind="skip", ranking=(), reason="<b>tired</b>"))
    return path


def test_the_report_is_one_object_shown_three_ways(kept: Path, tmp_path: Path) -> None:
    for kind in ("json", "text", "html"):
        command = ["feedback", "report", "--store", str(kept), "--format", kind, "--out", str(tmp_path / kind)]
        assert run(command) == 0
    report = json.loads((tmp_path / "json").read_text())
    assert report["schema"] == "docalign.feedback_report/1"
    assert report["agreement"]["alpha"]["value"] == pytest.approx(1.0)
    assert report["agreement"]["pairwise"] == {"value": 1.0, "low": None, "high": None, "of": 6}
    assert report["skip_reasons"] == {"<b>tired</b>": 1}
    assert [(a["simulated"], a["judged"], a["skipped"]) for a in report["annotators"].values()] == [
        (False, 6, 1), (True, 6, 0)
    ]  # fmt: skip
    text = (tmp_path / "text").read_text()
    assert "Krippendorff's α (ordinal): 1.000 (–; 6 questions)" in text
    page = (tmp_path / "html").read_text()
    parser = _Texts()
    parser.feed(page)
    assert "script" not in parser.tags
    assert "b" not in parser.tags
    assert parser.tags.count("svg") == 4
    assert "default-src 'none'" in page
    assert run(["feedback", "report", "--store", str(kept), "--format", "json", "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again").read_bytes() == (tmp_path / "json").read_bytes()
