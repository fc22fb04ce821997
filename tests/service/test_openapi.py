"""The API against its own description: schemathesis finds nothing that is not documented, and no error of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings

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


@pytest.fixture
def schema(service: Running) -> Any:
    description = httpx.get(f"{service.url}/openapi.json").json()
    loaded = schemathesis.openapi.from_dict(description)
    loaded.config.update(base_url=service.url)
    return loaded


described = schemathesis.pytest.from_fixture("schema")


@pytest.mark.slow
@described.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_described(case: Any) -> None:
    answer = case.call(timeout=60)
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    # A text body is text whatever it says, and a form may have parts we do not know: what is taken is not checked.
    case.validate_response(
        answer, excluded_checks=[negative_data_rejection, positive_data_acceptance, unsupported_method]
    )


def test_the_description_names_every_problem(service: Running, tmp_path: Path) -> None:
    description = httpx.get(f"{service.url}/openapi.json").json()
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/"):
                assert {"401", "500"} <= set(operation["responses"]), (method, path)
                problem = operation["responses"]["401"]["content"]
                assert "application/problem+json" in problem
    assert "/v1/feedback" in description["paths"]
