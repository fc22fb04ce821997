"""Every peer by name, and the loading of those that can be had here."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Final

from docalign.bench.ask import Ask, Cut, Peer, Piece, Setup
from docalign.errors import DocalignError, UsageError

__all__ = ["OURS", "PEERS", "Loaded", "chosen", "load_all", "policy_peer"]

OURS: Final = "docalign"
_EXTRA: Final = "Install the extra: pip install '.[bench]' in the docalign folder."


def _adapter(module: str, function: str, *arguments: str) -> Callable[[Setup], Cut]:
    """Imported when it is loaded: an adapter may not be imported without its library."""

    def load(setup: Setup) -> Cut:
        made = getattr(import_module(f"docalign.bench.peers.{module}"), function)
        cut: Cut = (made(*arguments) if arguments else made)(setup)
        return cut

    return load


_ours = partial(Peer, package=None, sees="blocks", one_size=False, ours=True)

PEERS: Final[tuple[Peer, ...]] = (
    Peer(OURS, "docalign", "blocks", "the shipped model with its solver", _adapter("ours", "full"),
         one_size=False, ours=True),
    _ours("LLM without solver", about="a chunk starts where the log-odds are positive; no sizes, no promises",
          load=_adapter("ours", "no_solver")),
    _ours("rules in place of the LLM", about="the outline rule's opinion for log-odds, same solver",
          load=_adapter("ours", "rules_scored")),
    _ours("rules alone", about="short lines taken for headings, sections packed to the target",
          load=_adapter("ours", "rule", "guess+policy")),
    _ours("packing", about="blocks packed to the target", load=_adapter("ours", "rule", "pack")),
    _ours("without the outline hint", about="the prompt does not tell the rules' opinion",
          load=_adapter("ours", "no_outline")),
    _ours("without layout hints", about="the prompt tells neither kinds, levels, sizes of type nor bold",
          load=_adapter("ours", "no_layout")),
    _ours("log-odds shuffled", about="permuted within each document: what the solver does alone",
          load=_adapter("ours", "shuffled")),
    Peer("chonkie recursive", "chonkie", "text", "RecursiveChunker", _adapter("chonkie", "recursive")),
    Peer("chonkie sentence", "chonkie", "text", "SentenceChunker", _adapter("chonkie", "sentence")),
    Peer("chonkie semantic", "chonkie", "text", "SemanticChunker, MiniLM", _adapter("chonkie", "semantic"), slow=True),
    Peer("LangChain recursive", "langchain-text-splitters", "text", "RecursiveCharacterTextSplitter, no overlap",
         _adapter("langchain", "recursive")),
    Peer("LangChain markdown", "langchain-text-splitters", "markdown",
         "MarkdownHeaderTextSplitter, then the recursive splitter", _adapter("langchain", "markdown_header")),
    Peer("LlamaIndex sentence", "llama-index-core", "text", "SentenceSplitter, no overlap",
         _adapter("llama_index", "sentence")),
    Peer("LlamaIndex semantic", "llama-index-core", "text", "SemanticSplitterNodeParser, 95th percentile, MiniLM; "
         "knows no sizes", _adapter("llama_index", "semantic"), one_size=False, slow=True),
    Peer("semchunk", "semchunk", "text", "chunkerify", _adapter("splitters", "semchunk")),
    Peer("text-splitter", "semantic-text-splitter", "text", "TextSplitter, capacity from target to limit",
         _adapter("splitters", "text_splitter"), one_size=False),
    Peer("unstructured by_title", "unstructured", "blocks", "chunk_by_title, sizes in characters",
         _adapter("unstructured", "by_title"), one_size=False),
    Peer("docling hybrid", "docling-core", "blocks", "HybridChunker on a DoclingDocument made of our blocks",
         _adapter("docling", "hybrid")),
    Peer("wtpsplit SaT", "wtpsplit", "text", "sentences packed to the size", _adapter("wtpsplit", "sat"), slow=True),
    Peer("ClusterSemantic", None, "text", "after Chroma's report, MiniLM", _adapter("cluster", "cluster_semantic"),
         slow=True),
    Peer("LumberChunker style", None, "blocks", "the base LLM is asked where the content changes",
         _adapter("lumber", "lumber"), one_size=False, slow=True, generative=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loaded:
    """Peers ready to run, and for the others the reason why they are not."""

    cuts: Mapping[Peer, Cut]
    missing: Mapping[Peer, str]


def policy_peer(name: str) -> Peer:
    """A trained policy (say SFT+DPO) as an arm."""
    return _ours(name, about="a policy folder, run in torch", load=_adapter("ours", "policy", name))


def chosen(names: Sequence[str] | None, peers: Sequence[Peer] = PEERS) -> list[Peer]:
    """The peers of these names, docalign always first; all of them without names.

    Raises:
        UsageError: no such peer.
    """
    known = {p.name: p for p in peers}
    unknown = [n for n in names or () if n not in known]
    if unknown:
        raise UsageError(f"there is no peer {unknown[0]!r}.", remedy=f"Choose from {', '.join(known)}.")
    return [p for p in peers if names is None or not names or p.name in names or p.name == OURS]


def load_all(peers: Sequence[Peer], setup: Setup, *, say: Callable[[str], None] = lambda _: None) -> Loaded:
    """Load every peer; whatever stands in the way of one is its reason, and the others go on.

    Raises:
        DocalignError: docalign itself cannot be loaded.
    """
    cuts: dict[Peer, Cut] = {}
    missing: dict[Peer, str] = {}
    for peer in peers:
        say(f"loading {peer.name}")
        try:
            cut = peer.load(setup)
            cuts[peer] = cut if peer.ours else _silent(cut)
        except DocalignError as error:
            if peer.name == OURS:
                raise
            missing[peer] = f"{error.what} {error.remedy}".strip()
        except ImportError as error:
            missing[peer] = f"{error.name or error} is not installed. {_EXTRA}"
        except Exception as error:  # noqa: BLE001 - other people's code may fail in any way, and is reported
            missing[peer] = f"it fails to load: {type(error).__name__}: {str(error)[:200]}"
    return Loaded(cuts, missing)


def _silent(cut: Cut) -> Cut:
    """Some libraries print and warn at every call; what matters of it shows in the numbers."""

    def quiet(ask: Ask) -> Sequence[Piece]:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cut(ask)

    return quiet


def version_of(peer: Peer) -> str | None:
    """The installed version of a peer's package; None where there is none."""
    try:
        return importlib.metadata.version(peer.package) if peer.package else None
    except importlib.metadata.PackageNotFoundError:
        return None
