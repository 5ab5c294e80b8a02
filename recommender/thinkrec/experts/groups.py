"""End users in groups by their collaborative vectors, and the vector of each group's expert (METHODS.md 2.7).

As published: vectors scaled to unit variance, then Ward's clusters or mini-batch k-means, the number given or chosen by
silhouette over 2 … 10; an expert's vector is the mean raw vector of its group. Otherwise than published, only end users
of the train part are clustered: all others go where their vector's cosine with an expert's is largest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recommender.thinkrec.experts.gate import cosines

NUMBERS = range(2, 11)  # of groups, where silhouette chooses
WARD_UP_TO = 8_000  # end users: Ward's distances are n²/2 doubles, 256 MB of these
SILHOUETTE_OF = 2_000  # end users at most, drawn by the seed: their distances take 32 MB
FEWEST = 10  # end users in a group that silhouette may choose: an expert has to learn from somebody
Method = Literal["ward", "kmeans"]
Labels = NDArray[np.int64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """N groups of U end users, the largest first."""

    of: Labels  # (U) from 0 to N - 1
    experts: Vectors  # (N, d) the mean vector of each group's end users of the train part
    sizes: tuple[int, ...]  # (N) how many those are
    words: str  # how the groups came about, for people
    silhouettes: Mapping[int, float] = field(default_factory=dict)  # by number of groups, where it chose

    def nearest(self, vectors: Vectors) -> Labels:
        """The groups (V) of vectors (V, d) that were not clustered; of equally near groups the largest."""
        nearest: Labels = cosines(_finite(vectors), self.experts).argmax(axis=1)
        return nearest


def group(
    vectors: Vectors, training: NDArray[np.bool_], *, method: Method = "ward", number: int | None = None, seed: int = 0
) -> Groups:
    """The groups of U end users by their vectors (U, d); `training` (U) says who is of the train part.

    Without a `number` of groups silhouette chooses it; k-means may find fewer than asked for. More than WARD_UP_TO end
    users are clustered by k-means whatever the method. Equal inputs and an equal seed give equal groups. Raises
    ValueError, saying what is wrong.
    """
    learnt = _finite(vectors)[training]
    if not len(learnt):
        raise ValueError("No end user is of the train part: there is nobody to make groups of.")
    different = len(np.unique(learnt, axis=0))
    if number is not None and not 1 <= number <= different:
        raise ValueError(f"{number} groups need as many end users whose vectors differ; there are {different}.")
    clusters = _Clusters(learnt, method, seed)
    scores: dict[int, float] = {}
    if number is None:
        scores = clusters.silhouettes(range(NUMBERS.start, min(NUMBERS.stop, different)))
        number = max(scores, key=lambda one: (scores[one], -one), default=1)
    labels = _by_size(clusters.labels(number))
    experts = np.stack([learnt[labels == one].mean(axis=0, dtype=np.float64) for one in range(labels.max() + 1)])
    sizes = tuple(np.bincount(labels).tolist())
    found = Groups(np.empty(0, dtype=np.int64), experts.astype(np.float32), sizes, clusters.words(sizes, scores))
    everyone = np.empty(len(vectors), dtype=np.int64)
    everyone[training] = labels
    everyone[~training] = found.nearest(vectors[~training])
    return Groups(everyone, found.experts, found.sizes, found.words, scores)


def extended(vectors: Vectors, of: Labels) -> Groups:
    """The groups that U end users with vectors (U, d) have been in, and a new one of those who were in none (-1).

    Raises ValueError where there is nobody for a new one, or nobody left of an earlier one.
    """
    number = int(of.max(initial=-1)) + 1
    new = int((of < 0).sum())
    if not number or not new:
        who = "nobody of the earlier groups is left" if new else "everybody with early likes is in a group already"
        raise ValueError(f"No group can be added: {who}. Make the groups anew, or wait until further people came.")
    everyone = np.where(of < 0, number, of)
    sizes = np.bincount(everyone, minlength=number + 1)
    if not sizes.all():
        raise ValueError(f"Nobody is left in group {int(sizes.argmin()) + 1}: make the groups anew.")
    means = [_finite(vectors)[everyone == one].mean(axis=0, dtype=np.float64) for one in range(number + 1)]
    words = f"{number} groups as they were, and a new one of {new:,} end users who were in none."
    return Groups(everyone, np.stack(means).astype(np.float32), tuple(sizes.tolist()), words)


class _Clusters:
    def __init__(self, learnt: Vectors, method: Method, seed: int) -> None:
        from sklearn.preprocessing import StandardScaler  # heavy: loaded by processes that train

        self._scaled: NDArray[np.float64] = StandardScaler().fit_transform(learnt.astype(np.float64))
        self._by_ward = method == "ward" and len(learnt) <= WARD_UP_TO
        self._too_many = method == "ward" and not self._by_ward
        self._seed = seed
        self._merges: NDArray[np.int64] | None = None

    def labels(self, number: int) -> Labels:
        """(n) the cluster of each; any numbers."""
        if number == 1:
            return np.zeros(len(self._scaled), dtype=np.int64)
        return self._ward(number) if self._by_ward else self._kmeans(number)

    def _ward(self, number: int) -> Labels:
        if self._merges is None:
            from sklearn.cluster import AgglomerativeClustering

            tree = AgglomerativeClustering(n_clusters=2, linkage="ward", compute_full_tree=True)
            self._merges = np.asarray(tree.fit(self._scaled).children_)
        size = len(self._scaled)
        root = np.arange(2 * size - 1)
        for place in reversed(range(size - number)):  # all merges but the last
            root[self._merges[place]] = root[size + place]
        return root[:size]

    def _kmeans(self, number: int) -> Labels:
        from sklearn.cluster import MiniBatchKMeans

        means = MiniBatchKMeans(n_clusters=number, random_state=self._seed, n_init=3)
        return np.asarray(means.fit_predict(self._scaled), dtype=np.int64)

    def silhouettes(self, numbers: Iterable[int]) -> dict[int, float]:
        """The mean silhouette by number of groups, of those numbers that leave FEWEST end users in every group."""
        from sklearn.metrics import pairwise_distances, silhouette_score

        size = len(self._scaled)
        rows = np.sort(np.random.default_rng(self._seed).permutation(size)[:SILHOUETTE_OF])
        distances = pairwise_distances(self._scaled[rows])
        scores = {}
        for number in numbers:
            _, labels = np.unique(self.labels(number), return_inverse=True)
            if np.bincount(labels).min() >= FEWEST and len(np.unique(labels[rows])) > 1:
                scores[number] = float(silhouette_score(distances, labels[rows], metric="precomputed"))
        return scores

    def words(self, sizes: tuple[int, ...], scores: Mapping[int, float]) -> str:
        if len(sizes) == 1:
            return f"One group of {sizes[0]:,} end users: their vectors show no others."
        how = "Ward's clusters" if self._by_ward else "k-means"
        if self._too_many:
            how += f" (Ward's would need too much memory above {WARD_UP_TO:,})"
        chosen = f"; silhouette {scores[len(sizes)]:.3f} chose the number" if len(sizes) in scores else ""
        return f"{len(sizes)} groups of {', '.join(f'{size:,}' for size in sizes)} end users by {how}{chosen}."


def _by_size(labels: Labels) -> Labels:
    """The same clusters, numbered from 0, the largest first, of equal ones that of the earliest end user."""
    _, first, cluster, size = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -size))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[cluster]


def _finite(vectors: NDArray[Any]) -> NDArray[Any]:
    if vectors.ndim != 2:
        raise ValueError(
            f"Collaborative vectors are a table, a row for each end user; these have shape {vectors.shape}."
        )
    broken = int((~np.isfinite(vectors).all(axis=1)).sum())
    if broken:
        raise ValueError(f"{broken} of {len(vectors)} collaborative vectors hold numbers that are NaN or infinite.")
    return vectors
