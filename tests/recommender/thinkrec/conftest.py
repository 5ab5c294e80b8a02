"""A tiny random Llama, made once."""

import numpy as np
import pytest

from recommender.thinkrec.tuning.projector import Vectors
from tests.recommender.thinkrec.rows_of_films import GROUPS, ITEMS
from tests.transformers_server import make_model


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("llama")))


@pytest.fixture(scope="session")
def vectors() -> Vectors:
    """Four numbers for each end user, and for each item but one."""
    drawn, names = np.random.default_rng(0), [name for name in ITEMS if name != "Action 1"]
    return Vectors.of(list(GROUPS), drawn.normal(size=(len(GROUPS), 4)), names, drawn.normal(size=(len(names), 4)))
