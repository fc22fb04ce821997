"""What a caller may ask of a chunking, validated once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from docalign.errors import UsageError

__all__ = ["TARGET_SHARE", "ChunkOptions"]

TARGET_SHARE: Final = 0.7
"""An absent target is this share of the limit."""


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """Sizes are in tokens of `tokenizer` (a counter's name or a path; None for the model's own).

    `max_tokens` None means that only the boundaries matter: no limit and no preferred size. `overlap` is only used in
    `embed_text`.

    Raises:
        UsageError: sizes that make no sense together.
    """

    max_tokens: int | None = 512
    target_tokens: int | None = None
    tokenizer: str | None = None
    embed_text: bool = False
    overlap: int = 0

    def __post_init__(self) -> None:
        limit, target = self.max_tokens, self.target_tokens
        if limit is not None and limit < 1:
            raise UsageError(
                f"a limit of {limit} tokens leaves no room for text.", remedy="Give --max-tokens 1 or more."
            )
        if target is not None and target < 1:
            raise UsageError(f"a target of {target} tokens makes no sense.", remedy="Give --target-tokens 1 or more.")
        if target is not None and (limit is None or target > limit):
            raise UsageError(
                f"the target of {target} tokens is over the limit of {limit}.",
                remedy="Lower --target-tokens or raise --max-tokens.",
            )
        if self.tokenizer == "":
            raise UsageError("--tokenizer is empty.", remedy="Name what counts tokens, or leave it out.")
        if self.overlap < 0 or (limit is not None and self.overlap >= limit):
            raise UsageError(
                f"an overlap of {self.overlap} tokens does not fit a limit of {limit}.",
                remedy="Give --overlap between 0 and --max-tokens − 1.",
            )
        if self.overlap and not self.embed_text:
            raise UsageError("--overlap only goes into embed_text.", remedy="Add --embed-text, or leave --overlap out.")

    @property
    def target(self) -> int | None:
        """The target in force; None only where there is no limit either."""
        if self.target_tokens is not None or self.max_tokens is None:
            return self.target_tokens
        return max(1, int(TARGET_SHARE * self.max_tokens))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
