"""Vectors of the approved texts about items, as training runs encoded them: read from the database, without torch.

A process keeps those of a catalog and reads them again now and then, as it does the catalog index.
"""

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import QuerySet
from numpy.typing import NDArray

from recommender import background
from recommender.knowledge.snapshots import encoder_key
from recommender.models import Catalog, EndUser, Knowledge, KnowledgeVector
from recommender.prepared import PreparedValues
from recommender.process_cache import ProcessCache
from recommender.serving.catalog_index import CatalogIndex, fresh_for
from recommender.serving.person import person_of
from recommender.signals.nearest import Rows

KEPT_CATALOGS = 4
AT_ONCE = 500
Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ItemTexts:
    """`pks` (n), ascending, of the items that have a vector. `vectors` (n, D): centred, of length one."""

    encoder: str
    pks: NDArray[np.int64]
    vectors: Vectors
    _placed: dict[str, tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]] = field(
        default_factory=dict, repr=False
    )  # of the items of the last index asked about: where the vectors are there, and whether they have a place there

    def of(self, index: CatalogIndex, places: NDArray[np.int64]) -> tuple[Vectors, NDArray[np.bool_]]:
        """The vectors of the items at `places` (m, D), zeros where there is none; and where there is one (m)."""
        made = np.zeros((len(places), self.vectors.shape[1]), dtype=np.float32)
        if not len(self.pks):
            return made, np.zeros(len(places), dtype=np.bool_)
        wanted = index.pks[places]
        rows = np.minimum(np.searchsorted(self.pks, wanted), len(self.pks) - 1)
        there = self.pks[rows] == wanted
        made[there] = self.vectors[rows[there]]
        return made, there

    def products(self, index: CatalogIndex, own: Vectors) -> NDArray[np.float32]:
        """The inner product of every item's vector with one (D): (items), NaN where the item has none."""
        places, there = self._places(index)
        found = np.full(len(index), np.nan, dtype=np.float32)
        found[places[there]] = (self.vectors @ own)[there]
        return found

    def nearest(
        self,
        index: CatalogIndex,
        own: Vectors,
        mask: NDArray[np.bool_],
        count: int,
        *,
        library: ctypes.CDLL | None,
    ) -> NDArray[np.int64]:
        """Where the first `count` items of `mask` (items) stand by these products, the greatest first. `library`:
        compiled kernels, where there are any."""
        places, there = self._places(index)
        return places[self._rows.greatest(own, mask[places] & there, count, library=library)]

    def _places(self, index: CatalogIndex) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Of each vector (n), the place in the index, and whether it has one: else its item came later."""
        known = self._placed.get("last")
        if known is None or known[0] is not index.pks:
            places = np.minimum(np.searchsorted(index.pks, self.pks), len(index) - 1)
            known = self._placed["last"] = index.pks, places, index.pks[places] == self.pks
        return known[1:]

    @cached_property
    def _rows(self) -> Rows:
        return Rows(self.vectors)


KEPT: ProcessCache[tuple[int, datetime, int], ItemTexts] = ProcessCache("item texts", most=KEPT_CATALOGS)


def item_texts(catalog: Catalog) -> ItemTexts:
    key = (catalog.pk, catalog.created_at, catalog.erasures)
    return KEPT.get(key, lambda: _read(catalog), fresh_for=fresh_for, aside=background.aside)


def of_end_user(end_user: EndUser, encoder: str) -> Vectors | None:
    """The vector (D) of the latest approved text about an end user, of length one; None where there is none.

    No query where it is kept with them (serving.person), else one. `end_user.catalog` is loaded.
    """
    person = person_of(end_user)
    known = person.vectors.get(encoder)
    if known is None and person.text_hashes:
        hashes = list(dict.fromkeys(person.text_hashes))
        named = {f"hash{place}": text_hash for place, text_hash in enumerate(hashes)}
        stored = _VECTORS.rows(*named, encoder=encoder, **named)
        made = _means([hashes], {text_hash: _vector(vector) for text_hash, vector in stored})[0]
        if made is not None:
            known = _unit(made[None])[0]
            if len(stored) == len(hashes):  # else a draft is still to be encoded
                person.vectors[encoder] = known
    return known


def _vectors(*_: str, encoder: str, **hashes: str) -> QuerySet[KnowledgeVector, tuple[Any, ...]]:
    stored = KnowledgeVector.objects.filter(encoder=encoder, text_hash__in=list(hashes.values()))
    return stored.values_list("text_hash", "vector")


_VECTORS = PreparedValues(_vectors)


def _read(catalog: Catalog) -> ItemTexts:
    KEPT.drop(lambda other: other[0] == catalog.pk and other[2] != catalog.erasures)
    encoder = encoder_key(settings.ENCODER)
    rows = Knowledge.objects.filter(catalog=catalog, end_user=None, in_force=True).order_by("as_of")
    rows = rows.only("item_id", "text_hash", "further_texts")
    hashes = {row.item_id: row.text_hashes for row in rows.iterator(chunk_size=5_000) if row.item_id}
    stored = _stored({one for each in hashes.values() for one in each}, encoder)
    pks = sorted(hashes)
    means = _means([hashes[pk] for pk in pks], stored)
    known = [(pk, mean) for pk, mean in zip(pks, means, strict=True) if mean is not None]
    if not known:
        return ItemTexts(encoder, np.empty(0, dtype=np.int64), np.empty((0, 1), dtype=np.float32))
    vectors: Vectors = np.stack([mean for _, mean in known])
    centred: Vectors = np.asarray(vectors - vectors.mean(axis=0), dtype=np.float32)
    return ItemTexts(encoder, np.array([pk for pk, _ in known], dtype=np.int64), _unit(centred))


def _stored(hashes: Iterable[str], encoder: str) -> Mapping[str, Vectors]:
    wanted, found = sorted(set(hashes)), {}
    for first in range(0, len(wanted), AT_ONCE):
        rows = KnowledgeVector.objects.filter(encoder=encoder, text_hash__in=wanted[first : first + AT_ONCE])
        for text_hash, vector in rows.values_list("text_hash", "vector"):
            found[text_hash] = _vector(vector)
    return found


def _vector(stored: bytes | memoryview) -> Vectors:
    return np.frombuffer(bytes(stored), dtype="<f4").astype(np.float32)


def _means(texts: Sequence[Sequence[str]], stored: Mapping[str, Vectors]) -> list[Vectors | None]:
    """Of each text, or of a round's kept drafts, by their hashes: the mean of their vectors of length one."""
    made: list[Vectors | None] = []
    for hashes in texts:
        known = [stored[one] for one in hashes if one in stored]
        made.append(np.asarray(_unit(np.stack(known)).mean(axis=0), dtype=np.float32) if known else None)
    return made


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.asarray(vectors / np.where(length > 1e-12, length, 1.0), dtype=np.float32)
    return unit
