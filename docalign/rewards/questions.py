"""Questions with gold spans: what retrieval rewards and benchmarks are measured against.

One `docalign.questions/1` JSON object a line, plain or xz-compressed:

    {"schema": "docalign.questions/1", "id": "…", "document": {…}, "counter": "words*1.35", "target_tokens": 300,
     "max_tokens": 512, "licence": "CC BY 4.0",
     "questions": [{"id": "…", "question": "What causes …?", "spans": [[812, 1409]]}]}

`spans` are stretches of the document's text that answer the question, in order and apart from each other. The question
itself must not stand in the text, or finding it would be no art. Sizes and `counter` are as in a gold line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docalign.counting import WORDS
from docalign.document import Document
from docalign.errors import InvalidDocumentError, InvalidQuestionsError
from docalign.jsonl import JsonLinesError, read_json_lines, write_lines
from docalign.rewards.reward import Span

__all__ = ["SCHEMA", "Question", "QuestionLine", "read_questions", "write_questions"]

SCHEMA: Final = "docalign.questions/1"


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the stretches of the text that answer it."""

    id: str
    question: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class QuestionLine:
    """A document and its questions."""

    id: str
    document: Document
    questions: tuple[Question, ...]
    counter: str = WORDS
    target_tokens: int | None = None
    max_tokens: int | None = None
    licence: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The `docalign.questions/1` object."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "document": self.document.to_json(),
            "counter": self.counter,
            "target_tokens": self.target_tokens,
            "max_tokens": self.max_tokens,
            "licence": self.licence,
            "questions": [
                {"id": q.id, "question": q.question, "spans": [list(s) for s in q.spans]} for q in self.questions
            ],
        }

    @classmethod
    def from_json(cls, value: Any, *, where: str = "question line") -> QuestionLine:
        """Read and check one object; `where` (`file:line`) names it in errors.

        Raises:
            InvalidQuestionsError: wrong schema, missing or ill-typed field, spans outside the text or out of order, a
                document that breaks its own rules.
        """
        if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
            raise InvalidQuestionsError(
                f"this JSON is not a {SCHEMA} object.", source=where, remedy=f'Set "schema" to "{SCHEMA}".'
            )
        try:
            document = Document.from_json(value.get("document"), source=None)
        except InvalidDocumentError as error:
            raise InvalidQuestionsError(
                f"its document is invalid: {error.what}", source=where, remedy=error.remedy
            ) from error
        name, counter, licence = value.get("id"), value.get("counter", WORDS), value.get("licence")
        target, limit = value.get("target_tokens"), value.get("max_tokens")
        asked = value.get("questions")
        fields = (
            ("id", isinstance(name, str) and bool(name)),
            ("counter", isinstance(counter, str) and bool(counter)),
            ("licence", licence is None or isinstance(licence, str)),
            ("target_tokens", target is None or (type(target) is int and target > 0)),
            ("max_tokens", limit is None or (type(limit) is int and limit >= (target or 1))),
            ("questions", isinstance(asked, list) and bool(asked)),
        )
        for field, fine in fields:
            if not fine:
                raise _invalid(field, value.get(field), where)
        assert isinstance(asked, list)
        questions = tuple(_question(q, document, where) for q in asked)
        return cls(str(name), document, questions, str(counter), target, limit, licence)


def read_questions(path: str | Path) -> Iterator[QuestionLine]:
    """The lines of a question file, one at a time; blank lines are skipped.

    Raises:
        MissingInputError: no such file, or it may not be read.
        InvalidQuestionsError: a line is none (`source` is `file:line`), or the file holds none.
    """
    found = False
    try:
        for where, value in read_json_lines(path):
            found = True
            yield QuestionLine.from_json(value, where=where)
    except JsonLinesError as error:
        raise InvalidQuestionsError(error.what, source=error.where, remedy="Write one JSON object a line.") from error
    if not found:
        raise InvalidQuestionsError("the file holds no questions.", source=str(path), remedy=f"Write {SCHEMA} lines.")


def write_questions(path: str | Path, lines: Iterable[QuestionLine]) -> int:
    """Write question lines to `path` (compressed when it ends in `.xz`); returns how many."""
    return write_lines(path, (json.dumps(line.to_json(), ensure_ascii=False) for line in lines))


def _question(value: Any, document: Document, where: str) -> Question:
    if not isinstance(value, Mapping):
        raise _invalid("a question", value, where)
    for field in ("id", "question"):
        if not isinstance(value.get(field), str) or not value[field]:
            raise _invalid(f"{field} of a question", value.get(field), where)
    spans: list[Span] = []
    given = value.get("spans")
    for span in given if isinstance(given, list) else []:
        numbers = isinstance(span, list) and len(span) == 2 and all(type(n) is int for n in span)
        if not numbers or not (spans[-1][1] if spans else 0) <= span[0] < span[1] <= len(document.text):
            raise _invalid(f"a span of question {value['id']!r}", span, where)
        spans.append((span[0], span[1]))
    if not spans:
        raise _invalid(f"spans of question {value['id']!r}", given, where)
    return Question(value["id"], value["question"], tuple(spans))


def _invalid(what: str, value: Any, where: str) -> InvalidQuestionsError:
    return InvalidQuestionsError(
        f"{what} is {value!r:.60}.", source=where, remedy=f"See {SCHEMA} in docalign/rewards/questions.py."
    )
