"""Completion of the shell: installed into a home of its own, then asked as bash asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BASH = shutil.which("bash")
ASK = 'source ~/.bashrc; COMP_WORDS=({line}); COMP_CWORD={at}; {function} docalign; echo "${{COMPREPLY[@]}}"'


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment whose home is empty and in which `docalign` is this one."""
    command = tmp_path / "bin" / "docalign"
    command.parent.mkdir()
    code = f"#!{sys.executable}\nimport sys\nsys.path[:] = {sys.path!r}\nfrom docalign.cli import main\nmain()\n"
    command.write_text(code, "utf-8")
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    return kept | {"HOME": str(tmp_path), "PATH": f"{command.parent}:{os.environ['PATH']}"}


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_completion_installed_for_bash_completes_commands_and_options(shell: dict[str, str]) -> None:
    def bash(script: str) -> str:
        done = subprocess.run([str(BASH), "-c", script], env=shell, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "installed" in bash("docalign --install-completion bash")
    function = bash("source ~/.bashrc; complete -p docalign").split("-F ")[1].split()[0]
    for line, at, wanted in (("docalign ch", 1, "chunk"), ("docalign chunk --max", 2, "--max-tokens")):
        assert bash(ASK.format(line=line, at=at, function=function)).split() == [wanted]
    assert {"list", "info", "pull"} == set(bash(ASK.format(line="docalign models ''", at=2, function=function)).split())
