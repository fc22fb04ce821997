"""Preference lines without asking anybody: chunkings of a window from several makers, scored by the composite reward.

The makers are the policy (samples and its most probable chunking), the rule baselines, and gold with its boundaries
moved, added and dropped. What comes out is as good as the reward: such lines say `"source": "rule"`, and human lines
are mixed in with a weight of their own.

A build is deterministic, window by window, and goes on where a killed one was.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from docalign.config import RewardSettings
from docalign.errors import InvalidPreferenceError, OutputError, UsageError
from docalign.evaluate.rules import RULES
from docalign.output.atomic import place_beside
from docalign.preference import PreferenceLine, Starts, read_preferences, write_preferences
from docalign.rewards.assemble import composite_of
from docalign.train.gold import GoldLine, read_gold
from docalign.train.methods.examples import Example, gold_examples
from docalign.train.methods.lab import Lab, bf16_helps
from docalign.train.methods.scoring import CompositeScorer, Scorer, checked_scores, described_rewards
from docalign.train.run_folder import digest_of
from docalign.train.slot_model import load_policy

__all__ = ["PrefsOptions", "PrefsReport", "build_prefs", "perturbed", "ranked_line"]

_RULES: Final = ("pack", "guess+policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefsOptions:
    """What a build makes of a window.

    `samples` chunkings from the policy and `perturbed` from gold are scored with the rules'; of places at least
    `margin` apart, `candidates` are kept, evenly from best to worst. `on_policy` keeps to the policy's own: what it
    would never write teaches DPO to push down what is down already. `human_weight` multiplies the weight of human
    lines. `window_tokens` is the longest prompt of a window.
    """

    samples: int = 16
    perturbed: int = 4
    candidates: int = 4
    margin: float = 0.02
    on_policy: bool = False
    window_tokens: int = 1000
    human_weight: float = 3.0
    seed: int = 7

    def __post_init__(self) -> None:
        if self.samples < 1 or self.candidates < 2 or self.perturbed < 0:
            raise UsageError("samples must be at least 1, candidates at least 2, perturbed at least 0.")
        if self.margin < 0 or self.human_weight <= 0:
            raise UsageError("margin must not be below 0, and human_weight must be over 0.")


@dataclass
class PrefsReport:
    """What a build did: lines written by source, windows that made none, lines that could not be used."""

    lines: dict[str, int] = field(default_factory=dict)
    without_spread: int = 0
    doubles: int = 0
    refused: list[InvalidPreferenceError] = field(default_factory=list)


def build_prefs(
    gold: Sequence[str | Path],
    policy: Path,
    out: Path,
    options: PrefsOptions,
    *,
    human: Sequence[str | Path] = (),
    rewards: RewardSettings | None = None,
    scorer: Scorer | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PrefsReport:
    """Write preference lines for the documents of gold lines to `out`.

    Args:
        policy: a policy directory or an exported model, to sample from.
        human: `docalign.preference/1` files to mix in.
        scorer: a reward of one's own in place of the composite with the weights `rewards`.
        progress: is told how many windows are done, of how many.

    Raises:
        UsageError, InvalidGoldError, ModelError, TrainingStoppedError, OutputError: see each.
    """
    settings = rewards or RewardSettings()
    scorer = scorer or CompositeScorer("composite", composite_of(settings))
    asked = {
        "options": asdict(options),
        "rewards": described_rewards(settings),
        "scorer": scorer.name,
        "gold": digest_of(gold),
        "policy": digest_of([policy]),
    }
    part = place_beside(out, f".{out.name}.part")
    report = PrefsReport()
    made: list[PreferenceLine] = []
    lines = [line for path in gold for line in read_gold(path)]
    with _Journal(part, asked) as journal:
        lab = Lab(*load_policy(policy), bf16=bf16_helps()) if journal.done < len(lines) else None
        for number, line in enumerate(lines):
            if number < journal.done:
                found = journal.known[number]
            else:
                assert lab is not None
                found = _line_for(line, lab, scorer, options)
                journal.add(found)
            if progress is not None:
                progress(number + 1, len(lines))
            if found is None:
                report.without_spread += 1
            else:
                made.append(PreferenceLine.from_json(found))
    mixed = [line for path in human for line in read_preferences(path, quarantine=report.refused.append)]
    weighted = [
        replace(line, weight=line.weight * options.human_weight) if line.source == "human" else line for line in mixed
    ]
    unique = list(_without_doubles([*weighted, *made]))
    report.doubles = len(weighted) + len(made) - len(unique)
    if not unique:
        raise UsageError(
            "no window has chunkings far enough apart.", remedy="Give more gold, raise samples or lower margin."
        )
    write_preferences(out, unique)
    part.unlink(missing_ok=True)
    for kept in unique:
        report.lines[kept.source] = report.lines.get(kept.source, 0) + 1
    return report


def _line_for(line: GoldLine, lab: Lab, scorer: Scorer, options: PrefsOptions) -> dict[str, Any] | None:
    """The preference line of one gold line, as JSON; None where not two chunkings are far enough apart."""
    examples = gold_examples([line], lab.renderer, max_tokens=options.window_tokens)
    if not examples:
        return None
    ranked = ranked_line(examples[0], _candidates(examples[0], lab, options), scorer, options)
    return ranked.to_json() if ranked else None


@torch.no_grad()
def _candidates(example: Example, lab: Lab, options: PrefsOptions) -> dict[Starts, str]:
    """Distinct chunkings of a window and who made each."""
    # One window at a time: what else is in a batch must not change a sample.
    policy = lab.forward([example]).segmentations
    digest = hashlib.sha256(f"{options.seed} {example.id}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    drawn = policy.sample(options.samples, generator)[0]
    found: dict[Starts, str] = {}
    for starts in policy.viterbi()[0][None]:
        found.setdefault(tuple(torch.nonzero(starts).flatten().tolist()), "policy greedy")
    for starts in drawn:
        found.setdefault(tuple(torch.nonzero(starts).flatten().tolist()), "policy")
    if options.on_policy:
        return found
    for name in _RULES:
        found.setdefault(tuple(RULES[name](example.line)), f"rule {name}")
    rng = random.Random(digest)
    for _ in range(options.perturbed):
        found.setdefault(perturbed(example.line.starts, example.blocks, rng), "gold perturbed")
    found.setdefault(example.line.starts, "gold")
    return found


def perturbed(starts: Starts, blocks: int, rng: random.Random) -> Starts:
    """A chunking near `starts`: one to three boundaries moved by a block or two, dropped or added."""
    cuts = set(starts) - {0}
    for _ in range(rng.randint(1, 3)):
        action = rng.choice(("move", "drop", "add"))
        if action == "add" or not cuts:
            cuts.add(rng.randrange(1, blocks))
            continue
        old = rng.choice(sorted(cuts))
        cuts.discard(old)
        if action == "move":
            cuts.add(min(blocks - 1, max(1, old + rng.choice((-2, -1, 1, 2)))))
    return (0, *sorted(cuts))


def ranked_line(
    example: Example, candidates: Mapping[Starts, str], scorer: Scorer, options: PrefsOptions
) -> PreferenceLine | None:
    """The candidates' ranking by score, one candidate a place, places `margin` apart; None where there is one place.

    Raises:
        TrainingStoppedError: the reward failed.
    """
    found = sorted(candidates)
    masks = np.zeros((len(found), example.blocks), dtype=np.bool_)
    for mask, starts in zip(masks, found, strict=True):
        mask[list(starts)] = True
    values = checked_scores(scorer, example.line, masks).values
    order = sorted(range(len(found)), key=lambda i: (-values[i], found[i]))
    places = [order[0]]
    for i in order[1:]:
        if values[places[-1]] - values[i] >= max(options.margin, 1e-9):
            places.append(i)
    if len(places) < 2:
        return None
    number = min(options.candidates, len(places))
    kept = [places[round(k * (len(places) - 1) / (number - 1))] for k in range(number)]
    line = example.line
    return PreferenceLine(
        id=line.id,
        document=line.document,
        candidates=tuple(found[i] for i in kept),
        ranking=tuple((k,) for k in range(number)),
        source="rule",
        annotator=scorer.name,
        target_tokens=line.target_tokens,
        max_tokens=line.max_tokens,
        counter=line.counter,
        scores=tuple(round(float(values[i]), 6) for i in kept),
        makers=tuple(candidates[found[i]] for i in kept),
    )


def _without_doubles(lines: Sequence[PreferenceLine]) -> Iterator[PreferenceLine]:
    """The lines, each question (text, sizes, candidates) of a source once."""
    seen: set[tuple[Any, ...]] = set()
    for line in lines:
        text = hashlib.sha256(line.document.text.encode("utf-8", "surrogatepass")).digest()
        question = (text, line.target_tokens, line.max_tokens, frozenset(line.candidates), line.source, line.annotator)
        if question not in seen:
            seen.add(question)
            yield line


class _Journal:
    """What of a build is done, one line a window, under a first line that says what was asked."""

    def __init__(self, path: Path, asked: Mapping[str, Any]) -> None:
        self._path = path
        self._header = json.dumps(asked, sort_keys=True)
        self.known: list[dict[str, Any] | None] = []

    def __enter__(self) -> _Journal:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lines = self._path.read_text("utf-8").split("\n")[:-1] if self._path.is_file() else []
            if lines and lines[0] == self._header:
                self.known = [json.loads(line) for line in lines[1:]]
            whole = "".join(f"{line}\n" for line in [self._header, *(json.dumps(k) for k in self.known)])
            self._path.write_text(whole, "utf-8")
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise OutputError(
                f"cannot be written: {reason}.", source=str(self._path), remedy="Check path and space."
            ) from error
        return self

    @property
    def done(self) -> int:
        return len(self.known)

    def add(self, line: dict[str, Any] | None) -> None:
        self.known.append(line)
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def __exit__(self, *_: object) -> None:
        self._file.close()
