"""What people's decisions teach: rows for the actor and the reflector, in the order of reviews.

What each verdict teaches is told in room.lessons. A decision that was taken again in the same slot counts no more; an
override stays, since the round went on from it. Of several judgements of one draft the last one counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from recommender.models import Catalog, Statement, Turn
from recommender.statements import queries
from recommender.statements import service as statements
from recommender.statements.aspects import aspects_of
from recommender.tuning.rows import Provenance, Row
from reviews.models import Decision, Review, ReviewState
from reviews.room import verdicts
from reviews.room.lessons import Lesson
from reviews.room.verdict_row import VerdictRow

REVIEWS_AT_ONCE = 200


def of_catalog(catalog: Catalog, *, guideline: str = "", held_out: bool = False) -> Iterator[Row]:
    """All rows from a catalog's decisions, streamed. The same decisions always give the same rows in the same order.

    Their texts that nobody has read are read first: an edit just made would state nothing.
    `guideline`: the version of the annotators' guidelines that the rows are to name. `held_out`: only the traces that
    explanations are tested with, which are in no training set.
    """
    last, titles = 0, aspects_of(catalog).title_of
    decided = _decided(catalog).filter(round__held_out=held_out)
    while ids := list(decided.filter(pk__gt=last).values_list("pk", flat=True)[:REVIEWS_AT_ONCE]):
        statements.read(statements.unread(catalog).filter(round__review__in=ids))
        chunk = list(decided.filter(pk__in=ids))
        denials = queries.denials_of({review.round.end_user_id or 0 for review in chunk})
        for review in chunk:
            objections = denials.get(review.round.end_user_id or 0, ())
            yield from of_review(review, catalog, guideline=guideline, titles=titles, denials=objections)
        last = chunk[-1].pk


def _decided(catalog: Catalog) -> QuerySet[Review]:
    decisions = Decision.objects.select_related("account", "made_turn").order_by("pk")
    turns = Turn.objects.select_related("call").prefetch_related("statements").order_by("index")
    return (
        Review.objects.filter(Exists(Decision.objects.filter(review=OuterRef("pk"))), round__catalog=catalog)
        .filter(round__redacted_at=None)  # else the prompt would not show what the text was written from
        .select_related("round__item")
        .prefetch_related(Prefetch("decisions", decisions), Prefetch("round__turns", turns))
        .order_by("pk")
    )


def of_review(
    review: Review,
    catalog: Catalog,
    *,
    guideline: str = "",
    titles: Mapping[str, str],
    denials: Sequence[Statement] = (),
) -> Iterator[Row]:
    """One review's rows. A row that several decisions give comes once and names them all. `denials`: what its end user
    says is not so (statements.queries.denials_of)."""
    by_id: dict[str, Row] = {}
    given = [(each, verdicts.of_decision(each, review.round.strategy)) for each in review.decisions.all()]
    for decision, verdict in standing(given):
        assert verdict.lesson is not None, "only decisions that teach stand"
        lesson = Lesson(decision, review, catalog, guideline=guideline, titles=titles, denials=denials)
        for row in verdict.lesson(lesson):
            if earlier := by_id.get(row.id):
                row = replace(row, provenance=_merged(earlier.provenance, row.provenance))
            by_id[row.id] = row
    yield from by_id.values()


def standing(given: Sequence[tuple[Decision, VerdictRow]]) -> list[tuple[Decision, VerdictRow]]:
    """Of decisions with their verdicts, oldest first, those that teach and still count."""
    teaching = [(decision, verdict) for decision, verdict in given if verdict.lesson]
    last = {_place(*each): each[0].pk for each in teaching}
    return [
        (decision, verdict)
        for decision, verdict in teaching
        if verdict.state_after == ReviewState.AWAITING_ACTOR or last[_place(decision, verdict)] == decision.pk
    ]


def _place(decision: Decision, verdict: VerdictRow) -> tuple[str, int]:
    """Of the decisions of one place the last one counts: of one draft while drafts are chosen, else of one slot."""
    if verdict.state_after == ReviewState.OPEN:
        return "draft", decision.turn_id
    return "slot", decision.slot_id


def _merged(one: Provenance, other: Provenance) -> Provenance:
    return replace(
        one,
        decisions=one.decisions + other.decisions,
        verdicts=one.verdicts + other.verdicts,
        roles=one.roles + other.roles,
        turns=tuple(dict.fromkeys(one.turns + other.turns)),
    )
