"""Frozen dataclasses as JSON bytes and back, by their declared types: nothing in the bytes can name code to run.

A dataclass is the list of its fields' values, so the bytes make sense only to the same version of the class: whoever
keeps them has to key them by that. Types known: str, int, float, bool, None, Literal, unions with None, tuples,
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
_PLAIN: Final[dict[Any, tuple[type, ...]]] = {str: (str,), int: (int,), float: (float, int), bool: (bool,)}


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
    if hint in _PLAIN:
        return _same, _checked(_PLAIN[hint])
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _same, _one_of(arguments)
    if origin in (Union, types.UnionType):
        return _optional_steps(hint, arguments)
    if origin is tuple:
        return _tuple_steps(arguments)
    if origin is dict and arguments[0] is str:
        inner = _steps(arguments[1])
        return (lambda v: {k: inner[0](x) for k, x in v.items()}), (
            lambda v: {k: inner[1](x) for k, x in _checked((dict,))(v).items()}
        )
    raise TypeError(f"values of type {hint!r} cannot be kept")


def _same(value: Any) -> Any:
    return value


def _checked(kinds: tuple[type, ...]) -> _Step:
    def check(value: Any) -> Any:
        if type(value) not in kinds:
            raise ValueError(f"{type(value).__name__} where {kinds[0].__name__} belongs")
        return value

    return check


def _one_of(choices: tuple[Any, ...]) -> _Step:
    def check(value: Any) -> Any:
        if value not in choices:
            raise ValueError(f"{value!r} is none of {choices}")
        return value

    return check


def _optional_steps(hint: Any, arguments: tuple[Any, ...]) -> tuple[_Step, _Step]:
    inner = [a for a in arguments if a is not type(None)]
    if len(inner) != 1 or len(arguments) != 2:
        raise TypeError(f"values of type {hint!r} cannot be kept")
    to, back = _steps(inner[0])
    return (lambda v: None if v is None else to(v)), (lambda v: None if v is None else back(v))


def _tuple_steps(arguments: tuple[Any, ...]) -> tuple[_Step, _Step]:
    as_list = _checked((list,))
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        to, back = _steps(arguments[0])
        return (lambda v: [to(x) for x in v]), (lambda v: tuple([back(x) for x in as_list(v)]))
    steps = [_steps(a) for a in arguments]
    return (
        lambda v: [s[0](x) for s, x in zip(steps, v, strict=True)],
        lambda v: tuple([s[1](x) for s, x in zip(steps, as_list(v), strict=True)]),
    )


def _dataclass_steps(kind: Any) -> tuple[_Step, _Step]:
    hints = get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind) if f.init]
    steps = [_steps(hints[name]) for name in names]
    outward = [(name, to) for name, (to, _) in zip(names, steps, strict=True)]
    inward = [back for _, back in steps]
    as_list = _checked((list,))
    if any(f.kw_only for f in dataclasses.fields(kind)):
        return (
            lambda v: [to(getattr(v, name)) for name, to in outward],
            lambda v: kind(**{n: back(x) for n, back, x in zip(names, inward, as_list(v), strict=True)}),
        )
    return (
        lambda v: [to(getattr(v, name)) for name, to in outward],
        lambda v: kind(*[back(x) for back, x in zip(inward, as_list(v), strict=True)]),
    )
