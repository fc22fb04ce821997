"""The page about the command line, from the commands themselves: what `--help` says, with links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import typer

from docalign.cli import app

__all__ = ["page"]

_OPENING: Final = """\
# Command line

Made from the code when this site is built; `docalign COMMAND --help` says the same. Results go to standard output,
progress and messages to standard error. What goes wrong has a name and an exit code: see [errors](errors.md). Options
beat environment variables, those beat `docalign.toml`: see [settings](settings.md).

Completion of commands and options in your shell: `docalign --install-completion`, then open a new one;
`docalign --show-completion` only prints the script. bash, zsh, fish and PowerShell are known.

"""


def page() -> str:
    commands = list(_commands(typer.main.get_command(app), ("docalign",)))
    listed = (f"| [`{' '.join(name)}`](#{_anchor(name)}) | {_first(command)} |" for name, command in commands)
    told = (line for name, command in commands for line in _told(name, command))
    return _OPENING + "\n".join(["| Command | Does |", "|---|---|", *listed, "", *told]) + "\n"


def _commands(group: Any, name: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, in the order of `--help`."""
    for key, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _commands(command, (*name, key))
        else:
            yield (*name, key), command


def _told(name: tuple[str, ...], command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    yield from (f"## `{' '.join(name)}` {{#{_anchor(name)}}}", "")
    usage = " ".join([*name, *(f"[{_short(a)}]" if not a.required else _short(a) for a in arguments), "[OPTIONS]"])
    yield from ("```text", re.sub(r"\[\[(.*?)\]\]", r"[\1]", usage), "```", "")
    yield from (_escaped(command.help or ""), "")
    rows = [(f"`{_short(p)}`", p) for p in arguments] + [(_names(p), p) for p in options]
    if rows:
        yield from ("| Argument or option | Means |", "|---|---|")
        yield from (f"| {shown} | {_escaped(_means(p))} |" for shown, p in rows)
        yield ""


def _names(option: Any) -> str:
    names = sorted([*option.opts, *option.secondary_opts], key=lambda name: name.startswith("--"))
    value = "" if option.is_flag else f" {option.metavar or 'TEXT'}"
    return f"`{', '.join(names)}{value}`"


def _short(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _means(parameter: Any) -> str:
    """The help, with the default where the help does not say it."""
    said = str(parameter.help or "")
    default = parameter.default
    quiet = default is None or default == () or default is False or "[default" in said
    shown = "" if quiet or callable(default) or parameter.required else f" [default: {default}]"
    return said + shown + (" Required." if parameter.required and parameter.param_type_name == "option" else "")


def _first(command: Any) -> str:
    return _escaped(str(command.help or "").split("\n\n")[0])


def _anchor(name: tuple[str, ...]) -> str:
    return "-".join(name[1:])


def _escaped(text: str) -> str:
    """Plain words as Markdown: nothing in them is markup, but for code in backticks."""
    parts = text.split("`")
    plain = (re.sub(r"([*_|\[])", r"\\\1", part.replace("<", "&lt;")) for part in parts)
    return "`".join(part if code % 2 else made for code, (part, made) in enumerate(zip(parts, plain, strict=True)))
