"""Which statements moved a recommended item, and from how many ratings each is known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from recommender.grounding.wording import in_words
from recommender.serving.request import Request
from recommender.serving.steering import Move, Steering
from recommender.serving.types import CitedStatement
from recommender.statements.aspects import CatalogAspects, aspects_of

MOST = 5  # statements that are cited for one item


@dataclass(frozen=True, slots=True)
class Cited:
    """Of one item: what raised it and what lowered it, what weighs most first."""

    raised: tuple[CitedStatement, ...]
    lowered: tuple[CitedStatement, ...]


def cited(request: Request, steering: Steering | None, listed: Iterable[tuple[int, int]]) -> Mapping[int, Cited]:
    """By primary key, for the listed items that any statement moves.

    `steering`: as it moved the list, if it did. `listed`: primary key, position in the index.
    """
    if steering is None or not steering.moves:
        return {}
    aspects = aspects_of(request.whom.catalog)
    known: dict[int, CitedStatement] = {}
    found = {}
    for pk, position in listed:
        moves = steering.of(position)[:MOST]
        for move in moves:
            if move.statement.pk not in known:
                known[move.statement.pk] = _cited(move, request, aspects)
        if moves:
            each = [known[move.statement.pk] for move in moves]
            found[pk] = Cited(
                tuple(one for one in each if one.effect > 0), tuple(one for one in each if one.effect < 0)
            )
    return found


def _cited(move: Move, request: Request, aspects: CatalogAspects) -> CitedStatement:
    said = move.statement
    meeting = set(aspects.pks[aspects.meeting(said.said.aspect)].tolist())
    rated = [past.liked for past in request.history if past.item_pk in meeting and past.liked is not None]
    return CitedStatement(
        statement_id=max(said.pk, 0),
        aspect=in_words(said.said.aspect, aspects.title_of),
        polarity="likes" if move.effect > 0 else "dislikes",
        quote=said.quote,
        effect=round(move.effect, 4),
        said_by=said.said_by,
        approved_by=said.approved_by,
        approved_at=said.approved_at,
        liked=sum(rated),
        ratings=len(rated),
    )
