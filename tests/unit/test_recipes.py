"""Recipes: every knob is documented with its true default, every committed recipe is read, unknown keys are refused."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="the training extra is not installed")

from docalign.config import read_options
from docalign.errors import ConfigError
from docalign.train.sft import SftOptions

RECIPES = Path(__file__).parents[2] / "data" / "recipes"
README = (RECIPES / "README.md").read_text("utf-8")


def test_every_knob_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", README.split("## Knobs of `--method sft`")[1], re.M))
    assert set(rows) == {f.name for f in fields(SftOptions)}
    for field in fields(SftOptions):
        written = rows[field.name].strip("`")
        if field.default is MISSING:
            assert written == "–"
        elif field.default is None:
            assert written == "none"
        elif isinstance(field.default, bool | str):
            assert written == str(field.default).lower() if isinstance(field.default, bool) else f'"{field.default}"'
        else:
            assert float(written) == field.default


def is_supervised(recipe: Path) -> bool:
    text = recipe.read_text("utf-8")
    return set(re.findall(r"--method (\w+)", text)) <= {"sft"} and "--from-feedback" not in text


@pytest.mark.parametrize(
    "recipe", [r for r in sorted(RECIPES.glob("*.toml")) if is_supervised(r)], ids=lambda p: p.name
)
def test_every_recipe_is_read_and_named(recipe: Path) -> None:
    assert read_options(SftOptions, recipe, base="any").base == "any"
    assert f"`{recipe.name}`" in README


@pytest.mark.parametrize(("text", "says"), [("layer = 3", "Did you mean 'layers'"), ('layers = "three"', "layers")])
def test_unknown_keys_and_wrong_types_are_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_options(SftOptions, tmp_path / "mine.toml", base="any")
    assert says in caught.value.what + caught.value.remedy
    assert caught.value.source == str(tmp_path / "mine.toml")
