"""What the README promises is there: commands, formats, settings, exit codes, make targets."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
import typer

from docalign import errors
from docalign.cli import app
from docalign.config import SECTIONS
from docalign.models import SHIPPED, models_dir
from docalign.output import FORMATS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = typer.main.get_command(app)


def test_every_command_is_in_the_readme_and_says_what_it_does() -> None:
    for name, command in COMMAND.commands.items():  # type: ignore[attr-defined]
        assert f"`docalign {name} " in README
        assert command.help


def test_every_option_used_in_the_readme_exists() -> None:
    known = {"--help", "--config", *(option for parameter in COMMAND.params for option in parameter.opts)}
    for command in COMMAND.commands.values():  # type: ignore[attr-defined]
        known |= {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    ours = re.sub(r"`[^`]*python benchmarks/[^`]*`", "", README)  # the benchmarks have options of their own
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours)) <= known


def test_every_format_is_in_the_readme_and_in_the_help() -> None:
    table = README.split("### Formats")[1].split("###")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == list(FORMATS)
    options = COMMAND.commands["chunk"].params  # type: ignore[attr-defined]
    assert next(p for p in options if p.name == "format").metavar == "|".join(FORMATS)


def test_every_setting_is_in_the_readme() -> None:
    section = README.split("### Configuration")[1].split("### Python")[0]
    for name, kind in SECTIONS.items():
        assert f"[{name}]" in section
        for field in fields(kind):
            assert re.search(rf"\b{field.name}\b", section), field.name


def test_every_exit_code_is_in_the_readme() -> None:
    table = README.split("### Exit codes")[1].split("###")[0]
    written = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)}
    raised = {getattr(errors, name).exit_code for name in errors.__all__}
    assert written == raised | {0, 130}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^make ([\w-]+) +#", README, re.M))))
def test_every_make_target_of_the_readme_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)


def test_every_benchmark_command_has_its_script_and_its_options() -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"python (?:-m (benchmarks[\w.]+)|(benchmarks/[\w/]+\.py))([^`]*)`", page)
    assert len(commands) > 20
    for module, path, rest in commands:
        script = ROOT / (path or f"{module.replace('.', '/')}.py")
        known = set(re.findall(r'"(--[a-z][a-z-]+)"', script.read_text(encoding="utf-8")))
        assert set(re.findall(r"--[a-z][a-z-]+", rest)) <= known, script


def test_int8_is_measured_on_the_policy_that_became_the_shipped_model() -> None:
    trained = json.loads((models_dir() / SHIPPED / "training.json").read_text(encoding="utf-8"))
    last = trained["runs"][-1]["command"].split("--out ")[1]
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"int8\.py (\S+)", page) == [f"{last}/policy"]


def test_links_of_the_readme_lead_somewhere() -> None:
    for link in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / link).exists(), link
