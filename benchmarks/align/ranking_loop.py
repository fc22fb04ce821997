"""Does the loop close? Rankings made through the page's HTTP endpoints teach a policy the taste of whoever made them.

    DOCALIGN_DATA=… python -m benchmarks.align.ranking_loop --policy models/docalign-smollm2-16l --out runs/loop

A scripted annotator with a stated taste (`TASTES`) signs in as a simulated one, is given tasks by the real server, and
judges them one after the other as a browser would. What it said is exported (source `simulated`), teaches a reward
model and, by DPO, a policy. Both policies then chunk documents that nobody judged. A win rate is the share of documents
on which the taste likes a policy's chunking better than a rule baseline's (`OPPONENTS`), ties counting half; the direct
one compares the two policies. Intervals are 95 % by bootstrap over documents. Every number is of one seed, and of a
program.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import re
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import uvicorn

from docalign.chunker.chunker import Chunker
from docalign.chunker.options import ChunkOptions
from docalign.counting import WORDS, count_words
from docalign.document import Document
from docalign.evaluate.rules import RULES
from docalign.evaluate.spans import starts_of
from docalign.feedback import store
from docalign.feedback.excerpt import excerpt
from docalign.feedback.export import export
from docalign.feedback.guideline import load_guideline
from docalign.feedback.prepare import Preparation, Preparer
from docalign.feedback.values import Ranking, Task
from docalign.feedback.web import Desk, create_app
from docalign.jsonl import write_lines
from docalign.store import Database
from docalign.train.corpus import is_held_out, read_corpus
from docalign.train.devset import data_directory, development_documents, window_lines
from docalign.train.engine import TorchEngine
from docalign.train.gold import GoldLine
from docalign.train.methods.options import DpoOptions
from docalign.train.methods.run import Data, train_aligned
from docalign.train.reward_model import RewardOptions, train_reward
from docalign.train.slot_model import load_policy, renderer_of

Starts = tuple[int, ...]
Taste = Callable[[Document, Starts, int], float]

LEAD_WORDS = 12
OPPONENTS = ("pack", "guess+policy", "outline", "every")
"""Rule baselines that both policies are compared with: one that everybody beats, or nobody, tells them not apart."""
CLOSE = 0.02
"""Chunkings whose worth differs by less are a tie to the annotator."""


def short_chunks(document: Document, starts: Starts, target: int) -> float:
    """Likes every chunk to have half the tokens that were asked for: 1 minus the mean deviation, relative to that."""
    sizes = [count_words(document.block_text(b)) for b in document.blocks]
    edges = [*starts, len(sizes)]
    wanted = target / 2
    off = [min(1.0, abs(sum(sizes[a:b]) - wanted) / wanted) for a, b in pairwise(edges)]
    return 1 - float(np.mean(off))


def lead_blocks(document: Document, starts: Starts, target: int) -> float:  # noqa: ARG001 - a taste
    """Likes chunks to begin at short blocks (at most `LEAD_WORDS` words) and nowhere else: F1 of cuts and these."""
    leads = {b.id for b in document.blocks if b.id and len(document.block_text(b).split()) <= LEAD_WORDS}
    cuts = set(starts) - {0}
    return 2 * len(leads & cuts) / (len(leads) + len(cuts)) if leads or cuts else 1.0


TASTES: dict[str, Taste] = {"short": short_chunks, "leads": lead_blocks}


def ranking_of(task: Task, document: Document, taste: Taste) -> Ranking:
    """Best first; neighbours in worth that are closer than `CLOSE` are ties."""
    worth = [taste(document, c.starts, task.stretch.target_tokens or 1) for c in task.candidates]
    groups: list[list[int]] = []
    for position in sorted(range(len(worth)), key=lambda p: -worth[p]):
        if groups and worth[groups[-1][-1]] - worth[position] < CLOSE:
            groups[-1].append(position)
        else:
            groups.append([position])
    return tuple(tuple(sorted(group)) for group in groups)


@contextmanager
def serving(database: Database) -> Iterator[int]:
    """The page's own app behind a real server; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(Desk(database)), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def judge_everything(database: Database, taste: Taste, name: str) -> int:
    """Judge over HTTP until the page has no more tasks; returns how many judgements were acknowledged."""
    me = store.add_annotator(database, name, simulated=True)
    with serving(database) as port, closing(http.client.HTTPConnection("127.0.0.1", port, timeout=600)) as connection:
        headers = {"Cookie": f"docalign_annotator={me.id}", "Origin": f"http://127.0.0.1:{port}"}
        form = headers | {"Content-Type": "application/x-www-form-urlencoded"}
        page, done = _ask(connection, "GET", "/", None, headers), 0
        while (found := re.search(r'data-task="(\d+)"', page)) is not None:
            task = store.task(database, int(found.group(1)))
            ranking = ranking_of(task, store.stretch_document(database, task.stretch), taste)
            sent = {"id": str(uuid.uuid4()), "task": task.id, "kind": "ranking", "ranking": json.dumps(ranking)}
            more = {"milliseconds": 1000, "guideline": load_guideline().version}
            page = _ask(connection, "POST", "/judgements", urlencode(sent | more), form)
            done += 1
    return done


