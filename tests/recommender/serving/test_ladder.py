"""Which rung answers, what it lists, and that every step down is said in words."""

import shutil
import time
from typing import Any

import pytest

from recommender.artifacts import files, verified
from recommender.models import BackboneVersion, Catalog, EndUser, Interaction, Recommendation, VersionState
from recommender.serving.codes import DegradedCode
from recommender.serving.history import history_of
from recommender.serving.recommend import preview, recommend
from recommender.serving.served import Served
from tests.builders import make_catalog, make_end_user, make_interaction, make_item
from tests.recommender.serving.ranked import activate

pytestmark = pytest.mark.django_db


def seen_by(end_user: EndUser) -> set[str]:
    return set(end_user.interactions.values_list("item__external_id", flat=True))


def listed(served: Served) -> list[str]:
    return [item.item_id for item in served.items]


def test_the_active_backbone_ranks_what_the_end_user_has_not_met(reader: EndUser) -> None:
    served = preview(reader, limit=10)
    assert (served.source, served.degraded, served.degraded_reason) == ("backbone", False, "")
    assert served.backbone == BackboneVersion.objects.get()
    assert served.knowledge_snapshot == 1
    assert [item.rank for item in served.items] == list(range(1, 11))
    scores = [item.score for item in served.items if item.score is not None]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < scores[0] < 1
    assert not seen_by(reader) & set(listed(served))


def test_the_list_is_the_artifact_s_own_order_of_all_unseen_items(ranked: Catalog, reader: EndUser) -> None:
    loaded = verified.load(BackboneVersion.objects.get())
    left = sorted(set(ranked.items.values_list("external_id", flat=True)) - seen_by(reader))
    scores = loaded.score("u000", history_of(reader), left, attributes=reader.attributes)
    best_first = [left[place] for place in (-scores).argsort(kind="stable")]
    served = preview(reader, limit=100)
    assert listed(served) == best_first
    assert [item.score for item in served.items] == pytest.approx(sorted(scores, reverse=True))


def test_what_is_known_of_an_end_user_counts_as_it_is_now(ranked: Catalog, reader: EndUser) -> None:
    before = {item.item_id: item.score for item in preview(reader, limit=100).items}
    reader.attributes = {"gender": "female", "age": 49}
    reader.save()
    after = {item.item_id: item.score for item in preview(reader, limit=100).items}

    assert before.keys() == after.keys()
    assert before != after


def test_without_an_active_backbone_the_list_is_popular_and_says_so(reader: EndUser) -> None:
    BackboneVersion.objects.update(state=VersionState.RETIRED)
    served = preview(reader, limit=10)
    assert (served.source, served.degraded, served.backbone) == ("popular", True, None)
    assert "No backbone is active" in served.degraded_reason
    assert len(served.items) == 10
    assert not seen_by(reader) & set(listed(served))


