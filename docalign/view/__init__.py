"""The `html` formats: one self-contained page that shows where chunks, or blocks, are on the pages of a document."""

from __future__ import annotations

from docalign.view.document import document_page
from docalign.view.html import html_page
from docalign.view.pictures import page_images

__all__ = ["document_page", "html_page", "page_images"]
