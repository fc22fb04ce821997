"""The `html` format: one self-contained page that shows where the chunks are on the pages of a document."""

from __future__ import annotations

from docalign.view.html import html_page
from docalign.view.pictures import page_images

__all__ = ["html_page", "page_images"]
