"""Settings and recipes as TOML."""

import dataclasses
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from porescape.core.domain import Domain
from porescape.core.recipe import AnyRecipe, BodiesRecipe, FieldsRecipe, PaperRecipe
from porescape.core.settings import Settings
from porescape.errors import InputError, SettingsError
from porescape.jobs.choices import check_choices

S = TypeVar("S")

RUN_FILE = "run.toml"  # reproduces the run
OLD_RUN_FILE = "recipe.toml"
RECIPES: dict[str, type[FieldsRecipe] | type[BodiesRecipe] | type[PaperRecipe]] = {
    "fields": FieldsRecipe,
    "bodies": BodiesRecipe,
    "paper": PaperRecipe,
}
RENAMED = {  # names in recipes of earlier versions; the names of the two grain fields were exchanged
    "cells": "solid_grains",
    "bumps": "pore_cells",
    "branch": "branches",
    "cell_spacing": "solid_grain_spacing",
    "bump_spacing": "pore_cell_spacing",
}


def settings_table(settings: Any) -> dict[str, Any]:
    """Return a frozen dataclass as nested tables; None is left out, as TOML has no null."""
    table: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            table[field.name] = settings_table(value)
        elif value is not None:
            table[field.name] = _plain(value)
    return table


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def settings_from(kind: type[S], table: Mapping[str, Any], where: str = "settings") -> S:
    """Return the dataclass `kind` filled from nested tables; missing values have their defaults.

    Raises
    ------
    SettingsError
        An unknown name, a value of the wrong type, or a value that `kind` refuses.
    """
    hints = typing.get_type_hints(kind)
    if unknown := sorted(set(table) - set(hints)):
        raise SettingsError(f"{where} has no {', '.join(unknown)}; known are {', '.join(hints)}")
    values = {}
    for name, value in table.items():
        values[name] = _converted(value, hints[name], f"{where}.{name}")
    try:
        return kind(**values)
    except TypeError as error:
        raise SettingsError(f"{where} is incomplete: {error}") from None


def _converted(value: Any, wanted: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is types.UnionType:
        if value is None and type(None) in arguments:
            return None  # null in JSON; TOML leaves it out
        wanted = next(a for a in arguments if a is not type(None))
        return _converted(value, wanted, where)
    if dataclasses.is_dataclass(wanted):
        if not isinstance(value, Mapping):
            raise SettingsError(f"{where} must be a table, got {value!r}")
        return settings_from(typing.cast(type[Any], wanted), value, where)
    if origin is typing.Literal:
        wanted = str
    elif origin is tuple:
        if not isinstance(value, list | tuple):
            raise SettingsError(f"{where} must be a list, got {value!r}")
        return tuple(_converted(item, arguments[0], where) for item in value)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise SettingsError(f"{where} must be {wanted.__name__}, got {value!r}")
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} could not be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a TOML file: {error}") from error


def run_file(folder: Path) -> Path:
    """Return the file with the settings of a run folder, with its present or its earlier name."""
    today, before = folder / RUN_FILE, folder / OLD_RUN_FILE
    return before if before.is_file() and not today.is_file() else today


def recipe_toml(recipe: AnyRecipe, domain: Domain, seed: int) -> str:
    """Return as TOML what determines one structure: recipe, box and seed."""
    return tomli_w.dumps(
        {
            "seed": str(seed),  # a TOML integer has 64 bits, but some readers lose the last ones
            "type": next(name for name, kind in RECIPES.items() if isinstance(recipe, kind)),
            "domain": settings_table(domain),
            "recipe": settings_table(recipe),
        }
    )


def read_recipe(path: Path) -> tuple[AnyRecipe, Domain, int]:
    """Read the text of `recipe_toml`, also of earlier versions."""
    table = read_toml(path)
    if missing := [name for name in ("seed", "domain", "recipe") if name not in table]:
        raise InputError(
            f"{path.name} has no {', '.join(missing)}; wanted a replica's own file such as replica-01.toml"
        )
    kind = table.get("type", table.get("family"))  # "family" was porescape or paper in earlier versions
    if kind not in (*RECIPES, "porescape"):
        raise InputError(f"{path.name} holds a recipe of type {kind!r}; known are {', '.join(RECIPES)}")
    recipe = recipe_from(table["recipe"])
    return recipe, settings_from(Domain, table["domain"], "domain"), int(table["seed"])


def recipe_from(table: Mapping[str, Any]) -> AnyRecipe:
    """Return the recipe in a table, also with the names of earlier versions."""
    names = set(table)
    if "x" in names:
        return settings_from(PaperRecipe, table, "recipe")
    if "bumps" in names:
        return _recipe_before(table)
    kind: type[FieldsRecipe] | type[BodiesRecipe] = BodiesRecipe if "spacing" in names else FieldsRecipe
    return settings_from(kind, table, "recipe")


def _recipe_before(table: Mapping[str, Any]) -> AnyRecipe:
    """Return a recipe written before there were recipe types: all numbers in one table, with other names."""
    bodies = not table["bumps"] and not table["branch"] and table.get("highpass_width") is None
    if bodies:
        common = {name: table[name] for name in ("porosity", "smoothing")}
        lengths = {"spacing": table["cell_spacing"], "length": table.get("cell_length", 0.0)}
        return settings_from(BodiesRecipe, common | lengths, "recipe")
    if table.get("cell_length"):
        raise InputError("the recipe mixes rods with other fields, which is no longer supported")
    renamed = {RENAMED.get(name, name): value for name, value in table.items() if name != "cell_length"}
    return settings_from(FieldsRecipe, renamed, "recipe")


def read_settings(table: Mapping[str, Any]) -> Settings:
    """Return the settings in a `run.toml`, which also contains the image and the seed."""
    stages = {field.name for field in dataclasses.fields(Settings)}
    settings = settings_from(Settings, {name: value for name, value in table.items() if name in stages})
    check_choices(settings)
    return settings


def differences(before: Mapping[str, Any], now: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """Yield the differences of two jobs, given as nested tables of plain values, in words.

    >>> list(differences({"fit": {"trials": 200}}, {"fit": {"trials": 100}}))
    ['fit.trials was 200, now 100']
    """
    for name in dict.fromkeys((*before, *now)):
        was, new = before.get(name), now.get(name)
        if isinstance(was, dict) and isinstance(new, dict):
            yield from differences(was, new, f"{name}.")
        elif was != new:
            yield f"{_TITLES.get(name, where + name)} was {_in_words(was, name)}, now {_in_words(new, name)}"


_TITLES = {"sha256": "the image's SHA-256", "porescape": "the version of porescape"}


def _in_words(value: Any, name: str) -> str:
    if value is None:
        return "not given"
    if isinstance(value, list):
        return ", ".join(_in_words(one, name) for one in value) or "none"
    return f"{value[:12]}…" if name == "sha256" else str(value)
