"""The next page of a list: its items as they were ranked, with the reasons asked for."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import cast

import numpy as np

from recommender.artifacts.ranker import ArtifactError
from recommender.models import BackboneVersion
from recommender.serving import backbone, thinkrec
from recommender.serving.codes import DegradedCode
from recommender.serving.cursor import Cursor
from recommender.serving.request import Request
from recommender.serving.rollout import active_in
from recommender.serving.types import Effects, Ranked, Ranking, Reason, Source


def continued(request: Request, cursor: Cursor, *, attribute: bool, credit: bool) -> tuple[Ranked, list[int]]:
    """The cursor's first `request.limit` items, as if they had just been ranked, and their ranks in the list.

    Of items that are gone, out of stock or unwanted by now there is neither. `attribute`: also what moved
    their scores, by the version that ranked them, where it can still be asked. `credit`: also which side of a
    mixed list put each item there.
    """
    best, ranks = [], []
    gone = set() if request.rules.out_of_stock is None else set(request.rules.out_of_stock.tolist())
    gone |= set(request.steering.unwanted.tolist())
    for rank, (pk, score) in enumerate(cursor.items[: request.limit], start=cursor.rank):
        for place in request.index.positions(np.array([pk], dtype=np.int64)).tolist():
            if place in gone:
                continue
            best.append((place, score))
            ranks.append(rank)
    ranked = Ranked(
        cast(Source, cursor.source),
        best,
        backbone=_version(cursor.backbone),
        degraded_reason=cursor.degraded_reason,
        degraded_code=DegradedCode(cursor.degraded_code) if cursor.degraded_code else None,
        sides=_sides(cursor) if credit else {},
    )
    return (_explained(request, ranked, cursor) if attribute else ranked), ranks


def _sides(cursor: Cursor) -> dict[int, str]:
    put = zip(cursor.items, cursor.sides, strict=False)  # no sides where the list is not mixed
    return {pk: cursor.teams[side] for (pk, _), side in put if side >= 0}


def _version(pk: int | None) -> BackboneVersion | None:
    if pk is None:
        return None
    return BackboneVersion.objects.select_related("snapshot").defer("metrics", "config").filter(pk=pk).first()


def _explained(request: Request, ranked: Ranked, cursor: Cursor) -> Ranked:
    """With what moved it: of statements, those that did when it was ranked and act still."""
    steering, attribution = request.steering, dict[int, Effects]()
    reasons: dict[int, Sequence[Reason]] = dict(thinkrec.reasons(request) if ranked.source == "thinkrec" else {})
    for asked, version, listed in _ranked_by(request, ranked, cursor) if ranked.source == "backbone" else ():
        with suppress(ArtifactError):  # else the list stays, and what it has in common with the history is named
            steering, moved_by, said = backbone.attributed(asked, version, listed)
            attribution |= moved_by
            reasons |= said
    moved = set(cursor.moved or ())
    steering = replace(steering, moves=[move for move in steering.moves if move.statement.pk in moved])
    return replace(
        ranked,
        steering=steering if cursor.moved is not None else None,
        attribution=attribution or None,
        reasons=reasons,
    )


def _ranked_by(request: Request, ranked: Ranked, cursor: Cursor) -> Iterator[tuple[Request, BackboneVersion, Ranking]]:
    """The items with the version that put them there, and what it was asked: of a mixed list a part for each side,
    while its experiment runs."""
    if not cursor.teams:
        if ranked.backbone is not None:
            yield request, ranked.backbone, ranked.best
        return
    mixed = request.treatment.mixed if request.treatment else ()
    sides = _sides(cursor)
    for each in mixed:
        usual = active_in(request.whom.catalog).version if mixed[0].version else ranked.backbone
        version = each.version or usual
        put = (sides.get(int(pk)) == each.variant for pk in request.index.pks[[place for place, _ in ranked.best]])
        listed = [item for item, theirs in zip(ranked.best, put, strict=True) if theirs]
        if listed and version is not None:
            yield replace(request, treatment=each, unaware=each.unaware), version, listed
