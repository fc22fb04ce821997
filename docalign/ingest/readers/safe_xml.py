"""XML from strangers: parsed with the standard library, without entities, network or unbounded depth."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Final
from xml.parsers import expat

from docalign.errors import DamagedInputError, LimitExceededError

__all__ = ["check_entities", "local_name", "parse_xml"]

MAX_DEPTH: Final = 400
"""Office files nest some 30 deep; what walks the tree may recurse this far."""


class _PrologEndsError(Exception):
    """The first element begins: nothing can be declared any more."""


def parse_xml(data: bytes, what: str) -> ET.Element:
    """The root element. `what` names the part in errors.

    Raises:
        DamagedInputError: not well-formed, or it declares entities. LimitExceededError: nested too deep.
    """
    check_entities(data, what)
    try:
        root = ET.fromstring(data)  # noqa: S314 - entities are refused above, external ones are never fetched
    except (ET.ParseError, ValueError, LookupError) as error:
        raise DamagedInputError(f"{what} is not well-formed XML ({error}).", remedy="Save the file again.") from error
    depth, level = 0, [root]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise LimitExceededError(
                f"{what} nests elements more than {MAX_DEPTH} deep.", remedy="Simplify the file; no editor writes that."
            )
        level = [child for element in level for child in element]
    return root


def check_entities(data: bytes, what: str) -> None:
    """Refuse a part whose prolog declares entities (billion laughs, external files); reads no further than the prolog.

    Raises:
        DamagedInputError: it does.
    """

    def declared(*_: object) -> None:
        raise DamagedInputError(
            f"{what} declares XML entities, which can grow without bound or name other files.",
            remedy="Remove the declarations; no office program writes them.",
        )

    def begins(*_: object) -> None:
        raise _PrologEndsError

    try:
        parser = expat.ParserCreate()
        parser.EntityDeclHandler = declared
        parser.StartElementHandler = begins
        parser.Parse(data, True)
    except (_PrologEndsError, expat.ExpatError, ValueError, LookupError):
        return


def local_name(element: ET.Element) -> str:
    """The tag without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
