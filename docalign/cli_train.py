"""`docalign train`, `docalign prefs …`, `docalign advise`: their arguments; what they do is in `commands/`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["advise", "prefs_app", "train"]

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
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", min=0, help="Seeds everything random.")]


def train(
    out: Annotated[str, typer.Option("--out", "-o", metavar="DIR", help="Where checkpoints and logs go.")],
    gold: Annotated[
        list[str] | None,
        typer.Argument(metavar="[GOLD...]", help="Files of docalign.gold/1 lines (.jsonl, .xz).", show_default=False),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            metavar="NAME",
            help="sft; reward, dpo, kto, orpo (from --prefs); grpo, rloo, ppo, online-dpo (from rewards, on GOLD); "
            "joint (both); recipe (several stages). [default: sft; dpo with --from-feedback]",
        ),
    ] = None,
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
    from_feedback: Annotated[
        str | None,
        typer.Option(
            "--from-feedback",
            metavar="STORE",
            help="Update --model with the new rankings of a store; DIR becomes a folder of versions. Needs --dev.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="DIR|NAME", help="The served model that --from-feedback updates."),
    ] = None,
    seed: Seed = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Train a chunker, or align one (needs the extra `train`).

    A killed run goes on when the command is repeated. DIR/policy is the result, the best policy by the criterion of the
    recipe; DIR/tensorboard holds the curves, DIR/run.json the record.

    With --from-feedback a new version of --model is made from the rankings of a store and passes a gate against it, on
    gold and on rankings of held-out documents, before DIR/current points to it; else nothing changes.
    """
    from docalign.commands.align import TrainFiles
    from docalign.commands.train import run_train
    from docalign.config import load_settings
    from docalign.errors import UsageError

    files = TrainFiles(
        tuple(gold or ()),
        tuple(prefs or ()),
        None if dev is None else tuple(dev),
        tuple(held_out_prefs or ()),
        tuple(ood or ()),
    )
    if from_feedback is not None:
        from docalign.commands.update import run_update

        run_update(
            from_feedback,
            files,
            model=model,
            method="dpo" if method is None else method,
            out=out,
            init=init,
            recipe=recipe,
            given={"seed": seed, "joint": joint} if joint is not None else {"seed": seed},
            settings=load_settings(flags={}, config=config),
            quiet=quiet,
        )
        return
    if model is not None:
        raise UsageError("--model is what --from-feedback updates.", remedy="Give --init to train from a model.")
    run_train(
        "sft" if method is None else method,
        files,
        out=out,
        base=base,
        init=init,
        recipe=recipe,
        given={"seed": seed, "joint": joint},
        settings=load_settings(flags={}, config=config),
        quiet=quiet,
    )


def advise(
    gold: Annotated[
        list[str] | None,
        typer.Option("--gold", metavar="GOLD", help="Gold you have; counted, and chunked by --model to see its F1."),
    ] = None,
    prefs: Annotated[
        list[str] | None, typer.Option("--prefs", metavar="PREFS", help="Preference lines you have; counted by source.")
    ] = None,
    gold_documents: Annotated[
        int | None, typer.Option("--gold-documents", metavar="N", help="Gold documents you have or could make.")
    ] = None,
    gold_agreement: Annotated[
        float | None,
        typer.Option("--gold-agreement", metavar="F1", help="How far annotators of the same document agree."),
    ] = None,
    rankings: Annotated[
        int | None, typer.Option("--rankings", metavar="N", help="Rankings people made or could make.")
    ] = None,
    marks: Annotated[
        int | None, typer.Option("--marks", metavar="N", help="How many of the rankings only say good or bad.")
    ] = None,
    documents: Annotated[
        int | None, typer.Option("--documents", metavar="N", help="Documents of your domain that nobody judged.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", metavar="N", help="Compute there is for a training.")
    ] = None,
    codable: Annotated[
        bool, typer.Option("--codable", help="What you want can be written as rules (limits, headings, lists whole).")
    ] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="Time a training step on this machine (needs the extra `train`).")
    ] = False,
    model: Annotated[
        str | None, typer.Option("--model", metavar="DIR|NAME", help="The chunker you have. [default: the shipped one]")
    ] = None,
    curves: Annotated[
        Path | None,
        typer.Option("--curves", metavar="FILE", help="Learning curves in place of those that come with docalign."),
    ] = None,
    format: Annotated[str, typer.Option("--format", "-f", metavar="text|json", help="What to write.")] = "text",  # noqa: A002
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="PATH", help="Where to write; '-' is standard output.")
    ] = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Say which method fits what you have: SFT, DPO, KTO, a reward model and PPO, joint training, or rules.

    Each advice has its reason, its cost in minutes and its command. Thresholds are those of measured learning curves,
    which are printed with it; what was not measured is said to be so.
    """
    from docalign.commands.advise import AdviseFiles, run_advise
    from docalign.config import load_settings

    told = {
        "gold": gold_documents,
        "gold_agreement": gold_agreement,
        "rankings": None if rankings is None else {"human": rankings},
        "pairless": marks,
        "documents": documents,
        "minutes": minutes,
        "codable": codable or None,
    }
    run_advise(
        AdviseFiles(tuple(gold or ()), tuple(prefs or ()), curves),
        told=told,
        probe=probe,
        format=format,
        out=out,
        settings=load_settings(flags={"model": {"path": model}}, config=config),
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
