"""The rule rewards by name: what can be said of a chunking without asking anybody.

Each is a pure function with the signature of `Reward`; one module a family says what it means and what it cannot see.
They say nothing about meaning: a chunking can satisfy all of them and still cut an argument in two. `Prepared` gives
the same values for many chunkings of one document.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from docalign.rewards.beginnings import self_contained, sentences_whole
from docalign.rewards.headings import depth_respected, headings_kept, headings_start
from docalign.rewards.lengths import BAND, length_band, not_too_short, within_limit
from docalign.rewards.noise import noise_apart
from docalign.rewards.personal import personal_data_together
from docalign.rewards.reward import Reward
from docalign.rewards.wholes import lists_whole, tables_whole

__all__ = ["BAND", "RULE_REWARDS", "headings_kept", "length_band", "within_limit"]

RULE_REWARDS: Final[Mapping[str, Reward]] = MappingProxyType(
    {
        "within_limit": within_limit,
        "length_band": length_band,
        "not_too_short": not_too_short,
        "headings_kept": headings_kept,
        "headings_start": headings_start,
        "depth_respected": depth_respected,
        "lists_whole": lists_whole,
        "tables_whole": tables_whole,
        "sentences_whole": sentences_whole,
        "self_contained": self_contained,
        "noise_apart": noise_apart,
        "personal_data_together": personal_data_together,
    }
)
