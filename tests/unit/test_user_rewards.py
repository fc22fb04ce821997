"""Rewards of other packages join by name and weight; their failures name them. Probes have the loophole they claim."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from docalign.config import load_settings
from docalign.counting import count_words
from docalign.errors import ConfigError, RewardError
from docalign.rewards.assemble import composite_of
from docalign.rewards.composite import Composite
from docalign.rewards.pieces import block_spans
from docalign.rewards.plugins import GROUP, load_reward
from docalign.rewards.probes import PROBES
from docalign.rewards.reward import Score, Sizes
from docalign.rewards.weights import RewardSettings
from tests.support.documents import document_of

SIZES = Sizes(20, 40, count_words)
WORDS = "Word " * 13 + "end."
DOCUMENT = document_of([("heading1", "One"), ("heading2", "Two"), ("paragraph", WORDS), ("heading2", "Three"),
                        ("paragraph", WORDS)])  # fmt: skip


def few(document: object, spans: list[object], sizes: object) -> Score:
    return Score(1.0 / len(spans), ("many chunks.",) if len(spans) > 1 else ())


def fails(*_: object) -> Score:
    raise KeyError("colour")


def too_much(*_: object) -> Score:
    return Score(7.0)


def not_a_score(*_: object) -> float:
    return 0.5


class Batched:
    """Also prepares itself."""

    def __call__(self, *_: object) -> Score:
        return Score(0.25)

    def prepare(self, *_: object) -> Batched:
        return self

    def values(self, chunkings: list[object]) -> list[float]:
        return [0.25] * len(chunkings)


class Short(Batched):
    def values(self, chunkings: list[object]) -> list[float]:
        return []


batched, short, number = Batched(), Short(), 3

POINTS = [
    EntryPoint(name, f"{__name__}:{name}", GROUP)
    for name in ("few", "fails", "too_much", "not_a_score", "batched", "short", "number", "missing")
]


def settings(**user: float) -> RewardSettings:
    return RewardSettings(user=user)


@pytest.mark.parametrize("name", ["few", "batched"])
def test_a_reward_of_another_package_counts_with_its_weight(name: str) -> None:
    composite = composite_of(settings(**{name: 1000.0}), POINTS)
    scored = composite.score(DOCUMENT, block_spans(DOCUMENT, [0, 3, 4]), SIZES)
    assert scored.value == pytest.approx(scored.parts[name].value, abs=0.02)
    batch = composite.prepare(DOCUMENT, SIZES).batch([[0, 3, 4], [0]])
    assert batch.values[0] == pytest.approx(scored.value)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("fails", "'fails' failed with KeyError: 'colour'"),
        ("too_much", "scored 7.0"),
        ("not_a_score", "answered a float"),
        ("number", "cannot be called"),
        ("missing", "cannot be loaded"),
    ],
)
def test_what_goes_wrong_in_one_names_it(name: str, what: str) -> None:
    with pytest.raises(RewardError, match=name) as raised:
        composite_of(settings(**{name: 1.0}), POINTS)(DOCUMENT, block_spans(DOCUMENT, [0]), SIZES)
    assert what in raised.value.what


@pytest.mark.parametrize("name", ["fails", "too_much", "short"])
def test_what_goes_wrong_in_training_names_it_too(name: str) -> None:
    composite = composite_of(settings(**{name: 1.0}), POINTS)
    with pytest.raises(RewardError, match=name):
        composite.prepare(DOCUMENT, SIZES).batch([[0]])


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'few'"):
        load_reward("fwe", POINTS)
    with pytest.raises(ConfigError, match="name of a rule"):
        composite_of(settings(length_band=1.0), POINTS)


def test_settings_name_rewards_in_a_table(tmp_path: Path) -> None:
    file = tmp_path / "docalign.toml"
    file.write_text("[rewards]\nlength_band = 5\n[rewards.user]\nfew = 2\n")
    found = load_settings(config=file, env={}).rewards
    assert (found.length_band, dict(found.user)) == (5.0, {"few": 2.0})
    assert load_settings(config=file, env={"DOCALIGN_REWARDS_LENGTH_BAND": "4"}).rewards.length_band == 4.0
    assert load_settings(config=file, env={"DOCALIGN_REWARDS_PERSONAL_DATA": "presidio"}).rewards.personal_data
    for name, text in (("PERSONAL_DATA", "all"), ("USER", "few=1"), ("LENGTH_BAND", "much")):
        with pytest.raises(ConfigError):
            load_settings(config=file, env={f"DOCALIGN_REWARDS_{name}": text})


@pytest.mark.parametrize(
    "toml",
    [
        "[rewards]\nlenght_band = 1",
        "[rewards]\nuser = 3",
        '[rewards.user]\nfew = "much"',
        "[rewards.user]\nfew = -1",
        '[rewards]\npersonal_data = "all"',
        '[rewards.models]\n"a" = true',
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, toml: str) -> None:
    file = tmp_path / "docalign.toml"
    file.write_text(toml)
    with pytest.raises(ConfigError):
        load_settings(config=file, env={})


def value(composite: Composite, document: object, starts: list[int]) -> float:
    return composite.score(document, block_spans(document, starts), SIZES).value  # type: ignore[arg-type]


def test_each_probe_prefers_what_the_composite_refuses() -> None:
    honest = Composite.of_rules()
    crumbs = document_of([("paragraph", "Five words are in here.")] * 12)
    assert value(honest, crumbs, list(range(12))) < value(honest, crumbs, [0, 4, 8])
    assert value(PROBES["no-minimum"](), crumbs, list(range(12))) >= value(PROBES["no-minimum"](), crumbs, [0, 4, 8])

    assert value(honest, DOCUMENT, [0, 1, 3]) < value(honest, DOCUMENT, [0, 3])
    assert value(PROBES["pays-per-heading"](), DOCUMENT, [0, 1, 3]) > value(
        PROBES["pays-per-heading"](), DOCUMENT, [0, 3]
    )

    noise = "~~ ;; .. -- " * 4
    noisy = document_of([("paragraph", WORDS), ("paragraph", noise), ("paragraph", WORDS)])
    apart, glued = [0, 1, 2], [0, 2]
    honest_loss = value(honest, noisy, apart) - value(honest, noisy, glued)
    probe = PROBES["ignores-noise"]()
    assert value(probe, noisy, apart) - value(probe, noisy, glued) < honest_loss
    assert value(probe, noisy, glued) >= value(probe, noisy, apart)
