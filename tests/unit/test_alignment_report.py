"""`docalign eval --alignment` on policies of two layers: what it says must be so, and its alarms must fire."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

from benchmarks.align.hacks import planted  # noqa: E402
from docalign.cli import run  # noqa: E402
from docalign.evaluate.adversarial import adversaries  # noqa: E402
from docalign.preference import read_preferences, write_preferences  # noqa: E402
from docalign.rewards.noise import noise_blocks  # noqa: E402
from docalign.rewards.probes import PROBES  # noqa: E402
from docalign.rewards.rules import RULE_REWARDS  # noqa: E402
from docalign.train.gold import GoldLine, read_gold, write_gold  # noqa: E402
from docalign.train.methods.hacks import HackLimits, hack_alarms, hacks_of_run  # noqa: E402
from docalign.train.methods.run import METHODS, Data, train_aligned  # noqa: E402
from docalign.train.methods.scoring import CompositeScorer  # noqa: E402
from docalign.train.prefs import PrefsOptions, build_prefs  # noqa: E402
from docalign.train.sft import SftOptions, train_sft  # noqa: E402
from tests.support.documents import document_of  # noqa: E402
from tests.support.tiny_models import gold_file, tiny_base  # noqa: E402

pytestmark = [
    # What transformers, TRL and torch say about themselves is not ours to mend.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with gold, gold of another domain, preferences by two kinds of judges, a policy and two runs from it."""
    root = tmp_path_factory.mktemp("report")
    tiny_base(root / "base")
    lines = [
        replace(line, document=replace(line.document, source=f"doc{n}"), target_tokens=60 + n, max_tokens=120)
        for n, line in enumerate(read_gold(gold_file(root / "all.jsonl", lines=14)))
    ]
    write_gold(root / "gold.jsonl", lines[:6])
    write_gold(root / "dev.jsonl", lines[6:11])
    write_gold(root / "ood.jsonl", lines[11:])
    sft = SftOptions(base=str(root / "base"), layers=2, max_steps=4, learning_rate=2e-3, warmup_steps=0)
    train_sft([root / "gold.jsonl"], root / "sft", sft)
    policy = root / "sft" / "policy"
    build_prefs([root / "dev.jsonl"], policy, root / "rule.jsonl", PrefsOptions(samples=8, margin=0.005))
    rules = read_preferences(root / "rule.jsonl")
    simulated = [
        replace(p, source="simulated", annotator="likes few", ranking=p.ranking[::-1], scores=None) for p in rules[:3]
    ]
    write_preferences(root / "prefs.jsonl", [*rules, *simulated])
    fast = {"max_steps": 4, "eval_steps": 2, "batch_windows": 3, "learning_rate": 2e-3, "kl_budget": 9.0,
            "held_out_windows": 3, "eval_samples": 4, "gold_tolerance": 1.0, "collapse_share": 1.1}  # fmt: skip
    for name, rate in (("grpo", 2e-3), ("still", 0.0)):
        options = METHODS["grpo"].options(**(fast | {"learning_rate": rate, "prior_learning_rate": rate}))
        data = Data(gold=(str(root / "gold.jsonl"),), dev=(str(root / "dev.jsonl"),))
        train_aligned("grpo", data, root / name, options, init=policy)
    return root


@pytest.fixture(scope="module")
def report(made) -> dict:
    """The report of both runs, written as a page; the object is its twin's."""
    arguments = ["eval", str(made / "dev.jsonl"), "--alignment", "--baseline", str(made / "sft"), "--quiet",
                 "--aligned", str(made / "grpo"), "--aligned", f"<b>same={made / 'still' / 'policy'}",
                 "--ood", str(made / "ood.jsonl"), "--held-out-prefs", str(made / "prefs.jsonl"),
                 "--samples", "6", "--out", str(made / "page.html")]  # fmt: skip
    assert run(arguments) == 0
    return json.loads((made / "page.json").read_text())


def test_a_policy_that_learnt_nothing_differs_in_nothing(report):
    same = report["policies"][2]
    assert same["name"] == "<b>same"
    assert same["kl_per_block"] == pytest.approx(0, abs=1e-6)
    for mode in same["against"]["modes"].values():
        changes = [mode["reward"], mode["boundary_f1"], *mode["parts"].values()]
        assert all(c["difference"] == c["low"] == c["high"] == 0 for c in changes)
    assert same["against"]["gold"]["boundary_f1"]["difference"] == 0
    assert same["against"]["gap"] == {"difference": 0, "low": 0, "high": 0}
    assert same["alarms"] == []


