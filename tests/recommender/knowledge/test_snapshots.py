import pytest

from recommender.knowledge import service
from recommender.knowledge.snapshots import freeze
from recommender.models import EndUser, Item, Knowledge
from tests import builders
from tests.recommender.training.synthetic import approve

pytestmark = pytest.mark.django_db


@pytest.fixture
def subjects() -> tuple[EndUser, Item]:
    catalog = builders.make_catalog()
    return builders.make_end_user(catalog), builders.make_item(catalog)


def texts(snapshot):
    return sorted(snapshot.knowledge.values_list("text", "as_of"))


def test_a_first_snapshot_may_be_empty():
    snapshot = freeze(builders.make_catalog(), encoder="minilm")

    assert (snapshot.number, snapshot.end_user_count, snapshot.item_count) == (1, 0, 0)


def test_the_same_knowledge_gives_the_same_snapshot(subjects):
    end_user, item = subjects
    approve(end_user, "likes drama")
    approve(item, "a drama")
    first, again = (freeze(item.catalog, encoder="minilm") for _ in range(2))

    assert first == again
    assert (first.end_user_count, first.item_count) == (1, 1)


def test_a_new_approval_or_another_encoder_gives_a_new_one(subjects):
    end_user, item = subjects
    first = freeze(item.catalog, encoder="minilm")
    approve(end_user, "likes drama")
    second = freeze(item.catalog, encoder="minilm")
    third = freeze(item.catalog, encoder="other")

    assert [one.number for one in (first, second, third)] == [1, 2, 3]
    assert first.content_hash != second.content_hash
    assert texts(first) == []


def test_texts_of_several_moments_are_frozen_together(subjects):
    end_user, _ = subjects
    approve(end_user, "early", as_of=10)
    approve(end_user, "late", as_of=20)

    assert texts(freeze(end_user.catalog, encoder="minilm")) == [("early", 10), ("late", 20)]


def test_an_older_view_approved_later_leaves_the_newer_one_in_force(subjects):
    end_user, _ = subjects
    approve(end_user, "late", as_of=20)
    approve(end_user, "early", as_of=10)

    assert texts(freeze(end_user.catalog, encoder="minilm")) == [("early", 10), ("late", 20)]


def test_of_one_moment_the_last_approval_is_in_force(subjects):
    end_user, _ = subjects
    by_refining = approve(end_user, "refined")
    by_filtering = builders.make_round(end_user, ("reason", "filtered"), strategy="filter", drafts_wanted=2)
    service.accept(by_filtering.turns.get())

    assert texts(freeze(end_user.catalog, encoder="minilm")) == [("filtered", 1000)]
    service.accept(by_refining)
    assert texts(freeze(end_user.catalog, encoder="minilm")) == [("refined", 1000)]


def test_kept_drafts_are_one_knowledge_with_all_their_texts(subjects):
    end_user, _ = subjects
    round_ = builders.make_round(end_user, ("reason", "one"), ("reason", "two"), strategy="filter", drafts_wanted=2)
    one, two = round_.turns.order_by("index")
    alone = service.accept(one)
    first = freeze(end_user.catalog, encoder="minilm")
    both = service.accept(one, further=[two])

    assert both.ended == (alone.accepted,)
    assert service.accept(one, further=[two]).accepted is None
    known = Knowledge.objects.get(pk=both.accepted)
    assert (known.text_hashes, known.turn_ids) == ([one.text_hash, two.text_hash], [one.pk, two.pk])
    assert freeze(end_user.catalog, encoder="minilm").content_hash != first.content_hash


def test_rejected_knowledge_is_in_no_new_snapshot(subjects):
    end_user, item = subjects
    early = approve(end_user, "early", as_of=10)
    approve(item, "a drama")
    before = freeze(end_user.catalog, encoder="minilm")
    service.reject(early)
    approve(end_user, "late", as_of=20)

    assert texts(freeze(end_user.catalog, encoder="minilm")) == [("a drama", 1000), ("late", 20)]
    assert texts(before) == [("a drama", 1000), ("early", 10)]


def test_an_earlier_text_that_is_rejected_serves_no_interactions(subjects):
    end_user, _ = subjects
    early = approve(end_user, "early", as_of=10)
    approve(end_user, "late", as_of=20)
    service.reject(early)

    assert texts(freeze(end_user.catalog, encoder="minilm")) == [("late", 20)]


def test_catalogs_are_frozen_apart(subjects):
    end_user, _ = subjects
    approve(end_user, "likes drama")

    assert texts(freeze(builders.make_catalog(), encoder="minilm")) == []
