"""Spans: only where they are asked for, and never with text in them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from docalign.errors import UsageError
from service import tracing


def test_without_being_asked_for_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert tracing.set_up() is False
    with tracing.span("docalign.read"):
        pass


def test_asked_for_without_its_libraries_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(UsageError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        tracing.set_up()


def test_a_span_goes_to_the_tracer_with_its_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, dict[str, object]]] = []

    class Tracer:
        @contextmanager
        def start_as_current_span(self, name: str, attributes: dict[str, object]) -> Iterator[None]:
            seen.append((name, attributes))
            yield

    monkeypatch.setattr(tracing, "_tracer", Tracer())
    with tracing.span("docalign.chunk", blocks=3):
        pass
    assert seen == [("docalign.chunk", {"blocks": 3})]
