"""Fitting MF, LightGCN or SASRec: Adam on the train part, the best epoch by the valid AUC, and what comes of it."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from recommender.dataset.interactions import Interactions
from recommender.dataset.split import Codes, Parts, Rows
from recommender.measures.scores import Scores, scores
from recommender.runs.errors import CannotTrainError
from recommender.thinkrec.collaborative.base import FitSettings, Network, Vectors, numbers
from recommender.thinkrec.collaborative.lightgcn import LightGcn, LightGcnSettings
from recommender.thinkrec.collaborative.mf import Mf, MfSettings
from recommender.thinkrec.collaborative.sasrec import SasRec, SasRecSettings
from recommender.training.loop import threads

ROWS_TO_SCORE = 8192
Make = Callable[[Interactions, Codes, Any], Network]
MODELS: Mapping[str, tuple[type[FitSettings], Make]] = {
    "mf": (MfSettings, Mf),
    "lightgcn": (LightGcnSettings, LightGcn),
    "sasrec": (SasRecSettings, SasRec),
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """`network` holds the best epoch's weights, in eval mode; `valid` are its scores."""

    network: Network
    vectors: Vectors
    valid: Scores
    best_epoch: int  # from 1
    epochs: int  # that were run

    def probability(self, rows: Rows) -> NDArray[np.float64]:
        """The probability of a like (m) for rows of its own interactions; 0.5 where nothing is known."""
        return _predict(self.network, rows)


def fit(
    interactions: Interactions, codes: Codes, settings: FitSettings, *, alive: Callable[[], None] = lambda: None
) -> Fitted:
    """Fit the model that the settings are of, on the train part alone. `codes` (n): of `dataset.split.split`.

    Raises CannotTrainError where the train or the valid part is empty, and what `alive` raises, which is called after
    every epoch.
    """
    make = next(make for kind, make in MODELS.values() if kind is type(settings))
    parts = Parts.of(codes)
    if not len(parts.train) or not len(parts.valid):
        raise CannotTrainError("Collaborative vectors need interactions in the train part and in the valid part.")
    with threads(settings.threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = make(interactions, codes, settings)
        best, epochs, best_epoch = _fit(network, interactions, parts, settings, alive)
        network.load_state_dict(best)
        network.eval()
        with torch.inference_mode():
            vectors = network.vectors()
        return Fitted(network, vectors, _scores(network, interactions, parts.valid), best_epoch, epochs)


def _fit(
    network: Network, interactions: Interactions, parts: Parts, settings: FitSettings, alive: Callable[[], None]
) -> tuple[dict[str, Any], int, int]:
    """The best epoch's weights, how many epochs were run, and which was the best."""
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    rows, label = numbers(parts.train), torch.from_numpy(interactions.liked.astype(np.float32))
    best_value, best_epoch, best, epoch = -np.inf, 0, copy.deepcopy(network.state_dict()), 0
    for epoch in range(1, settings.epochs + 1):
        network.train()
        for batch in network.batches(rows, settings.batch_size):
            optimizer.zero_grad(set_to_none=True)
            loss = functional.binary_cross_entropy_with_logits(network(batch), label[batch])
            loss.backward()  # type: ignore[no-untyped-call]  # torch 2.13 leaves it bare
            optimizer.step()
        alive()
        valid = _scores(network, interactions, parts.valid)
        value = -valid.logloss if valid.auc is None else valid.auc  # of one class only there is no AUC
        if value > best_value:
            best_value, best_epoch, best = value, epoch, copy.deepcopy(network.state_dict())
        elif epoch - best_epoch >= settings.patience:
            break
    return best, epoch, best_epoch


def _scores(network: Network, interactions: Interactions, rows: Rows) -> Scores:
    return scores(interactions.liked[rows], _predict(network, rows), interactions.end_user[rows])


def _predict(network: Network, rows: Rows) -> NDArray[np.float64]:
    network.eval()
    with torch.inference_mode():
        logits = [network(some) for some in torch.split(numbers(rows), ROWS_TO_SCORE)]
        probability: NDArray[np.float64] = torch.cat(logits).double().sigmoid().numpy()
        return probability
