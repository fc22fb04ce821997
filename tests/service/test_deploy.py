"""The image and the manifests, held to rules since no engine runs here: pinned, not root, read-only, with probes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from docalign.config import PREFIX, SECTIONS
from service.app import build_app
from tests.support.serving import settings_for

ROOT = Path(__file__).parents[2]
DOCKERFILE = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text("utf-8"))
LINES = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
DEPLOY = ROOT / "service" / "deploy"


def instructions(name: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in LINES if line.split(maxsplit=1)[0] == name]


def stages() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in LINES:
        if line.startswith("FROM "):
            current = found.setdefault(line.split(" AS ")[1], [])
        elif found:
            current.append(line)
    return found


def test_every_image_is_pinned() -> None:
    (argument,) = instructions("ARG")
    assert re.fullmatch(r"PYTHON_IMAGE=python:\d+\.\d+\.\d+-slim-\w+", argument)
    names = {line.split(" AS ")[1] for line in LINES if line.startswith("FROM ")}
    for image in (line.split()[1] for line in LINES if line.startswith("FROM ")):
        assert image in names or image == "${PYTHON_IMAGE}", image


def test_what_is_installed_is_pinned() -> None:
    installs = [line for line in instructions("RUN") if "pip install" in line]
    assert installs
    for line in installs:
        assert "--constraint constraints.txt" in line or re.search(r"'[\w\[\],-]+==[\d.]+'", line), line
    assert "apt-get" not in DOCKERFILE
    assert "curl" not in DOCKERFILE
    assert not instructions("ADD")
    assert "sudo" not in DOCKERFILE


def test_both_targets_run_as_somebody_who_is_not_root_and_are_watched() -> None:
    found = stages()
    assert {"cpu", "gpu"} <= set(found)
    base = found["base"]
    assert [line for line in base if line.startswith("USER ")] == ["USER 10001:10001"]
    for target in ("cpu", "gpu"):
        assert not any(line.startswith(("USER", "RUN")) for line in found[target])
        assert not any("--chown" in line for line in found[target]), "the program cannot change itself"
    (check,) = (line for line in base if line.startswith("HEALTHCHECK"))
    assert "/readyz" in check
    for form in ("ENTRYPOINT", "CMD"):
        (line,) = (line for line in base if line.startswith(form))
        assert line.split(maxsplit=1)[1].startswith("["), "exec form, so that signals arrive"


def test_no_secret_is_in_the_image() -> None:
    assert not re.search(r"(?i)(password|secret|token)\s*=", DOCKERFILE)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert ignored[0] == "*", "only what is named goes in"
    copied = {part for line in instructions("COPY") if "--from" not in line for part in shlex.split(line)[:-1]}
    assert {f"!{name}" for name in copied} <= set(ignored)


def test_the_extras_of_the_image_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = re.search(r"'\.\[([\w,]+)\]'", DOCKERFILE)
    assert wanted
    assert set(wanted[1].split(",")) <= set(project["optional-dependencies"])


def environment_names(value: Any) -> set[str]:
    if isinstance(value, dict):
        names = {key for key in value if isinstance(key, str) and key.startswith(PREFIX)}
        names |= {value["name"]} if str(value.get("name", "")).startswith(PREFIX) else set()
        return names.union(*map(environment_names, value.values())) if value else names
    return set().union(*map(environment_names, value)) if isinstance(value, list) else set()


@pytest.fixture
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return found


@pytest.fixture
def objects() -> dict[str, dict[str, Any]]:
    return {o["kind"]: o for o in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8"))}


def test_every_variable_is_a_setting(compose: dict[str, Any], objects: dict[str, Any]) -> None:
    known = {f"{PREFIX}{s}_{f}".upper() for s, kind in SECTIONS.items() for f in kind.__dataclass_fields__}
    named = environment_names(compose) | environment_names(list(objects.values()))
    named |= set(re.findall(r"\b(DOCALIGN_[A-Z_]+)=", DOCKERFILE))
    assert named <= known | {"DOCALIGN_CACHE"}


def test_compose_is_closed_where_it_can_be(compose: dict[str, Any]) -> None:
    service = compose["services"]["docalign"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["build"]["target"] in stages()
    assert re.fullmatch(r"postgres:\d+\.\d+-\w+", compose["services"]["database"]["image"])
    assert service["depends_on"]["database"]["condition"] == "service_healthy"


def test_pods_are_probed_drained_and_closed(objects: dict[str, Any]) -> None:
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez", "a full disk is no reason to restart"
    drain = next(float(e["value"]) for e in container["env"] if e["name"] == "DOCALIGN_SERVE_DRAIN_S")
    before = float(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > drain + before
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/tmp", "/data"} <= mounts
    assert objects["Deployment"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_scaling_follows_a_metric_that_the_service_has(objects: dict[str, Any], tmp_path: Path) -> None:
    metrics = objects["HorizontalPodAutoscaler"]["spec"]["metrics"]
    name = next(m["object"]["metric"]["name"] for m in metrics if m["type"] == "Object")
    service = build_app(settings_for(tmp_path)).state.service
    try:
        assert f"\n{name} ".encode() in service.metrics.text()
    finally:
        service.stop()
    assert name in objects["ConfigMap"]["data"]["rule.yaml"]


def test_the_capacity_page_shows_what_its_script_prints() -> None:
    page = (DEPLOY / "README.md").read_text("utf-8")
    (command,) = re.findall(r"^    \$ python (service/deploy/capacity\.py .*)$", page, re.M)
    done = subprocess.run([sys.executable, *shlex.split(command)], cwd=ROOT, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        assert f"    {line}\n" in page
