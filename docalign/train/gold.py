"""Gold lines: documents with the chunk starts that training imitates and evaluation compares with.

One `docalign.gold/1` JSON object a line, plain or xz-compressed. A line is checked when it is read, and a bad one is
refused with its file and line number: gold that is silently wrong costs more than a stopped run.

It does not decide where gold chunks start; that is `policy_gold` (or a person).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from docalign.counting import WORDS
from docalign.document import Document
from docalign.errors import InvalidDocumentError, InvalidGoldError
from docalign.jsonl import JsonLinesError, read_json_lines, write_lines

__all__ = ["DEFAULT_SIZES", "SCHEMA", "TARGET_SHARE", "GoldLine", "read_gold", "write_gold"]

SCHEMA: Final = "docalign.gold/1"

DEFAULT_SIZES: Final = (350, 512)
"""Target and limit, in tokens, to chunk a line with that states neither (a transcript)."""

TARGET_SHARE: Final = 0.7
"""A target nobody stated is this share of the limit."""


@dataclass(frozen=True, slots=True)
class GoldLine:
    """A document and the ids of the blocks that start a chunk; `starts[0]` is 0.

    `counter` names what counts tokens for this line (see `docalign.counting`). Sizes are None where only the
    boundaries matter (transcripts). `source` is the corpus, by default the id up to the first `/`. `condition` and
    `policy` say how the line was made, where that is known, and `licence` is the document's. `alignment` (0–1) is how
    well a rendered copy was matched with its source, whose starts it carries.
    """

    id: str
    domain: str | None
    document: Document
    starts: tuple[int, ...]
    counter: str = WORDS
    target_tokens: int | None = None
    max_tokens: int | None = None
    source: str = ""
    condition: str | None = None
    policy: str | None = None
    licence: str | None = None
    alignment: float | None = None

    def __post_init__(self) -> None:
        if not self.source:
            object.__setattr__(self, "source", self.id.split("/", 1)[0])

    @property
    def is_transcript(self) -> bool:
        """Whether only the boundaries matter: the line states no target."""
        return self.target_tokens is None

    @property
    def sizes(self) -> tuple[int, int]:
        """Target and limit to chunk this line with; where it states none, `DEFAULT_SIZES`."""
        if self.max_tokens is not None:
            return self.target_tokens or max(1, int(TARGET_SHARE * self.max_tokens)), self.max_tokens
        if self.target_tokens is not None:
            return self.target_tokens, round(self.target_tokens / TARGET_SHARE)
        return DEFAULT_SIZES

    def to_json(self) -> dict[str, Any]:
        """The fixed `docalign.gold/1` object; the fields after `max_tokens` only where they say something."""
        value: dict[str, Any] = {
            "schema": SCHEMA,
            "id": self.id,
            "domain": self.domain,
            "document": self.document.to_json(),
            "starts": list(self.starts),
            "counter": self.counter,
            "target_tokens": self.target_tokens,
            "max_tokens": self.max_tokens,
            "source": self.source,
        }
        extra = {
            "condition": self.condition,
            "policy": self.policy,
            "licence": self.licence,
            "alignment": self.alignment,
        }
        return value | {name: said for name, said in extra.items() if said is not None}

    @classmethod
    def from_json(cls, value: Any, *, where: str = "gold line") -> GoldLine:
        """Read and check a `docalign.gold/1` object; `where` (`file:line`) names it in errors.

        Raises:
            InvalidGoldError: wrong schema, missing or ill-typed field, starts that are no chunking of the
                document, sizes that contradict each other, or a document that breaks its own rules.
        """
        if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
            raise InvalidGoldError(
                f"this JSON is not a {SCHEMA} object.", source=where, remedy=f'Set "schema" to "{SCHEMA}".'
            )
        try:
            document = Document.from_json(value.get("document"), source=None)
        except InvalidDocumentError as error:
            raise InvalidGoldError(
                f"its document is invalid: {error.what}", source=where, remedy=error.remedy
            ) from error
        target, limit = _size(value, "target_tokens", where), _size(value, "max_tokens", where)
        if target is not None and limit is not None and target > limit:
            raise InvalidGoldError(
                f"target_tokens {target} is over max_tokens {limit}.",
                source=where,
                remedy="Lower target_tokens or raise max_tokens.",
            )
        return cls(
            id=_text(value, "id", where),
            domain=_optional_text(value, "domain", where),
            document=document,
            starts=_starts(value.get("starts"), len(document.blocks), where),
            counter=_text(value, "counter", where),
            target_tokens=target,
            max_tokens=limit,
            source=_optional_text(value, "source", where) or "",
            condition=_optional_text(value, "condition", where),
            policy=_optional_text(value, "policy", where),
            licence=_optional_text(value, "licence", where),
            alignment=_share(value, "alignment", where),
        )


def read_gold(path: str | Path) -> Iterator[GoldLine]:
    """The gold lines of a `.jsonl` or `.jsonl.xz` file, one at a time; blank lines are skipped.

    Raises:
        MissingInputError: no such file, or it may not be read.
        InvalidGoldError: a line is no gold line (`source` is `file:line`), or the file holds none.
    """
    found = False
    try:
        for where, value in read_json_lines(path):
            found = True
            yield GoldLine.from_json(value, where=where)
    except JsonLinesError as error:
        raise InvalidGoldError(error.what, source=error.where, remedy="Write one JSON object a line.") from error
    if not found:
        raise InvalidGoldError("the file holds no gold lines.", source=str(path), remedy=f"Write {SCHEMA} lines to it.")


def write_gold(path: str | Path, lines: Iterable[GoldLine]) -> int:
    """Write gold lines to `path` (compressed when it ends in `.xz`); returns how many."""
    return write_lines(path, (json.dumps(line.to_json(), ensure_ascii=False) for line in lines))


def _invalid(field: str, rule: str, value: Any, where: str) -> InvalidGoldError:
    return InvalidGoldError(f"{field} must be {rule}, not {value!r:.60}.", source=where, remedy=f"Mend {field}.")


def _text(value: Mapping[str, Any], field: str, where: str) -> str:
    found = value.get(field)
    if not isinstance(found, str) or not found:
        raise _invalid(field, "a non-empty string", found, where)
    return found


def _optional_text(value: Mapping[str, Any], field: str, where: str) -> str | None:
    found = value.get(field)
    if found is not None and not isinstance(found, str):
        raise _invalid(field, "a string or null", found, where)
    return found


def _share(value: Mapping[str, Any], field: str, where: str) -> float | None:
    found = value.get(field)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1:
        raise _invalid(field, "a number from 0 to 1, or null", found, where)
    return float(found)


def _size(value: Mapping[str, Any], field: str, where: str) -> int | None:
    found = value.get(field)
    if found is None:
        return None
    if not _is_int(found) or found < 1:
        raise _invalid(field, "a whole number of at least 1, or null", found, where)
    return int(found)


def _starts(value: Any, blocks: int, where: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not value or not all(_is_int(s) for s in value):
        raise _invalid("starts", "a non-empty list of block ids", value, where)
    if value[0] != 0:
        raise _invalid("the first of starts", "0", value[0], where)
    for before, after in pairwise(value):
        if after <= before:
            raise InvalidGoldError(
                f"starts must increase, but {after} follows {before}.",
                source=where,
                remedy="Sort starts, drop doubles.",
            )
    if value[-1] >= blocks:
        raise InvalidGoldError(
            f"starts names block {value[-1]}, but the document has {blocks} blocks (ids from 0).",
            source=where,
            remedy="Mend starts.",
        )
    return tuple(value)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
