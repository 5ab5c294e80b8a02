"""What a rebuild changed: which knowledge came and went, whose lists are others now, and how the scores moved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from recommender.artifacts.ranker import Ranker
from recommender.measures.bootstrap import Interval
from recommender.models import BackboneVersion, Catalog, EndUser, Knowledge, KnowledgeSnapshot, SubjectKind
from recommender.promotion.test_bed import sample
from recommender.serving.catalog_index import Shelf, shelf_of
from recommender.serving.history import history_as_of_now
from recommender.serving.retrieve import candidates, unseen

K = 10
SHOWN = 5  # end users whose lists changed most


@dataclass(frozen=True, slots=True)
class Change:
    """One end user's list: the share of the old one that is still in the new one, and which items came and went."""

    user_id: str
    overlap: float
    entered: Sequence[str]
    left: Sequence[str]


def knowledge(snapshot: KnowledgeSnapshot, previous: KnowledgeSnapshot | None) -> dict[str, Any]:
    """Texts of the snapshot that the previous one had not, by kind of subject, and what became of earlier ones.

    `replaced`: subjects with a text before and a new one now; `withdrawn`: texts that are gone without a new one.
    """
    entered = entered_between(snapshot, previous)
    gone = entered_between(previous, snapshot) if previous else Knowledge.objects.none()
    renewed = set(entered.values_list("end_user_id", "item_id"))
    before = set(previous.knowledge.values_list("end_user_id", "item_id")) if previous else set()
    return {
        "entered": _by_kind(entered),
        "replaced": len(renewed & before),
        "withdrawn": sum(subject not in renewed for subject in gone.values_list("end_user_id", "item_id")),
    }


def entered_between(snapshot: KnowledgeSnapshot, previous: KnowledgeSnapshot | None) -> Any:
    """A queryset of the knowledge of `snapshot` that `previous` has not."""
    return snapshot.knowledge.exclude(pk__in=previous.knowledge.values("pk")) if previous else snapshot.knowledge.all()


def _by_kind(rows: Any) -> dict[str, int]:
    items = rows.exclude(item=None).count()
    return {SubjectKind.END_USER: rows.count() - items, SubjectKind.ITEM: items}


def lists(catalog: Catalog, new: Ranker, old: Ranker, *, most: int, step: Callable[[int, int], None]) -> dict[str, Any]:
    """Top 10 of up to `most` end users with a history, as both versions would serve them now."""
    shelf = shelf_of(catalog)
    with_history = EndUser.objects.filter(catalog=catalog, interactions__isnull=False).distinct()
    names = list(with_history.values_list("external_id", flat=True).order_by("external_id"))
    chosen = [names[place] for place in sample(names, most).tolist()]
    changes = []
    for done, name in enumerate(chosen, start=1):
        end_user = EndUser.objects.select_related("catalog").filter(catalog=catalog, external_id=name).first()
        if end_user is not None and (change := _change(end_user, shelf, new, old)):
            changes.append(change)
        step(done, len(chosen))
    changed = [one for one in changes if one.entered or one.left]
    biggest = sorted(changed, key=lambda one: (one.overlap, one.user_id))[:SHOWN]
    return {
        "k": K,
        "end_users": len(changes),
        "of": len(names),
        "changed": len(changed),
        "mean_overlap": float(np.mean([one.overlap for one in changes])) if changes else None,
        "biggest": [asdict(one) for one in biggest],
    }


def _change(end_user: EndUser, shelf: Shelf, new: Ranker, old: Ranker) -> Change | None:
    """None for an end user with nothing left to recommend. The order within the list does not count."""
    history = history_as_of_now(end_user)
    mask = unseen(shelf, [met.item_pk for met in history])
    if not history or not mask.any():
        return None
    positions = candidates(end_user.catalog, shelf, mask=mask, liked=[met.item_pk for met in history if met.liked])
    items = [shelf.external_ids[position] for position in positions.tolist()]
    before, after = (
        [items[place] for place in np.argsort(-scores, kind="stable")[:K].tolist()]
        for scores in (
            ranking.score(end_user.external_id, history, items, attributes=end_user.attributes)
            for ranking in (old, new)
        )
    )
    kept = set(before) & set(after)
    return Change(
        end_user.external_id,
        len(kept) / len(before),
        [item for item in after if item not in kept],
        [item for item in before if item not in kept],
    )


def metrics(version: BackboneVersion, differences: Mapping[str, Interval | None]) -> dict[str, Any]:
    """The paired differences to the previous version, and the version's own scores on its test part with intervals."""
    own = version.metrics.get("intervals", {})
    return {
        "differences": {name: one.to_json() if one else None for name, one in differences.items()},
        "own": own.get("with_knowledge") or own.get("without_knowledge"),
    }
