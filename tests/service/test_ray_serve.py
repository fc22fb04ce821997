"""The service on Ray Serve: the same bytes, and the same refusals before anything is started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from docalign.chunker import Chunker
from docalign.errors import UsageError
from docalign.ingest import ingest
from docalign.output import render

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "samples" / "contract.pdf"

pytestmark = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("ray.serve") is None
    if __import__("importlib.util").util.find_spec("ray")
    else True,
    reason="Ray Serve is not installed: the extra `ray-serve`",
)


def built(**arguments: Any) -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own, on import
        from service.ray_serve import build
    return build(arguments)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({}, "no tokens"),
        ({"host": "127.0.0.1", "max_replicas": "2"}, "SQLite"),
        ({"host": "127.0.0.1", "replicas": "2"}, "replicas"),
        ({"host": "127.0.0.1", "cpus": "0"}, "cpus"),
        ({"tokens_file": "none.toml"}, "tokens_file"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, str], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        built(**arguments)


def test_replicas_follow_the_requests_and_have_what_ray_gives_them() -> None:
    application = built(host="127.0.0.1", database="postgresql://db/x", cpus="4", min_replicas="2", max_replicas="8")
    deployment = application._bound_deployment
    scaling = deployment._deployment_config.autoscaling_config
    assert (scaling.min_replicas, scaling.max_replicas) == (2, 8)
    assert deployment.ray_actor_options["num_cpus"] == 4
    assert deployment._deployment_config.max_ongoing_requests > 32, "a replica answers 429 itself"


@pytest.mark.slow
def test_it_gives_the_bytes_of_the_command_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = tmp_path / "stderr"
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.ray_serving", str(port), str(tmp_path / "jobs.sqlite")],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert any(line.startswith("ready") for line in process.stdout), said.read_text()[-2000:]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
            assert client.get("/readyz").status_code == 200
            answer = client.post("/v1/chunk", files={"file": ("contract.pdf", SAMPLE.read_bytes())})
            document = ingest(SAMPLE, name="contract.pdf")
            assert answer.content == render("jsonl", document, Chunker.load().chunk(document))
            refused = client.post("/v1/chunk", content=b"", headers={"Content-Type": "text/plain"})
            assert (refused.status_code, refused.json()["error"]) == (422, "EmptyInputError")
    finally:
        process.stdin.close()
        process.wait(120)
        process.stdout.close()