def _ask(connection: http.client.HTTPConnection, method: str, path: str, body: str | None, headers: Any) -> str:
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8")
    if answer.status != 200:
        raise RuntimeError(f"{method} {path} answered {answer.status}: {text[:300]}")
    return text


def chunker_of(policy: Path) -> Chunker:
    model, tokenizer, config = load_policy(policy)
    model.eval()
    prior: Any = next(m for n, m in model.named_modules() if n.endswith("length_prior"))
    engine = TorchEngine.of(model, config)
    return Chunker(engine, renderer_of(tokenizer, config), prior.prior(), model_name=policy.name, tokenizer=WORDS)


def collect(
    database: Database, policy: Path, documents: Sequence[Document], taste: Taste, name: str, asked: Preparation
) -> int:
    """Tasks from documents, and every one of them judged."""
    preparer = Preparer(database, chunker_of(policy), asked=asked)
    for document in documents:
        preparer.add(document)
    return judge_everything(database, taste, name)


def exported(database: Database, path: Path) -> dict[str, Any]:
    """Write what was judged as preference lines to `path`, and say what they are."""
    made = export(database, "preferences")
    lines = [*made.train, *made.held_out]
    write_lines(path, (json.dumps(line, ensure_ascii=False) for line in lines))
    return {
        "lines": len(lines),
        "sources": sorted({line["source"] for line in lines}),
        "left_out_repeats": made.repeats,
    }


def teach(prefs: Path, policy: Path, out: Path, options: DpoOptions) -> Path:
    """A policy that learned from the rankings, by DPO."""
    return train_aligned("dpo", Data(prefs=(str(prefs),)), out / "dpo", options, init=policy, note=_say, quiet=True)


def teach_reward(prefs: Path, policy: Path, out: Path, options: RewardOptions) -> dict[str, Any]:
    """A reward model of the rankings; what it says of rankings it has not seen."""
    train_reward([str(prefs)], out / "reward", options, init=policy)
    judged = json.loads((out / "reward" / "run.json").read_text("utf-8"))
    return {k: v for k, v in judged.items() if "accuracy" in k or k.startswith("held_out")}


def measure(
    before: Path, after: Path, documents: Sequence[Document], taste: Taste, options: ChunkOptions, *, seed: int
) -> dict[str, Any]:
    """Win rates on documents nobody judged."""
    target = options.target_tokens or 1
    worth: dict[str, list[float]] = {}
    for name, policy in (("untuned", before), ("tuned", after)):
        chunker = chunker_of(policy)
        worth[name] = []
        for document in documents:
            spans = [(c.start, c.end) for c in chunker.chunk(document, options)]
            worth[name].append(taste(document, tuple(starts_of(document, spans)), target))
    limit = options.max_tokens
    lines = [GoldLine(f"held/{n}", None, d, (0,), WORDS, target, limit) for n, d in enumerate(documents)]
    rules = {name: [taste(line.document, tuple(RULES[name](line)), target) for line in lines] for name in OPPONENTS}
    return {
        "documents": len(documents),
        "worth": {name: float(np.mean(values)) for name, values in {**worth, **rules}.items()},
        "win_rate": {
            rule: {name: _won(values, theirs, seed) for name, values in worth.items()} for rule, theirs in rules.items()
        },
        "tuned_against_untuned": _won(worth["tuned"], worth["untuned"], seed),
    }


