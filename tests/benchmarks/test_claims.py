import numpy as np
import pytest

from benchmarks import claims
from benchmarks.planted import Planted
from recommender.sample import truth
from recommender.training import data
from recommender.training.split import TEST, split
from tests import builders
from worker.endpoint.demonstration.features import Feature

pytestmark = pytest.mark.django_db


class Hashed:
    """An encoder whose phrases are all at right angles, nearly: it shows that the sums are right."""

    def encode(self, texts, *, done):
        return np.array([np.random.default_rng(sum(text.encode())).normal(size=256) for text in texts])


@pytest.fixture
def catalog():
    catalog = builders.make_catalog()
    films = truth.films()[::3]
    items = [builders.make_item(catalog, film.title, external_id=film.item_id) for film in films]
    for taste in truth.tastes()[:12]:
        end_user = builders.make_end_user(catalog, taste.user_id)
        for moment, (film, item) in enumerate(zip(films, items, strict=True), start=1):
            liked = truth.like_probability(taste, film) > 0.5
            builders.make_interaction(end_user, item, rating=5.0 if liked else 1.0, moment=moment)
    return catalog


def test_true_claims_add_to_a_base_that_knows_nothing_and_others_claims_add_less(catalog, monkeypatch):
    monkeypatch.setattr(claims.encoder, "load", lambda name: Hashed())
    planted = Planted(truth.tastes()[:12])
    interactions = data.read(catalog)
    codes = split("r4ec", interactions.end_user, interactions.liked, moment=interactions.moment, only_order=False)
    base = {"streaming": [np.full((codes == TEST).sum(), 0.5)]}
    found = claims.gains(planted, catalog, ["truth"], base)["truth"]["streaming auc"]

    assert found["over base"][1] > 0
    assert found["over others'"][1] > 0
    assert found["value"] == found["match alone"]


def test_the_planted_taste_is_claims_and_its_rules_are_left_out():
    taste = truth.tastes()[6]
    said = claims.of_stage(Planted([taste]), None, "truth")[taste.user_id]

    assert {feature.value for feature, stance in said.items() if stance < 0} == set(taste.avoids)
    assert said[Feature("director", taste.director)] == 1
    assert [f.value for f in said if f.attribute == "decade"] == ["1920s", "1930s", "1940s", "1950s"]


def test_claims_of_a_text_are_those_of_the_stage(catalog):
    taste = truth.tastes()[6]
    end_user = catalog.end_users.get(external_id=taste.user_id)
    turns = (
        ("reason", "They love war movies."),
        ("reflect", "No."),
        ("refine", "They avoid war movies."),
        ("reflect", ""),
    )
    builders.make_round(end_user, *turns)
    planted = Planted([taste])

    assert claims.of_stage(planted, catalog, "0") == {taste.user_id: {Feature("genres", "War"): 1}}
    assert claims.of_stage(planted, catalog, "2") == {taste.user_id: {Feature("genres", "War"): -1}}
    assert claims.of_stage(planted, catalog, "human") == {}
