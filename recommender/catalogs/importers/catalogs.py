"""Which settings a catalog has after an import: the caller's, else those it has, else the format's."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db.models import Q

from recommender.catalogs.importers.plan import Plan
from recommender.catalogs.importers.report import ImportFailedError
from recommender.models import Catalog, Interaction

LONGEST_NAME = 60
LONGEST_NOUN = 40


@dataclass(frozen=True, slots=True)
class CatalogOptions:
    """What the caller chose; None means "as it is, or the format's default"."""

    item_noun: str | None = None
    rating_min: float | None = None
    rating_max: float | None = None
    like_threshold: float | None = None
    prompt_attributes: tuple[str, ...] | None = None


def settle(name: str, plan: Plan, options: CatalogOptions) -> tuple[Catalog, dict[str, str]]:
    """The catalog as it is to be, not yet saved, and what changes in one that exists ({"like_threshold": "3 → 4"})."""
    _require_name(name)
    chosen = {field: value for field, value in _fields(options).items() if value is not None}
    catalog = Catalog.objects.filter(name=name).first()
    changes: dict[str, str] = {}
    if catalog is None:
        catalog = Catalog(name=name, **_fields(plan.defaults) | chosen)
    else:
        if plan.interactions and plan.defaults.clock != catalog.clock:
            if Interaction.objects.filter(end_user__catalog=catalog).exists():
                raise ImportFailedError(
                    f"The moments of catalog {name} are {catalog.get_clock_display()}, "
                    f"this import's are {plan.defaults.clock.label}: import it into another catalog."
                )
            chosen["clock"] = plan.defaults.clock
        for field, value in chosen.items():
            if (now := getattr(catalog, field)) != value:
                changes[field] = f"{_shown(now)} → {_shown(value)}"
                setattr(catalog, field, value)
    _require_sense(catalog)
    return catalog, changes


def _fields(settings: Any) -> dict[str, Any]:
    """A dataclass's fields as the model's: JSON has lists, not tuples."""
    return {field: list(value) if isinstance(value, tuple) else value for field, value in asdict(settings).items()}


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _require_name(name: str) -> None:
    try:
        validate_slug(name)
    except ValidationError:
        raise ImportFailedError(f"A catalog's name has letters, digits, - and _ only; {name!r} does not.") from None
    if len(name) > LONGEST_NAME:
        raise ImportFailedError(f"A catalog's name has at most {LONGEST_NAME} characters; this one has {len(name)}.")


def _require_sense(catalog: Catalog) -> None:
    low, high, threshold = catalog.rating_min, catalog.rating_max, catalog.like_threshold
    if not 0 < len(catalog.item_noun) <= LONGEST_NOUN:
        raise ImportFailedError(f"An item noun has 1 to {LONGEST_NOUN} characters; {catalog.item_noun!r} does not.")
    if not -math.inf < low < high < math.inf:
        raise ImportFailedError(f"The rating scale {low:g} to {high:g} is not one.")
    if not low <= threshold < high:
        raise ImportFailedError(
            f"A like is a rating above {threshold:g}, which splits no ratings from {low:g} to {high:g}: "
            "choose a like threshold inside the scale."
        )
    if catalog.pk:
        outside = Q(rating__lt=low) | Q(rating__gt=high)
        if Interaction.objects.filter(outside, end_user__catalog=catalog).exists():
            raise ImportFailedError(f"Catalog {catalog} has ratings outside {low:g} to {high:g} already.")
