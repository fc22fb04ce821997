"""The API against its own description: schemathesis finds nothing that is not documented, and no error of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.support.serving import Running, serving, settings_for

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.specs.openapi.checks import (  # noqa: E402
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("openapi")
    with serving(settings_for(folder, max_upload_mib=1, max_job_mib=1, request_timeout_s=20.0)) as running:
        yield running


_SETTINGS = settings(
    max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None
)
_NOT_CHECKED = [negative_data_rejection, positive_data_acceptance, unsupported_method]
"""A text body is text whatever it says, and a form may have parts we do not know: what is taken is not checked."""


@pytest.mark.slow
def test_every_answer_is_as_described(service: Running) -> None:
    loaded = schemathesis.openapi.from_dict(httpx.get(f"{service.url}/openapi.json").json())
    checked = 0
    for found in loaded.get_all_operations():
        operation = found.ok()

        @_SETTINGS
        @given(case=operation.as_strategy())
        def agree(case: Any) -> None:
            answer = case.call(base_url=service.url, timeout=60)
            assert answer.status_code < 500 or answer.status_code == 503, answer.text
            case.validate_response(answer, excluded_checks=_NOT_CHECKED)

        agree()
        checked += 1
    assert checked >= 10


def test_the_description_names_every_problem(service: Running, tmp_path: Path) -> None:
    description = httpx.get(f"{service.url}/openapi.json").json()
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/"):
                assert {"401", "500"} <= set(operation["responses"]), (method, path)
                problem = operation["responses"]["401"]["content"]
                assert "application/problem+json" in problem
    assert "/v1/feedback" in description["paths"]
