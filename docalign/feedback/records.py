"""Small things every writer of the store needs: the time, JSON in one form, and the id of a row just added."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

__all__ = ["QUEUE", "add_row", "from_json", "now_ms", "to_json"]

QUEUE: Final = "feedback"
"""The queue in which transactions wait that look before they write (see `Database.writing`)."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def to_json(value: Any) -> str:
    """JSON in the one form in which equal values are equal text; ASCII, so that any database stores it."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)


def from_json(text: str) -> Any:
    return json.loads(text)


def add_row(connection: Connection, table: Table, **values: Any) -> int:
    """Add a row and return its number."""
    key = connection.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])
