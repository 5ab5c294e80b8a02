from dataclasses import replace

import numpy as np
import pytest

from recommender.runs.observer import WITHOUT
from recommender.training.fit import fit_arm
from tests.recommender.training.fitting import SMALL, prepared
from tests.recommender.training.synthetic import Silent


@pytest.mark.parametrize(("first", "width"), [(False, 2), (True, 1)])
def test_a_backbone_reads_all_attributes_of_an_item_or_the_first_one(first, width):
    config = SMALL.but(epochs=1, first_attribute=first)
    small = prepared(knowledge=False, end_users=20, each=20)
    tokens = small.interactions.item_tokens
    data = replace(small.interactions, item_tokens=np.hstack([tokens, 1 + tokens % 2]))
    backbone = fit_arm(replace(small, interactions=data), config, WITHOUT, observer=Silent()).backbone

    assert backbone.items.tokens_of.shape[1] == width
    assert backbone.items.tokens_of[2:, 0].tolist() == tokens[:, 0].tolist()