def _won(ours: Sequence[float], theirs: Sequence[float], seed: int) -> dict[str, float]:
    won = np.array([0.5 if abs(a - b) < 1e-9 else float(a > b) for a, b in zip(ours, theirs, strict=True)])
    draws = np.random.default_rng(seed).integers(0, len(won), (2000, len(won)))
    low, high = np.percentile(won[draws].mean(axis=1), [2.5, 97.5])
    return {"value": float(won.mean()), "low": float(low), "high": float(high)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--taste", choices=sorted(TASTES), default="leads")
    parser.add_argument("--documents", type=int, default=80)
    parser.add_argument("--held-out", type=int, default=60)
    parser.add_argument("--blocks", type=int, default=60, help="of each document, from its beginning")
    parser.add_argument("--target-tokens", type=int, default=200)
    parser.add_argument("--max-tokens", type=int, default=400)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--reward-steps", type=int, default=60)
    parser.add_argument("--window-tokens", type=int, default=1000)
    parser.add_argument("--trained-layers", type=int, default=None)
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--kl-budget", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    data, taste = data_directory(), TASTES[chosen.taste]
    options = ChunkOptions(max_tokens=chosen.max_tokens, target_tokens=chosen.target_tokens, tokenizer=WORDS)
    training = (d for d in read_corpus(data / "corpora" / "train") if not is_held_out(d["id"]))
    taught = _documents(training, chosen.documents, chosen.blocks, chosen.seed, percent=8)
    held = _documents(development_documents(data), chosen.held_out, chosen.blocks, chosen.seed, percent=100)
    with store.open_store(chosen.out / "rankings.db") as database:
        asked = Preparation(options, width=2, comparisons=3, stretches=2, seed=chosen.seed)
        name = f"taste: {chosen.taste}"
        _say(f"{len(taught)} documents to judge, {len(held)} held out")
        done = collect(database, chosen.policy, taught, taste, name, asked)
        _say(f"{done} new judgements")
        prefs = chosen.out / "prefs.jsonl"
        report = {
            "settings": {k: str(v) for k, v in vars(chosen).items()},
            "taste": taste.__doc__,
            "judgements": len(store.active_judgements(database)),
            **exported(database, prefs),
        }
    dpo = DpoOptions(
        max_steps=chosen.steps, eval_steps=chosen.steps, held_out_windows=20, dev_lines=0,
        window_tokens=chosen.window_tokens, trained_layers=chosen.trained_layers,
        learning_rate=chosen.learning_rate, keep="preferences", kl_budget=chosen.kl_budget,
        seed=chosen.seed,
    )  # fmt: skip
    tuned = teach(prefs, chosen.policy, chosen.out, dpo)
    _say("DPO is done")
    report |= measure(chosen.policy, tuned, held, taste, options, seed=chosen.seed)
    _write(report, chosen.out)
    reward = RewardOptions("", max_steps=chosen.reward_steps, window_tokens=chosen.window_tokens, seed=chosen.seed)
    report["reward_model"] = teach_reward(prefs, chosen.policy, chosen.out, reward)
    _write(report, chosen.out)


def _write(report: dict[str, Any], out: Path) -> None:
    """After each part, so that a run that is ended early keeps what it found."""
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(json.dumps(report, indent=1), flush=True)


def _say(words: str) -> None:
    """Where the run is, and the processor time it has taken so far."""
    print(f"{time.process_time():6.0f} s  {words}", file=sys.stderr, flush=True)


def _documents(corpus: Any, number: int, blocks: int, seed: int, *, percent: int) -> list[Document]:
    """The beginnings of documents drawn from `percent` of the corpus, their headings not marked."""
    drawn = [d for d in corpus if int(hashlib.sha256(f"{seed} {d['id']}".encode()).hexdigest(), 16) % 100 < percent]
    lines = [line for line in window_lines(drawn, "bare", windows=1) if line.target_tokens]
    chosen = np.random.default_rng(seed).choice(len(lines), min(number, len(lines)), replace=False)
    whole = [lines[i].document for i in sorted(chosen)]
    return [excerpt(d, 0, min(blocks, len(d.blocks))) for d in whole]


if __name__ == "__main__":
    main()
