"""The error tree: every way docalign says no, with its exit code, HTTP status and remedy.

    DocalignError                     1  500
      UsageError                      2  400
        ConfigError                   2  400
      UnreadableInputError            3  422
        EmptyInputError               3  422
        UnsupportedFormatError        3  415
        DamagedInputError             3  422
        MissingInputError             3  404
        InvalidDocumentError          3  422
        InvalidGoldError              3  422
        InvalidChunksError            3  422
        InvalidQuestionsError         3  422
        InvalidPreferenceError        3  422
      EncryptedInputError             4  422
      LimitExceededError              5  413
        PageTimeoutError              5  413
      ModelError                      6  503
        ModelMissingError             6  503
        ModelIncompatibleError        6  503
      OcrError                        7  503
        OcrMissingError               7  503
        OcrFailedError                7  503
      TrainingStoppedError            1  500
        ForgettingError               1  500
        UpdateRefusedError            1  500
      RewardError                     1  500
        JudgeError                    1  502
      IncompleteInstallationError     1  500
      OutputError                     1  507
        OutputNameError               1  507
      StoreError                      1  503
        StoreBusyError                1  503
      FeedbackError                   2  422
        UnknownTaskError              2  404
        UnknownItemError              2  404
        NotYourTaskError              2  403
        AlreadyJudgedError            2  409
        RankingError                  2  422
        TooLongError                  2  413
      SomeFilesFailedError            1  207
      ServiceError                    1  500
        BusyError                     1  429
        NotReadyError                 1  503
        NotDoneError                  1  409
        NotFoundError                 1  404
      NotAllowedError                 2  401

A message names the input, says what is wrong, and `remedy` says what to do about it. The codes are
part of the fixed interface (README, "Exit codes"); nothing outside this file picks one.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "AlreadyJudgedError",
    "BusyError",
    "ConfigError",
    "DamagedInputError",
    "DocalignError",
    "EmptyInputError",
    "EncryptedInputError",
    "FeedbackError",
    "ForgettingError",
    "IncompleteInstallationError",
    "InvalidChunksError",
    "InvalidDocumentError",
    "InvalidGoldError",
    "InvalidPreferenceError",
    "InvalidQuestionsError",
    "JudgeError",
    "LimitExceededError",
    "MissingInputError",
    "ModelError",
    "ModelIncompatibleError",
    "ModelMissingError",
    "NotAllowedError",
    "NotDoneError",
    "NotFoundError",
    "NotReadyError",
    "NotYourTaskError",
    "OcrError",
    "OcrFailedError",
    "OcrMissingError",
    "OutputError",
    "OutputNameError",
    "PageTimeoutError",
    "RankingError",
    "RewardError",
    "ServiceError",
    "SomeFilesFailedError",
    "StoreBusyError",
    "StoreError",
    "TooLongError",
    "TrainingStoppedError",
    "UnknownItemError",
    "UnknownTaskError",
    "UnreadableInputError",
    "UnsupportedFormatError",
    "UpdateRefusedError",
    "UsageError",
]


class DocalignError(Exception):
    """Base of every error docalign raises on purpose.

    Args:
        what: what is wrong, in one sentence, with the numbers that show it.
        source: the input it is about (a path, `-`, an id), if there is one.
        remedy: what the reader can do about it, as an imperative sentence.
    """

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, what: str, *, source: str | None = None, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.source = source
        self.remedy = remedy

    def __str__(self) -> str:
        where = f"{self.source}: " if self.source else ""
        then = f" {self.remedy}" if self.remedy else ""
        return f"{where}{self.what}{then}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process borders (ingestion workers): keyword-only fields need this to be pickled.
        return (_rebuild, (type(self), self.what, self.source, self.remedy))

    def with_source(self, source: str) -> DocalignError:
        """The same error, said about `source` if it named nothing yet."""
        return self if self.source else type(self)(self.what, source=source, remedy=self.remedy)

    def as_json(self) -> dict[str, Any]:
        """The error as written to `NAME.EXT.error.json` and to HTTP problem details."""
        return {
            "schema": "docalign.error/1",
            "error": type(self).__name__,
            "source": self.source,
            "what": self.what,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
        }


def _rebuild(kind: type[DocalignError], what: str, source: str | None, remedy: str) -> DocalignError:
    return kind(what, source=source, remedy=remedy)


class UsageError(DocalignError):
    """The request itself makes no sense: an option, a size, a combination."""

    exit_code = 2
    http_status = 400


class ConfigError(UsageError):
    """`docalign.toml`, a DOCALIGN_* variable or a recipe has an unknown or ill-typed key."""


class UnreadableInputError(DocalignError):
    """The input cannot be read as what it claims to be."""

    exit_code = 3
    http_status = 422


class EmptyInputError(UnreadableInputError):
    """The input has no bytes, or no pages."""


class UnsupportedFormatError(UnreadableInputError):
    """No reader knows this kind of file."""

    http_status = 415


class DamagedInputError(UnreadableInputError):
    """The file starts like its format but is truncated or broken beyond repair."""


class MissingInputError(UnreadableInputError):
    """The path does not exist or may not be read."""

    http_status = 404


class InvalidDocumentError(UnreadableInputError):
    """A docalign.document/1 object breaks the rules of its schema."""


class InvalidChunksError(UnreadableInputError):
    """A docalign.chunk/1 line breaks the rules of its schema, or was not made of the document it is put beside."""


class InvalidQuestionsError(UnreadableInputError):
    """A docalign.questions/1 line breaks the rules of its schema; `source` is `file:line`."""


class InvalidGoldError(UnreadableInputError):
    """A docalign.gold/1 line breaks the rules of its schema; `source` is `file:line`."""


class InvalidPreferenceError(UnreadableInputError):
    """A docalign.preference/1 line breaks the rules of its schema, or contradicts another; `source` is `file:line`."""


class EncryptedInputError(DocalignError):
    """The file asks for a password."""

    exit_code = 4
    http_status = 422


class LimitExceededError(DocalignError):
    """The input is over a limit: bytes, pages, pixels, time."""

    exit_code = 5
    http_status = 413


class PageTimeoutError(LimitExceededError):
    """A page took longer than `page_timeout_s` and its worker was killed."""


class ModelError(DocalignError):
    """Something about the model stands in the way."""

    exit_code = 6
    http_status = 503


class ModelMissingError(ModelError):
    """No model where one was expected."""


class ModelIncompatibleError(ModelError):
    """The model's files do not fit this version: prompt version, labels, schema, hash."""


