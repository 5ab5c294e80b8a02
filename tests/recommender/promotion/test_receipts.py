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

pytestmark = [pytest.mark.django_db, pytest.mark.once]


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


def test_what_a_users_text_changes_is_told_from_what_training_anew_does(catalog, active, settings):
    """u003 has had enough of what leads the list; the versions are the same, or one was trained otherwise."""
    settings.STEERING = 4  # the few films of liked kinds are far ahead of the others
    before = receipts.lists(catalog, *rankers(active, active), most=100, step=lambda done, of: None)
    first = Item.objects.get(catalog=catalog, external_id=preview(end_user(catalog, "u003"), limit=1).items[0].item_id)
    synthetic.approve(end_user(catalog, "u003"), f"They hate {first.attributes['genres'][0]} films.")
    same = receipts.lists(catalog, *rankers(active, active), most=100, step=lambda done, of: None)
    other = receipts.lists(catalog, *rankers(confused_version(catalog), active), most=100, step=lambda done, of: None)

    assert (before["by_text"], before["anyway"]) == (0, 0)
    assert (same["by_text"], same["anyway"], same["changed"]) == (1, 0, 0)
    assert other["anyway"] > 0
    assert other["by_text"] <= 1


def test_of_many_end_users_a_sample_is_compared(catalog, active):
    found = receipts.lists(catalog, *rankers(active, active), most=5, step=lambda done, of: None)

    assert (found["end_users"], found["of"]) == (5, 30)


def test_without_anybody_to_compare_there_is_no_mean(catalog, active):
    catalog.end_users.all().delete()
    found = receipts.lists(catalog, *rankers(active, active), most=5, step=lambda done, of: None)

    assert (found["end_users"], found["mean_overlap"]) == (0, None)
