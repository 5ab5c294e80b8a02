"""Calibrated probabilities: the logits of a fitted backbone get the slope and intercept that its valid part asks for.

Temperature scaling: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, a slope alone. Platt scaling:
Platt, Probabilistic Outputs for Support Vector Machines, 1999, slope and intercept. The slope stays above zero, so no
ranking changes.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from recommender.backbones.base import Backbone
from recommender.dataset.examples import Examples
from recommender.dataset.split import Parts
from recommender.measures.scores import scores
from recommender.runs.observer import Observer
from recommender.training.loop import Fit, predict

PRIOR = 1.0  # pulls towards "calibrated already" with the weight of a few rows: little data moves little
LEAST_SLOPE = 0.05
Logits = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """probability = sigmoid(slope · logit + intercept)"""

    method: str
    slope: float = 1.0
    intercept: float = 0.0

    def probability(self, logits: Logits) -> Logits:
        return sigmoid(self.slope * logits + self.intercept)

    def to_json(self) -> dict[str, Any]:
        return {"method": self.method, "slope": round(self.slope, 6), "intercept": round(self.intercept, 6)}


def calibrate(
    backbone: Backbone, found: Fit, examples: Examples, parts: Parts, *, method: str, observer: Observer
) -> Fit:
    """Calibrate a fitted backbone on its valid part; returns `found` with the scores after, and those before beside."""
    rows = {"valid": parts.valid, "test": parts.test}
    labels = {name: examples.labels(of) for name, of in rows.items()}
    logits = {name: logit(predict(backbone, examples, of, observer=observer)) for name, of in rows.items()}
    made = fit(method, logits["valid"], labels["valid"])
    backbone.calibrate(made.slope, made.intercept)
    after = {
        name: scores(labels[name], made.probability(logits[name]), examples.interactions.end_user[of])
        for name, of in rows.items()
    }
    before = {
        name: {"logloss": one.logloss, "ece": one.ece} for name, one in (("valid", found.valid), ("test", found.test))
    }
    details = {**found.details, "calibration": {**made.to_json(), "before": before}}
    return replace(found, valid=after["valid"], test=after["test"], details=details)


def fit(method: str, logits: NDArray[Any], label: NDArray[Any]) -> Calibration:
    """The most probable calibration of logits (n) given labels (n, above 0 is liked), by logistic regression.

    `method`: none, temperature or platt. A slope that would fall below LEAST_SLOPE is held there, which only a valid
    part asks for that contradicts the train part; the intercept then keeps the mean probability at the share of likes.
    """
    if method == "none" or not len(logits):
        return Calibration(method)
    x, y, weight = _with_prior(logits.astype(np.float64), label > 0)
    regression = LogisticRegression(C=np.inf, fit_intercept=method == "platt", solver="newton-cholesky", tol=1e-10)
    regression.fit(x[:, None], y, sample_weight=weight)
    slope, intercept = float(regression.coef_[0, 0]), float(np.ravel(regression.intercept_)[0])
    if slope < LEAST_SLOPE:
        slope = LEAST_SLOPE
        if method == "platt":
            likes = np.average(y, weights=weight, keepdims=True)
            intercept = float(logit(likes)[0] - slope * np.average(x, weights=weight))
    return Calibration(method, slope, intercept)


def _with_prior(logits: Logits, liked: NDArray[np.bool_]) -> tuple[Logits, NDArray[np.bool_], Logits]:
    """Logits, labels and weights of the rows and, last, of four that say "calibrated already": both labels at -1 and 1.

    Their curvature at slope 1 and intercept 0 is PRIOR in either direction.
    """
    at = np.array([-1.0, -1.0, 1.0, 1.0])
    labels = np.array([False, True, False, True])
    share = np.where(labels, sigmoid(at), sigmoid(-at))
    weight = PRIOR / (2 * sigmoid(at) * sigmoid(-at)) * share
    return np.r_[logits, at], np.r_[liked, labels], np.r_[np.ones(len(logits)), weight]


def sigmoid(logits: Logits) -> Logits:
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -500.0, 500.0)))


def logit(probability: Logits) -> Logits:
    """The inverse of `sigmoid`, finite at 0 and 1."""
    inside = np.clip(probability, 1e-15, 1.0 - 1e-15)
    return np.log(inside) - np.log1p(-inside)