class OcrError(DocalignError):
    """The OCR engine is missing or failed."""

    exit_code = 7
    http_status = 503


class OcrMissingError(OcrError):
    """No OCR engine, or not the language asked for."""


class OcrFailedError(OcrError):
    """The engine was there and crashed, hung or answered nonsense."""


class TrainingStoppedError(DocalignError):
    """A training run could not go on (its loss is no number, a reward failed); its best policy so far is kept."""


class ForgettingError(TrainingStoppedError):
    """A training stage made the policy worse on gold than its tolerance allows."""


class UpdateRefusedError(TrainingStoppedError):
    """A new model did not pass the gate against the served one, which stays."""


class RewardError(DocalignError):
    """A reward that is not docalign's own failed, or answered what is no score; the message names it."""


class JudgeError(RewardError):
    """The judge cannot be reached, keeps failing, or does not answer what it was asked."""

    http_status = 502


class IncompleteInstallationError(DocalignError):
    """Something that plain chunking needs is missing here, or broken."""


class OutputError(DocalignError):
    """The result could not be written (disk full, no permission)."""

    http_status = 507


class OutputNameError(OutputError):
    """One result cannot be written under its name: too long, or taken by a folder. Others can."""


class StoreError(DocalignError):
    """The database cannot be opened, read or written."""

    http_status = 503


class StoreBusyError(StoreError):
    """Another program held the database for too long; trying again may help."""


class FeedbackError(DocalignError):
    """A judgement or feedback that cannot be stored as it is; nothing of it was."""

    exit_code = 2
    http_status = 422


class UnknownTaskError(FeedbackError):
    """There is no ranking task of this number, or not any more."""

    http_status = 404


class UnknownItemError(FeedbackError):
    """Feedback names a document, chunking, judgement or annotator that the store does not hold."""

    http_status = 404


class NotYourTaskError(FeedbackError):
    """The task, or the judgement, is another annotator's."""

    http_status = 403


class AlreadyJudgedError(FeedbackError):
    """The annotator has judged this task, or the judgement's id is taken by another one."""

    http_status = 409


class RankingError(FeedbackError):
    """The ranks do not cover the candidates, or the corrected starts are no chunking."""


class TooLongError(FeedbackError):
    """A note, reason or name is longer than a person would write."""

    http_status = 413


class SomeFilesFailedError(DocalignError):
    """A batch ended with some files failed; the others are written."""

    http_status = 207


class ServiceError(DocalignError):
    """The service, or the way to it, stands in the way; the input may be fine."""


class BusyError(ServiceError):
    """The service has as much work as it takes, or the caller has used up a quota; `retry_after_s` later it will do."""

    http_status = 429
    retry_after_s: int = 1


class NotReadyError(ServiceError):
    """The service cannot work at the moment: it is starting, stopping, or its model failed."""

    http_status = 503


class NotDoneError(ServiceError):
    """A result was asked for before there was one."""

    http_status = 409


class NotFoundError(ServiceError):
    """No job, model or address of that name, or not of this tenant."""

    http_status = 404


class NotAllowedError(DocalignError):
    """No token, or not one that the service knows."""

    exit_code = 2
    http_status = 401
