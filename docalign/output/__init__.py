"""What chunks look like outside: one registry of formats, each a pure function of a document and its chunks.

`render` gives bytes; `atomic` puts bytes on disk; `journal` remembers which results of a batch are finished.
Nothing here reads an input or knows where results go: that is `commands/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from docalign.errors import UsageError
from docalign.output.jsonout import render_json, render_jsonl
from docalign.output.markdown import render_markdown
from docalign.output.parquet import render_parquet
from docalign.output.preview import render_preview

if TYPE_CHECKING:
    from docalign.chunk import Chunk
    from docalign.document import Document

__all__ = ["FORMATS", "PageImages", "check_format", "render"]

PageImages = Sequence["bytes | None"]
"""One picture (PNG, JPEG or WebP) for each page, in page order; None where there is no picture."""


def _render_html(document: Document, chunks: Sequence[Chunk], page_images: PageImages) -> bytes:
    from docalign.view import html_page

    return html_page(document, chunks, page_images).encode("utf-8", "replace")


FORMATS: Final[dict[str, Callable[[Document, Sequence[Chunk], PageImages], bytes]]] = {
    "jsonl": lambda _, chunks, __: render_jsonl(chunks),
    "json": lambda _, chunks, __: render_json(chunks),
    "md": lambda document, chunks, _: render_markdown(document, chunks),
    "html": _render_html,
    "preview": lambda document, chunks, _: render_preview(document, chunks),
    "parquet": lambda _, chunks, __: render_parquet(chunks),
}
"""Name of a format → its writer. The name is also the suffix of the files a batch writes."""


def check_format(name: str) -> str:
    """The format's name, if there is one.

    Raises:
        UsageError: no such format.
    """
    if name not in FORMATS:
        raise UsageError(f"there is no output format {name!r}.", remedy=f"Choose one of {', '.join(FORMATS)}.")
    return name


def render(name: str, document: Document, chunks: Sequence[Chunk], *, page_images: PageImages = ()) -> bytes:
    """The chunks of one document in the format called `name`, as UTF-8. Only `html` looks at `page_images`.

    Raises:
        UsageError: no such format.
    """
    return FORMATS[check_format(name)](document, chunks, page_images)
