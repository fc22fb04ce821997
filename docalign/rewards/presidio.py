"""Personal data found by Microsoft Presidio, beside the rules: names and places in running text, more kinds of ids.

Presidio and a spaCy model of English must be installed (`pip install presidio-analyzer`, `python -m spacy download
en_core_web_lg`); they are large, so no extra brings them. Nothing is fetched from here. What is found depends on the
model, so the composite differs between machines that have other ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from docalign.errors import ConfigError
from docalign.rewards.personal import Datum, Finder, find_by_rules

__all__ = ["finder_of", "presidio_finder"]

_MODELS: Final = ("en_core_web_lg", "en_core_web_md", "en_core_web_sm")
_MIN_SCORE: Final = 0.5
_KINDS: Final[Mapping[str, str]] = {
    "PERSON": "name",
    "EMAIL_ADDRESS": "e-mail address",
    "PHONE_NUMBER": "phone number",
    "IBAN_CODE": "IBAN",
    "CREDIT_CARD": "payment card",
    "US_SSN": "social security number",
}
_NOT_PERSONAL: Final = frozenset({"DATE_TIME", "LOCATION", "NRP", "URL", "ORGANIZATION"})
"""What Presidio finds that says nothing of a person by itself."""


def presidio_finder() -> Finder:
    """Presidio with the largest spaCy model of English that is installed.

    Raises:
        ConfigError: Presidio or a model is missing.
    """
    try:
        import spacy
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider
    except ImportError as error:
        raise _missing(f"{error.name} is not installed", "pip install presidio-analyzer") from error
    model = next((name for name in _MODELS if spacy.util.is_package(name)), None)
    if model is None:  # Presidio would try to fetch one
        raise _missing("no spaCy model of English is installed", f"python -m spacy download {_MODELS[0]}")
    names = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
    engine = NlpEngineProvider(nlp_configuration=names).create_engine()
    return finder_of(AnalyzerEngine(nlp_engine=engine, supported_languages=["en"]))


def finder_of(analyzer: Any) -> Finder:
    """The rules' findings and those of an `AnalyzerEngine`; where two overlap, the rules' stand."""

    @lru_cache(maxsize=20_000)
    def find(text: str) -> tuple[Datum, ...]:
        found = find_by_rules(text)
        for result in sorted(analyzer.analyze(text=text, language="en"), key=lambda r: (-r.score, r.start, -r.end)):
            kind = _KINDS.get(result.entity_type, result.entity_type.lower().replace("_", " "))
            apart = all(result.end <= d.start or result.start >= d.end for d in found)
            if apart and result.score >= _MIN_SCORE and result.entity_type not in _NOT_PERSONAL:
                found.append(Datum(kind, result.start, result.end))
        return tuple(sorted(found, key=lambda d: d.start))

    return lambda text: list(find(text))


def _missing(what: str, command: str) -> ConfigError:
    return ConfigError(
        f"personal data cannot be found with Presidio: {what}.",
        source="[rewards] personal_data",
        remedy=f'Run {command}, or set personal_data = "rules".',
    )
