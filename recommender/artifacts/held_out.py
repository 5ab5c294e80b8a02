"""What a version said of its test part: kept in the artifact, and its scores with their intervals."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions
from recommender.measures import bootstrap
from recommender.runs.observer import WITH, WITHOUT

FILE = "test.npz"
METRICS = ("auc", "gauc", "logloss")


def save(
    folder: Path, interactions: Interactions, rows: NDArray[np.int64], predicted: Mapping[str, NDArray[np.float64]]
) -> None:
    """Write the test part's `rows` (n) into test.npz, with each model's probabilities (n) as float32.

    `item` counts in the items of ids.json; `end_user` in `end_users`, external ids of those in the test part. `drawn`,
    where some were (dataset.negatives): which rows nobody did.
    """
    who, number = np.unique(interactions.end_user[rows], return_inverse=True)
    np.savez_compressed(
        folder / FILE,
        allow_pickle=False,
        end_users=np.array([interactions.end_users[one] for one in who.tolist()]),
        end_user=number.astype(np.int32),
        item=interactions.item[rows],
        moment=interactions.moment[rows],
        liked=interactions.liked[rows],
        **({} if interactions.drawn_for is None else {"drawn": interactions.drawn[rows]}),
        **{model: probability.astype(np.float32) for model, probability in predicted.items()},
    )


def intervals(
    label: NDArray[Any], end_user: NDArray[Any], predicted: Mapping[str, NDArray[np.float64]]
) -> dict[str, dict[str, Any]]:
    """95 % intervals over end users of each model's scores, and of `gain`, with less without knowledge, paired.

    By metric; None where it is undefined. One seed: they say nothing about another one.
    """
    found = {
        model: bootstrap.scores(label, probability[None], end_user, metrics=METRICS)
        for model, probability in predicted.items()
    }
    if WITH in predicted:
        found["gain"] = bootstrap.scores(
            label, predicted[WITH][None], end_user, against=predicted[WITHOUT][None], metrics=METRICS
        )
    return {
        model: {name: one.to_json() if one else None for name, one in of_model.items()}
        for model, of_model in found.items()
    }
