"""One recommendation: history as of now → candidates → rank → explain → log. Torch-free, with bounded queries."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.utils import timezone

from recommender.models import ApiToken, EndUser, Item
from recommender.serving import fallback, shadow
from recommender.serving.catalog_index import shelf_of
from recommender.serving.explain import explain
from recommender.serving.history import PastInteraction, history_as_of_now
from recommender.serving.log import log
from recommender.serving.rank import Ranked, rank
from recommender.serving.retrieve import unseen
from recommender.serving.types import Explain, Reason, Served, ServedItem

LIKED_LOOKED_AT = 30  # the latest liked items, among which shared attributes are looked for


def recommend(end_user: EndUser, *, limit: int, level: Explain = "none", token: ApiToken | None = None) -> Served:
    """The list for this end user now, logged under its `recommendation_id`. `end_user.catalog` must be loaded."""
    history, ranked, served = _made(end_user, limit=limit, level=level)
    logged = log(served, end_user=end_user, token=token)
    if ranked.trial and ranked.answer:
        shadow.offer(
            ranked.trial,
            end_user,
            history=history,
            answer=ranked.answer,
            shown=len(ranked.best),
            recommendation=logged.pk,
        )
    return replace(served, recommendation_id=logged.pk, generated_at=logged.created_at)


def preview(end_user: EndUser, *, limit: int, level: Explain = "none") -> Served:
    """The same list for people who only look: nothing is logged, and no shadow asked."""
    return _made(end_user, limit=limit, level=level)[2]


def _made(end_user: EndUser, *, limit: int, level: Explain) -> tuple[list[PastInteraction], Ranked, Served]:
    shelf = shelf_of(end_user.catalog)
    history = history_as_of_now(end_user)
    mask = unseen(shelf, [met.item_pk for met in history])
    ranked = rank(end_user, shelf, history=history, mask=mask, limit=limit, attribute=level != "none")
    standing = {int(shelf.pks[position]): (position, score) for position, score in ranked.best}
    named = _nameable(ranked, history) if level != "none" else set()
    items = Item.objects.in_bulk({*standing, *named})
    listed = [pk for pk in standing if pk in items]  # an item may be gone that the shelf still has
    reasons: Mapping[int, Sequence[Reason]] = {}
    if level != "none":
        why = explain(
            end_user,
            [items[pk] for pk in listed],
            level=level,
            backbone=ranked.backbone,
            history=history,
            past=items,
            spoke=ranked.spoke,
        )
        if ranked.backbone is None:
            reasons = {pk: [*why[pk], fallback.why(ranked.source, shelf, standing[pk][0])] for pk in listed}
        else:
            reasons = why
    served = Served(
        catalog=end_user.catalog.name,
        user_id=end_user.external_id,
        backbone=ranked.backbone,
        source=ranked.source,
        degraded_reason=ranked.degraded_reason,
        generated_at=timezone.now(),
        items=tuple(
            ServedItem(items[pk].external_id, items[pk].title, number, standing[pk][1], tuple(reasons.get(pk, ())))
            for number, pk in enumerate(listed, start=1)
        ),
    )
    return history, ranked, served


def _nameable(ranked: Ranked, history: Sequence[PastInteraction]) -> set[int]:
    """Primary keys of the history's items that an explanation may name."""
    liked = {met.item_pk for met in [met for met in history if met.liked][-LIKED_LOOKED_AT:]}
    return liked | {history[each.position].item_pk for spoke in (ranked.spoke or {}).values() for each in spoke}
