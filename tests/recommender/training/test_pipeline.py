from dataclasses import replace

import numpy as np
import pytest

from recommender.dataset.split import split
from recommender.runs.observer import WITHOUT
from recommender.training import pipeline
from tests.recommender.training.fitting import SMALL, fitted
from tests.recommender.training.synthetic import Silent


@pytest.mark.parametrize(("first", "width"), [(False, 2), (True, 1)])
def test_a_backbone_reads_all_attributes_of_an_item_or_the_first_one(first, width):
    config = replace(SMALL, epochs=1, first_attribute=first)
    small = fitted(config, knowledge=False, end_users=20, each=20)
    tokens = small.interactions.item_tokens
    data = replace(small.interactions, item_tokens=np.hstack([tokens, 1 + tokens % 2]))
    codes = split(config.split, data.end_user, data.liked)
    _, backbone = pipeline.fit_one(
        replace(small.examples, interactions=data),
        small.parts,
        codes,
        None,
        config,
        model=WITHOUT,
        observer=Silent(),
    )

    assert backbone.items.tokens_of.shape[1] == width
    assert backbone.items.tokens_of[2:, 0].tolist() == tokens[:, 0].tolist()
