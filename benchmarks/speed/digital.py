"""Digital PDFs: docalign end to end, plain pdfplumber, LangChain's recursive splitter, and the cold command line."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pdfplumber
from langchain_text_splitters import RecursiveCharacterTextSplitter

from docalign.chunker import ChunkOptions
from docalign.counting import counter
from speed.inputs import FileSet
from speed.machine import ROOT
from speed.pipeline import Warm
from speed.timing import Timed, interleaved

__all__ = ["COMMAND", "measure_digital"]

COMMAND = [sys.executable, "-c", "from docalign.cli import main; main()"]
"""The command line as a fresh process."""


def measure_digital(files: FileSet, warm: Warm, repeats: int, scratch: Path, model: str | None) -> dict[str, Any]:
    """All arms on one set of files, interleaved; the cold command line once."""
    texts = [_pdfplumber_text(f) for f in files.files]
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=ChunkOptions().max_tokens or 0, chunk_overlap=0, length_function=counter(warm.tokenizer)
    )

    def split() -> None:
        for text in texts:
            splitter.split_text(text)

    timed = interleaved(
        {
            "docalign": lambda: warm.run(files.files),
            "pdfplumber": lambda: [_pdfplumber_text(f) for f in files.files],
            "langchain": split,
        },
        repeats,
        warmed_up=warm.reset,
    )
    both = Timed(
        *(
            [a + b for a, b in zip(getattr(timed["pdfplumber"], f), getattr(timed["langchain"], f), strict=True)]
            for f in ("seconds", "cpu_s")
        )
    )
    return {
        "set": files.name,
        "files": len(files.files),
        "pages": files.pages,
        "repeats": repeats,
        "arms": {
            "docalign": timed["docalign"].rate(files.pages) | warm.summary(),
            "docalign, cold command": _cold(files, scratch, model),
            "pdfplumber text": timed["pdfplumber"].rate(files.pages),
            "LangChain on that text": timed["langchain"].rate(files.pages),
            "pdfplumber + LangChain": both.rate(files.pages),
        },
    }


def _pdfplumber_text(file: Path) -> str:
    """Every page's `extract_text()` in this process, each page's cache dropped as its users are told to."""
    pages = []
    with pdfplumber.open(file) as pdf:
        for page in pdf.pages:
            pages.append(page.extract_text())
            page.close()
    return "\n".join(pages)


def _cold(files: FileSet, scratch: Path, model: str | None) -> dict[str, float]:
    """`docalign chunk FOLDER --out FOLDER` in a new process: start, model load and all."""
    folder: Sequence[str] = [str(files.files[0].parent), "--out", str(scratch / f"cold-{files.name}")]
    begun = time.perf_counter()
    subprocess.run(
        [*COMMAND, "chunk", *folder, *(["--model", model] if model else [])],
        cwd=ROOT,
        check=True,
        stderr=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - begun
    return {"pages_per_s": round(files.pages / seconds, 3), "seconds": round(seconds, 2)}
