"""Gold and questions from what the repository holds, for a clone without `DOCALIGN_DATA`.

The samples whose structure their source states, the meeting, and the project's own Markdown pages, whose headings their
authors wrote. None of it was trained on. It is little and of few kinds: enough to see that everything works, not to
choose a chunker by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from docalign.document import Block, Document
from docalign.errors import MissingInputError
from docalign.rewards.questions import Question, QuestionLine
from docalign.train.policy_gold import gold_line

__all__ = ["heading_questions", "repository", "repository_documents"]

_PATTERNS: Final = ("README.md", "CHANGELOG.md", "data/**/*.md", "docs/*.md", "benchmarks/*.md", "models/*/card.md")
_SAMPLES: Final = "data/samples"
_TRANSCRIPT: Final = ("transcript.txt", (9, 37, 66, 97))
"""The lines at which data/samples/README.md says the meeting turns to another thing."""
_MIN_QUESTIONS: Final = 3


def repository() -> Path:
    """The checkout this package is in.

    Raises:
        MissingInputError: it is installed without one.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / _SAMPLES).is_dir():
        raise MissingInputError(
            "there is nothing to measure on: no checkout with data/samples, and DOCALIGN_DATA is not set.",
            source=str(root),
            remedy="Run it in a checkout, or set DOCALIGN_DATA to the directory that holds corpora/.",
        )
    return root


def repository_documents() -> Iterator[Mapping[str, Any]]:
    """Corpus documents: the report with its outline, the project's pages, the meeting."""
    from docalign.train.prepare.sources import SourceFiles, read_sources

    root = repository()
    pages = sorted({p for pattern in _PATTERNS for p in root.glob(pattern)})
    files = SourceFiles.of([str(root / _SAMPLES / "report.pdf"), *map(str, pages)])
    files.files = [(p.relative_to(root).as_posix(), p) for _, p in files.files]
    for document in read_sources(files, domain="repository"):
        yield {**document.as_corpus(), "source": "repository"}
    yield _transcript(root)


def _transcript(root: Path) -> Mapping[str, Any]:
    name, starts = _TRANSCRIPT
    lines = (root / _SAMPLES / name).read_text("utf-8").splitlines()
    kept = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    blocks = [{"kind": "utterance", "level": None, "text": text} for _, text in kept]
    topics = sorted({0} | {next(i for i, (number, _) in enumerate(kept) if number >= s) for s in starts})
    return {"id": name, "title": name, "domain": "repository", "blocks": blocks, "topic_starts": topics}


def heading_questions(
    documents: Iterable[Mapping[str, Any]], sizes: Sequence[tuple[int, int]], *, max_blocks: int
) -> Iterator[QuestionLine]:
    """Headings as questions: they are taken out of the text, and what stood under them is the answer.

    Weaker than questions people asked, but to be had of any document with headings.
    """
    for number, document in enumerate(documents):
        target, limit = sizes[number % len(sizes)]
        if "topic_starts" in document:
            continue
        line = gold_line(document, target=target, limit=limit, condition="marked", max_blocks=max_blocks)
        made = line and _asked(line.id, line.document, target, limit)
        if made:
            yield made


def _asked(name: str, document: Document, target: int, limit: int) -> QuestionLine | None:
    heads: list[str] = []
    answers: list[tuple[str, int, int]] = []
    blocks: list[Block] = []
    parts: list[str] = []
    position = 0
    for block in document.blocks:
        text = document.block_text(block)
        if block.kind == "heading":
            heads = [*heads[: (block.level or 1) - 1], text]
            answers.append((" – ".join(heads), -1, -1))
            continue
        end = position + len(text)
        blocks.append(Block(len(blocks), position, end, block.kind))
        parts.append(text)
        if answers:
            question, first, _ = answers[-1]
            answers[-1] = (question, position if first < 0 else first, end)
        position = end + 2
    questions = [Question(str(i), q, ((a, b),)) for i, (q, a, b) in enumerate(answers) if b > a >= 0]
    if len(questions) < _MIN_QUESTIONS:
        return None
    text = "\n\n".join(parts)
    made = Document(name, hashlib.sha256(text.encode()).hexdigest(), text, tuple(blocks)).check()
    return QuestionLine(name, made, tuple(questions), target_tokens=target, max_tokens=limit)
