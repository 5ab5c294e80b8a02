"""Command options of settings: what each is, its range and its default are read from the settings themselves."""

import argparse
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from django.core.management.base import CommandError

from recommender.catalogs.importers.catalogs import CatalogOptions
from recommender.dataset import split as splits
from recommender.models import Catalog
from recommender.recipe import require_order
from recommender.runs.errors import CannotTrainError
from recommender.setting import Setting, Settings, settings_of

Model = TypeVar("Model", bound=Settings)
TYPES = {"whole number": int, "number": float}


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0; it is {text!r}")
    return int(text)


def whole(text: str) -> int:
    return 0 if text == "0" else positive(text)


def names(text: str) -> tuple[str, ...]:
    """Parted by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def add_catalog_settings(parser: argparse._ActionsContainer) -> None:
    """The settings of a catalog (catalogs.importers.catalogs.CatalogOptions); None where one is not given."""
    parser.add_argument("--item-noun", help="what prompts and pages call an item: movie, book, …")
    parser.add_argument("--rating-min", type=float)
    parser.add_argument("--rating-max", type=float)
    parser.add_argument("--like-threshold", type=float, help="a rating above it is a like")
    parser.add_argument("--attributes", type=names, metavar="NAME,…", help="the item attributes that prompts show")


def catalog_settings(options: Mapping[str, Any]) -> CatalogOptions:
    """Those that were given."""
    return CatalogOptions(
        item_noun=options["item_noun"],
        rating_min=options["rating_min"],
        rating_max=options["rating_max"],
        like_threshold=options["like_threshold"],
        prompt_attributes=options["attributes"],
    )


def add_options(
    parser: argparse._ActionsContainer, model: type[Settings], chosen: Iterable[str], *, flag: str = "", **more: Any
) -> None:
    """One option a setting; those that are not given are not among the options that `handle` gets."""
    told = settings_of(model)
    for name in chosen:
        setting = told[name]
        keywords: dict[str, Any] = {"default": argparse.SUPPRESS, "help": help_of(setting)}
        if setting.kind == "switch":
            keywords["action"] = "store_true"
        elif setting.spelled:  # not all that may be typed is a choice: the settings refuse what does not fit
            keywords["metavar"] = f"{{{','.join([*(setting.choices or ()), setting.spelled.form])}}}"
        elif setting.choices is not None:
            keywords["choices"] = list(setting.choices)
            if setting.kind == "choices" and not more.keys() & {"nargs", "type"}:
                keywords["action"] = "append"
        else:
            keywords |= {"type": TYPES.get(setting.kind, str), "metavar": "N" if setting.kind in TYPES else None}
        if flag:
            keywords["dest"] = name
        parser.add_argument(flag or f"--{name.replace('_', '-')}", **keywords | more)


def add_set(parser: argparse.ArgumentParser, model: type[Settings], *, but: Iterable[str]) -> None:
    """`--set FIELD=VALUE` for every setting that is no option of its own."""
    told = settings_of(model)
    others = " · ".join(f"{name}: {help_of(told[name])}" for name in told if name not in set(but))
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help=f"any other setting; may be repeated. {others}",
    )


def add_off(parser: argparse.ArgumentParser, model: type[Settings], names: Iterable[str]) -> None:
    """`--off NAME` for inputs that are read unless they are left out."""
    told = settings_of(model)
    words = " · ".join(f"{name}: {help_of(told[name])}" for name in names)
    parser.add_argument(
        "--off", action="append", choices=list(names), default=[], help=f"leave an input out; may be repeated. {words}"
    )


def chosen(options: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The values of the options among these that were given."""
    return {name: options[name] for name in names if name in options}


def assigned(texts: Iterable[str]) -> dict[str, Any]:
    """FIELD=VALUE, the value as JSON where it is that. Raises CommandError."""
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise CommandError(f"--set takes FIELD=VALUE, not {text!r}.")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values


def made(model: type[Model], values: Mapping[str, Any]) -> Model:
    """The settings with these values. Raises CommandError in words."""
    try:
        return model.from_json(values)
    except ValueError as error:
        raise CommandError(str(error)) from error


def require_heard(config: Settings, given: Collection[str]) -> None:
    """Raises CommandError for an option that was `given` and counts for nothing beside the others."""
    told = settings_of(type(config))
    for name in given:
        only = told[name].only_with
        if only and getattr(config, only.setting) != only.value:
            raise CommandError(f"{_flag(name)} counts with {_flag(only.setting)} {only.value} alone: leave it out.")


def require_alone(flag: str, given: Collection[str]) -> None:
    """Raises CommandError for options beside one that goes on with the settings of an earlier run."""
    if given:
        names = ", ".join(map(_flag, given))
        raise CommandError(f"{flag} goes on with the settings that the run was asked for with: leave {names} out.")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def require_fitting(catalog: Catalog, *, split: str, backbones: Collection[str] = ()) -> None:
    """Raises CommandError for what is about what came first, where the catalog does not say that."""
    try:
        splits.require_order(split, catalog.clock)
        require_order(backbones, catalog.clock)
    except CannotTrainError as error:
        raise CommandError(str(error)) from error


def help_of(setting: Setting) -> str:
    """In words, with range and default; argparse formats with %, so that it is doubled."""
    choices = setting.expected if setting.kind == "choices" else ""
    default = "" if setting.default in (None, "", ()) or setting.kind == "switch" else f"default {setting.shown}"
    limits = ", ".join(filter(None, [setting.range, choices, default]))
    return (str(setting) + (f" ({limits})" if limits else "")).replace("%", "%%")
