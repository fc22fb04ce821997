"""What the page sends, read strictly: an unknown field, a number too long or a list that is none is refused by name."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError
from starlette.requests import Request

from docalign.errors import FeedbackError, TooLongError
from docalign.feedback.checks import MAX_NUMBER
from docalign.feedback.values import Judgement

__all__ = ["MAX_BODY_BYTES", "MAX_NUMBER", "SentJudgement", "SentName", "SentToken", "SentUndo", "read_form"]

MAX_BODY_BYTES: Final = 128 * 1024
"""A judgement with the longest note and hundreds of corrected starts is far below this."""

_MAX_FIELDS: Final = 20

Id = Annotated[str, Field(max_length=64)]
Number = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
Listed = Annotated[int, Field(ge=0, le=MAX_NUMBER, strict=True)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SentName(_Sent):
    name: str = Field(max_length=400)


class SentToken(_Sent):
    token: str = Field(max_length=400)


class SentUndo(_Sent):
    id: Id
    judgement: Id | None = None


class SentJudgement(_Sent):
    """A judgement as the page's form sends it; lists are JSON."""

    id: Id
    task: Number
    kind: Literal["ranking", "all_bad", "correction", "skip"]
    ranking: Json[list[list[Listed]]] = Field(default_factory=list)
    starts: Json[list[Listed]] | None = None
    corrected_from: Number | None = None
    reason: str = ""
    note: str = ""
    milliseconds: Number = 0
    guideline: str = Field("", max_length=100)

    def judgement(self, annotator_id: int) -> Judgement:
        return Judgement(
            self.id,
            self.task,
            annotator_id,
            self.kind,
            ranking=tuple(tuple(group) for group in self.ranking),
            corrected_starts=None if self.starts is None else tuple(self.starts),
            corrected_from=self.corrected_from,
            reason=self.reason,
            note=self.note,
            milliseconds=self.milliseconds,
            guideline_version=self.guideline,
        )


_S = TypeVar("_S", bound=_Sent)


async def read_form(request: Request, kind: type[_S], *, most_bytes: int = MAX_BODY_BYTES) -> _S:
    """The body of a request as a form; empty fields count as not sent.

    Raises:
        TooLongError: it is longer than `most_bytes`; no more of it is read.
        FeedbackError: it is no such form.
    """
    body = await _read(request, most_bytes)
    try:
        pairs = parse_qsl(body.decode("ascii"), max_num_fields=_MAX_FIELDS, errors="strict")
        if len(dict(pairs)) < len(pairs):
            raise FeedbackError("a field was sent twice.", remedy="Send each field once.")
        return kind.model_validate(dict(pairs))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the form"
        raise FeedbackError(f"{where}: {first['msg']}.", remedy="Reload the page and judge again.") from error
    except ValueError as error:
        raise FeedbackError(f"this is no form ({error}).", remedy="Reload the page and judge again.") from error


async def _read(request: Request, most_bytes: int) -> bytes:
    """The body, read here and not by the framework, which would answer one that is too long in its own words.

    Raises:
        TooLongError: there is more.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise TooLongError(f"the form has more than {most_bytes:,} bytes.", remedy="Shorten what you wrote.")
    return body
