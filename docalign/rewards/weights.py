"""The weights of the composite reward: `[rewards]` of docalign.toml, and the defaults with a reason for each.

They were written down before any policy was trained against them, looking at gold and degenerate chunkings only
(`benchmarks/rewards.py`). Changing a default changes what every later run optimises: say so in the changelog.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Literal

from docalign.errors import ConfigError

__all__ = ["JudgeSettings", "RewardSettings", "rule_weights"]


@dataclass(frozen=True, slots=True)
class RewardSettings:
    """`[rewards]`: how much each part counts in the composite; 0 shows a part without counting it.

    Only ratios matter. A part that does not apply to a document (it has no list, no heading) is left out there.
    """

    within_limit: float = 2.0
    """A promise, but one the solver keeps at run time anyway; training needs it only so that it is not far off."""
    length_band: float = 3.0
    """The size is the one thing every user states; nothing else applies to every document to this extent."""
    not_too_short: float = 1.5
    """Fragments are what users of other chunkers complain of most; half of the band's weight, since the band knows
    short chunks too."""
    headings_kept: float = 2.0
    """A promise like the limit."""
    headings_start: float = 2.0
    """Where authors marked sections, a chunk that ends with its section is the best evidence of a good boundary."""
    depth_respected: float = 2.0
    """The same evidence, for the outline above the section."""
    lists_whole: float = 1.0
    """Matters where there are lists; a cut list is a nuisance, not an error."""
    tables_whole: float = 1.0
    """As lists."""
    sentences_whole: float = 1.0
    """Rare between blocks, and seen with few false alarms."""
    self_contained: float = 1.5
    """Decides whether a passage can be read alone, but rests on a list of words: more than one nuisance, less than a
    promise."""
    noise_apart: float = 1.0
    """Applies to few documents; where it does it must outweigh nothing but itself."""
    personal_data_together: float = 1.0
    """Applies to few documents; those who need it raise it."""
    personal_data: Literal["rules", "presidio"] = "rules"
    """What finds personal data; Presidio (`rewards/presidio.py`) also finds names in running text."""
    user: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Weights of rewards of other packages, by the name of their entry point (`rewards/plugins.py`)."""
    models: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Weights of trained reward models, by their folder (`rewards/human.py`)."""
    questions: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Weights of PΩ on the questions of a file (`rewards/questions.py`); documents without questions are not judged."""

    def __post_init__(self) -> None:
        tables = (rule_weights(self), self.user, self.models, self.questions)
        for name, value in (item for table in tables for item in table.items()):
            if not 0 <= value < float("inf"):
                raise ConfigError(f"the weight {name} is {value}.", remedy="Weights are 0 or more, and finite.")


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """`[judge]`: a language model as a judge. It is off until `model` is set.

    `model` is the name of a model at `endpoint` (OpenAI-compatible, such as `http://localhost:8000/v1`), or, without an
    endpoint, a local folder or `.gguf` file. `weight` is what its score counts in the composite. Answers are kept in
    `cache_dir` (None: the user's cache).
    """

    endpoint: str | None = None
    model: str | None = None
    api_key: str | None = None
    weight: float = 2.0
    timeout_s: float = 60.0
    retries: int = 3
    cache_dir: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.weight < float("inf"):
            raise ConfigError(f"the weight of the judge is {self.weight}.", remedy="Weights are 0 or more, and finite.")
        if not self.timeout_s > 0 or self.retries < 0:
            raise ConfigError(
                f"a timeout of {self.timeout_s} s with {self.retries} retries makes no sense.",
                remedy="Set [judge] timeout_s above 0 and retries to 0 or more.",
            )


def rule_weights(settings: RewardSettings | None = None) -> dict[str, float]:
    """The weights of the rule rewards by name."""
    settings = settings or RewardSettings()
    return {f.name: float(getattr(settings, f.name)) for f in fields(settings) if f.type == "float"}
