"""From settings to the composite reward: the rules with their weights, and whatever else the settings name."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint
from pathlib import Path

from docalign.errors import ConfigError
from docalign.rewards.composite import Composite, Part
from docalign.rewards.plugins import load_reward
from docalign.rewards.weights import RewardSettings

__all__ = ["composite_of"]


def composite_of(settings: RewardSettings | None = None, points: Iterable[EntryPoint] | None = None) -> Composite:
    """The composite that `[rewards]` describes (None: the defaults).

    Args:
        points: the entry points to look among for rewards of other packages; None: those installed here.

    Raises:
        ConfigError: a reward is named that nobody has, or has the name of a rule.
        RewardError: a reward cannot be loaded.
        ModelMissingError, ModelIncompatibleError: a reward model cannot be loaded.
    """
    settings = settings or RewardSettings()
    parts = list(Composite.of_rules(settings).parts)
    for name, weight in settings.user.items():
        if name in {part.name for part in parts}:
            raise ConfigError(f"{name!r} is the name of a rule.", source="[rewards.user]", remedy="Rename the reward.")
        parts.append(Part(name, weight, load_reward(name, points)))
    for folder, weight in settings.models.items():
        from docalign.rewards.human import HumanReward

        path = Path(folder)
        name = f"model {path.parent.name}/{path.name}" if path.name == "reward" else f"model {path.name}"
        parts.append(Part(name, weight, HumanReward.load(path)))
    return Composite(tuple(parts))