@pytest.mark.parametrize(
    "name", ["", "model.onnx", "ids.json", "end_users.npy", "signal_gaussian_process.npz", "manifest.json"]
)
def test_an_artifact_that_is_missing_or_half_written_is_named(reader: EndUser, name: str) -> None:
    folder = files.folder_of(BackboneVersion.objects.get())
    if name:
        whole = (folder / name).read_bytes()
        (folder / name).unlink()
        (folder / name).write_bytes(whole[: len(whole) // 2])
    else:
        shutil.rmtree(folder)
    served = preview(reader, limit=5)
    assert served.source == "popular"
    assert served.degraded_code == DegradedCode.ARTIFACT_UNUSABLE
    assert "Backbone 1 is active but its artifact cannot be used." in served.degraded_reason
    assert len(served.items) == 5


def test_an_end_user_without_history_gets_what_is_popular(ranked: Catalog) -> None:
    served = preview(make_end_user(ranked), limit=5)
    assert served.source == "popular"
    assert "no history" in served.degraded_reason


def test_popular_means_many_who_liked_it(db: None) -> None:
    catalog = make_catalog()
    items = {name: make_item(catalog, name, external_id=name) for name in ("once", "often", "disliked", "unmet")}
    for name, rating, times in (("once", 5.0, 1), ("often", 5.0, 6), ("disliked", 1.0, 7)):
        for _ in range(times):
            make_interaction(make_end_user(catalog), items[name], rating=rating)
    served = preview(make_end_user(catalog), limit=10)
    assert listed(served) == ["often", "disliked", "once"]
    assert served.items[0].score == pytest.approx((6 + 10 * 7 / 14) / 16 * 6)


def test_where_likes_are_unknown_popular_means_met_by_many(db: None) -> None:
    catalog = make_catalog()
    for number, name in enumerate(("a", "b", "c"), start=1):
        item = make_item(catalog, name, external_id=name)
        for _ in range(number):
            make_interaction(make_end_user(catalog), item, rating=None)
    served = preview(make_end_user(catalog), limit=10)
    assert listed(served) == ["c", "b", "a"]
    assert [item.score for item in served.items] == [3.0, 2.0, 1.0]


def test_where_nobody_met_anything_the_newest_come_first_without_a_score(db: None) -> None:
    catalog = make_catalog()
    for name in ("old", "newer", "newest"):
        make_item(catalog, name, external_id=name)
    served = preview(make_end_user(catalog), limit=2)
    assert (served.source, listed(served)) == ("newest", ["newest", "newer"])
    assert [item.score for item in served.items] == [None, None]
    assert "Nobody has met any of the items" in served.degraded_reason


def test_a_list_is_not_padded_from_the_next_rung(db: None) -> None:
    catalog = make_catalog()
    met, _ = make_item(catalog), make_item(catalog)
    make_interaction(make_end_user(catalog), met)
    assert listed(preview(make_end_user(catalog), limit=10)) == [met.external_id]


def test_an_end_user_who_met_everything_gets_nothing_and_is_told_why(db: None) -> None:
    catalog = make_catalog()
    reader = make_end_user(catalog)
    make_interaction(reader, make_item(catalog))
    served = preview(reader, limit=10)
    assert (served.source, served.items) == ("nothing", ())
    assert "met every item" in served.degraded_reason


def test_a_catalog_without_items_has_nothing_to_recommend(db: None) -> None:
    served = preview(make_end_user(make_catalog()), limit=10)
    assert (served.source, served.degraded_reason) == ("nothing", "The catalog has no items.")


def test_what_is_yet_to_happen_is_no_history(db: None) -> None:
    catalog = make_catalog()
    reader = make_end_user(catalog)
    make_interaction(reader, make_item(catalog), moment=int(time.time()) + 3600)
    assert history_of(reader) == []
    ordered = make_catalog(clock="order")
    reader = make_end_user(ordered)
    make_interaction(reader, make_item(ordered), moment=2**40)
    assert len(history_of(reader)) == 1


def test_likes_in_a_history_are_those_of_the_catalog(db: None) -> None:
    catalog = make_catalog(like_threshold=4.0)
    reader = make_end_user(catalog)
    for moment, fields in enumerate([{"rating": 4.0}, {"rating": 4.5}, {"rating": 5.0, "label": 0}, {"label": 1}, {}]):
        Interaction.objects.create(end_user=reader, item=make_item(catalog), moment=moment, **fields)
    expected = list(reader.interactions.with_liked().oldest_first().values_list("liked", flat=True))
    assert [met.liked for met in history_of(reader)] == expected == [False, True, False, True, None]


def test_an_item_that_came_after_training_can_still_be_ranked(ranked: Catalog, reader: EndUser) -> None:
    make_item(ranked, "Brand new", external_id="new")
    assert "new" in listed(preview(reader, limit=100))


def test_what_is_served_is_logged_and_what_is_looked_at_is_not(reader: EndUser) -> None:
    preview(reader, limit=5)
    assert not Recommendation.objects.exists()
    served = recommend(reader, limit=5)
    logged = Recommendation.objects.get()
    assert logged.pk == served.recommendation_id
    assert (logged.end_user, logged.catalog, logged.backbone) == (reader, reader.catalog, served.backbone)
    assert (logged.source, logged.degraded_reason) == ("backbone", "")
    assert logged.items == [
        {"item_id": item.item_id, "title": item.title, "rank": item.rank, "score": item.score} for item in served.items
    ]


def test_the_version_activated_last_answers_at_once(ranked: Catalog, reader: EndUser, settings: Any) -> None:
    assert preview(reader, limit=1).backbone == BackboneVersion.objects.get(number=1)
    BackboneVersion.objects.update(state=VersionState.RETIRED)
    activate(ranked)
    served = preview(reader, limit=1)
    assert served.backbone is not None
    assert served.backbone.number == 2