def test_a_policy_that_learnt_is_told_apart_from_its_baseline(report):
    baseline, grpo = report["policies"][:2]
    assert (grpo["name"], grpo["method"], grpo["from_baseline"]) == ("grpo", "grpo", True)
    assert grpo["kl_per_block"] > 1e-4
    change = grpo["against"]["modes"]["samples"]["reward"]
    assert change["before"] == pytest.approx(baseline["modes"]["samples"]["reward"])
    assert change["after"] - change["before"] == pytest.approx(change["difference"], abs=2e-6)
    assert change["low"] <= change["difference"] <= change["high"]
    assert [look["step"] for look in grpo["looks"]] == [0, 2, 4]
    assert grpo["looks"][0]["sqrt_kl"] == pytest.approx(0, abs=1e-3)
    assert {"gold_f1", "reward", "sample_f1"} <= grpo["looks"][-1].keys()
    assert set(grpo["pays"]) == set(RULE_REWARDS)
    assert set(grpo["against"]["solver_ablation"]) == {
        "aligned greedy against baseline greedy", "aligned greedy against baseline solver",
        "aligned solver against baseline solver",
    }  # fmt: skip


def test_kinds_of_judges_are_told_apart_and_people_are_never_made_up(report):
    assert set(report["data"]["preferences"]) == {"rule", "simulated"}
    assert report["data"]["human_rankings"] == 0
    for policy in report["policies"]:
        assert {s: found["lines"] for s, found in policy["preferences"].items()} == report["data"]["preferences"]
    # The simulated taste turned the rules' rankings round: what one likes the other does not.
    found = report["policies"][0]["preferences"]
    assert found["rule"]["win_rate"] != found["simulated"]["win_rate"]


def test_the_solver_keeps_promises_on_adversarial_documents(report):
    for policy in report["policies"]:
        assert [a["name"] for a in policy["adversaries"]] == [a.name for a in adversaries()]
        assert [a["promises_broken"] for a in policy["adversaries"]] == [0] * len(adversaries())
        broken = policy["modes"]["solver"]["broken"]
        assert (broken["over_limit"], broken["orphan_headings"]) == (0, 0)


def test_correlations_are_symmetric_with_ones_on_the_diagonal(report):
    found = report["policies"][1]["correlations"]
    for i, row in enumerate(found["matrix"]):
        assert row[i] in (None, 1.0)
        assert row == [other[i] for other in found["matrix"]]
    assert any(v is not None and abs(v) < 1 for row in found["matrix"] for v in row)


def test_planted_loopholes_that_pay_off_are_seen_by_the_alarms(report):
    assert {found["name"] for found in report["loopholes"]} == set(PROBES)
    for found in report["loopholes"]:
        if found["on"] == "adversarial documents":  # the same for every policy
            assert found["pays_off"]
            assert found["fires_at"] is not None
            assert found["fires_at"] <= 0.7
            assert found["alarms"]


def test_the_page_shows_every_section_and_escapes_names(made, report):
    page = (made / "page.html").read_text()
    for heading in (
        "In short", "Alarms", "Reward by part", "Solver ablation", "Forgetting", "Win rate", "Distance and diversity",
        "Over-optimisation", "Planted loopholes", "Adversarial documents", "go together", "disagree",
    ):  # fmt: skip
        assert heading in page
    assert "<b>same" not in page
    assert "&lt;b&gt;same: no alarm" in page
    assert "a simulated taste (no person judged)" in page
    assert "<script" not in page
    assert page.count("<svg") >= 6


def test_disagreements_show_where_each_policy_starts_a_chunk(report):
    for example in report["disagreements"]:
        shown = {b["id"] for b in example["blocks"]}
        policies = ("baseline", "grpo", "<b>same")
        assert set(example["starts"]) == {"gold", *policies, *(f"{name} raw" for name in policies)}
        assert all(set(starts) <= shown for starts in example["starts"].values())
        assert example["differing"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--alignment"], "no aligned policy"),
        (["--aligned", "{made}/grpo"], "compared by --alignment"),
        (["--alignment", "--aligned", "{made}"], "no policy in this folder"),
        (["--alignment", "--aligned", "{made}/grpo", "--aligned", "{made}/grpo"], "two policies are called 'grpo'"),
        (["--alignment", "--aligned", "{made}/grpo", "--samples", "1"], "two samples"),
        (["--alignment", "--aligned", "{made}/grpo", "--format", "text"], "no format 'text'"),
    ],
)
def test_what_cannot_be_compared_is_refused(made, capsys, extra, words):
    arguments = [e.format(made=made) for e in extra]
    assert run(["eval", str(made / "dev.jsonl"), "--baseline", str(made / "sft"), *arguments]) in (2, 6)
    assert words in capsys.readouterr().err


# Runs that are paid for the wrong thing, and runs that are not.


FAST = {"learning_rate": 2e-3, "prior_learning_rate": 5e-2, "kl_weight": 0.0}


def aligned_record(made: Path, out: Path, method: str, gold: Path, dev: Path, *, loophole: str | None = None) -> dict:
    """A short run's record, with every look and alarm; nothing that ends runs is on."""
    options = METHODS[method].options(
        max_steps=6, eval_steps=3, batch_windows=3, held_out_windows=5, eval_samples=32, warmup_steps=0, kl_budget=99.0,
        gold_tolerance=1.0, collapse_share=1.1, **(FAST if loophole else {"learning_rate": 1e-3}),
    )  # fmt: skip
    scorer = CompositeScorer(loophole, PROBES[loophole]()) if loophole else None
    data, told = Data(gold=(str(gold),), dev=(str(dev),)), []
    train_aligned(method, data, out, options, init=made / "sft" / "policy", scorer=scorer, note=told.append)
    record = json.loads((out / "run.json").read_text())
    assert [t.startswith("reward-hack alarm at step") for t in told] == [True] * len(record["hacks"])
    return record


