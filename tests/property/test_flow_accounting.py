"""Nothing is lost by readers of formats without pages: all words of the source are in the text or set aside."""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docalign.document import Document
from docalign.errors import EmptyInputError
from tests.support.office import docx_bytes, epub_bytes, read_here

NAMES = (
    "p div span b ul ol li table tr td th thead caption h1 h3 nav aside header footer section dl dt dd pre blockquote "
    "a figure figcaption noscript svg button details summary ruby rt sup form label center font"
)
TAGS = NAMES.split()
WRAPS = ["w:ins", "w:del", "w:hyperlink", "w:smartTag", "w:fldSimple", "w:sdt"]
TREES = st.recursive(
    st.just(None), lambda inner: st.lists(st.tuples(st.sampled_from(TAGS), inner), max_size=4), max_leaves=25
)


def held(document: Document) -> Counter[str]:
    aside = [*document.furniture, *document.invisible, *document.dropped]
    return Counter(" ".join([document.text, *(thing.text for thing in aside)]).replace("|", " ").split())


def page(tree: list[tuple[str, object]] | None, numbers: count[int]) -> str:
    if tree is None:
        return f" w{next(numbers)} "
    return "".join(
        f"<{tag}>{page(inner, numbers)} w{next(numbers)} </{tag}> w{next(numbers)} "  # type: ignore[arg-type]
        for tag, inner in tree
    )


@settings(deadline=None, max_examples=300)
@given(tree=TREES)
def test_every_word_of_a_page_is_kept(tree: list[tuple[str, object]] | None) -> None:
    numbers = count()
    html = page(tree, numbers)
    words = Counter(f"w{n}" for n in range(next(numbers)))
    for name, data in (("a.html", html.encode()), ("a.epub", epub_bytes({"a.xhtml": html}))):
        try:
            document = read_here(data, name)
        except EmptyInputError:
            assert not words
            continue
        assert words - held(document) == Counter()
        assert held(document)["w0"] == 1


RUNS = st.recursive(
    st.just("r"), lambda inner: st.tuples(st.sampled_from(WRAPS), st.lists(inner, min_size=1, max_size=3)), max_leaves=6
)
BLOCKS = st.recursive(
    st.lists(RUNS, min_size=1, max_size=3).map(lambda runs: ("p", runs)),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda blocks: ("sdt", blocks)),
        st.lists(st.lists(inner, min_size=1, max_size=2), min_size=1, max_size=3).map(lambda cells: ("tbl", cells)),
    ),
    max_leaves=8,
)


def run(tree: object, numbers: count[int], *, deleted: bool = False) -> str:
    if isinstance(tree, str):
        kind = "delText" if deleted else "t"
        return f'<w:r><w:{kind} xml:space="preserve"> w{next(numbers)} </w:{kind}></w:r>'
    wrap, inner = tree  # type: ignore[misc]
    texts = "".join(run(t, numbers, deleted=deleted or wrap == "w:del") for t in inner)
    return f"<{wrap}>{texts}</{wrap}>"


def block(tree: object, numbers: count[int]) -> str:
    kind, inner = tree  # type: ignore[misc]
    if kind == "p":
        return f"<w:p>{''.join(run(t, numbers) for t in inner)}</w:p>"
    if kind == "sdt":
        return f"<w:sdt><w:sdtContent>{''.join(block(t, numbers) for t in inner)}</w:sdtContent></w:sdt>"
    cells = "".join(f"<w:tc>{''.join(block(t, numbers) for t in cell)}</w:tc>" for cell in inner)
    return f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"


@settings(deadline=None, max_examples=200)
@given(trees=st.lists(BLOCKS, min_size=1, max_size=4))
def test_every_word_of_a_word_file_is_kept(trees: list[object]) -> None:
    numbers = count()
    body = "<w:p><w:r><w:t>start</w:t></w:r></w:p>" + "".join(block(tree, numbers) for tree in trees)
    words = Counter(f"w{n}" for n in range(next(numbers)))
    found = held(read_here(docx_bytes(body), "a.docx"))
    assert {w: n for w, n in found.items() if w in words} == dict(words)


@pytest.mark.parametrize("name", ["a.rst", "a.eml"])
@settings(deadline=None, max_examples=100)
@given(
    text=st.lists(st.sampled_from(["- ", "* x\n", "\n\n", "    ", "word ", "====\n", "::\n\n", ".. note:: ", "`", "*"]))
)
def test_any_markup_is_read_or_refused_by_name(name: str, text: list[str]) -> None:
    source = "Subject: x\n\n" + "".join(text) if name == "a.eml" else "start\n\n" + "".join(text)
    document = read_here(source.encode(), name)
    assert document.text
    assert document.text.count("word") + sum(i.text.count("word") for i in document.invisible) >= source.count("word ")
