"""Fitting the fixed whitening of knowledge vectors: principal directions, each brought to unit variance."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from recommender.backbones.adapter import Whitening

NOTHING = 1e-9  # variance of vectors of length one that is rounding
FLOOR = 1e-3  # of the largest variance: what lies below is noise, and is not blown up


def fit(whitening: Whitening, vectors: NDArray[np.float32], rows: Mapping[int, NDArray[np.integer]]) -> None:
    """Set the whitening of each kind from the rows of `vectors` (1 + texts, D) that its subjects have in training."""
    outputs = whitening.turn.shape[-1]
    for kind, of_kind in rows.items():
        centre, turn = principal(vectors[of_kind], outputs)
        whitening.set(kind, torch.from_numpy(centre), torch.from_numpy(turn))


def principal(vectors: NDArray[np.float32], outputs: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean (D) and the turn (D, outputs) of vectors (n, D) brought to length one.

    Directions in which the vectors do not differ, as with fewer vectors than `outputs`, are columns of zeros.
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors.astype(np.float64) / np.where(length > 0, length, 1.0)
    centre, turn = np.zeros(vectors.shape[1]), np.zeros((vectors.shape[1], outputs))
    if len(unit):
        centre = unit.mean(axis=0)
    if len(unit) > 1:
        principal_axes = PCA(min(outputs, *unit.shape), svd_solver="full").fit(unit)
        variance = principal_axes.explained_variance_ * (1 - 1 / len(unit))  # of these vectors: divided by n, not n - 1
        scale = (variance > NOTHING) / np.sqrt(np.maximum(variance, max(FLOOR * variance[0], NOTHING)))
        turn[:, : len(scale)] = principal_axes.components_.T * scale
    return centre.astype(np.float32), turn.astype(np.float32)
