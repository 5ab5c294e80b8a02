"""A catalog's interactions as arrays: read as a stream, kept at about 30 bytes an interaction."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from recommender.catalogs.feedback import NO_LABEL, FeedbackScale
from recommender.dataset import attributes
from recommender.dataset.attributes import LEAST_ITEMS, Attributes
from recommender.dataset.split import TRAIN, UNSCORED, Codes
from recommender.models import Catalog, EndUser, Interaction, Item

ROWS_AT_A_TIME = 5000
COLUMNS = ("keys", "end_user", "item", "moment", "liked", "feedback")
NOBODYS = -1  # the primary key of a drawn row


@dataclass(frozen=True, slots=True)
class Interactions:
    """All interactions of a catalog, sorted by end user, then moment, then id. `n` rows, `u` end users, `v` items.

    Rows that were drawn (dataset.negatives) come after all that their end user did: what people did stays one range of
    rows, oldest first, and nothing that was drawn is ever in it.

    End users and items are numbered in the order of their external ids, so that the same data gives the same arrays
    in any database.
    """

    end_users: list[str]  # (u) external ids
    items: list[str]  # (v) external ids
    end_user_keys: dict[int, int]  # primary key → number
    item_keys: dict[int, int]
    item_tokens: NDArray[np.int32]  # (v, T) attribute tokens, 0 = padding
    tokens: list[str]  # token n is tokens[n - 1]
    scale: FeedbackScale
    keys: NDArray[np.int64]  # (n) primary keys
    end_user: NDArray[np.int32]  # (n) numbers of end users
    item: NDArray[np.int32]  # (n) numbers of items
    moment: NDArray[np.int64]  # (n)
    liked: NDArray[np.int8]  # (n) 1, 0, -1 unknown
    feedback: NDArray[np.uint8]  # (n) buckets of `scale`
    end_user_attributes: Sequence[Attributes] = ()  # (u), or none for anybody
    drawn_for: NDArray[np.int64] | None = None  # (n) of a drawn row the liked one's, else -1; None: nothing was drawn

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def drawn(self) -> NDArray[np.bool_]:
        """Which rows (n) nobody did."""
        return np.zeros(len(self), dtype=np.bool_) if self.drawn_for is None else self.drawn_for >= 0

    def only(self, rows: NDArray[np.bool_]) -> Self:
        """These rows (n) of what people did; everybody and everything keeps their number."""
        return replace(self, drawn_for=None, **{name: getattr(self, name)[rows] for name in COLUMNS})

    def told(self) -> Self:
        """What people did, without what was drawn."""
        return self if self.drawn_for is None else self.only(~self.drawn)

    def hash(self) -> str:
        """SHA-256 over everything training reads of a catalog, hexadecimal.

        Primary keys are not part of it, nor what was drawn: the data and the recipe decide that.
        """
        digest = hashlib.sha256()
        for names in (self.end_users, self.items, self.tokens):
            digest.update("\0".join(names).encode() + b"\1")
        told = self.told()
        for array in (self.item_tokens, told.end_user, told.item, told.moment, told.liked, told.feedback):
            digest.update(np.ascontiguousarray(array).data)
        for bag in self.end_user_attributes:
            digest.update(json.dumps(bag, sort_keys=True).encode() + b"\1")
        return digest.hexdigest()


def read_interactions(catalog: Catalog) -> Interactions:
    """Read a whole catalog. Rows stream from the database; only the arrays are kept."""
    scale = FeedbackScale(catalog.rating_min, catalog.rating_max, catalog.like_threshold)
    end_users, items = (
        sorted(_stream(rows, "external_id", "pk", "attributes"), key=lambda row: row[:2])
        for rows in (EndUser.objects.filter(catalog=catalog), Item.objects.filter(catalog=catalog))
    )
    bags = [bag for _, _, bag in items]
    vocabulary = attributes.fit(bags, least=LEAST_ITEMS)
    end_user_keys = {key: number for number, (_, key, _) in enumerate(end_users)}
    item_keys = {key: number for number, (_, key, _) in enumerate(items)}
    rows = np.fromiter(
        (
            (
                key,
                end_user_keys[end_user],
                item_keys[item],
                moment,
                np.nan if rating is None else rating,
                NO_LABEL if label is None else label,
            )
            for key, end_user, item, moment, rating, label in _stream(
                Interaction.objects.filter(end_user__catalog=catalog),
                "pk",
                "end_user_id",
                "item_id",
                "moment",
                "rating",
                "label",
            )
            if end_user in end_user_keys and item in item_keys  # not those that arrived while reading
        ),
        dtype=[("key", "i8"), ("end_user", "i4"), ("item", "i4"), ("moment", "i8"), ("rating", "f8"), ("label", "i1")],
    )
    rows = rows[np.lexsort((rows["key"], rows["moment"], rows["end_user"]))]
    return Interactions(
        end_users=[name for name, _, _ in end_users],
        items=[name for name, _, _ in items],
        end_user_keys=end_user_keys,
        item_keys=item_keys,
        item_tokens=vocabulary.encode(bags),
        tokens=list(vocabulary.tokens),
        scale=scale,
        keys=rows["key"].copy(),
        end_user=rows["end_user"].copy(),
        item=rows["item"].copy(),
        moment=rows["moment"].copy(),
        liked=scale.liked(rows["rating"], rows["label"]),
        feedback=scale.bucket(rows["rating"], rows["label"]),
        end_user_attributes=[bag for _, _, bag in end_users],
    )


def trained_on(interactions: Interactions, codes: Codes) -> NDArray[np.bool_]:
    """What people did (n) in the train part, and the unscored before it: all of theirs that may be fitted on."""
    last_trained = np.full(len(interactions.end_users), -1, dtype=np.int64)
    theirs = ~interactions.drawn
    rows = np.flatnonzero((codes == TRAIN) & theirs)
    np.maximum.at(last_trained, interactions.end_user[rows], rows)
    earlier = np.arange(len(interactions)) < last_trained[interactions.end_user]
    allowed: NDArray[np.bool_] = theirs & ((codes == TRAIN) | ((codes == UNSCORED) & earlier))
    return allowed


def fitted_on(interactions: Interactions, codes: Codes) -> NDArray[np.bool_]:
    """Rows (n) of `trained_on`, and what was drawn for them."""
    allowed = trained_on(interactions, codes)
    return (
        allowed if interactions.drawn_for is None else allowed | (interactions.drawn & allowed[interactions.drawn_for])
    )


def places(interactions: Interactions) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each row (n): its end user's first row, the first of its moment (history ends before it), the row after all
    that the end user did. A drawn row has the history of what it was drawn for.
    """
    rows = np.arange(len(interactions))
    end_user, moment, drawn = interactions.end_user, interactions.moment, interactions.drawn
    new_user = np.r_[True, end_user[1:] != end_user[:-1]][: len(rows)]
    new_moment = new_user | np.r_[True, moment[1:] != moment[:-1]][: len(rows)]
    start = np.maximum.accumulate(np.where(new_user, rows, 0))
    before = np.maximum.accumulate(np.where(new_moment, rows, 0))
    end = np.searchsorted(end_user, end_user, side="right")
    if interactions.drawn_for is not None:
        before[drawn] = before[interactions.drawn_for[drawn]]
        end = end - np.bincount(end_user[drawn], minlength=len(interactions.end_users))[end_user]
    return start, before, end


def _stream(queryset: QuerySet[Any], *names: str) -> Iterator[tuple[Any, ...]]:
    return queryset.values_list(*names).iterator(chunk_size=ROWS_AT_A_TIME)
