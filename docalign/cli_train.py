"""`docalign train` and `docalign prefs …`: their arguments; what they do is in `commands/train.py` and `align.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["prefs_app", "train"]

prefs_app = typer.Typer(
    help="Preference lines: which chunking of a document is liked better.",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The docalign.toml to read instead of the nearest one upward."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no notes; errors are still printed.")]
Recipe = Annotated[Path | None, typer.Option("--recipe", metavar="FILE", help="A TOML file with further settings.")]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="Seeds everything random.")]


def train(
    out: Annotated[str, typer.Option("--out", "-o", metavar="DIR", help="Where checkpoints and logs go.")],
    gold: Annotated[
        list[str] | None,
        typer.Argument(metavar="[GOLD...]", help="Files of docalign.gold/1 lines (.jsonl, .xz).", show_default=False),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="NAME",
            help="sft; reward, dpo, kto, orpo (from --prefs); grpo, rloo, ppo, online-dpo (from rewards, on GOLD); "
            "joint (both); recipe (several stages).",
        ),
    ] = "sft",
    prefs: Annotated[
        list[str] | None,
        typer.Option("--prefs", metavar="FILE", help="docalign.preference/1 lines to learn from (.jsonl, .xz)."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="NAME|PATH", help="The LLM to start from. [default: see `models pull`]"),
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(
            "--init",
            metavar="DIR|NAME",
            help="A trained policy or an exported model to go on from, in place of the base.",
        ),
    ] = None,
    recipe: Recipe = None,
    dev: Annotated[
        list[str] | None,
        typer.Option(
            "--dev", metavar="GOLD", help="Gold to measure on while training. [default: the .dev files beside GOLD]"
        ),
    ] = None,
    held_out_prefs: Annotated[
        list[str] | None,
        typer.Option(
            "--held-out-prefs", metavar="FILE", help="Preferences to measure on. [default: one document in twenty]"
        ),
    ] = None,
    ood: Annotated[
        list[str] | None,
        typer.Option("--ood", metavar="GOLD", help="Gold of other domains, for a recipe's forgetting gate."),
    ] = None,
    joint: Annotated[
        str | None,
        typer.Option("--joint", metavar="alright|maxright|mix", help="How joint training joins. [default: alright]"),
    ] = None,
    seed: Seed = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Train a chunker, or align one (needs the extra `train`).

    A killed run goes on when the command is repeated. DIR/policy is the result, the best policy by the criterion of the
    recipe; DIR/tensorboard holds the curves, DIR/run.json the record.
    """
    from docalign.commands.align import TrainFiles
    from docalign.commands.train import run_train
    from docalign.config import load_settings

    files = TrainFiles(
        tuple(gold or ()),
        tuple(prefs or ()),
        None if dev is None else tuple(dev),
        tuple(held_out_prefs or ()),
        tuple(ood or ()),
    )
    run_train(
        method,
        files,
        out=out,
        base=base,
        init=init,
        recipe=recipe,
        given={"seed": seed, "joint": joint},
        settings=load_settings(flags={}, config=config),
        quiet=quiet,
    )


@prefs_app.callback()
def _root() -> None:
    """Only here so that a single command keeps its name."""


@prefs_app.command("build")
def build(
    gold: Annotated[list[str], typer.Argument(metavar="GOLD...", help="Files of docalign.gold/1 lines (.jsonl, .xz).")],
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="The lines to write (.jsonl or .jsonl.xz).")],
    init: Annotated[
        Path | None,
        typer.Option("--init", metavar="DIR|NAME", help="The policy or exported model to sample from."),
    ] = None,
    human: Annotated[
        list[str] | None,
        typer.Option("--human", metavar="PREFS", help="Preference lines to mix in, people's by human_weight."),
    ] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", metavar="K", help="Chunkings of each window. [default: 16]")
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option("--margin", metavar="X", help="How far apart two places of a ranking are. [default: 0.02]"),
    ] = None,
    recipe: Recipe = None,
    seed: Seed = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Make preference lines without asking anybody (needs the extra `train`).

    A policy, rules and perturbed gold chunk each window; the composite reward with the weights of docalign.toml ranks
    them. A killed build goes on when the command is repeated.
    """
    from docalign.commands.align import run_prefs_build
    from docalign.config import load_settings

    run_prefs_build(
        gold,
        out=out,
        init=init,
        human=human or [],
        recipe=recipe,
        given={"samples": samples, "margin": margin, "seed": seed},
        settings=load_settings(flags={}, config=config),
        quiet=quiet,
    )
