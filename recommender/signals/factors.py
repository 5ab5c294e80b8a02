"""What other end users' likes say of each item: its mean and its factors, fitted without the end users it is used for.

A like is modelled as mean of the item + factors of the item · vector of the end user + noise, every vector drawn
from a unit normal (probabilistic matrix factorisation with those vectors integrated out: expectation maximisation as in
Tipping & Bishop, Probabilistic Principal Component Analysis, 1999, for the entries that exist). What an item's
attributes and texts predict of its mean and factors is where those start from: few likes leave them near it, many
likes outweigh it. Numpy only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.signals.spaces import Space

RANK = 32
ROUNDS = 10  # of expectation and maximisation: more overfit
NOISE = 0.18  # variance of one like around its expectation
MEAN_WEIGHT = 5.0  # of what is predicted of an item's mean, in interactions
FACTOR_WEIGHT = 250.0  # of what is predicted of its factors, in units of the end users' second moments
RIDGE = 3.0  # of the prediction from spaces
START_OF_LEVEL = 0.2  # the first factor starts as the same for all items: how generous an end user is
START_OF_REST = 0.03
END_USERS_AT_A_TIME = 1024


@dataclass(frozen=True, slots=True)
class Likes:
    """The interactions to fit on: liked or not is known, sorted by end user. n rows, v items.

    `before`: how many of their end user's first rows are earlier; None: all above them.
    """

    end_user: NDArray[np.int64]  # (n)
    item: NDArray[np.int64]  # (n)
    liked: NDArray[np.float64]  # (n)
    before: NDArray[np.int64] | None = None  # (n)


@dataclass(frozen=True, slots=True)
class Factors:
    """`mean` (v + 1), `factors` (v + 1, K) and `count` (v + 1) of interactions; the last is an item nobody knows."""

    mean: NDArray[np.float64]
    factors: NDArray[np.float64]
    count: NDArray[np.int64]


def fit(likes: Likes, items: int, spaces: Sequence[Space], *, collaborative: bool, seed: int) -> Factors:
    """Fit means and factors of `items` items.

    `collaborative` False: factors are what the spaces alone predict, whoever liked an item.
    """
    source = np.random.default_rng(seed)
    overall = float(likes.liked.mean()) if len(likes.liked) else 0.5
    count = np.bincount(likes.item, minlength=items)
    known = np.hstack([np.ones((items, 1)), *(space.astype(np.float64) for space in spaces)])
    loadings = source.normal(0, START_OF_REST, (items, 1 + RANK))
    loadings[:, 0] = (np.bincount(likes.item, likes.liked - overall, minlength=items)) / (count + 2 * MEAN_WEIGHT)
    loadings[:, 1] = START_OF_LEVEL
    weight = np.r_[MEAN_WEIGHT, np.full(RANK, FACTOR_WEIGHT)]
    trust = count / (count + FACTOR_WEIGHT)
    gram = (known * trust[:, None]).T @ known + RIDGE * np.eye(known.shape[1])
    predicted = loadings
    for _ in range(ROUNDS):
        moments, products = _expect(likes, loadings, overall, items)
        prediction = np.linalg.solve(gram, (known * trust[:, None]).T @ loadings)
        predicted = known @ prediction
        precision = moments + np.diag(weight)
        loadings = np.linalg.solve(precision, (products + predicted * weight)[:, :, None])[:, :, 0]
    if not collaborative:
        loadings = np.c_[loadings[:, :1], predicted[:, 1:]]
    unknown = np.linalg.solve(gram, (known * trust[:, None]).T @ loadings)[0]
    loadings = np.vstack([loadings, unknown])
    return Factors(overall + loadings[:, 0], loadings[:, 1:], np.r_[count, 0])


def likeness(factors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Vectors (v, K) of items' factors (v, K) whose inner product, below 1, says how far the same people like both: a
    shrunk cosine of what sets the items apart.

    What all items share (how generous an end user is: the first factor starts so) is taken away first, as Mu and
    Viswanath do with word vectors (All-but-the-Top, 2018): with it every cosine is near 1. What little is known of an
    item with few likes is near the others, and its direction nearly chance; so lengths are shrunk towards 0, as Koren's
    similarities are by n / (n + λ) (Factorization Meets the Neighborhood, 2008, eq. 2): the squared length s counts
    as s / (s + λ), λ being the items' mean.
    """
    if not len(factors):
        return np.empty(factors.shape, dtype=np.float32)
    apart = factors.astype(np.float64) - factors.mean(axis=0, dtype=np.float64)
    squares = np.square(apart).sum(axis=1, keepdims=True)
    shrinking = max(float(squares.mean()), np.finfo(np.float64).tiny)
    shrunk: NDArray[np.float32] = (apart / np.sqrt(squares + shrinking)).astype(np.float32)
    return shrunk


def _expect(
    likes: Likes, loadings: NDArray[np.float64], overall: float, items: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per item, summed over those who met it: [1, vector] [1, vector]ᵀ expected (v, 1+K, 1+K), like · [1, vector]."""
    width = loadings.shape[1]
    upper = np.triu_indices(width)
    sums = np.zeros((items, len(upper[0])), dtype=np.float32)
    products = np.zeros((items, width))
    starts = np.flatnonzero(np.r_[True, likes.end_user[1:] != likes.end_user[:-1]])
    ends = np.r_[starts[1:], len(likes.end_user)]
    for first in range(0, len(starts), END_USERS_AT_A_TIME):
        begin, end = starts[first : first + END_USERS_AT_A_TIME], ends[first : first + END_USERS_AT_A_TIME]
        rows = slice(begin[0], end[-1])
        item, liked = likes.item[rows], likes.liked[rows] - overall
        met = loadings[item].astype(np.float32)
        remaining = liked - met[:, 0]
        precision = np.empty((len(begin), width - 1, width - 1), dtype=np.float32)
        pull = np.empty((len(begin), width - 1))
        for place, (one, other) in enumerate(zip(begin - begin[0], end - begin[0], strict=True)):
            theirs = met[one:other, 1:]
            precision[place] = theirs.T @ theirs
            pull[place] = remaining[one:other] @ theirs
        covariance = np.linalg.inv(precision / NOISE + np.eye(width - 1, dtype=np.float32))
        vector = np.einsum("ukl,ul->uk", covariance, pull / NOISE)
        moment = np.empty((len(begin), width, width), dtype=np.float32)
        moment[:, 0, 0] = 1.0
        moment[:, 0, 1:] = moment[:, 1:, 0] = vector
        moment[:, 1:, 1:] = covariance + vector[:, :, None] * vector[:, None, :]
        whose = np.repeat(np.arange(len(begin)), end - begin)
        # Dense: a product of matrices beats adding a row of moments for every interaction.
        met_by = np.zeros((items, len(begin)), dtype=np.float32)
        np.add.at(met_by, (item, whose), 1.0)
        sums += met_by @ moment[:, upper[0], upper[1]]
        met_by[:] = 0.0
        np.add.at(met_by, (item, whose), liked.astype(np.float32))
        products += met_by @ moment[:, 0]
    moments = np.empty((items, width, width))
    moments[:, upper[0], upper[1]] = sums
    moments[:, upper[1], upper[0]] = sums
    return moments, products
