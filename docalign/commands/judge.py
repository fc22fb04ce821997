"""`docalign judge`: a language model ranks the candidates of preference lines. Its cost is said before it starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from docalign.commands.messages import note
from docalign.commands.results import keep_inputs
from docalign.errors import UsageError
from docalign.wording import counted

if TYPE_CHECKING:
    from docalign.config import Settings
    from docalign.preference import PreferenceLine

__all__ = ["run_judge"]


def run_judge(preferences: Sequence[str], *, out: str, dry_run: bool, settings: Settings, quiet: bool) -> None:
    """Rank the candidates of `preferences` and write the lines to `out`, whole or not at all.

    An interrupted run costs nothing twice: answers are kept. What pairs asked in both orders show of the judge's liking
    for a position is said at the end.

    Raises:
        UsageError: no judge is configured.
        DocalignError: a file cannot be read, or the judge fails.
    """
    from docalign.preference import read_preferences, write_preferences
    from docalign.rewards.assemble import judge_of
    from docalign.rewards.judge_ranking import cost_of_ranking, rank_by_judge

    keep_inputs([Path(out)], preferences)
    judge = judge_of(settings.judge)
    if judge is None:
        raise UsageError(
            "no judge is configured.",
            remedy="Set model (and endpoint, unless it is a local folder) in [judge] of docalign.toml.",
        )
    lines = [line for path in preferences for line in read_preferences(path)]
    note(f"{judge.chat.identity}: {counted(len(lines), 'line')}, {cost_of_ranking(lines, judge)}")
    if dry_run:
        return

    def ranked() -> Iterator[PreferenceLine]:
        for number, line in enumerate(rank_by_judge(lines, judge), 1):
            if not quiet and number % 20 == 0:
                note(f"{number} of {len(lines)} lines ranked")
            yield line

    written = write_preferences(Path(out), ranked())
    bias = judge.bias.to_json()
    share = "–" if bias["first_share"] is None else f"{bias['first_share']:.2f}"
    note(
        f"{written} lines; {bias['contradictions']} of {bias['pairs']} pairs contradicted themselves when swapped "
        f"(ties now); the one shown first was preferred {share} of the time (0.5: no liking)"
    )
