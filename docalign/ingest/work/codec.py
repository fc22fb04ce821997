"""Frozen dataclasses as JSON bytes and back, by their declared types: nothing in the bytes can name code to run.

A dataclass is the list of its fields' values, so the bytes make sense only to the same version of the class: whoever
keeps them has to key them by that. Shapes are checked, the types of plain values are not: a checksum is what says that
the bytes are those written. Types known: str, int, float, bool, None, Literal, unions with None, tuples,
`dict[str, …]` and dataclasses of these.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable
from functools import cache
from typing import Any, Final, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

__all__ = ["decode", "encode"]

_Step = Callable[[Any], Any]
_PLAIN: Final = (str, int, float, bool)


def encode(kind: Any, value: Any) -> bytes:
    """`value`, a `kind`, as JSON.

    Raises:
        TypeError: it holds a type that is not known. ValueError: a number that is not finite.
    """
    return json.dumps(_steps(kind)[0](value), allow_nan=False, separators=(",", ":")).encode("ascii")


def decode(kind: Any, data: bytes) -> Any:
    """What `encode` made JSON of; a float that is a whole number stays what it was.

    Raises:
        ValueError: no JSON, or not of this type.
    """
    return _steps(kind)[1](json.loads(data, parse_constant=_no_number))


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no finite number")


@cache
def _steps(hint: Any) -> tuple[_Step, _Step]:
    """How a value of this type is made plain, and made again from what is plain."""
    if dataclasses.is_dataclass(hint):
        return _dataclass_steps(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _PLAIN or origin is Literal:
        return _same, _same
    if origin in (Union, types.UnionType):
        return _optional_steps(hint, arguments)
    if origin is tuple:
        return _tuple_steps(arguments)
    if origin is dict and arguments[0] is str:
        to, back = _steps(arguments[1])
        return (lambda v: {k: to(x) for k, x in v.items()}), (lambda v: {k: back(x) for k, x in v.items()})
    raise TypeError(f"values of type {hint!r} cannot be kept")


def _same(value: Any) -> Any:
    return value


def _optional_steps(hint: Any, arguments: tuple[Any, ...]) -> tuple[_Step, _Step]:
    inner = [a for a in arguments if a is not type(None)]
    if len(inner) != 1 or len(arguments) != 2:
        raise TypeError(f"values of type {hint!r} cannot be kept")
    to, back = _steps(inner[0])
    if back is _same:
        return _same, _same
    return (lambda v: None if v is None else to(v)), (lambda v: None if v is None else back(v))


def _tuple_steps(arguments: tuple[Any, ...]) -> tuple[_Step, _Step]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        to, back = _steps(arguments[0])
        if back is _same:
            return list, lambda v: tuple(_list(v))
        return (lambda v: [to(x) for x in v]), (lambda v: tuple([back(x) for x in _list(v)]))
    steps = [_steps(a) for a in arguments]
    count = len(steps)
    if all(back is _same for _, back in steps):
        return list, lambda v: tuple(_list(v, count))
    return (
        lambda v: [s[0](x) for s, x in zip(steps, v, strict=True)],
        lambda v: tuple([s[1](x) for s, x in zip(steps, _list(v, count), strict=True)]),
    )


def _dataclass_steps(kind: Any) -> tuple[_Step, _Step]:
    hints = get_type_hints(kind)
    fields = [f for f in dataclasses.fields(kind) if f.init]
    names = [f.name for f in fields]
    steps = [_steps(hints[name]) for name in names]
    outward = [(name, to) for name, (to, _) in zip(names, steps, strict=True)]
    inward = [(place, back) for place, (_, back) in enumerate(steps) if back is not _same]
    count = len(names)
    by_name = any(f.kw_only for f in fields)

    def again(value: Any) -> Any:
        values = _list(value, count)
        for place, back in inward:
            values[place] = back(values[place])
        return kind(**dict(zip(names, values, strict=True))) if by_name else kind(*values)

    return (lambda v: [to(getattr(v, name)) for name, to in outward]), again


def _list(value: Any, count: int | None = None) -> list[Any]:
    if type(value) is not list or (count is not None and len(value) != count):
        raise ValueError(
            f"{type(value).__name__} where a list of {count if count is not None else 'any'} values belongs"
        )
    return value
