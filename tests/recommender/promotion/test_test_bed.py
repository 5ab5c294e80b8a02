"""What two versions are compared on: the same rows for both, and no text that knows their labels."""

import numpy as np
import pytest

from recommender.models import EndUser, Interaction, Item
from recommender.promotion.test_bed import make_test_bed, sample
from recommender.runs.errors import CannotTrainError
from tests import builders
from tests.recommender.promotion.made import real_version, renew_snapshot
from tests.recommender.promotion.versions import make_version
from tests.recommender.training import synthetic

pytestmark = pytest.mark.django_db
TESTED = 4  # of 24: those after index 19


@pytest.fixture
def candidate(catalog):
    return make_version(catalog)


def of(candidate, active, **choices):
    return make_test_bed(candidate, active, **{"most": 1000, **choices})


def test_every_end_user_is_asked_as_of_just_before_the_first_tested_interaction(catalog, candidate, active):
    found = of(candidate, active)
    one = found.tested[3]
    rows = list(
        Interaction.objects.filter(end_user__catalog=catalog, end_user__external_id=one.name)
        .oldest_first()
        .values_list("item__external_id", "rating")
    )

    assert (len(found.tested), found.of, found.left_out) == (30, 30, 0)
    assert [(met.item_id, met.rating) for met in one.history] == rows[:-TESTED]
    assert [found.items[item] for item in one.items] == [item for item, _ in rows[-TESTED:]]
    assert one.liked.tolist() == [rating > 3 for _, rating in rows[-TESTED:]]
    assert {found.items[item] for item in one.met} == {item for item, _ in rows[:-TESTED]}


def test_fewer_end_users_are_a_sample_that_never_changes(candidate, active):
    names = [[one.name for one in of(candidate, active, most=7).tested] for _ in range(2)]

    assert names[0] == names[1]
    assert len(names[0]) == 7
    assert of(candidate, active, most=7).of == 30


def test_a_sample_depends_on_the_names_alone_and_grows_by_adding():
    names = [f"u{n}" for n in range(50)]
    few, more = (set(sample(names, most).tolist()) for most in (10, 20))

    assert few < more
    assert sample(names, 100).tolist() == list(range(50))
    assert {names[place] for place in few} == {names[::-1][place] for place in sample(names[::-1], 10).tolist()}


def moment_of_test(catalog, name):
    rows = Interaction.objects.filter(end_user__catalog=catalog, end_user__external_id=name).oldest_first()
    return rows[20].moment


def test_an_end_user_s_text_that_is_later_than_the_test_rows_is_hidden(catalog, candidate, active):
    for name, late in (("u000", 1), ("u001", 0)):
        subject = EndUser.objects.get(catalog=catalog, external_id=name)
        synthetic.approve(subject, f"about {name}", as_of=moment_of_test(catalog, name) + late)
    renew_snapshot(candidate)
    found = of(candidate, active)

    assert found.hidden == {candidate.pk: {"u000"}, active.pk: frozenset()}


def test_so_is_what_low_activity_end_users_have_where_they_met_more_since(catalog, candidate, active):
    before = of(candidate, active)
    item = before.items[before.tested[0].items[0]]  # tested of the first end user, met earlier or never by others
    synthetic.approve(Item.objects.get(catalog=catalog, external_id=item), "about it", as_of=0)
    renew_snapshot(candidate)
    candidate.config |= {"low_activity": "items", "low_activity_below": 30}
    candidate.save()
    found = of(candidate, active)

    met_since = {one.name for one in before.tested if item in [before.items[n] for n in one.items]}
    assert found.hidden == {candidate.pk: met_since, active.pk: frozenset()}
    assert before.tested[0].name in met_since
    assert len(met_since) < len(before.tested)


def test_rows_whose_item_s_text_is_later_are_left_out_for_both_whoever_has_it(catalog, candidate, active):
    before = of(candidate, active)
    item = before.items[before.tested[0].items[0]]
    synthetic.approve(Item.objects.get(catalog=catalog, external_id=item), "about it", as_of=2**40)
    renew_snapshot(active)
    after = of(candidate, active)
    rows = sum(item in [before.items[n] for n in one.items] for one in before.tested)

    assert after.left_out == rows > 0
    assert not any(item in [after.items[n] for n in one.items] for one in after.tested)


def test_a_catalog_that_cannot_be_split_any_more_is_said(catalog, candidate, active):
    Interaction.objects.filter(end_user__catalog=catalog, moment__gt=1100).delete()

    with pytest.raises(CannotTrainError):
        of(candidate, active)


def test_data_that_changed_since_training_are_told_by_their_hash(catalog, candidate, active):
    before = of(candidate, active).data_hash
    builders.make_interaction(EndUser.objects.filter(catalog=catalog)[0], builders.make_item(catalog), moment=9999)

    assert of(candidate, active).data_hash != before


def test_the_other_splits_are_tested_on_their_own_rows(catalog, active):
    candidate = real_version(catalog)
    candidate.config = {**candidate.config, "split": "kar", "fold": 2}
    found = of(candidate, active)

    assert len(found.tested) == 3
    assert [len(one.history) for one in found.tested] == [12, 12, 12]
    assert all(np.intersect1d(one.met, one.items).size == 0 for one in found.tested)
