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
from porescape.core.recipe import PaperRecipe, Recipe
from porescape.core.settings import Settings
from porescape.errors import InputError, SettingsError

S = TypeVar("S")


def settings_table(settings: Any) -> dict[str, Any]:
    """Return a frozen dataclass as nested tables; what is None is left out, as TOML has no null."""
    table: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            table[field.name] = settings_table(value)
        elif value is not None:
            table[field.name] = list(value) if isinstance(value, tuple) else value
    return table


def settings_from(kind: type[S], table: Mapping[str, Any], where: str = "settings") -> S:
    """Return the dataclass `kind` filled from nested tables; what is missing keeps its default.

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
        wanted = hints[name]
        if dataclasses.is_dataclass(wanted):
            if not isinstance(value, Mapping):
                raise SettingsError(f"{where}.{name} must be a table, got {value!r}")
            values[name] = settings_from(typing.cast(type[Any], wanted), value, f"{where}.{name}")
        else:
            values[name] = _converted(value, wanted, f"{where}.{name}")
    try:
        return kind(**values)
    except TypeError as error:
        raise SettingsError(f"{where} is incomplete: {error}") from None


def _converted(value: Any, wanted: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is types.UnionType:
        if value is None and type(None) in arguments:
            return None  # JSON has it, TOML leaves it out
        wanted = next(a for a in arguments if a is not type(None))
        return _converted(value, wanted, where)
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


def material_toml(recipe: Recipe | PaperRecipe, domain: Domain, seed: int) -> str:
    """Return what makes one structure as TOML: recipe, box and seed."""
    family = "paper" if isinstance(recipe, PaperRecipe) else "porescape"
    return tomli_w.dumps(
        {
            "seed": str(seed),  # a TOML integer has 64 bits, but not every reader keeps them all
            "family": family,
            "domain": settings_table(domain),
            "recipe": settings_table(recipe),
        }
    )


def read_material(path: Path) -> tuple[Recipe | PaperRecipe, Domain, int]:
    """Read back what `material_toml` wrote."""
    table = read_toml(path)
    if missing := [name for name in ("seed", "family", "domain", "recipe") if name not in table]:
        raise InputError(
            f"{path.name} has no {', '.join(missing)}; wanted a replica's own file such as replica-01.toml"
        )
    kinds: dict[str, type[Recipe] | type[PaperRecipe]] = {"porescape": Recipe, "paper": PaperRecipe}
    if table["family"] not in kinds:
        raise InputError(f"{path.name} is of family {table['family']!r}; known are {', '.join(kinds)}")
    recipe = settings_from(kinds[table["family"]], table["recipe"], "recipe")
    return recipe, settings_from(Domain, table["domain"], "domain"), int(table["seed"])


def read_settings(table: Mapping[str, Any]) -> Settings:
    """Return the settings of a job's `recipe.toml`, which also names its image and seed."""
    stages = {field.name for field in dataclasses.fields(Settings)}
    return settings_from(Settings, {name: value for name, value in table.items() if name in stages})


def differences(before: Mapping[str, Any], now: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """Yield in words where two jobs, as nested tables of plain values, are not the same.

    >>> list(differences({"fit": {"trials": 200}}, {"fit": {"trials": 100}}))
    ['fit.trials was 200, now 100']
    """
    for name in dict.fromkeys((*before, *now)):
        was, comes = before.get(name), now.get(name)
        if isinstance(was, dict) and isinstance(comes, dict):
            yield from differences(was, comes, f"{name}.")
        elif was != comes:
            yield f"{_TITLES.get(name, where + name)} was {_said(was, name)}, now {_said(comes, name)}"


_TITLES = {"sha256": "the image's SHA-256", "porescape": "the version of porescape"}


def _said(value: Any, name: str) -> str:
    if value is None:
        return "not given"
    if isinstance(value, list):
        return ", ".join(_said(one, name) for one in value) or "none"
    return f"{value[:12]}…" if name == "sha256" else str(value)
