"""Impact receipts: what a rebuild changed, as texts that came and went, lists that changed, and scores that moved.

Written once for each version, whoever asks and however often.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.conf import settings

from recommender.artifacts import files, ranker
from recommender.artifacts.ranker import ArtifactError, Ranker
from recommender.measures.bootstrap import Interval
from recommender.models import (
    BackboneVersion,
    Catalog,
    EndUser,
    ImpactReceipt,
    Knowledge,
    KnowledgeSnapshot,
    SubjectKind,
)
from recommender.promotion.test_bed import sample
from recommender.serving.request import Request, best, request_for, score

K = 10
SHOWN = 5  # end users whose lists changed most


@dataclass(frozen=True, slots=True)
class Change:
    """One end user's list: the share of the old one that is still in the new one, and which items came and went.

    `by_text`: whether the new version would list other items were the end user's text not there; `anyway`: whether the
    two versions differ with no such text in either, as they do when a version is merely trained anew.
    """

    user_id: str
    overlap: float
    entered: Sequence[str]
    left: Sequence[str]
    by_text: bool
    anyway: bool


def write(
    version: BackboneVersion,
    previous: BackboneVersion | None,
    *,
    differences: Mapping[str, Interval | None],
    step: Callable[[int, int], None],
) -> ImpactReceipt:
    """What the rebuild changed against the version that was active then; the receipt that is there already, if one is.

    `differences`: of the scores, as the gates measured them.
    """
    written = ImpactReceipt.objects.filter(version=version).first()
    if written:
        return written
    content = {
        "knowledge": knowledge(version.snapshot, previous.snapshot if previous else None),
        "metrics": metrics(version, differences),
        "lists": None,
        "note": "",
    }
    if previous is not None:
        try:
            new, old = (ranker.read(files.folder_of(each)) for each in (version, previous))
            most = settings.RECEIPT_END_USERS
            content["lists"] = lists(version.catalog, new, old, most=most, step=step)
        except ArtifactError as error:
            content["note"] = f"The lists could not be compared. {error}"
    stored, _ = ImpactReceipt.objects.get_or_create(
        version=version, defaults={"previous": previous, "content": content}
    )
    return stored


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
    with_history = EndUser.objects.filter(catalog=catalog, interactions__isnull=False).distinct()
    names = list(with_history.values_list("external_id", flat=True).order_by("external_id"))
    chosen = [names[place] for place in sample(names, most).tolist()]
    changes = []
    for done, name in enumerate(chosen, start=1):
        end_user = EndUser.objects.select_related("catalog").filter(catalog=catalog, external_id=name).first()
        if end_user is not None and (change := _change(end_user, new, old)):
            changes.append(change)
        step(done, len(chosen))
    changed = [one for one in changes if one.entered or one.left]
    biggest = sorted(changed, key=lambda one: (one.overlap, one.user_id))[:SHOWN]
    return {
        "k": K,
        "end_users": len(changes),
        "of": len(names),
        "changed": len(changed),
        "by_text": sum(one.by_text for one in changes),
        "anyway": sum(one.anyway for one in changes),
        "mean_overlap": float(np.mean([one.overlap for one in changes])) if changes else None,
        "biggest": [asdict(one) for one in biggest],
    }


def _change(end_user: EndUser, new: Ranker, old: Ranker) -> Change | None:
    """None for an end user with nothing left to recommend. The order within the list does not count."""
    aware, unaware = (request_for(end_user, limit=K, unaware=each) for each in (False, True))
    if not aware.can_be_ranked:
        return None
    before, after = _listed(aware, old), _listed(aware, new)
    bare_before, bare_after = _listed(unaware, old), _listed(unaware, new)
    kept = set(before) & set(after)
    return Change(
        end_user.external_id,
        len(kept) / len(before),
        [item for item in after if item not in kept],
        [item for item in before if item not in kept],
        by_text=set(bare_after) != set(after),
        anyway=set(bare_before) != set(bare_after),
    )


def _listed(request: Request, ranker: Ranker) -> list[str]:
    return [request.index.external_ids[position] for position, _ in best(request, score(request, ranker).scores)]


def metrics(version: BackboneVersion, differences: Mapping[str, Interval | None]) -> dict[str, Any]:
    """The paired differences to the previous version, and the version's own scores on its test part with intervals."""
    own = version.metrics.get("intervals", {})
    return {
        "differences": {name: one.to_json() if one else None for name, one in differences.items()},
        "own": own.get("with_knowledge") or own.get("without_knowledge"),
    }
