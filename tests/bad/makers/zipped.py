"""Office files and books: archives with bombs, paths that lead outside, and XML that names other files."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/{part}" ContentType="{kind}"/>{more}</Types>'
)
_RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="{part}" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
_OFFICE = "application/vnd.openxmlformats-officedocument."
SENTENCE = "The committee agreed on all seven points of its report."


def archive(parts: Mapping[str, bytes | str], *, stored: tuple[str, ...] = ()) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            how = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            file.writestr(zipfile.ZipInfo(name), data, how)
    return buffer.getvalue()


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def docx_parts(body: str = paragraph(SENTENCE), *, prolog: str = "") -> dict[str, bytes | str]:
    kind = _OFFICE + "wordprocessingml.document.main+xml"
    return {
        "[Content_Types].xml": _TYPES.format(part="word/document.xml", kind=kind, more=""),
        "_rels/.rels": _RELS.format(part="word/document.xml"),
        "word/document.xml": f'<?xml version="1.0"?>{prolog}<w:document {_W}><w:body>{body}</w:body></w:document>',
    }


def docx(body: str = paragraph(SENTENCE), *, prolog: str = "", without: str = "", **more: bytes | str) -> bytes:
    parts = docx_parts(body, prolog=prolog) | {name.replace("__", "/"): data for name, data in more.items()}
    return archive({name: data for name, data in parts.items() if name != without})


def docx_bomb(megabytes: int) -> bytes:
    """A Word file of a few hundred kB whose document is this large."""
    return docx(paragraph("A" * (megabytes << 20)))


def docx_many_parts(count: int) -> bytes:
    return archive(docx_parts() | {f"word/media/{n}.bin": b"" for n in range(count)})


def docx_lying_sizes() -> bytes:
    """The archive's directory says 10 bytes where megabytes follow."""
    data = bytearray(docx(paragraph("A" * (4 << 20))))
    name = b"word/document.xml"
    local, central = data.index(name) - 30, data.rindex(name) - 46
    struct.pack_into("<I", data, local + 22, 10)
    struct.pack_into("<I", data, central + 24, 10)
    return bytes(data)


def docx_twice() -> bytes:
    """Two parts of one name."""
    buffer = BytesIO(docx())
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as file:
        warnings.simplefilter("ignore")
        file.writestr("word/document.xml", docx_parts(paragraph("Another one."))["word/document.xml"])
    return buffer.getvalue()


def deep_docx(depth: int) -> bytes:
    open_, close = "<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"
    return docx(paragraph(SENTENCE) + open_ * depth + paragraph("deep") + close * depth)


def laughs(levels: int = 9, name: str = "lol") -> str:
    """The declarations of a billion laughs (`&lol9;` is 10^9 times `lol`)."""
    lines = [f'<!ENTITY {name}0 "lol">']
    lines += [f'<!ENTITY {name}{n} "{f"&{name}{n - 1};" * 10}">' for n in range(1, levels + 1)]
    return "<!DOCTYPE x [" + "".join(lines) + "]>"


def flagged_as_encrypted() -> bytes:
    data = bytearray(docx())
    name = b"word/document.xml"
    data[data.index(name) - 24] |= 1
    data[data.rindex(name) - 38] |= 1
    return bytes(data)


def ole(stream_name: str) -> bytes:
    """An OLE2 container with one empty stream of this name, as encrypted and old Office files are."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header += b"\0" * 6 + struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<I", 0) + b"\xff" * (4 * 108)
    fat = struct.pack("<II", 0xFFFFFFFD, 0xFFFFFFFE) + b"\xff" * (512 - 8)
    return header + fat + _entry("Root Entry", 5, 1) + _entry(stream_name, 2, 0xFFFFFFFF) + b"\0" * 256


def _entry(name: str, kind: int, child: int) -> bytes:
    coded = name.encode("utf-16-le")
    head = coded.ljust(64, b"\0") + struct.pack("<HBBIII", len(coded) + 2, kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
    return head + b"\0" * 36 + struct.pack("<III", 0xFFFFFFFE, 0, 0)


_OPF = (
    '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">'
    '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Minutes</dc:title>'
    '<dc:identifier id="i">x</dc:identifier><dc:language>en</dc:language></metadata>'
    "<manifest>{manifest}</manifest><spine>{spine}</spine></package>"
)
_CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="{opf}" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


def epub(
    chapters: Mapping[str, str], *, spine: tuple[str, ...] | None = None, opf: str = "OEBPS/content.opf", **more: str
) -> bytes:
    """A book of chapters, by file name as the manifest gives it; `more` are further parts (`__` for `/`)."""
    names = list(chapters)
    manifest = "".join(f'<item id="c{n}" href="{h}" media-type="application/xhtml+xml"/>' for n, h in enumerate(names))
    order = spine if spine is not None else tuple(f"c{n}" for n in range(len(names)))
    parts: dict[str, bytes | str] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": _CONTAINER.format(opf=opf),
        "OEBPS/content.opf": _OPF.format(manifest=manifest, spine="".join(f'<itemref idref="{i}"/>' for i in order)),
    }
    for name, body in chapters.items():
        if ".." not in name and not name.startswith("/"):
            parts[f"OEBPS/{name}"] = f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
    return archive(parts | {name.replace("__", "/"): data for name, data in more.items()}, stored=("mimetype",))


_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def xlsx(rows: str, *, dimension: str = "A1:B2", strings: str | None = None) -> bytes:
    """A workbook of one sheet."""
    main = _OFFICE + "spreadsheetml.sheet.main+xml"
    sheet = f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_OFFICE}spreadsheetml.worksheet+xml"/>'
    rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": _TYPES.format(part="xl/workbook.xml", kind=main, more=sheet),
        "_rels/.rels": _RELS.format(part="xl/workbook.xml"),
        "xl/workbook.xml": (
            f'<workbook {_S} {_R}><sheets><sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{rels}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
        ),
        "xl/worksheets/sheet1.xml": (
            f'<worksheet {_S}><dimension ref="{dimension}"/><sheetData>{rows}</sheetData></worksheet>'
        ),
    }
    if strings is not None:
        parts["xl/sharedStrings.xml"] = strings
    return archive(parts)


CELLS = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c><c r="B1" t="inlineStr"><is><t>sum</t></is></c></row>'
)


def pptx(**more: str) -> bytes:
    """A presentation whose slide list names a slide that is not there."""
    main = _OFFICE + "presentationml.presentation.main+xml"
    p = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": _TYPES.format(part="ppt/presentation.xml", kind=main, more=""),
        "_rels/.rels": _RELS.format(part="ppt/presentation.xml"),
        "ppt/presentation.xml": (
            f'<p:presentation {p} {_R}><p:sldIdLst><p:sldId id="256" r:id="rId9"/></p:sldIdLst></p:presentation>'
        ),
    }
    return archive(parts | {name.replace("__", "/"): data for name, data in more.items()})
