"""LlamaIndex: a `NodeParser` for documents, a `BaseReader` for files (extra `llama-index`).

    nodes = DocalignNodeParser(max_tokens=400).get_nodes_from_documents(documents)
    nodes = DocalignReader(max_tokens=400).load_data("report.pdf")

LlamaIndex looks for a node's text in its document to say where it begins, and finds the wrong place where a passage
stands twice. Here `start_char_idx` and `end_char_idx` are the chunk's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docalign.chunk import Chunk
from docalign.integrations.cutter import Cutter, Markup, about, missing

try:
    from llama_index.core.bridge.pydantic import Field, PrivateAttr
    from llama_index.core.node_parser import NodeParser
    from llama_index.core.node_parser.node_utils import build_nodes_from_splits
    from llama_index.core.readers.base import BaseReader
    from llama_index.core.schema import BaseNode, Document, MetadataMode, TextNode
    from llama_index.core.utils import get_tqdm_iterable
except ImportError as error:
    raise missing("llama-index", error) from error

__all__ = ["DocalignNodeParser", "DocalignReader"]

_NOT_FOR_MODELS = ("id", "doc", "index", "start", "end", "tokens", "pages", "boxes", "blocks", "confidence", "boundary")
"""What embedders and LLMs need not read; headings stay in."""


class DocalignNodeParser(NodeParser):
    """Parses documents into nodes where docalign's model would begin a chunk."""

    max_tokens: int = Field(default=512, description="The limit of a node, in tokens of `tokenizer`.")
    target_tokens: int | None = Field(default=None, description="The size aimed at.")
    tokenizer: str | None = Field(default=None, description="What counts tokens; None: the model's own.")
    markup: Markup = Field(default="markdown", description="How texts are marked up: markdown or text.")
    model: str | None = Field(default=None, description="A model folder or name; None: the shipped one.")
    _cutter: Cutter | None = PrivateAttr(default=None)

    @classmethod
    def class_name(cls) -> str:
        return "DocalignNodeParser"

    @property
    def cutter(self) -> Cutter:
        """Made when first asked for, so that a parser can be copied and serialised."""
        if self._cutter is None:
            self._cutter = Cutter.of(
                model=self.model,
                markup=self.markup,
                max_tokens=self.max_tokens,
                target_tokens=self.target_tokens,
                tokenizer=self.tokenizer,
            )
        return self._cutter

    def _parse_nodes(
        self,
        nodes: Sequence[BaseNode],
        show_progress: bool = False,
        **kwargs: Any,  # noqa: ARG002 - LlamaIndex's own signature
    ) -> list[BaseNode]:
        made: list[BaseNode] = []
        for node in get_tqdm_iterable(nodes, show_progress, "Parsing nodes"):
            text = node.get_content(metadata_mode=MetadataMode.NONE)
            chunks = self.cutter.text(text, source=str(node.metadata.get("file_path", node.node_id)))
            parts = build_nodes_from_splits([chunk.text for chunk in chunks], node, id_func=self.id_func)
            made += [_placed(part, chunk) for part, chunk in zip(parts, chunks, strict=True)]
        return made

    def _postprocess_parsed_nodes(self, nodes: list[BaseNode], parent_doc_map: dict[str, Document]) -> list[BaseNode]:
        places = [(node.start_char_idx, node.end_char_idx) for node in nodes]
        done: list[BaseNode] = super()._postprocess_parsed_nodes(nodes, parent_doc_map)
        for node, (start, end) in zip(done, places, strict=True):
            node.start_char_idx, node.end_char_idx = start, end
        return done


class DocalignReader(BaseReader):
    """Reads a file of any format docalign knows; one node a chunk, with pages and boxes.

    Args: `reading` are the `IngestOptions`, `sizes` those of `ChunkOptions`.
    """

    def __init__(self, *, model: str | None = None, reading: Any = None, **sizes: Any) -> None:
        self.cutter = Cutter.of(model=model, reading=reading, **sizes)

    def load_data(self, file: str | Path | bytes, extra_info: dict[str, Any] | None = None) -> list[TextNode]:
        """The nodes of one file.

        Raises:
            DocalignError: it cannot be read.
        """
        found = {} if isinstance(file, bytes) else {"file_path": str(file)}
        found |= extra_info or {}
        return [
            _placed(TextNode(id_=chunk.id, text=chunk.text, metadata=dict(found)), chunk)
            for chunk in self.cutter.file(file)
        ]


def _placed(node: TextNode, chunk: Chunk) -> TextNode:
    node.start_char_idx, node.end_char_idx = chunk.start, chunk.end
    node.metadata = {**node.metadata, **about(chunk)}
    for hidden in ("excluded_embed_metadata_keys", "excluded_llm_metadata_keys"):
        setattr(node, hidden, [*getattr(node, hidden), *_NOT_FOR_MODELS])
    return node
