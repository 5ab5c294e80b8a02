"""Shadows and canaries: one at a time, only where it may be, the same end users at every share."""

import pytest
from django.db import IntegrityError, transaction

from recommender.artifacts import files
from recommender.models import Rollout, RolloutMode, VersionState
from recommender.promotion import activation, rollouts
from recommender.promotion.rollouts import RolloutRefusedError
from tests import builders
from tests.recommender.promotion.versions import examined, make_version

pytestmark = pytest.mark.django_db
SHADOW, CANARY = RolloutMode.SHADOW, RolloutMode.CANARY


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def catalog():
    catalog = builders.make_catalog()
    make_version(catalog, state=VersionState.ACTIVE)
    return catalog


@pytest.fixture
def candidate(catalog):
    return make_version(catalog)


def start(version, mode=SHADOW, share=0.1, by=None):
    return rollouts.start(version, mode=mode, share=share, by=by)


def test_a_changed_share_or_mode_goes_on_with_the_same_end_users_and_leaves_a_trail(candidate):
    examined(candidate)
    first, again = start(candidate), start(candidate)
    wider, canary = start(candidate, share=0.5), start(candidate, CANARY, share=0.5)
    first.refresh_from_db()

    assert again == first
    assert {first.salt} == {one.salt for one in (wider, canary)}
    assert first.ended_at is not None
    assert Rollout.objects.get(ended_at=None) == canary
    assert Rollout.objects.count() == 3


def test_after_a_stop_the_same_version_starts_with_the_same_end_users(candidate):
    first = start(candidate)
    assert rollouts.stop(first, by=None)

    assert not rollouts.stop(first, by=None)
    assert start(candidate).salt == first.salt


def test_one_at_a_time_in_a_catalog(catalog, candidate):
    start(candidate)
    other = make_version(catalog)

    with pytest.raises(RolloutRefusedError, match="Version 2 is being tried"):
        start(other)
    with pytest.raises(IntegrityError), transaction.atomic():
        Rollout.objects.create(catalog=catalog, version=other, mode=SHADOW, share=0.1, salt="s")


@pytest.mark.parametrize("share", [0, -0.1, 1.1])
def test_a_share_is_a_share(candidate, share):
    with pytest.raises(RolloutRefusedError, match="above 0 %"):
        start(candidate, share=share)
    with pytest.raises(IntegrityError), transaction.atomic():
        Rollout.objects.create(catalog=candidate.catalog, version=candidate, mode=SHADOW, share=share, salt="s")


def test_a_canary_needs_gates_that_have_not_failed_and_a_shadow_needs_none(candidate):
    with pytest.raises(RolloutRefusedError, match="have not been measured yet"):
        start(candidate, CANARY)
    examined(candidate, latency="failed")
    with pytest.raises(RolloutRefusedError, match="It failed Fast enough"):
        start(candidate, CANARY)
    examined(candidate, gauc="unsure")

    assert start(candidate, SHADOW).mode == SHADOW
    assert start(candidate, CANARY).mode == CANARY


def test_there_must_be_another_active_version(catalog, candidate):
    active = catalog.backbone_versions.get(number=1)
    with pytest.raises(RolloutRefusedError, match="active already"):
        start(active)
    active.state = VersionState.RETIRED
    active.save()

    with pytest.raises(RolloutRefusedError, match="No version is active"):
        start(candidate)


def test_a_version_without_its_files_is_not_tried(candidate):
    files.folder_of(candidate).rmdir()

    with pytest.raises(RolloutRefusedError, match="files are missing"):
        start(candidate)


@pytest.mark.parametrize("rolls_back", [False, True])
def test_whatever_takes_over_ends_what_is_being_tried(catalog, candidate, rolls_back):
    lead = builders.make_account(role="lead")
    other = make_version(catalog)
    examined(other)
    if rolls_back:
        activation.activate(other, by=lead)
        running = start(candidate)
        activation.roll_back(catalog, by=lead)
    else:
        running = start(other)
        activation.activate(other, by=lead)
    running.refresh_from_db()

    assert (running.ended_at is not None, running.ended_by) == (True, lead)
    assert running.end_reason == f"Version {1 if rolls_back else other.number} was activated."
