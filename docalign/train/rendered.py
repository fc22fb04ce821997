"""Gold on rendered copies: a structured document goes to PDF (or on to a scan), is ingested, and its starts with it.

The model then trains on blocks as ingestion finds them: merged, split, misread, without the source's kinds. It holds
no gold policy; starts come from the caller, on the source's own blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from docalign.document import Document
from docalign.train.align import align
from docalign.train.render import look_for, render_pdf
from docalign.train.scan import Strength, scan_pdf

if TYPE_CHECKING:
    from docalign.ingest import WorkerPool

__all__ = ["Mode", "rendered_bytes", "rendered_gold"]

Mode = Literal["pdf", "scan"]
_STRENGTHS: Final[tuple[Strength, ...]] = ("light", "light", "medium")


def rendered_bytes(document: Mapping[str, Any], *, seed: int, mode: Mode) -> bytes:
    """The PDF of a document in the look of `seed`; with `mode="scan"` a PDF of its scanned pages.

    Args:
        document: `title` and `blocks` (kind, level, text each).
    """
    head = str(document.get("title") or document.get("id") or "")
    pdf = render_pdf(document["blocks"], head=head, look=look_for(seed))
    return scan_pdf(pdf, seed=seed, strength=_STRENGTHS[seed % len(_STRENGTHS)]) if mode == "scan" else pdf


def rendered_gold(
    document: Mapping[str, Any], starts: Iterable[int], *, seed: int, mode: Mode, pool: WorkerPool | None = None
) -> tuple[Document, tuple[int, ...], float]:
    """Render and ingest a document, and carry its gold starts over.

    Args:
        document: as for `rendered_bytes`.
        starts: gold block indices, the first 0.
        pool: worker processes to use and keep; worth passing when many documents are rendered.

    Returns:
        The ingested document, the starts as its block ids, and a quality (0–1): the share of words matched times the
        share of starts placed. Callers drop copies under about 0.9.
    """
    from docalign.ingest import ingest

    name = f"{document.get('id') or 'document'}#{mode}{seed}.pdf"
    copy = ingest(rendered_bytes(document, seed=seed, mode=mode), name=name, pool=pool)
    alignment = align([str(b["text"]) for b in document["blocks"]], copy)
    carried, placed = alignment.carry(starts)
    return copy, carried, alignment.quality * placed
