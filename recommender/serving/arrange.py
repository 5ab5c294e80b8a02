"""A ranked order made into a list: what resembles each other is set apart, and business rules have their say."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.models import Catalog
from recommender.serving.catalog_index import CatalogIndex, values_of
from recommender.serving.diversity import mmr
from recommender.serving.rules import Rules
from recommender.serving.types import Ranking
from recommender.serving.vectors import Vectors, item_texts
from recommender.statements.aspects import CatalogAspects, aspects_of

LEAST_POOL, POOL_PER_ITEM = 100, 2  # the best items, among which unlike ones are looked for
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Order:
    """Positions in the index (n), best first, and their scores (n), NaN where an item has none."""

    places: Places
    scores: NDArray[np.float64]

    def at(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Order":
        return Order(self.places[rows], self.scores[rows])


def best_first(places: Places, scores: NDArray[np.float64]) -> Order:
    """By score; of equal ones the first given first."""
    return Order(places, scores).at(np.argsort(-scores, kind="stable"))


def ranking(order: Order, rules: Rules, *, count: int, listable: NDArray[np.bool_]) -> Ranking:
    """The first `count` items as rules have it: pins at their places, what is buried behind everything else.

    A pinned item that may not be listed, having been met say, is not.
    """
    pinned = [one for one in rules.pins if listable[one.position]]
    if not (pinned or rules.buried):
        return _pairs(order, count)
    moved = np.array([one.position for one in [*pinned, *rules.buried]], dtype=np.int64)
    kept = order.at(~np.isin(order.places, moved))
    buried = order.at(np.isin(order.places, [one.position for one in rules.buried]))
    listed = [*_pairs(kept, count), *_pairs(buried, count)]
    if pinned:
        scores = dict(_pairs(order, len(order.places)))
        for one in pinned:
            listed.insert(one.rule.place - 1, (one.position, scores.get(one.position)))
    return listed[:count]


def diversified(order: Order, catalog: Catalog, index: CatalogIndex, *, diversity: float, count: int) -> Order:
    """The best items in an order that sets like ones apart; the rest follows as it was."""
    pool = order.at(np.arange(min(len(order.places), max(LEAST_POOL, POOL_PER_ITEM * count))))
    relevance = pool.scores
    if np.isnan(relevance).any():  # without scores what stands first is best
        relevance = -np.arange(len(pool.places), dtype=np.float64)
    first = mmr(relevance, _described(catalog, index, pool.places), diversity=diversity, count=count)
    rest = np.delete(np.arange(len(order.places)), first)
    return order.at(np.r_[first, rest])


def _described(catalog: Catalog, index: CatalogIndex, places: Places) -> Vectors:
    """Vectors of length one (n, D) that say which items resemble each other: of their approved texts, if all have one;
    else which attribute values they have."""
    vectors, there = item_texts(catalog).of(index, places)
    if there.all():
        return vectors
    values = _values(catalog, aspects_of(catalog), index, places)
    columns = {pair: column for column, pair in enumerate(dict.fromkeys(pair for own in values for pair in own))}
    bags = np.zeros((len(places), max(1, len(columns))), dtype=np.float32)
    for row, own in enumerate(values):
        bags[row, [columns[pair] for pair in own]] = 1.0
    length = np.linalg.norm(bags, axis=1, keepdims=True)
    unit: Vectors = bags / np.maximum(length, 1.0)
    return unit


def likeness_of_attributes(catalog: Catalog, index: CatalogIndex, place: int) -> NDArray[np.float64]:
    """The cosine (items) of every item's attribute values with those of the item at `place`."""
    aspects = aspects_of(catalog)
    wanted = set(_values(catalog, aspects, index, np.array([place]))[0])
    shared = np.zeros(len(index))
    for pair in wanted:
        shared[index.positions(aspects.pks[aspects.by_value[pair]])] += 1
    some = np.flatnonzero(shared)
    sizes = np.array([len(set(own)) for own in _values(catalog, aspects, index, some)], dtype=np.float64)
    shared[some] /= np.sqrt(sizes * len(wanted))
    return shared


def _values(
    catalog: Catalog, aspects: CatalogAspects, index: CatalogIndex, places: Places
) -> list[list[tuple[str, str]]]:
    """Names and values of the attributes of items, those that prompts show; of a catalog that says none, all."""
    rows = np.searchsorted(aspects.pks, index.pks[places]).tolist()
    values = []
    for row, pk in zip(rows, index.pks[places].tolist(), strict=True):
        known = aspects.attributes[row] if row < len(aspects.pks) and aspects.pks[row] == pk else {}
        names = catalog.prompt_attributes or list(known)
        values.append([(name, value) for name in names for value in values_of(known.get(name, []))])
    return values


def _pairs(order: Order, most: int) -> list[tuple[int, float | None]]:
    first, known = order.scores[:most], order.scores[:most].tolist()
    scores: list[float | None] = known
    if np.isnan(first).any():
        scores = [None if math.isnan(score) else score for score in known]
    return list(zip(order.places[:most].tolist(), scores, strict=True))
