"""Calibrated probabilities: the logits of a fitted backbone get the slope and intercept that its valid part asks for.

Temperature scaling: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, a slope alone. Platt scaling:
Platt, Probabilistic Outputs for Support Vector Machines, 1999, slope and intercept. The slope stays above zero, so no
ranking changes.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.backbones.base import Backbone
from recommender.dataset.examples import Examples
from recommender.dataset.split import Parts
from recommender.measures.scores import scores
from recommender.runs.observer import Observer
from recommender.training.loop import Fit, predict

PRIOR = 1.0  # pulls towards "calibrated already" with the weight of a few rows: little data moves little
LEAST_SLOPE = 0.05
STEPS = 100
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
    """The most probable calibration of logits (n) given labels (n, above 0 is liked), by Newton's method.

    `method`: none, temperature or platt. A slope that would fall below LEAST_SLOPE is held there, which only a valid
    part asks for that contradicts the train part.
    """
    if method == "none" or not len(logits):
        return Calibration(method)
    x = np.stack([logits, np.ones(len(logits))], axis=1).astype(np.float64)  # (n, 2)
    y = (label > 0).astype(np.float64)
    free = np.array([True, method == "platt"])
    found = _newton(x, y, free, np.array([1.0, 0.0]))
    if found[0] < LEAST_SLOPE:
        found = _newton(x, y, np.array([False, method == "platt"]), np.array([LEAST_SLOPE, 0.0]))
    return Calibration(method, float(found[0]), float(found[1]))


def sigmoid(logits: Logits) -> Logits:
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -500.0, 500.0)))


def logit(probability: Logits) -> Logits:
    """The inverse of `sigmoid`, finite at 0 and 1."""
    inside = np.clip(probability, 1e-15, 1.0 - 1e-15)
    return np.log(inside) - np.log1p(-inside)


def _newton(x: Logits, y: Logits, free: NDArray[np.bool_], start: Logits) -> Logits:
    """The weights (2) of least loss; those that are not free stay. Strictly convex: damped steps always arrive."""
    weights, usual = start.copy(), np.array([1.0, 0.0])

    def loss(at: Logits) -> float:
        z = x @ at
        return float((np.logaddexp(0.0, z) - y * z).sum() + PRIOR / 2 * np.square(at - usual).sum())

    for _ in range(STEPS if free.any() else 0):
        probability = sigmoid(x @ weights)
        slope = (x.T @ (probability - y) + PRIOR * (weights - usual))[free]
        curve = (x.T * (probability * (1.0 - probability))) @ x + PRIOR * np.eye(2)
        step = np.zeros(2)
        step[free] = np.linalg.solve(curve[np.ix_(free, free)], slope)
        size, now = 1.0, loss(weights)
        while loss(weights - size * step) > now and size > 1e-8:
            size /= 2
        weights -= size * step
        if np.abs(step).max() < 1e-10:
            break
    return weights
