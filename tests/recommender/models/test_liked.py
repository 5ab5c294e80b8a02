"""The rule for likes says the same of arrays, in an interaction query, and counted over items."""

import numpy as np
import pytest
from django.db.models import Count, F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.models import Interaction, Item
from recommender.models.liked import NOT_KNOWN, liked, liked_expression
from tests.builders import make_catalog, make_end_user, make_item

pytestmark = pytest.mark.django_db

RATINGS = st.one_of(st.none(), st.integers(-4, 20).map(lambda half: half / 2), st.floats(-1e6, 1e6))
FEEDBACK = st.lists(st.tuples(RATINGS, st.sampled_from([None, 0, 1])), min_size=1, max_size=12)
AS_BOOL = {1: True, 0: False, NOT_KNOWN: None}


@given(feedback=FEEDBACK, threshold=st.one_of(st.integers(-4, 20).map(lambda half: half / 2), st.floats(-1e6, 1e6)))
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_arrays_and_the_database_agree_on_every_rating_label_and_threshold(db, feedback, threshold):
    catalog = make_catalog(like_threshold=threshold)
    end_user = make_end_user(catalog)
    items = [make_item(catalog) for _ in feedback]
    Interaction.objects.bulk_create(
        Interaction(end_user=end_user, item=item, rating=rating, label=label, moment=moment)
        for moment, (item, (rating, label)) in enumerate(zip(items, feedback, strict=True))
    )
    ratings = np.array([rating for rating, _ in feedback], dtype=np.float64)
    labels = np.array([NOT_KNOWN if label is None else label for _, label in feedback], dtype=np.int8)
    known = [AS_BOOL[like] for like in liked(ratings, labels, threshold=threshold).tolist()]

    interactions = Interaction.objects.filter(end_user=end_user)
    assert list(interactions.with_liked().oldest_first().values_list("liked", flat=True)) == known
    of_item = liked_expression(threshold=F("catalog__like_threshold"), to_interaction="interactions__")
    counted = Item.objects.filter(catalog=catalog).annotate(
        judged=Count(of_item), likes=Count("interactions", filter=of_item)
    )
    assert list(counted.order_by("pk").values_list("judged", "likes")) == [
        (like is not None, like is True) for like in known
    ]


def test_a_label_outranks_a_rating_and_a_like_is_above_the_threshold():
    ratings = np.array([4.0, 4.5, 5.0, 1.0, np.nan])
    labels = np.array([NOT_KNOWN, NOT_KNOWN, 0, 1, NOT_KNOWN], dtype=np.int8)

    assert liked(ratings, labels, threshold=4.0).tolist() == [0, 1, 0, 1, NOT_KNOWN]
