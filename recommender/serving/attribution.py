"""Which items of the history contributed to a recommended one."""

from collections.abc import Mapping, Sequence
from typing import Literal

from recommender.models import Item
from recommender.serving.catalog_index import values_of
from recommender.serving.history import PastInteraction
from recommender.serving.types import Contribution, HistoryReason, PastItem

LEAST_WEIGHT = 0.01


def named_by_backbone(
    item: Item,
    contributions: Sequence[Contribution],
    *,
    history: Sequence[PastInteraction],
    past: Mapping[int, Item],
    attributes: Sequence[str],
) -> HistoryReason | None:
    """What the ranking itself weighed most, the strongest first."""
    strong = [each for each in contributions if each.weight >= LEAST_WEIGHT and history[each.position].item_pk in past]
    return _reason(item, strong, "backbone", history=history, past=past, attributes=attributes) if strong else None


def sharing_attributes(
    item: Item,
    *,
    history: Sequence[PastInteraction],
    past: Mapping[int, Item],
    attributes: Sequence[str],
    most: int,
) -> HistoryReason | None:
    """Liked items with the same attribute values: most in common first, then the later one in the history. Says
    nothing of the score."""
    wanted = set(_values(item, attributes))
    liked = [
        Contribution(position, len(wanted & theirs) / len(wanted | theirs))
        for position, met in enumerate(history)
        if met.liked and met.item_pk in past and wanted & (theirs := set(_values(past[met.item_pk], attributes)))
    ]
    liked.sort(key=lambda each: (-each.weight, -each.position))
    if not liked:
        return None
    return _reason(item, liked[:most], "shared_attributes", history=history, past=past, attributes=attributes)


def _reason(
    item: Item,
    contributions: Sequence[Contribution],
    basis: Literal["backbone", "shared_attributes"],
    *,
    history: Sequence[PastInteraction],
    past: Mapping[int, Item],
    attributes: Sequence[str],
) -> HistoryReason:
    wanted = set(_values(item, attributes))
    named = []
    for each in contributions:
        met = history[each.position]
        theirs = past[met.item_pk]
        shared = tuple(value for value in _values(theirs, attributes) if value in wanted)
        weight = round(each.weight, 4)
        named.append(PastItem(met.item_id, theirs.title, met.rating, met.liked, met.moment, weight, shared))
    return HistoryReason(tuple(named), basis)


def _values(item: Item, attributes: Sequence[str]) -> list[str]:
    return [value for name in attributes for value in values_of(item.attributes.get(name, []))]
