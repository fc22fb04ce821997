"""What is measured on: gold windows in several conditions, misread copies, and questions.

With `DOCALIGN_DATA` the development gold (documents no training saw) and held-out MedQuAD; without it what the
repository holds. Windows are drawn with a seed, the sources taking turns, so that every source counts alike.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from docalign.bench.noise import misread
from docalign.bench.profiles import Profile
from docalign.bench.samples import heading_questions, repository_documents
from docalign.errors import DocalignError
from docalign.rewards.questions import QuestionLine
from docalign.train.corpus import read_corpus
from docalign.train.devset import data_directory, development_documents, sizes_for
from docalign.train.gold import GoldLine
from docalign.train.medquad import medquad_lines
from docalign.train.policy_gold import SIZES, Condition, gold_line

if TYPE_CHECKING:
    from docalign.ingest import WorkerPool
    from docalign.train.rendered import Mode

__all__ = ["CONDITIONS", "BenchData", "load_data"]

CONDITIONS: Final[Mapping[str, str]] = {
    "digital": "printed to PDF and read back: blocks, headings and order are what ingestion finds",
    "ocr": "the same pages as scans, read by OCR",
    "marked": "clean blocks with their kinds: headings are known, which makes rules nearly an oracle",
    "bare": "clean blocks, no kind told: heading lines are there, unmarked",
    "headless": "clean blocks without the heading lines: only the words tell",
    "transcripts": "meetings: only topics count, no size is asked for",
}
_PLAIN: Final[tuple[Condition, ...]] = ("marked", "bare", "headless")
_MIN_QUALITY: Final = 0.9
_MAX_TRANSCRIPTS: Final = 10
_Documents = list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class BenchData:
    """`gold` by condition; `curve` by error rate, the same windows in each; `notes` say what came to nothing."""

    origin: str
    gold: Mapping[str, Sequence[GoldLine]]
    curve: Mapping[float, Sequence[GoldLine]]
    questions: Sequence[QuestionLine]
    questions_origin: str
    notes: Sequence[str] = field(default_factory=list)


def load_data(profile: Profile, *, seed: int, say: Callable[[str], None] = lambda _: None) -> BenchData:
    """Everything a run measures on.

    Raises:
        MissingInputError: no checkout and no `DOCALIGN_DATA`. UsageError: it names no directory.
    """
    say("gold")
    with_data = bool(os.environ.get("DOCALIGN_DATA"))
    documents = list(development_documents(data_directory()) if with_data else repository_documents())
    drawn = _by_turns(documents, seed, one_size=with_data)
    gold: dict[str, list[GoldLine]] = {name: [] for name in CONDITIONS}
    for document, (target, limit) in drawn:
        _add(gold, document, target, limit, profile)
        if len(gold["marked"]) >= profile.windows and len(gold["transcripts"]) >= min(
            profile.windows, _MAX_TRANSCRIPTS
        ):
            break
    notes: list[str] = []
    _rendered(gold, profile, seed, notes, say)
    curve_lines = gold["bare"][: profile.curve]
    curve = {
        rate: [replace(line, document=misread(line.document, rate, seed=seed)) for line in curve_lines]
        for rate in profile.error_rates
    }
    if with_data:
        held_out = medquad_lines(read_corpus(data_directory() / "corpora/train/medquad.jsonl.xz"), held_out=True)
        questions, asked = list(held_out), "held-out MedQuAD pages without their question headings"
    else:
        made = heading_questions(documents, SIZES, max_blocks=120)
        questions, asked = list(made), "the headings of the same pages, taken out of the text"
    random.Random(seed).shuffle(questions)
    return BenchData(
        origin="development gold of DOCALIGN_DATA" if with_data else "samples and pages of the repository",
        gold={name: lines for name, lines in gold.items() if lines},
        curve=curve,
        questions=questions[: profile.questions],
        questions_origin=asked,
        notes=notes,
    )


def _by_turns(documents: _Documents, seed: int, *, one_size: bool) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Documents in a drawn order, each source in turn, with the sizes to ask for; every size where there is little."""
    draw = random.Random(seed)
    by_source: dict[str, list[tuple[Mapping[str, Any], Any]]] = defaultdict(list)
    for document in documents:
        source = str(document.get("source") or document["id"].split("/", 1)[0])
        sizes = [sizes_for(document["id"])] if one_size or "topic_starts" in document else SIZES
        by_source[source] += [(document, pair) for pair in sizes]
    for members in by_source.values():
        draw.shuffle(members)
    while any(by_source.values()):
        for source in sorted(by_source):
            if by_source[source]:
                yield by_source[source].pop()


def _add(
    gold: dict[str, list[GoldLine]], document: Mapping[str, Any], target: int, limit: int, profile: Profile
) -> None:
    """The document's first window in every plain condition, if it makes a line in each."""
    topical = document.get("topic_starts") is not None
    if topical:
        line = gold_line(document, target=target, limit=limit, condition="bare")
        if line is not None and len(gold["transcripts"]) < min(profile.windows, _MAX_TRANSCRIPTS):
            gold["transcripts"].append(line)
        return
    lines = [
        gold_line(document, target=target, limit=limit, condition=c, max_blocks=profile.window_blocks) for c in _PLAIN
    ]
    if len(gold["marked"]) < profile.windows and all(line is not None for line in lines):
        for condition, line in zip(_PLAIN, lines, strict=True):
            assert line is not None
            gold[condition].append(replace(line, id=f"{line.id} {target}"))


def _rendered(
    gold: dict[str, list[GoldLine]], profile: Profile, seed: int, notes: list[str], say: Callable[[str], None]
) -> None:
    """Printed and scanned copies of the first windows, as far as their gold can be found again on both."""
    try:
        import cv2  # noqa: F401
        import typst  # noqa: F401
    except ImportError as error:
        notes.append(f"no printed or scanned copies: {error.name} is not installed (extra `train`).")
        return
    from docalign.ingest import WorkerPool

    dropped = 0
    with WorkerPool() as pool:
        for number, line in enumerate(gold["marked"]):
            if len(gold["ocr"]) >= profile.rendered:
                break
            say(f"printing and scanning {len(gold['ocr']) + 1} of {profile.rendered}")
            copies = _copies(line, profile.rendered_blocks, seed + number, pool)
            if copies is None:
                dropped += 1
                continue
            for condition, copy in zip(("digital", "ocr"), copies, strict=True):
                gold[condition].append(copy)
    if dropped:
        notes.append(f"{dropped} printed or scanned copies were left out: their gold could not be found again.")


def _copies(line: GoldLine, blocks: int, seed: int, pool: WorkerPool) -> list[GoldLine] | None:
    """The first blocks of a window, printed and scanned; None when either copy aligns badly."""
    from docalign.train.rendered import rendered_gold

    parts = [{"kind": b.kind, "level": b.level, "text": line.document.block_text(b)} for b in line.document.blocks]
    source = {"id": line.id, "title": line.document.source, "blocks": parts[:blocks]}
    starts = [s for s in line.starts if s < len(parts[:blocks])]
    copies = []
    modes: tuple[Mode, ...] = ("pdf", "scan")
    for mode in modes:
        try:
            document, carried, quality = rendered_gold(source, starts, seed=seed, mode=mode, pool=pool)
        except DocalignError:
            return None
        if quality < _MIN_QUALITY or len(carried) < 2:
            return None
        copies.append(replace(line, document=document, starts=carried, condition=mode, alignment=round(quality, 4)))
    return copies
