"""What moved a recommended item, as shares of everything that was measured to do so; else what it has in common.

All is measured in logits of a like, each thing with it minus without: entries of the history and the text that the
version was trained with by the version itself, statements by what they add. The rest is not known, and not told.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.models import Clock, Item
from recommender.serving.history import PastInteraction
from recommender.serving.items import Values
from recommender.serving.statements import MOST, Cited
from recommender.serving.steering import Move
from recommender.serving.types import (
    Direction,
    Effects,
    Explanation,
    HistoryReason,
    Moment,
    OwnStatementReason,
    Reason,
    StatementReason,
    ToldReason,
    UserTextReason,
)

LEAST_SHARE = 0.01
NAMED: Mapping[str, tuple[int, int]] = {"short": (3, 1), "full": (5, 2)}  # of the history: for the item, against it
MOST_NAMED = 5, 2


class Named(NamedTuple):
    """Places in the history of what moved an item most, that first: what raised it, and what lowered it."""

    raised: list[int]
    lowered: list[int]

    def at(self, level: Literal["short", "full"]) -> list[int]:
        raised, lowered = NAMED[level]
        return [*self.raised[:raised], *self.lowered[:lowered]]


def named(attribution: Mapping[int, Effects]) -> dict[int, Named]:
    """Of each item, as many as any level names."""
    if not attribution:
        return {}
    effects = np.stack([each.history for each in attribution.values()])
    raised, lowered = MOST_NAMED
    return {
        pk: Named(up, down)
        for pk, up, down in zip(attribution, _first(effects, raised), _first(-effects, lowered), strict=True)
    }


def _first(effects: NDArray[np.float64], most: int) -> list[list[int]]:
    """Of each row, the places of its greatest above 0, the greatest first, of equal ones the first."""
    order = np.argsort(-effects, axis=1, kind="stable")[:, :most]
    above = np.count_nonzero(np.take_along_axis(effects, order, axis=1) > 0, axis=1)
    return [places[:count] for places, count in zip(order.tolist(), above.tolist(), strict=True)]


def moved_by(
    item: Item,
    effects: Effects | None,
    cited: Cited,
    *,
    level: Literal["short", "full"],
    history: Sequence[PastInteraction],
    past: Mapping[int, Item],
    text: Explanation | None,
    values: Mapping[int, Values],
    places: Named | None,
) -> list[Reason]:
    """What moved an item, the greatest share first. `effects`: None where no version ranked it, else `places`: what is
    named of them; `text`: about the end user, as it is now; `values`: of the item and of `past`, by primary key."""
    moves = cited.moves.get(item.id, ())
    total = sum([abs(move.effect) for move in moves])
    if effects is not None:
        total += float(np.abs(effects.history).sum()) + abs(effects.text)
    if not total:
        return []
    reasons: list[Reason] = [_stated(item.id, move, cited, total) for move in moves[:MOST]]
    if effects is not None and places is not None:
        named = places.at(level)
        reasons += _of_version(item, effects, total, places=named, history=history, past=past, text=text, values=values)
    return sorted(reasons, key=attrgetter("share"), reverse=True)


def _stated(item: int, move: Move, cited: Cited, total: float) -> StatementReason | OwnStatementReason | ToldReason:
    """What one statement did; those of the request itself have keys below 0."""
    said, logit = move.statement, move.effect
    pk = said.pk
    polarity: Literal["likes", "dislikes"] = "likes" if logit > 0 else "dislikes"
    direction: Direction = "for" if logit > 0 else "against"
    aspect, effect, share = cited.known[pk].aspect, round(logit, 4), round(abs(logit) / total, 4)
    sentence = cited.sentences.get((item, pk))
    if pk < 0:
        return ToldReason(aspect, polarity, effect, share, direction, sentence=sentence)
    if said.is_own:
        return OwnStatementReason(pk, aspect, polarity, said.quote, effect, share, direction, sentence=sentence)
    return StatementReason(pk, said.turn_id, aspect, polarity, effect, share, direction, sentence=sentence)


def _of_version(
    item: Item,
    effects: Effects,
    total: float,
    *,
    places: Sequence[int],
    history: Sequence[PastInteraction],
    past: Mapping[int, Item],
    text: Explanation | None,
    values: Mapping[int, Values],
) -> list[Reason]:
    found: list[Reason] = []
    for place, effect in zip(places, effects.history[places].tolist(), strict=True):
        met = history[place]
        if abs(effect) >= LEAST_SHARE * total and met.item_pk in past:
            found.append(_in_common(item, past[met.item_pk], met, values, effect=effect, total=total))
    if abs(effects.text) >= LEAST_SHARE * total:
        known = text.explanation_id if text and text.in_snapshot else None
        share = round(abs(effects.text) / total, 4)
        found.append(UserTextReason(known, round(effects.text, 4), share, "for" if effects.text > 0 else "against"))
    return found


def sharing_attributes(
    item: Item, *, history: Sequence[PastInteraction], past: Mapping[int, Item], most: int, values: Mapping[int, Values]
) -> list[HistoryReason]:
    """Liked items with the same attribute values: most in common first, then the later one in the history. Says
    nothing of the score."""
    wanted = values[item.id].as_set
    liked = []
    for place, met in enumerate(history):
        if met.liked and met.item_pk in past and wanted & (theirs := values[met.item_pk].as_set):
            liked.append((-len(wanted & theirs) / len(wanted | theirs), -place))
    best = [history[-place] for _, place in sorted(liked)[:most]]
    return [_in_common(item, past[met.item_pk], met, values) for met in best]


def _in_common(
    item: Item,
    theirs: Item,
    met: PastInteraction,
    values: Mapping[int, Values],
    *,
    effect: float = 0.0,
    total: float = 0.0,
) -> HistoryReason:
    """`effect`: what it did by the version itself, of `total`; 0: that is not known."""
    wanted, own = values[item.id].as_set, values[theirs.id].listed
    direction: Direction = "for" if effect > 0 else "against"
    return HistoryReason(
        item_id=met.item_id,
        title=theirs.title,
        rating=met.rating,
        liked=met.liked,
        met=Moment(met.moment, Clock.NONE if met.told else item.catalog.clock),
        basis="backbone" if effect else "shared_attributes",
        shared=tuple([value for value in own if value in wanted]),
        effect=round(effect, 4) if effect else None,
        share=round(abs(effect) / total, 4) if effect else None,
        direction=direction if effect else None,
    )
