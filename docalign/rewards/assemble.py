"""From settings to the composite reward: the rules with their weights, and whatever else the settings name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

from docalign.errors import ConfigError
from docalign.models import cache_dir
from docalign.rewards.composite import Composite, Part
from docalign.rewards.judge import Judge
from docalign.rewards.judge_chat import HttpChat, LocalChat
from docalign.rewards.personal import personal_reward
from docalign.rewards.plugins import load_reward
from docalign.rewards.questions import read_questions
from docalign.rewards.retrieval import PrecisionOmega
from docalign.rewards.weights import JudgeSettings, RewardSettings

__all__ = ["composite_of", "judge_of"]


def composite_of(
    settings: RewardSettings | None = None,
    points: Iterable[EntryPoint] | None = None,
    *,
    judge: Judge | None = None,
    judge_weight: float = 0.0,
) -> Composite:
    """The composite that `[rewards]` describes (None: the defaults).

    Args:
        points: the entry points to look among for rewards of other packages; None: those installed here.
        judge: a judge to ask as well (see `judge_of`).
        judge_weight: what it counts.

    Raises:
        ConfigError: a reward is named that nobody has, or has the name of a rule.
        RewardError: a reward cannot be loaded.
        ModelMissingError, ModelIncompatibleError: a reward model cannot be loaded.
        MissingInputError, InvalidQuestionsError: a question file cannot be read.
    """
    settings = settings or RewardSettings()
    parts = list(Composite.of_rules(settings).parts)
    if settings.personal_data == "presidio":
        from docalign.rewards.presidio import presidio_finder

        found = personal_reward(presidio_finder())
        parts = [replace(p, reward=found) if p.name == "personal_data_together" else p for p in parts]
    for name, weight in settings.user.items():
        if name in {part.name for part in parts}:
            raise ConfigError(f"{name!r} is the name of a rule.", source="[rewards.user]", remedy="Rename the reward.")
        parts.append(Part(name, weight, load_reward(name, points)))
    for folder, weight in settings.models.items():
        from docalign.rewards.human import HumanReward

        path = Path(folder)
        name = f"model {path.parent.name}/{path.name}" if path.name == "reward" else f"model {path.name}"
        parts.append(Part(name, weight, HumanReward.load(path)))
    for file, weight in settings.questions.items():
        parts.append(Part(f"questions {Path(file).name.split('.')[0]}", weight, PrecisionOmega(read_questions(file))))
    if judge is not None:
        parts.append(Part("judge", judge_weight, judge))
    return Composite(tuple(parts))


def judge_of(settings: JudgeSettings) -> Judge | None:
    """The judge that `[judge]` describes; None where it names no model.

    Raises:
        ConfigError: an endpoint without a model, or the extra that it needs is missing.
        ModelMissingError: a local model cannot be loaded.
    """
    if settings.model is None:
        if settings.endpoint is not None:
            raise ConfigError("an endpoint needs a model.", source="[judge]", remedy="Set model, or drop endpoint.")
        return None
    cache = Path(settings.cache_dir) if settings.cache_dir else cache_dir() / "judge"
    if settings.endpoint is None:
        return Judge(LocalChat(Path(settings.model)), cache)
    if find_spec("httpx") is None:
        raise ConfigError(
            "a judge behind an endpoint needs httpx, which is not installed.",
            source="[judge]",
            remedy="Install the extra: pip install '.[judge]' in the docalign folder",
        )
    chat = HttpChat(
        settings.endpoint,
        settings.model,
        api_key=settings.api_key,
        timeout_s=settings.timeout_s,
        retries=settings.retries,
    )
    return Judge(chat, cache)