def heading_runs(number: int) -> GoldLine:
    """Sections that begin with three headings in a row: a price per heading invites to cut between them."""
    parts, starts = [], []
    for section in range(3 + number % 3):
        starts.append(len(parts))
        parts += [
            ("heading1", f"Part {section}"),
            ("heading2", f"Chapter {section}"),
            ("heading3", f"{section}.1 Scope"),
        ]
        parts += [("paragraph", "Households were drawn from each of the regions. " * (2 + (section + number) % 3))] * 2
    document = replace(document_of([(kind, text.strip()) for kind, text in parts]), source=f"runs{number}")
    return GoldLine(f"runs/{number}", None, document, tuple(starts), target_tokens=60 + number, max_tokens=120)


@pytest.mark.parametrize("loophole", ["no-minimum", "pays-per-heading"])
def test_a_run_that_is_paid_by_a_loophole_is_flagged_before_gold_has_paid_for_it(made, tmp_path, loophole):
    gold, dev = made / "gold.jsonl", made / "dev.jsonl"
    if loophole == "pays-per-heading":
        gold, dev = tmp_path / "gold.jsonl", tmp_path / "dev.jsonl"
        write_gold(gold, map(heading_runs, range(6)))
        write_gold(dev, map(heading_runs, range(6, 11)))
    record = aligned_record(made, tmp_path / "run", "grpo", gold, dev, loophole=loophole)
    first, flagged = record["looks"][:2]
    unpaid = [h for h in record["hacks"] if h["name"] == "unpaid_part" and "not_too_short" in h["what"]]
    assert [h["step"] for h in unpaid] == [flagged["step"]]
    assert flagged["gold_f1"] > first["gold_f1"] - 0.05
    assert "not_too_short" not in record["pays"]


@pytest.mark.parametrize("method", ["grpo", "rloo", "ppo"])
def test_healthy_runs_raise_no_alarm(made, tmp_path, method):
    record = aligned_record(made, tmp_path / "run", method, made / "gold.jsonl", made / "dev.jsonl")
    first, last = record["looks"][0], record["looks"][-1]
    assert last["reward"] > first["reward"] + HackLimits().rise
    assert record["hacks"] == []


# The alarms alone.

START = {"step": 0.0, "reward": 0.5, "audit_not_too_short": 0.9, "audit_length_band": 0.6, "chunks": 10.0,
         "gold_chunks": 10.0, "sample_f1": 0.7, "gold_f1": 0.8}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "alarms"),
    [
        ({}, set()),
        ({"reward": 0.6}, set()),
        ({"reward": 0.6, "audit_not_too_short": 0.86}, {"unpaid_part not_too_short"}),
        ({"reward": 0.6, "audit_length_band": 0.5}, set()),  # paid for: a trade its weights decide
        ({"reward": 0.5, "audit_not_too_short": 0.1, "gold_f1": 0.1}, set()),  # no reward was hacked
        ({"reward": 0.6, "chunks": 13.0}, {"size_drift"}),
        ({"reward": 0.6, "chunks": 7.0}, {"size_drift"}),
        ({"reward": 0.6, "sample_f1": 0.67, "gold_f1": 0.76}, {"gold_falls sample_f1", "gold_falls gold_f1"}),
    ],
)
def test_an_alarm_needs_a_reward_that_rose_and_something_unpaid_that_fell(change, alarms):
    assert set(hack_alarms(START, START | change, {"length_band"})) == alarms


def test_moving_towards_the_size_of_gold_is_no_drift():
    first = START | {"chunks": 20.0}
    assert hack_alarms(first, first | {"reward": 0.6, "chunks": 11.0}, ()) == {}


def test_each_alarm_of_a_run_is_told_once_at_its_first_look():
    looks = [START, *[START | {"step": float(s), "reward": 0.6, "chunks": 10.0 + s} for s in (2, 4, 6)]]
    assert [(r.step, r.alarm.name) for r in hacks_of_run(looks, ())] == [(4, "size_drift")]
    assert hacks_of_run(looks, (), HackLimits(size=9.0)) == []


@pytest.mark.parametrize("adversary", adversaries(), ids=lambda a: a.name)
def test_adversarial_documents_are_documents(adversary):
    adversary.line.document.check()
    assert adversary.tempts


def test_planted_noise_is_seen_as_noise_and_gold_keeps_it_apart(tmp_path):
    for line in read_gold(gold_file(tmp_path / "gold.jsonl", lines=3)):
        noisy = planted(line)
        where = [i for i, why in enumerate(noise_blocks(noisy.document)) if why]
        assert where
        assert {i for noise in where for i in (noise, noise + 1)} <= set(noisy.starts)
        kept = [noisy.document.block_text(b) for b in noisy.document.blocks if b.id not in where]
        assert kept == [line.document.block_text(b) for b in line.document.blocks]
        assert len(noisy.starts) == len(line.starts) + len(where)
