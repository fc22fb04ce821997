"""MedQuAD as questions with gold spans: each question heading is taken out of the text, and its answer is the span.

A line is a run of whole questions of one NIH page with its title, at most 120 blocks; sub-headings inside answers stay.
Lines know their page (`document.source`), and pages are held out by the rule of every corpus (`train.corpus`): train
retrieval rewards on one side, measure on the other. Without the headings a chunker has to find where a topic ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from docalign.document import Block, Document
from docalign.rewards.questions import Question, QuestionLine
from docalign.train.corpus import is_held_out
from docalign.train.devset import sizes_for
from docalign.train.policy_gold import MAX_BLOCKS

__all__ = ["medquad_lines"]

_QUESTION_LEVEL: Final = 2
_MIN_QUESTIONS: Final = 2

_Blocks = list[Mapping[str, Any]]


def medquad_lines(documents: Iterable[Mapping[str, Any]], *, held_out: bool) -> Iterator[QuestionLine]:
    """Question lines of MedQuAD's corpus documents, of those that are held out or of the others.

    Runs with under two questions are left out: without another topic there is nothing to find.
    """
    for document in documents:
        if is_held_out(document["id"]) == held_out:
            yield from _lines(document)


def _lines(document: Mapping[str, Any]) -> Iterator[QuestionLine]:
    title, sections = _sections(document)
    run: list[tuple[str, _Blocks]] = []
    number = 0
    for section in [*sections, None]:
        blocks = sum(len(answer) for _, answer in run) + len(title)
        if section is None or blocks + len(section[1]) > MAX_BLOCKS:
            if len(run) >= _MIN_QUESTIONS:
                yield _line(document, title, run, number)
                number += 1
            run = []
        if section is not None and len(title) + len(section[1]) <= MAX_BLOCKS:
            run.append(section)


def _sections(document: Mapping[str, Any]) -> tuple[_Blocks, list[tuple[str, _Blocks]]]:
    """The blocks before the first question, and each question with its answer's blocks."""
    title: _Blocks = []
    sections: list[tuple[str, _Blocks]] = []
    for block in document["blocks"]:
        text = str(block["text"]).strip()
        if block["kind"] == "heading" and block["level"] == _QUESTION_LEVEL and text.endswith("?"):
            sections.append((text, []))
        elif text:
            (sections[-1][1] if sections else title).append(block)
    return title, [(question, answer) for question, answer in sections if answer]


def _line(document: Mapping[str, Any], title: _Blocks, run: list[tuple[str, _Blocks]], number: int) -> QuestionLine:
    blocks: list[Block] = []
    texts: list[str] = []
    position = 0

    def add(given: Mapping[str, Any]) -> Block:
        nonlocal position
        text = str(given["text"]).strip()
        block = Block(len(blocks), position, position + len(text), given["kind"], given.get("level"))
        blocks.append(block)
        texts.append(text)
        position = block.end + 2
        return block

    for given in title:
        add(given)
    questions = []
    for index, (question, answer) in enumerate(run):
        added = [add(given) for given in answer]
        questions.append(Question(f"{number}.{index}", question, ((added[0].start, added[-1].end),)))
    text = "\n\n".join(texts)
    name = str(document["id"])
    target, limit = sizes_for(f"{name}@{number}")
    made = Document(name, hashlib.sha256(text.encode()).hexdigest(), text, tuple(blocks)).check()
    return QuestionLine(
        f"{name}?{number}", made, tuple(questions), target_tokens=target, max_tokens=limit,
        licence=document.get("licence"),
    )  # fmt: skip
