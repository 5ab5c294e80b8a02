"""Numbers and names as a version's page writes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recommender.promotion import gates
from recommender.serving.codes import DegradedCode

register = template.Library()

WHY_FALLEN_BACK: dict[str, str] = {
    DegradedCode.NO_BACKBONE: "no model was active",
    DegradedCode.ARTIFACT_UNUSABLE: "the model’s files could not be used",
    DegradedCode.NO_HISTORY: "nothing is known of the user",
    DegradedCode.UNKNOWN_USER: "the user is not in the catalog",
    DegradedCode.NO_SCORED_LIST: "no AI ordered the user’s list",
    DegradedCode.STALE_SCORED_LIST: "the AI’s order is older than the user’s history",
    DegradedCode.CANNOT_RANK: "the model could not rank",
    DegradedCode.ALL_MET: "the user has met everything",
    DegradedCode.NO_ITEMS: "the catalog was empty",
    DegradedCode.NOTHING_LEFT: "filters and stock left nothing",
}


@register.filter
def signed(value: float) -> str:
    return gates.signed(value)


@register.filter
def get(mapping: Mapping[str, Any], name: str) -> Any:
    return mapping.get(name)


@register.filter
def why_fallen_back(code: str) -> str:
    """A `degraded_code` in the words of a page; a code of a later release as it is."""
    return WHY_FALLEN_BACK.get(code, code)


@register.filter
def total(counts: Mapping[str, int]) -> int:
    return sum(counts.values())


@register.simple_tag
def percent(part: float | None, whole: float) -> str:
    """A share as people say it: no decimals, unless it is below 1 %."""
    if part is None or not whole:
        return "–"
    share = 100 * part / whole
    return f"{share:.0f} %" if share >= 1 or share == 0 else f"{share:.2g} %"


@register.filter
def share(value: float) -> str:
    """A share that somebody typed, as they typed it."""
    return f"{100 * value:.4g} %"


@register.filter
def range_of(interval: Mapping[str, float] | None) -> SafeString:
    """An interval in a line of its own; nothing without one."""
    if not interval:
        return SafeString("")
    signed_ = interval["low"] < 0
    low, high = (gates.signed(one) if signed_ else f"{one:.4f}" for one in (interval["low"], interval["high"]))
    return format_html('<br><span class="small muted">{} to {}</span>', low, high)


@register.filter
def named(item_ids: Sequence[str], titles: Mapping[str, str]) -> str:
    """Items by title, with their id where the title is not known any more."""
    return ", ".join(titles.get(one, one) for one in item_ids)
