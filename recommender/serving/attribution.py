"""What moved a recommended item, as shares of everything that was measured to do so; else what it has in common.

All is measured in logits of a like, each thing with it minus without: entries of the history and the text that the
version was trained with by the version itself, statements by what they add. The rest is not known, and not told.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

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


def named(effects: Effects) -> Named:
    """As many as any level names."""
    order = np.argsort(-np.abs(effects.history), kind="stable")
    effect = effects.history[order]
    raised, lowered = MOST_NAMED
    return Named(order[effect > 0][:raised].tolist(), order[effect < 0][:lowered].tolist())


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
    moves = cited.moves.get(item.pk, ())
    total = sum(abs(move.effect) for move in moves)
    if effects is not None:
        total += float(np.abs(effects.history).sum()) + abs(effects.text)
    if not total:
        return []
    reasons: list[Reason] = [_stated(item.pk, move, cited, total) for move in moves[:MOST]]
    if effects is not None and places is not None:
        named = places.at(level)
        reasons += _of_version(item, effects, total, places=named, history=history, past=past, text=text, values=values)
    return sorted(reasons, key=lambda reason: -(getattr(reason, "share", None) or 0.0))


def _stated(item: int, move: Move, cited: Cited, total: float) -> StatementReason | OwnStatementReason | ToldReason:
    """What one statement did; those of the request itself have keys below 0."""
    pk, polarity = move.statement.pk, _polarity(move)
    aspect, effect = cited.known[pk].aspect, round(move.effect, 4)
    share, direction = _share(move.effect, total), _direction(move.effect)
    sentence = cited.sentences.get((item, pk))
    if pk < 0:
        return ToldReason(aspect, polarity, effect, share, direction, sentence=sentence)
    if move.statement.is_own:
        quote = move.statement.quote
        return OwnStatementReason(pk, aspect, polarity, quote, effect, share, direction, sentence=sentence)
    return StatementReason(pk, move.statement.turn_id, aspect, polarity, effect, share, direction, sentence=sentence)


def _polarity(move: Move) -> Literal["likes", "dislikes"]:
    return "likes" if move.effect > 0 else "dislikes"


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
    for place in places:
        met, effect = history[place], float(effects.history[place])
        if abs(effect) >= LEAST_SHARE * total and met.item_pk in past:
            found.append(_in_common(item, past[met.item_pk], met, values, effect=effect, total=total))
    if abs(effects.text) >= LEAST_SHARE * total:
        known = text.explanation_id if text and text.in_snapshot else None
        share, direction = _share(effects.text, total), _direction(effects.text)
        found.append(UserTextReason(known, round(effects.text, 4), share, direction))
    return found


def sharing_attributes(
    item: Item, *, history: Sequence[PastInteraction], past: Mapping[int, Item], most: int, values: Mapping[int, Values]
) -> list[HistoryReason]:
    """Liked items with the same attribute values: most in common first, then the later one in the history. Says
    nothing of the score."""
    wanted = values[item.pk].as_set
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
    wanted, own = values[item.pk].as_set, values[theirs.pk].listed
    return HistoryReason(
        item_id=met.item_id,
        title=theirs.title,
        rating=met.rating,
        liked=met.liked,
        met=Moment(met.moment, Clock.NONE if met.told else item.catalog.clock),
        basis="backbone" if effect else "shared_attributes",
        shared=tuple(value for value in own if value in wanted),
        effect=round(effect, 4) if effect else None,
        share=_share(effect, total) if effect else None,
        direction=_direction(effect) if effect else None,
    )


def _share(effect: float, total: float) -> float:
    return round(abs(effect) / total, 4)


def _direction(effect: float) -> Direction:
    return "for" if effect > 0 else "against"
