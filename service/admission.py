"""How much work is taken in, counted in pages and tokens: what does not fit is told so at the door, and when to come.

The cost of a request is estimated from its size before its body is read and corrected once the file is open. What has
been let in is never thrown out for costing more than it seemed to; the next one waits instead.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from docalign.errors import BusyError, LimitExceededError

from .auth import Caller

__all__ = ["Admission", "Cost", "Place", "busy", "estimate"]

_BYTES_PER_PAGE: Final = 40_000
_BYTES_PER_TOKEN: Final = 8
_TOKENS_PER_PAGE: Final = 900
_LONGEST_RETRY_S: Final = 60


@dataclass(frozen=True, slots=True)
class Cost:
    """Pages to read and prompt tokens to score."""

    pages: int
    tokens: int


def estimate(size: int, *, paged: bool, most_pages: int) -> Cost:
    """What a body of `size` bytes may cost, from nothing but its size."""
    if not paged:
        return Cost(0, size // _BYTES_PER_TOKEN + 1)
    pages = min(most_pages, size // _BYTES_PER_PAGE + 1)
    return Cost(pages, pages * _TOKENS_PER_PAGE)


def busy(what: str, retry_after_s: float) -> BusyError:
    """A BusyError that knows when to come again."""
    error = BusyError(what, remedy="Try again after the seconds that Retry-After names.")
    error.retry_after_s = max(1, min(_LONGEST_RETRY_S, math.ceil(retry_after_s)))
    return error


class Admission:
    """Places for requests at work; `rate` tells the tokens a second the device does of late."""

    def __init__(self, *, requests: int, pages: int, tokens: int, rate: Callable[[], float] = lambda: 0.0) -> None:
        self.limits = Cost(pages, tokens)
        self._requests, self._rate = requests, rate
        self._lock = threading.Lock()
        self._places: set[Place] = set()
        self._minutes: dict[str, _Minute] = defaultdict(_Minute)

    def enter(self, caller: Caller, cost: Cost) -> Place:
        """A place, to be left by its `with` block.

        Raises:
            BusyError: there is none, or the tenant has used up what it may. LimitExceededError: there will never be.
        """
        if cost.pages > self.limits.pages or cost.tokens > self.limits.tokens:
            raise LimitExceededError("it is more work than the queue holds.", remedy="Send it to /v1/jobs.")
        with self._lock:
            used = self._used()
            if len(self._places) >= self._requests:
                raise busy("there are as many requests at work as there are places.", self._wait(used))
            if used.pages + cost.pages > self.limits.pages or used.tokens + cost.tokens > self.limits.tokens:
                raise busy("the queue is full.", self._wait(used))
            own = sum(place.caller.tenant == caller.tenant for place in self._places)
            if caller.requests is not None and own >= caller.requests:
                raise busy("this tenant has as many requests at work as it may.", self._wait(used))
            if caller.pages_per_minute is not None:
                self._minutes[caller.tenant].take(cost.pages, caller.pages_per_minute)
            place = Place(self, caller, cost)
            self._places.add(place)
            return place

    @property
    def used(self) -> Cost:
        """What is at work now."""
        with self._lock:
            return self._used()

    @property
    def requests(self) -> int:
        return len(self._places)

    def _used(self) -> Cost:
        return Cost(sum(p.cost.pages for p in self._places), sum(p.cost.tokens for p in self._places))

    def _wait(self, used: Cost) -> float:
        rate = self._rate()
        return used.tokens / rate / 2 if rate else 1.0

    def leave(self, place: Place) -> None:
        with self._lock:
            self._places.discard(place)

    def charge(self, place: Place, cost: Cost) -> None:
        with self._lock:
            more = cost.pages - place.cost.pages
            if more > 0 and place.caller.pages_per_minute is not None:
                self._minutes[place.caller.tenant].owe(more)
            place.cost = cost


class Place:
    """One request's share of the queue."""

    def __init__(self, admission: Admission, caller: Caller, cost: Cost) -> None:
        self.caller, self.cost = caller, cost
        self._admission = admission

    def correct(self, *, pages: int | None = None, tokens: int | None = None) -> None:
        """What the request costs, now that more is known."""
        old = self.cost
        self._admission.charge(
            self, Cost(old.pages if pages is None else pages, old.tokens if tokens is None else tokens)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._admission.leave(self)


class _Minute:
    """A tenant's pages: as many as it may have in a minute can be used at once, and come back evenly."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._at = time.monotonic()

    def take(self, pages: int, per_minute: int) -> None:
        now = time.monotonic()
        self._spent = max(0.0, self._spent - (now - self._at) * per_minute / 60)
        self._at = now
        if self._spent and self._spent + pages > per_minute:
            over = self._spent + pages - per_minute
            raise busy(f"this tenant may have {per_minute} pages a minute.", over * 60 / max(1, per_minute))
        self._spent += pages

    def owe(self, pages: int) -> None:
        self._spent += pages
