"""LangChain's recursive character splitter, and its Markdown header splitter followed by the recursive one."""

from __future__ import annotations

from collections.abc import Sequence

from docalign.bench.ask import Ask, Cut, Piece, Setup
from docalign.bench.markdown import markdown_of

__all__ = ["markdown_header", "recursive"]


def recursive(_: Setup) -> Cut:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    def cut(ask: Ask) -> Sequence[Piece]:
        splitter = RecursiveCharacterTextSplitter(
            chunk_size=ask.size, chunk_overlap=0, length_function=ask.count, add_start_index=True
        )
        made = splitter.create_documents([ask.document.text])
        starts = [int(d.metadata["start_index"]) for d in made]
        return [Piece(d.page_content, claimed=(s, s + len(d.page_content))) for d, s in zip(made, starts, strict=True)]

    return cut


def markdown_header(_: Setup) -> Cut:
    from langchain_text_splitters import MarkdownHeaderTextSplitter, RecursiveCharacterTextSplitter

    headers = MarkdownHeaderTextSplitter([("#" * n, f"h{n}") for n in range(1, 7)], strip_headers=False)

    def cut(ask: Ask) -> Sequence[Piece]:
        markdown = markdown_of(ask.document)
        splitter = RecursiveCharacterTextSplitter(chunk_size=ask.size, chunk_overlap=0, length_function=ask.count)
        made = splitter.split_documents(headers.split_text(markdown.text))
        return list(markdown.pieces(d.page_content for d in made))

    return cut
