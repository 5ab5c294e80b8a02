"""Who gets which variant: always the same, evenly by weight, and nothing that a canary's share would tell."""

import hashlib
from collections import Counter

import numpy as np
import pytest

from recommender.models import Catalog, EndUser, Recommendation
from recommender.serving import rollout
from recommender.serving.interleave import NOBODY, coins, team_draft
from recommender.serving.recommend import preview, recommend
from recommender.serving.variants import HOLDOUT, Variant, dealt, place_of
from recommender.serving.whom import Visitor
from tests.recommender.experiments.simulated import AB, running, shop

IDS = [f"user-{number}" for number in range(20_000)]


def test_the_place_is_the_documented_hash() -> None:
    digest = hashlib.sha256(b"experiment\0salt\0ann").digest()
    assert place_of("ann", "salt") == pytest.approx(int.from_bytes(digest[:8]) / 2**64, abs=1e-15)
    assert place_of("ann", "salt") != place_of("ann", "other")


def test_places_are_uniform_and_tell_nothing_of_a_canary_s_or_another_experiment_s() -> None:
    places = np.array([place_of(each, "one") for each in IDS])
    catalog = Catalog(name="films")
    others = {
        "canary": np.array([rollout.place_of(EndUser(catalog=catalog, external_id=each), "one") for each in IDS]),
        "experiment": np.array([place_of(each, "two") for each in IDS]),
    }
    counts = np.histogram(places, bins=20, range=(0, 1))[0]
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 43.8  # chi-square, 19 degrees of freedom: p = .001
    for other in others.values():
        table = np.histogram2d(places, other, bins=5, range=[(0, 1), (0, 1)])[0]
        assert ((table - 800) ** 2 / 800).sum() < 51.2  # 24 degrees of freedom
        assert abs(np.corrcoef(places, other)[0, 1]) < 0.025


def test_variants_are_dealt_out_by_weight() -> None:
    variants = [Variant("a", 1), Variant("b", 3), Variant("c", 6)]
    counts = Counter(dealt(variants, place_of(each, "s")).name for each in IDS)
    due = {"a": 2_000, "b": 6_000, "c": 12_000}
    assert sum((counts[name] - n) ** 2 / n for name, n in due.items()) < 13.8  # 2 degrees of freedom
    assert [dealt(variants, place).name for place in (0, 0.0999, 0.1, 0.3999, 0.4, 0.99999999)] == list("aabbcc")


@pytest.mark.django_db
def test_a_list_says_its_variant_always_the_same_and_the_log_is_the_exposure() -> None:
    catalog = shop(people=30)
    experiment = running(catalog, variants=(*AB, Variant("c", 2)), holdout=0.2)
    seen: dict[str, set[str]] = {}
    for _ in range(2):
        for end_user in EndUser.objects.filter(catalog=catalog).select_related("catalog"):
            read = recommend(end_user, limit=2, keep=False)
            kept = recommend(end_user, limit=2)
            seen.setdefault(end_user.external_id, set()).update({read.variant, kept.variant})
            assert (read.experiment, kept.experiment) == ("try", "try")
            assert preview(end_user, limit=2).variant == ""
    assert all(len(each) == 1 for each in seen.values())
    assert {name for each in seen.values() for name in each} == {"a", "b", "c", HOLDOUT}
    assert Recommendation.objects.filter(experiment=experiment).count() == 60  # what was only read is no exposure


@pytest.mark.django_db
def test_visitors_are_told_apart_by_their_id_and_nobody_in_particular_gets_no_variant() -> None:
    catalog = shop(people=0)
    running(catalog)
    assert {recommend(Visitor(catalog, f"v{n}"), limit=2).variant for n in range(30)} == {"a", "b"}
    assert {recommend(Visitor(catalog, "v1"), limit=2).variant for _ in range(5)} < {"a", "b"}
    assert recommend(Visitor(catalog), limit=2).variant == ""


@pytest.mark.django_db
def test_an_experiment_of_a_scenario_leaves_the_others_alone() -> None:
    catalog = shop(people=1)
    running(catalog, scenario="thinkrec")
    end_user = catalog.end_users.get()
    end_user.catalog = catalog
    assert recommend(end_user, limit=2).variant == ""
    assert recommend(end_user, limit=2, scenario="thinkrec").variant in "ab"


def test_a_team_draft_takes_turns_and_credits_each_side_evenly() -> None:
    one, other = list(range(10)), [3, 11, 12, 0, 13, 14, 15, 16, 17, 18]
    first: Counter[tuple[int, int]] = Counter()
    for number in range(400):
        mixed = team_draft(one, other, coins(f"c{number}"))
        items = [item for item, _ in mixed]
        assert len(set(items)) == len(items)
        assert set(items) == {*one, *other}
        for end in range(1, len(mixed) + 1):
            sides = Counter(side for _, side in mixed[:end])
            assert abs(sides[0] - sides[1]) <= 1 or NOBODY in sides
        first[mixed[0]] += 1
    assert set(first) == {(0, 0), (3, 1)}
    assert 150 < first[0, 0] < 250
    assert team_draft(one, other, coins("c1")) == team_draft(one, other, coins("c1"))
    assert team_draft([], [1], coins("")) == [(1, NOBODY)]
