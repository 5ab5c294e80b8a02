import pytest

from recommender.models import EndUser, Item
from recommender.services import knowledge
from recommender.services.snapshots import freeze
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


def test_what_an_approval_replaced_still_serves_older_interactions(subjects):
    end_user, _ = subjects
    approve(end_user, "early", as_of=10)
    approve(end_user, "late", as_of=20)

    assert texts(freeze(end_user.catalog, encoder="minilm")) == [("early", 10), ("late", 20)]


def test_an_older_view_approved_later_replaces_the_newer_one(subjects):
    end_user, _ = subjects
    approve(end_user, "late", as_of=20)
    approve(end_user, "early, and better", as_of=10)

    assert texts(freeze(end_user.catalog, encoder="minilm")) == [("early, and better", 10)]


def test_rejected_knowledge_is_in_no_new_snapshot(subjects):
    end_user, item = subjects
    early = approve(end_user, "early", as_of=10)
    approve(item, "a drama")
    before = freeze(end_user.catalog, encoder="minilm")
    knowledge.reject(early)
    approve(end_user, "late", as_of=20)

    assert texts(freeze(end_user.catalog, encoder="minilm")) == [("a drama", 1000), ("late", 20)]
    assert texts(before) == [("a drama", 1000), ("early", 10)]


def test_a_text_that_was_replaced_and_then_rejected_serves_no_older_interactions(subjects):
    end_user, _ = subjects
    early = approve(end_user, "early", as_of=10)
    approve(end_user, "late", as_of=20)
    knowledge.reject(early)

    assert texts(freeze(end_user.catalog, encoder="minilm")) == [("late", 20)]


def test_catalogs_are_frozen_apart(subjects):
    end_user, _ = subjects
    approve(end_user, "likes drama")

    assert texts(freeze(builders.make_catalog(), encoder="minilm")) == []
