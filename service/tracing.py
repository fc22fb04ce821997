"""OpenTelemetry spans, where somebody asked for them.

OTEL_EXPORTER_OTLP_ENDPOINT turns them on, as everywhere; the SDK and the exporter (`opentelemetry-sdk`,
`opentelemetry-exporter-otlp-proto-http`) must then be installed. Otherwise a span costs a function call. Names, counts
and formats go into spans, never text of a document.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from docalign.errors import UsageError

__all__ = ["set_up", "span"]

_SWITCH: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_tracer: Any = None


def set_up() -> bool:
    """Start tracing if the environment asks for it; whether it does.

    Raises:
        UsageError: it does, and the libraries are missing.
    """
    global _tracer
    if not os.environ.get(_SWITCH):
        return False
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise UsageError(
            f"{_SWITCH} is set, but {error.name} is not installed.",
            remedy="pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http, or unset it.",
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "docalign"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    _tracer = trace.get_tracer("docalign")
    return True


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """A span around what is done inside; nothing where tracing is off."""
    if _tracer is None:
        yield
        return
    with _tracer.start_as_current_span(name, attributes=attributes):
        yield
