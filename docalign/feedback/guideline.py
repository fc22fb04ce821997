"""The annotation guideline: one Markdown file that people read before they judge, and its version.

The version is stored with every judgement, so that judgements made under different instructions can be told apart. It
is what the file says of itself and a piece of its hash: an edited guideline is another one, whatever it claims.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from docalign.errors import UsageError

__all__ = ["Guideline", "guideline_path", "load_guideline"]

_VERSION: Final = re.compile(r"^Version:\s*([\w.]{1,20})", re.M)


@dataclass(frozen=True, slots=True)
class Guideline:
    """`html` is the rendered text; what the file holds of HTML is shown as text."""

    version: str
    html: str


def guideline_path() -> Path:
    """The shipped guideline: `data/GUIDELINE.md` in a checkout, inside the package in a wheel."""
    inside = Path(__file__).parent.parent / "_data" / "GUIDELINE.md"
    return inside if inside.is_file() else Path(__file__).parent.parent.parent / "data" / "GUIDELINE.md"


@cache
def load_guideline(path: Path | None = None) -> Guideline:
    """Read and render a guideline; None for the shipped one.

    Raises:
        UsageError: it cannot be read, or states no version.
    """
    from markdown_it import MarkdownIt

    file = path or guideline_path()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("the guideline cannot be read.", source=str(file), remedy="Install docalign again.") from error
    stated = _VERSION.search(text)
    if stated is None:
        raise UsageError(
            "the guideline states no version.", source=str(file), remedy="Add a line such as `Version: 2`."
        )
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return Guideline(f"{stated[1]}-{digest}", html)
