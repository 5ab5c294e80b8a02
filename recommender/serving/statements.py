"""Which statements moved a recommended item, and from how many ratings each is known."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from recommender.grounding.wording import in_words
from recommender.serving.history import PastInteraction
from recommender.serving.request import Request
from recommender.serving.steering import Move, Steering
from recommender.serving.types import TextStatement
from recommender.serving.whom import Whom
from recommender.statements.aspects import CatalogAspects, aspects_of
from recommender.statements.phrases import Sentence
from recommender.statements.queries import Acting

_NOTHING: Mapping[int, int] = MappingProxyType({})
MOST = 5  # statements that are cited for one item


@dataclass(frozen=True, slots=True)
class Cited:
    """What moved listed items. `moves`: of each item by primary key, all of them, what weighs most first.

    `known`: the statements that are cited, by primary key, in the order of their text. `of_text`: which of them the
    text about the end user makes; others came with the request, or the end user said them. `sentences`: by the item's
    primary key and the statement's, what a text about the item tells of it.
    """

    moves: Mapping[int, Sequence[Move]]
    known: Mapping[int, TextStatement]
    of_text: Collection[int] = ()
    sentences: Mapping[tuple[int, int], Sentence] = field(default_factory=dict)


NOTHING_CITED = Cited({}, {})


def cited(
    request: Request,
    steering: Steering | None,
    listed: Sequence[tuple[int, int]],
    *,
    kept_away: Mapping[int, int] = _NOTHING,
) -> Cited:
    """Of the listed items that any statement moves, and what kept others away.

    `steering`: as it moved the list, if it did. `listed`: primary key, position in the index. `kept_away`: how many,
    by statement.
    """
    if steering is None or not steering.moves:
        return NOTHING_CITED
    of_each = steering.of([position for _, position in listed])
    moves = {pk: own for (pk, _), own in zip(listed, of_each, strict=True) if own}
    named = {move.statement.pk for own in moves.values() for move in own[:MOST]} | kept_away.keys()
    said = [move.statement for move in steering.moves if move.statement.pk in named]
    of_text = [one.pk for one in said if one.turn_id]
    known = [
        replace(one, kept_away=kept_away.get(one.statement_id, 0)) for one in told(request.whom, said, request.history)
    ]
    sentences = _sentences(moves, aspects_of(request.whom.catalog))
    return Cited(moves, {one.statement_id: one for one in known}, of_text, sentences)


def _sentences(moves: Mapping[int, Sequence[Move]], aspects: CatalogAspects) -> dict[tuple[int, int], Sentence]:
    found = {}
    for item, own in moves.items():
        place = int(np.searchsorted(aspects.pks, item))
        if place == len(aspects.pks) or aspects.pks[place] != item:
            continue
        for move in own[:MOST]:
            if sentence := aspects.sentence(move.statement.said.aspect, place):
                found[item, move.statement.pk] = sentence
    return found


def told(whom: Whom, said: Iterable[Acting], history: Sequence[PastInteraction]) -> list[TextStatement]:
    """Statements as they are shown, with what of the history they are about. `whom.catalog` is loaded."""
    aspects = aspects_of(whom.catalog)
    judged = np.array([past.item_pk for past in history if past.liked is not None], dtype=np.int64)
    liked = np.array([past.liked for past in history if past.liked is not None], dtype=np.bool_)
    places = np.searchsorted(aspects.pks, judged)
    known = places < len(aspects.pks)
    known[known] = aspects.pks[places[known]] == judged[known]
    places, liked = places[known], liked[known]
    made = []
    for one in said:
        meeting = np.zeros(len(aspects.pks), dtype=np.bool_)
        meeting[aspects.meeting(one.said.aspect)] = True
        rated = meeting[places]
        made.append(
            TextStatement(
                statement_id=one.pk,
                aspect=in_words(one.said.aspect, aspects.title_of),
                polarity="likes" if one.said.polarity == "likes" else "dislikes",
                quote=one.quote,
                said_by=one.said_by,
                liked=int(np.count_nonzero(rated & liked)),
                ratings=int(np.count_nonzero(rated)),
            )
        )
    return made
