"""A catalog's interactions as arrays: read as a stream, kept at about 30 bytes an interaction."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from recommender.catalogs.feedback import NO_LABEL, FeedbackScale
from recommender.dataset import attributes
from recommender.dataset.attributes import LEAST_ITEMS, Attributes
from recommender.dataset.split import TRAIN, UNSCORED, Codes
from recommender.models import Catalog, EndUser, Interaction, Item

ROWS_AT_A_TIME = 5000


@dataclass(frozen=True, slots=True)
class Interactions:
    """All interactions of a catalog, sorted by end user, then moment, then id. `n` rows, `u` end users, `v` items.

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

    def __len__(self) -> int:
        return len(self.keys)

    def hash(self) -> str:
        """SHA-256 over everything training reads, hexadecimal; primary keys are not part of it."""
        digest = hashlib.sha256()
        for names in (self.end_users, self.items, self.tokens):
            digest.update("\0".join(names).encode() + b"\1")
        for array in (self.item_tokens, self.end_user, self.item, self.moment, self.liked, self.feedback):
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
    """Interactions (n) of the train part, and the unscored ones before them: all that may be fitted on."""
    last_trained = np.full(len(interactions.end_users), -1, dtype=np.int64)
    rows = np.flatnonzero(codes == TRAIN)
    np.maximum.at(last_trained, interactions.end_user[rows], rows)
    earlier = np.arange(len(interactions)) < last_trained[interactions.end_user]
    allowed: NDArray[np.bool_] = (codes == TRAIN) | ((codes == UNSCORED) & earlier)
    return allowed


def _stream(queryset: QuerySet[Any], *names: str) -> Iterator[tuple[Any, ...]]:
    return queryset.values_list(*names).iterator(chunk_size=ROWS_AT_A_TIME)
