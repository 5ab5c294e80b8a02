from dataclasses import replace

import numpy as np
import pytest

from recommender.measures.scores import scores
from recommender.runs.observer import WITH, WITHOUT
from recommender.training.fit import fit_arm
from recommender.training.loop import predict
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


def test_a_refit_learns_from_the_valid_part_and_is_judged_and_calibrated_without_it():
    config, small = SMALL.but(epochs=2, patience=2, refit=True, statements=False, knowledge_words=False), prepared()
    fitted = fit_arm(small, config, WITH, observer=Silent())
    plain = fit_arm(small, config.but(refit=False), WITH, observer=Silent())

    assert fitted.fit.valid == plain.fit.valid
    assert fitted.fit.best_epoch == plain.fit.best_epoch
    assert fitted.fit.test != plain.fit.test
    assert (fitted.backbone.slope, fitted.backbone.intercept) == (plain.backbone.slope, plain.backbone.intercept)
    rows = small.parts.test
    np.testing.assert_array_equal(
        predict(fitted.backbone, fitted.examples, rows, observer=Silent()), fitted.probability["streaming"]
    )
    assert fitted.fit.test == scores(
        small.interactions.liked[rows], fitted.probability["streaming"], small.interactions.end_user[rows]
    )
    counted = [int(one.inputs.signals.fitted["statistics"].count[0].sum()) for one in (fitted, plain)]
    assert counted[0] > counted[1]
