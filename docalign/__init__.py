"""docalign: PDFs and scans into chunks, with a chunker people can teach."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docalign.client import Client

__all__ = ["Client", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "Client":
        from docalign.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
