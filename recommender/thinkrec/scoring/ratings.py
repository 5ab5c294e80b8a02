"""Scores of held-out ratings, stored when they are made: a run that goes on, and a later one, ask only for the rest."""

from collections.abc import Mapping, Sequence

from recommender.models import ScoredRating, ScoringRun


def stored(scorer: str, end_user: int, as_of: int, items: Sequence[int]) -> dict[int, float]:
    """What a scorer said of these items (primary keys) to a history up to `as_of`."""
    rows = ScoredRating.objects.filter(scorer=scorer, end_user=end_user, as_of=as_of, item__in=items)
    return dict(rows.values_list("item_id", "score")) if scorer else {}


def store(run: ScoringRun, scorer: str, end_user: int, as_of: int, scores: Mapping[int, float]) -> None:
    """Keep scores by an item's primary key. Call it inside a transaction."""
    ScoredRating.objects.bulk_create(
        [
            ScoredRating(run=run, scorer=scorer, end_user_id=end_user, item_id=item, as_of=as_of, score=score)
            for item, score in scores.items()
        ],
        ignore_conflicts=True,  # another run of the same scorer was quicker
    )
