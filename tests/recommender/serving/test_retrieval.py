"""Candidates of big catalogs, and the index that they are taken from."""

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from recommender.artifacts import past, verified
from recommender.artifacts.ranker import Ranker
from recommender.dataset.numbering import FIRST_ITEM, UNKNOWN_ITEM
from recommender.knowledge.snapshots import encoder_key
from recommender.models import Catalog, EndUser, Item, KnowledgeVector
from recommender.serving import catalog_index, retrieve, vectors
from recommender.serving.catalog_index import index_of
from recommender.serving.recommend import preview
from recommender.serving.request import request_for
from recommender.serving.rollout import active_in
from recommender.serving.wish import Wish
from tests.builders import make_catalog, make_end_user, make_interaction, make_item
from tests.recommender.training import synthetic

pytestmark = pytest.mark.django_db


@pytest.fixture
def big(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Catalog:
    """Sixty films where 30 are a big catalog, and eight are ranked: nobody met a western, everybody met the first
    dramas."""
    settings.CANDIDATES = 8
    monkeypatch.setattr(catalog_index, "WHOLE_CATALOG", 30)
    monkeypatch.setattr(retrieve, "WHOLE_CATALOG", 30)
    monkeypatch.setattr(retrieve, "POPULAR", 2.0)
    monkeypatch.setattr(retrieve, "NEWEST", 1.0)
    catalog = make_catalog()
    for number in range(60):
        genre = "Western" if number in (20, 21) else "Drama" if number < 20 else "Comedy"
        make_item(catalog, external_id=f"f{number:02}", genres=[genre])
    for number, item in enumerate(catalog.items.order_by("pk")[:10]):
        for _ in range(12 - number):
            make_interaction(make_end_user(catalog), item)
    return catalog


def chosen(end_user: EndUser) -> set[str]:
    return set(request_for(end_user, limit=10).item_ids)


def test_a_big_catalog_offers_the_popular_and_the_newest(big: Catalog) -> None:
    assert chosen(make_end_user(big)) == {"f00", "f01", "f02", "f03", "f04", "f05", "f58", "f59"}


def test_what_shares_a_liked_attribute_is_a_candidate_too(big: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieve, "BY_VALUE", 1.0)
    reader = make_end_user(big)
    make_interaction(reader, big.items.get(external_id="f20"))
    assert "f21" in chosen(reader)
    assert "f20" not in chosen(reader)


def test_popular_items_already_met_make_room_for_the_next(big: Catalog) -> None:
    reader = make_end_user(big)
    make_interaction(reader, big.items.get(external_id="f00"))
    assert {"f01", "f05"} <= chosen(reader)


def test_a_small_catalog_is_ranked_whole(big: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieve, "WHOLE_CATALOG", 60)
    assert len(chosen(make_end_user(big))) == 60


def test_where_few_items_may_be_listed_all_of_them_are_ranked(big: Catalog) -> None:
    """Neither what was excluded nor what was met takes a place from what is left, however unpopular it is."""
    kept = ["f20", "f33", "f41", "f50"]
    rest = tuple(item.external_id for item in big.items.all() if item.external_id not in kept)
    request = request_for(make_end_user(big), limit=10, wish=Wish("backbone", exclude=rest))
    assert sorted(request.item_ids) == kept


def test_every_list_has_its_turn_and_no_place_is_taken_twice() -> None:
    first, second = np.array([7, 3, 9, 1, 5, 0]), np.array([3, 8, 2])
    assert retrieve.in_turn([(2.0, first), (1.0, second)], 4).tolist() == [1, 3, 7, 9]
    assert retrieve.in_turn([(2.0, first), (1.0, second)], 99).tolist() == [0, 1, 2, 3, 5, 7, 8, 9]


@pytest.mark.parametrize("known", [range(60), range(50), range(59, -1, -1), (*range(30, 60), 99, *range(3))])
def test_a_ranker_s_items_are_found_in_an_index_however_they_are_ordered(big: Catalog, known: Sequence[int]) -> None:
    """It may lack the newest, know some that are gone, or count otherwise."""
    index = index_of(big)
    items = {f"f{number:02}": row for row, number in enumerate(known, start=FIRST_ITEM)}
    ranker = SimpleNamespace(
        items=items, numbers=lambda ids: np.array([items.get(one, UNKNOWN_ITEM) for one in ids], dtype=np.int64)
    )
    numbered = retrieve._numbered(cast(Ranker, ranker), index)
    mask = np.random.default_rng(0).random(len(index)) < 0.5
    rows = np.flatnonzero(numbered.mask(mask))
    assert rows.tolist() == [row for row, number in enumerate(known) if number < 60 and mask[number]]
    assert numbered.of_index(rows).tolist() == [known[row] for row in rows]


def test_what_is_newest_and_what_is_most_popular_is_found_however_little_is_looked_at(big: Catalog) -> None:
    draw, index = np.random.default_rng(1), index_of(big)
    for _ in range(300):
        mask, count = draw.random(len(index)) < draw.random(), int(draw.integers(1, 20))
        assert retrieve.newest(mask, count).tolist() == np.flatnonzero(mask)[::-1][:count].tolist()
        places = np.flatnonzero(draw.random(len(index)) < draw.random())
        of_these = [place for place in index.by_popularity.tolist() if place in places]
        assert retrieve.most_popular(index, places, count).tolist() == of_these[:count]


def test_an_index_is_read_once_and_then_kept(big: Catalog, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    index_of(big)
    with django_assert_num_queries(0):
        assert index_of(Catalog.objects.none().first() or big) is index_of(big)


def test_a_stale_index_is_read_again(big: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_index, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(catalog_index, "REST_PER_WORK", 0)
    before = len(index_of(big))
    make_item(big)
    assert len(index_of(big)) == before + 1


def test_while_one_thread_reads_it_again_the_others_use_the_old_one(
    big: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_index, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(catalog_index, "REST_PER_WORK", 0)
    old = index_of(big)
    reading, go_on = threading.Event(), threading.Event()

    def slowly(catalog: Catalog, using: str) -> catalog_index.CatalogIndex:
        reading.set()
        go_on.wait(10)
        return old

    monkeypatch.setattr(catalog_index, "_read", slowly)
    other = threading.Thread(target=lambda: index_of(big))
    other.start()
    assert reading.wait(10)
    assert index_of(big) is old
    go_on.set()
    other.join(10)


def test_an_item_that_is_gone_is_not_served(big: Catalog) -> None:
    reader = make_end_user(big)
    index_of(big)
    gone = big.items.get(external_id="f00")
    gone.interactions.all().delete()
    gone.delete()
    served = preview(reader, limit=3)
    assert [item.item_id for item in served.items] == ["f01", "f02"]
    assert [item.rank for item in served.items] == [1, 2]


def test_history_items_that_are_newer_than_the_index_do_no_harm(big: Catalog) -> None:
    reader = make_end_user(big)
    index_of(big)
    make_interaction(reader, make_item(big, external_id="f60"))
    assert "f60" not in chosen(reader)


def test_the_active_version_s_vectors_bring_in_what_a_history_speaks_for(
    ranked: Catalog, reader: EndUser, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    for module in (catalog_index, retrieve):
        monkeypatch.setattr(module, "WHOLE_CATALOG", 30)
    settings.CANDIDATES = 12
    request = request_for(reader, limit=10)
    lists = list(retrieve.nearest(reader, request.index, request.history, mask=request.unseen, count=12))
    assert [share for share, _ in lists] == [retrieve.BY_LIKES, *[retrieve.BY_LIKENESS] * (len(lists) - 1)]
    assert [len(each) for _, each in lists] == [12, *[2] * (len(lists) - 1)]
    for _, each in lists:
        assert request.unseen[each].all()
        assert each[0] in request.candidates
    assert len(request.candidates) == 12 < request.unseen.sum()
    liked = {past.item_id for past in request.history if past.liked}
    genres = [Item.objects.get(external_id=name).attributes["genres"][0] for name in liked]
    first = request.index.external_ids[int(lists[0][1][0])]
    assert Item.objects.get(external_id=first).attributes["genres"][0] in genres


def test_no_candidate_is_missed_where_later_lists_are_asked_for_what_their_turns_give(
    ranked: Catalog, reader: EndUser, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    for module in (catalog_index, retrieve):
        monkeypatch.setattr(module, "WHOLE_CATALOG", 30)
    settings.CANDIDATES = 12
    asked, found = Ranker.nearest, request_for(reader, limit=10).candidates.tolist()
    in_full = list[int]()

    def all_of_each(*given: Any, then: int) -> Any:
        lists = asked(*given, then=given[-1])
        in_full.extend(len(each) for each in lists)
        return lists

    monkeypatch.setattr(Ranker, "nearest", all_of_each)
    assert request_for(reader, limit=10).candidates.tolist() == found
    assert len(in_full) > 1
    assert set(in_full) == {12}


def test_a_version_reads_a_history_once_for_a_list_and_its_reasons(
    ranked: Catalog, reader: EndUser, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    for module in (catalog_index, retrieve):
        monkeypatch.setattr(module, "WHOLE_CATALOG", 30)
    settings.CANDIDATES = 12
    preview(reader, limit=3)  # which loads the version, and verifies it by other histories
    read, lengths = past.read, list[int]()

    def counted(history: Any, *given: Any, **named: Any) -> past.Past:
        lengths.append(len(history))
        return read(history, *given, **named)

    monkeypatch.setattr(past, "read", counted)
    served = preview(reader, limit=3, level="short")
    assert any(reason.basis == "backbone" for item in served.items for reason in item.reasons)
    assert lengths == [reader.interactions.count()]


def test_nobody_counts_likes_for_a_version_whose_means_stay(ranked: Catalog, reader: EndUser) -> None:
    active, request = active_in(ranked).version, request_for(reader, limit=3)
    assert active is not None
    assert retrieve.counted(verified.load(active), request.index, request.candidates) is None


def test_without_a_usable_version_the_other_sources_choose(big: Catalog) -> None:
    request = request_for(make_end_user(big), limit=10)
    found = retrieve.nearest(request.whom, request.index, request.history, mask=request.unseen, count=8)
    assert list(found) == []


def test_texts_that_are_near_the_end_user_s_are_candidates_and_rank_without_a_backbone(big: Catalog) -> None:
    encoder = encoder_key(settings.ENCODER)
    reader = make_end_user(big)
    about = {
        big.items.get(external_id="f30"): [1.0, 0.1],
        big.items.get(external_id="f31"): [-1.0, 0.2],
        reader: [1, 0],
    }
    for subject, numbers in about.items():
        turn = synthetic.approve(subject, f"Something about {subject.pk} {type(subject).__name__}.")
        KnowledgeVector.objects.create(
            encoder=encoder, text_hash=turn.text_hash, vector=np.array(numbers, dtype="<f4").tobytes()
        )
    vectors.KEPT.clear()
    assert "f30" in chosen(reader)
    served = preview(reader, limit=1)
    assert (served.source, served.items[0].item_id) == ("knowledge", "f30")
