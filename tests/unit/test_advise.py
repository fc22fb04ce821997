"""Advice: what is recommended follows the measured curves, and what was not measured is said to be so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from docalign.cli import app
from docalign.errors import ConfigError, ModelMissingError, UsageError
from docalign.preference import PreferenceLine, write_preferences
from docalign.train.advise import METHODS, Team, advise
from docalign.train.curves import Curves
from docalign.train.gold import GoldLine, write_gold
from tests.support.documents import document_of


def curves_file(path: Path, **scores: dict[int, float]) -> Path:
    """Curves with these scores by method and n; a step takes a second, of PPO three."""
    points = [
        {"method": method, "n": n, "score": score, "interval": [score - 0.02, score + 0.02], "steps": 100 if n else 0,
         "cpu_seconds": (300.0 if method == "ppo" else 100.0) if n else 0.0}
        for method, found in scores.items() for n, score in found.items()
    ]  # fmt: skip
    value = {"schema": "docalign.curves/1", "command": "python -m benchmarks.align.curves --out x", "policy": "p",
             "taste": "simulated: t", "style": "s", "before": {"score": 0.4}, "points": points}  # fmt: skip
    path.write_text(json.dumps(value), "utf-8")
    return path


MEASURED: dict[str, dict[int, float]] = {
    "sft": {0: 0.4, 10: 0.42, 25: 0.6, 100: 0.7},
    "dpo": {50: 0.5, 100: 0.7, 400: 0.9},
    "kto": {50: 0.45, 100: 0.6, 400: 0.85},
    "reward": {100: 0.6, 400: 0.9},
}


@pytest.fixture
def curves(tmp_path: Path) -> Curves:
    return Curves.load(curves_file(tmp_path / "curves.json", **MEASURED))


def of(team: Team, curves: Curves) -> dict[str, Any]:
    return {a.method: a for a in advise(team, curves)}


def test_thresholds_are_where_the_curves_have_half_of_their_gain(curves: Curves) -> None:
    assert [curves.useful_from(m) for m in ("sft", "dpo", "kto", "reward", "ppo")] == [25, 100, 400, 400, None]
    assert of(Team(gold=24), curves)["sft"].verdict == "not yet"
    assert of(Team(gold=25), curves)["sft"].verdict == "recommended"
    assert of(Team(rankings={"human": 99}), curves)["dpo"].verdict == "not yet"
    assert of(Team(rankings={"human": 100}), curves)["dpo"].verdict == "recommended"


def test_between_measured_points_the_score_goes_with_the_logarithm(curves: Curves) -> None:
    assert curves.at("dpo", 200) == (pytest.approx(0.8), True)
    assert curves.at("dpo", 4000) == (0.9, False)
    assert curves.at("ppo", 100) is None
    assert "nearest measured number (400)" in of(Team(rankings={"human": 4000}), curves)["dpo"].measured


def test_a_method_that_gained_nothing_sure_is_never_recommended(tmp_path: Path) -> None:
    flat = Curves.load(curves_file(tmp_path / "c.json", dpo={400: 0.41}))
    assert of(Team(rankings={"human": 4000}), flat)["dpo"].verdict == "not yet"


def test_what_was_not_measured_is_said_and_not_made_up() -> None:
    for advice in advise(Team(gold=1000, rankings={"human": 1000}, documents=9999), Curves({}, None, {})):
        assert advice.verdict != "recommended" or advice.method == "rules"
        if advice.method != "rules":
            assert "not measured" in advice.measured
            assert advice.minutes is None
    assert "nothing below rests on a measurement" in Curves({}, None, {}).told()[0]


def test_gold_and_rankings_together_ask_for_joint_training(curves: Curves) -> None:
    said = advise(Team(gold=50, rankings={"human": 300}), curves)
    assert said[0].method == "joint"
    assert [a.verdict for a in said if a.method in ("sft", "dpo")] == ["possible", "possible"]


def test_marks_without_pairs_ask_for_kto_and_pairs_for_dpo(curves: Curves) -> None:
    said = of(Team(rankings={"human": 500}, pairless=400), curves)
    assert (said["kto"].verdict, said["dpo"].verdict) == ("recommended", "not yet")
    said = of(Team(rankings={"human": 500}), curves)
    assert (said["kto"].verdict, said["dpo"].verdict) == ("possible", "recommended")


def test_rankings_of_rules_and_judges_do_not_count_as_people(curves: Curves) -> None:
    said = of(Team(rankings={"rule": 5000, "judge": 300}), curves)["dpo"]
    assert said.verdict == "not yet"
    assert "5000 rule" in said.reason


def test_gold_that_the_model_knows_as_well_as_its_makers_needs_no_training(curves: Curves) -> None:
    said = of(Team(gold=100, served_f1=0.8, gold_agreement=0.78), curves)
    assert said["sft"].verdict == "no need"
    assert said["joint"].verdict != "recommended"


def test_a_training_longer_than_there_is_time_is_not_recommended(curves: Curves) -> None:
    assert of(Team(rankings={"human": 400}), curves)["dpo"].minutes == pytest.approx(1.7)
    said = of(Team(rankings={"human": 400}, minutes=10, step_seconds=60), curves)["dpo"]
    assert (said.verdict, said.minutes) == ("not yet", 100)


def test_ppo_is_only_recommended_where_it_was_measured_to_beat_dpo(tmp_path: Path, curves: Curves) -> None:
    team = Team(rankings={"human": 400}, documents=5000)
    assert of(team, curves)["ppo"].verdict == "possible"
    better = Curves.load(curves_file(tmp_path / "b.json", **MEASURED, ppo={400: 0.95}))
    assert of(team, better)["ppo"].verdict == "recommended"
    assert of(team, better)["ppo"].minutes == pytest.approx(1.7 + 5)


@given(
    gold=st.integers(0, 500),
    human=st.integers(0, 2000),
    documents=st.integers(0, 9999),
    minutes=st.none() | st.floats(0, 500),
    f1=st.none() | st.floats(0, 1),
    codable=st.booleans(),
)
def test_every_team_gets_one_advice_for_every_method(
    gold: int, human: int, documents: int, minutes: float | None, f1: float | None, codable: bool
) -> None:
    points = Curves.load()  # those that come with docalign, whatever they hold
    team = Team(
        gold=gold, rankings={"human": human}, documents=documents, minutes=minutes, served_f1=f1, codable=codable
    )
    said = advise(team, points)
    assert sorted(a.method for a in said) == sorted(METHODS)
    assert all(a.reason and a.command.startswith("docalign ") and a.measured for a in said)
    assert minutes is None or all(a.minutes is None or a.minutes <= minutes for a in said if a.verdict == "recommended")


def test_the_committed_curves_name_the_command_that_made_them() -> None:
    found = Curves.load()
    assert not found.points or "benchmarks.align.curves" in found.about["command"]


def test_files_are_counted_and_the_evidence_is_printed(tmp_path: Path) -> None:
    document = document_of([("heading", "A"), ("paragraph", "One."), ("heading", "B"), ("paragraph", "Two.")])
    lines = [
        GoldLine(f"g/{n}", None, document, s, target_tokens=9, max_tokens=20) for n, s in enumerate([(0, 2), (0, 1)])
    ]
    write_gold(tmp_path / "gold.jsonl", lines)
    ranked = [
        PreferenceLine(f"p/{n}", document, ((0, 2), (0, 1)), ((0,), (1,)), source, "a", 9, 20)  # type: ignore[arg-type]
        for n, source in enumerate(("human", "human", "rule"))
    ]
    write_preferences(tmp_path / "prefs.jsonl", ranked)
    files = ["--gold", str(tmp_path / "gold.jsonl"), "--prefs", str(tmp_path / "prefs.jsonl")]
    made = curves_file(tmp_path / "curves.json", **MEASURED)
    found = CliRunner().invoke(app, ["advise", *files, "--curves", str(made), "--format", "json", "--quiet"])
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout)
    assert said["team"]["gold"] == 1
    assert said["team"]["gold_agreement"] == 0.0
    assert said["team"]["rankings"] == {"human": 2, "rule": 1}
    assert 0 <= said["team"]["served_f1"] <= 1
    assert any("benchmarks.align.curves" in line for line in said["evidence"])
    text = CliRunner().invoke(app, ["advise", "--rankings", "120", "--curves", str(made)]).stdout
    assert "dpo: recommended" in text
    assert "python -m benchmarks.align.curves --out x" in text


def test_bad_curves_and_numbers_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"schema": "other"}', "utf-8")
    for arguments, error in (
        (["--curves", str(tmp_path / "bad.json")], ConfigError),
        (["--curves", str(tmp_path / "none.json")], ConfigError),
        (["--format", "html"], UsageError),
        (["--model", "nosuch"], ModelMissingError),
    ):
        assert isinstance(CliRunner().invoke(app, ["advise", *arguments]).exception, error), arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ["--gold-documents", "-1"],
        ["--rankings", "-1"],
        ["--documents", "-1"],
        ["--minutes", "nan"],
        ["--minutes", "inf"],
        ["--minutes", "-1"],
        ["--gold-agreement", "2"],
        ["--gold-agreement", "nan"],
        ["--marks", "-1"],
        ["--marks", "1"],
        ["--marks", "11", "--rankings", "10"],
    ],
)
def test_a_number_that_makes_no_sense_is_refused_by_its_option(arguments: list[str]) -> None:
    problem = CliRunner().invoke(app, ["advise", *arguments]).exception
    assert isinstance(problem, UsageError)
    assert f"{arguments[0]} is {arguments[1]}" in str(problem)
    assert problem.remedy
