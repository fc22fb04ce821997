"""Recipes are read as the methods read them, and the alarms ring when they should."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

from docalign.commands.align import ALIGNED, _stages
from docalign.config import read_options
from docalign.errors import ConfigError, ForgettingError, UsageError
from docalign.train.methods.options import CoreOptions, PpoOptions
from docalign.train.methods.run import METHODS
from docalign.train.methods.stages import Gate, check_gate
from docalign.train.methods.stops import Watch, best_look

RECIPES = Path(__file__).parents[2] / "data" / "recipes"


@pytest.mark.parametrize("method", ALIGNED)
def test_every_method_has_a_recipe_that_it_can_read(method):
    path = RECIPES / f"{method.replace('-', '_')}.toml"
    options = read_options(METHODS[method].options, path)
    assert f"--method {method} " in path.read_text("utf-8")
    for name, value in tomllib.loads(path.read_text("utf-8")).items():
        assert getattr(options, name) == value


def test_the_recipe_of_several_stages_can_be_read():
    stages, gate = _stages(RECIPES / "align.toml", base=None, seed=3, fresh=False)
    assert [s.method for s in stages] == ["prefs", "dpo", "ppo"]
    assert {s.options.seed for s in stages} == {3}
    assert gate == Gate()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", r"\[gate\] and one or more"),
        ('[[stage]]\nmethod = "magic"', "no stage 'magic'"),
        ('[[stage]]\nmethod = "dpo"\nbetta = 1', "unknown key 'betta'"),
        ('[gate]\nlimit = 1\n[[stage]]\nmethod = "dpo"', "unknown key 'limit'"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(tmp_path, text, words):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        _stages(tmp_path / "r.toml", base=None, seed=None, fresh=False)


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(UsageError, match="max_steps must be at least 1"):
        CoreOptions(max_steps=0)
    with pytest.raises(UsageError, match="learning_rate must not be below 0"):
        PpoOptions(learning_rate=-1.0)


# The gate.


def test_the_gate_lets_through_what_is_within_the_tolerance_and_names_what_is_not():
    before = {"gold_f1": 0.80, "ood_f1": 0.70, "reward_within_limit": 1.0, "reward_headings_kept": 1.0, "broken": 0.0}
    check_gate("dpo", before, before | {"gold_f1": 0.791, "ood_f1": 0.681}, Gate(), source="x")
    for name, value in (("gold_f1", 0.789), ("ood_f1", 0.679), ("reward_headings_kept", 0.999)):
        with pytest.raises(ForgettingError, match=f"after dpo, {name} is {value:.4f}") as caught:
            check_gate("dpo", before, before | {name: value}, Gate(), source="x")
        assert "joint" in caught.value.remedy
    check_gate("sft", {}, before, Gate(), source="x")  # nothing came before


# Alarms.

FIRST = {"reward": 0.80, "gold_f1": 0.70, "kl_per_block": 0.0, "all_start": 0.0, "all_continue": 0.0}


def test_a_healthy_run_raises_no_alarm():
    watch = Watch(CoreOptions())
    looks = [FIRST]
    for i in range(8):
        looks.append(FIRST | {"reward": 0.80 + 0.01 * i, "gold_f1": 0.70 - 0.001 * i, "kl_per_block": 0.02 * i})
        assert watch.looks(looks) is None
        assert watch.step(0.1, 0.02 * i) is None


def test_the_reward_up_and_gold_down_several_times_running_is_an_alarm():
    watch = Watch(CoreOptions(patience=3))
    bad, good = FIRST | {"reward": 0.9, "gold_f1": 0.66}, FIRST | {"reward": 0.9}
    assert watch.looks([FIRST, bad, bad]) is None
    assert watch.looks([FIRST, bad, bad, good]) is None
    alarm = watch.looks([FIRST, good, bad, bad, bad])
    assert alarm is not None
    assert alarm.name == "proxy_up_gold_down"
    assert "0.660 against 0.700" in alarm.what


def test_the_budget_and_a_collapse_are_alarms():
    watch = Watch(CoreOptions(kl_budget=0.1))
    assert watch.looks([FIRST, FIRST | {"kl_per_block": 0.11}]).name == "kl_budget"
    assert watch.step(None, 0.11).name == "kl_budget"
    assert watch.looks([FIRST, FIRST | {"all_continue": 0.95}]).name == "collapse"
    assert "everywhere" in watch.looks([FIRST, FIRST | {"all_start": 0.95}]).what


def test_groups_without_spread_for_long_are_an_alarm_that_survives_a_restart():
    watch = Watch(CoreOptions(flat_steps=3))
    assert watch.step(1.0) is None
    assert watch.step(0.5) is None
    assert watch.step(1.0) is None
    again = Watch(CoreOptions(flat_steps=3))
    again.load(watch.state())
    assert again.step(1.0) is None
    assert again.step(1.0).name == "no_spread"


def test_the_best_policy_is_the_best_that_has_not_forgotten_gold():
    options = CoreOptions(gold_tolerance=0.01)
    looks = [FIRST, FIRST | {"reward": 0.9, "gold_f1": 0.695}, FIRST | {"reward": 0.95, "gold_f1": 0.60}]
    assert best_look(looks, options) == 1
    assert best_look(looks, replace(options, gold_tolerance=0.2)) == 2
    assert best_look(looks, replace(options, keep="gold")) == 0
    assert (
        best_look([{"agreement": 0.5}, {"agreement": 0.8}, {"agreement": 0.8}], replace(options, keep="preferences"))
        == 1
    )
    assert best_look([{}, {}], options) == 1
