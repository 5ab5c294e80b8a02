"""What a rebuild changed: texts by what became of them, and lists end user by end user."""

import pytest

from recommender.artifacts import files, ranker
from recommender.knowledge import service
from recommender.knowledge.snapshots import freeze
from recommender.models import EndUser, Item
from recommender.promotion import receipts
from recommender.serving.recommend import preview
from tests.recommender.promotion.made import confused_version, real_version
from tests.recommender.training import synthetic

pytestmark = pytest.mark.django_db


def end_user(catalog, name):
    return EndUser.objects.select_related("catalog").get(catalog=catalog, external_id=name)


def test_texts_come_and_go_as_replaced_or_withdrawn(catalog):
    stays, _, withdrawn = (
        synthetic.approve(end_user(catalog, name), f"first about {name}") for name in ("u000", "u001", "u002")
    )
    before = freeze(catalog, encoder="minilm")
    synthetic.approve(end_user(catalog, "u001"), "second about u001", as_of=1001)
    synthetic.approve(Item.objects.get(catalog=catalog, external_id="i003"), "about i003")
    service.reject(withdrawn)
    after = freeze(catalog, encoder="minilm")

    nothing = {"end_user": 0, "item": 0}
    found = receipts.knowledge(after, before)

    assert found == {"entered": {"end_user": 1, "item": 1}, "replaced": 1, "withdrawn": 1}
    assert receipts.knowledge(before, None) == {"entered": {"end_user": 3, "item": 0}, "replaced": 0, "withdrawn": 0}
    assert receipts.knowledge(after, after) == {"entered": nothing, "replaced": 0, "withdrawn": 0}
    assert stays.knowledge.get() in receipts.entered_between(after, None)


def rankers(*versions):
    return [ranker.read(files.folder_of(version)) for version in versions]


def test_equal_versions_change_no_list(catalog, active):
    steps = []
    found = receipts.lists(
        catalog, *rankers(active, real_version(catalog)), most=100, step=lambda done, of: steps.append((done, of))
    )

    assert (found["end_users"], found["of"], found["changed"], found["mean_overlap"]) == (30, 30, 0, 1)
    assert found["biggest"] == []
    assert steps[-1] == (30, 30)


def test_changed_lists_name_what_came_and_went_as_it_is_served(catalog, active):
    served = preview(end_user(catalog, "u003"), limit=10)
    other = confused_version(catalog)
    found = receipts.lists(catalog, *rankers(other, active), most=100, step=lambda done, of: None)
    biggest = found["biggest"]
    overlaps = [one["overlap"] for one in biggest]

    assert found["changed"] > 20
    assert 0 < found["mean_overlap"] < 0.9
    assert overlaps == sorted(overlaps)
    assert overlaps[0] < found["mean_overlap"]
    for one in biggest:
        assert len(one["entered"]) == len(one["left"]) == round(10 * (1 - one["overlap"]))
        old = [item.item_id for item in preview(end_user(catalog, one["user_id"]), limit=10).items]
        assert set(one["left"]) <= set(old)
        assert not set(one["entered"]) & set(old)
    assert served.source == "backbone"


def test_of_many_end_users_a_sample_is_compared(catalog, active):
    found = receipts.lists(catalog, *rankers(active, active), most=5, step=lambda done, of: None)

    assert (found["end_users"], found["of"]) == (5, 30)


def test_without_anybody_to_compare_there_is_no_mean(catalog, active):
    catalog.end_users.all().delete()
    found = receipts.lists(catalog, *rankers(active, active), most=5, step=lambda done, of: None)

    assert (found["end_users"], found["mean_overlap"]) == (0, None)
