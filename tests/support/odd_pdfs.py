"""PDFs with forms, annotations, attachments and portfolios, made with `pikepdf` on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from tests.support.files import text_pdf

__all__ = ["annotated", "form", "portfolio", "saved", "with_attachments", "xfa"]


def saved(pdf: pikepdf.Pdf, **options: Any) -> bytes:
    target = BytesIO()
    pdf.save(target, static_id=True, **options)
    return target.getvalue()


def _opened(*pages: list[str]) -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(text_pdf(*pages)))


def form(fields: Sequence[dict[str, Any]], lines: Sequence[str] = ("Application for a licence", "Name:")) -> bytes:
    """A page with these fields, one under the other from y = 600 down, 30 points apart."""
    pdf = _opened(list(lines))
    widgets = []
    for number, entries in enumerate(fields):
        y = 600 - 30 * number
        rect = Array([150, y, 350, y + 20])
        place = {"/Type": Name.Annot, "/Subtype": Name.Widget, "/Rect": rect, "/T": String(f"f{number}")}
        widgets.append(pdf.make_indirect(Dictionary({**place, **entries})))
    pdf.pages[0].Annots = Array(widgets)
    pdf.Root.AcroForm = Dictionary(Fields=Array(widgets), DA=String("/Helv 11 Tf 0 g"))
    return saved(pdf)


def annotated(*annotations: dict[str, Any]) -> bytes:
    pdf = _opened(["A page with remarks on it, made by its readers"])
    found = []
    for number, entries in enumerate(annotations):
        y = 500 - 40 * number
        rect = Array([100, y, 300, y + 20])
        found.append(pdf.make_indirect(Dictionary({"/Type": Name.Annot, "/Rect": rect, **entries})))
    pdf.pages[0].Annots = Array(found)
    return saved(pdf)


def xfa(*, dynamic: bool) -> bytes:
    pdf = _opened(["Please wait... If this message is not eventually replaced by the form, update your viewer."])
    template = pdf.make_stream(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>")
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=template)
    if dynamic:
        pdf.Root.NeedsRendering = True
    return saved(pdf)


def with_attachments(files: dict[str, bytes], *, cover: str = "The cover letter of this parcel of files") -> bytes:
    pdf = _opened([cover])
    for name, data in files.items():
        pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, data, filename=name)
    return saved(pdf)


def portfolio(files: dict[str, bytes], *, cover: str = "The cover letter of this parcel of files") -> bytes:
    pdf = pikepdf.open(BytesIO(with_attachments(files, cover=cover)))
    pdf.Root.Collection = Dictionary(Type=Name.Collection, View=Name.D)
    return saved(pdf)
