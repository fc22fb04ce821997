"""Rewards of other packages: entry points of the group `docalign.rewards`, each of which is a `Reward`.

    [project.entry-points."docalign.rewards"]
    house_style = "acme_docalign:house_style"

and in docalign.toml, with its weight:

    [rewards.user]
    house_style = 1.5

Only what an installed package registers *and* the settings name is loaded. Another package's code may do anything, so
what it raises, and what is no score, becomes an error that names it: a run must not go on with a reward that is
silently wrong. A reward that also has `prepare(document, sizes)` is asked once for all chunkings of a window (see
`Prepared`).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from docalign.document import Document
from docalign.errors import ConfigError, DocalignError, RewardError
from docalign.rewards.reward import Prepared, Reward, Score, Sizes, Span

__all__ = ["GROUP", "Guarded", "load_reward"]

GROUP: Final = "docalign.rewards"


def load_reward(name: str, points: Iterable[EntryPoint] | None = None) -> Reward:
    """The reward that an installed package registers as `name`, guarded.

    Args:
        points: the entry points to look among; None: those installed here.

    Raises:
        ConfigError: no package registers that name.
        RewardError: it cannot be loaded, or cannot be called.
    """
    found = {point.name: point for point in (entry_points(group=GROUP) if points is None else points)}
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1, cutoff=0.0)
        remedy = f"Did you mean {near[0]!r}?" if near else f"Install a package with an entry point in {GROUP}."
        raise ConfigError(f"no installed package has a reward {name!r}.", source="[rewards.user]", remedy=remedy)
    try:
        reward = found[name].load()
    except Exception as error:  # another package's code
        raise _failed(name, f"cannot be loaded ({_said(error)})") from error
    if not callable(reward):
        raise _failed(name, f"is a {type(reward).__name__}, which cannot be called")
    guarded = Guarded(name, reward)
    return _GuardedWithPrepare(name, reward) if hasattr(reward, "prepare") else guarded


@dataclass(frozen=True, slots=True)
class Guarded:
    """A reward whose failures are errors that name it. Also for rewards in a script of one's own."""

    name: str
    reward: Any

    def __call__(self, document: Document, spans: Sequence[Span], sizes: Sizes) -> Score:
        """The reward's score.

        Raises:
            RewardError: it raised something, or its answer is no `Score` with a value from 0 to 1.
        """
        try:
            score = self.reward(document, spans, sizes)
        except DocalignError:
            raise  # says itself what is wrong
        except Exception as error:  # another package's code
            raise _failed(self.name, f"failed with {_said(error)}", document) from error
        if not isinstance(score, Score):
            raise _failed(
                self.name, f"answered a {type(score).__name__}, not a docalign.rewards.reward.Score", document
            )
        _check(self.name, score.value, document)
        return score


@dataclass(frozen=True, slots=True)
class _GuardedWithPrepare(Guarded):
    def prepare(self, document: Document, sizes: Sizes) -> Prepared | None:
        try:
            prepared = self.reward.prepare(document, sizes)
            return None if prepared is None else _GuardedPrepared(self.name, prepared, document)
        except DocalignError:
            raise
        except Exception as error:  # another package's code
            raise _failed(self.name, f"failed with {_said(error)}", document) from error


@dataclass(frozen=True, slots=True)
class _GuardedPrepared:
    name: str
    prepared: Any
    document: Document

    def values(self, chunkings: Sequence[Sequence[int]]) -> Sequence[float]:
        try:
            values = list(self.prepared.values(chunkings))
        except DocalignError:
            raise
        except Exception as error:  # another package's code
            raise _failed(self.name, f"failed with {_said(error)}", self.document) from error
        if len(values) != len(chunkings):
            raise _failed(self.name, f"answered {len(values)} values for {len(chunkings)} chunkings", self.document)
        for value in values:
            _check(self.name, value, self.document)
        return values


def _check(name: str, value: Any, document: Document) -> None:
    if not isinstance(value, float | int) or not math.isfinite(value) or not 0.0 <= value <= 1.0:
        raise _failed(name, f"scored {value!r}, which is not a number from 0 to 1", document)


def _failed(name: str, what: str, document: Document | None = None) -> RewardError:
    source = document.source if document else None
    remedy = f"Mend the reward, or take {name!r} out of [rewards.user]."
    return RewardError(f"the reward {name!r} {what}.", source=source, remedy=remedy)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
