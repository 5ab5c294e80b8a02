import pytest
from django.db import IntegrityError, transaction

from recommender import artifacts
from recommender.models import VersionState
from recommender.services import activation
from tests import builders
from tests.recommender.services.versions import make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead():
    return builders.make_account(role="lead")


def states(catalog):
    return dict(catalog.backbone_versions.order_by("number").values_list("number", "state"))


def test_activating_retires_the_version_before_and_says_who_did_it(lead):
    catalog = builders.make_catalog()
    first, second = make_version(catalog), make_version(catalog)
    activation.activate(first, by=lead)
    taken = activation.activate(second, by=lead)

    assert states(catalog) == {1: VersionState.RETIRED, 2: VersionState.ACTIVE}
    assert (taken.previous, taken.version, taken.account, taken.kind) == (first, second, lead, "activate")


def test_activating_the_active_version_again_changes_nothing(lead):
    version = make_version(builders.make_catalog())

    assert activation.activate(version, by=lead) == activation.activate(version, by=None)


def test_rolling_back_walks_back_and_stops_at_the_first(lead):
    catalog = builders.make_catalog()
    versions = [make_version(catalog) for _ in range(3)]
    for version in versions:
        activation.activate(version, by=lead)

    assert [activation.roll_back(catalog, by=lead).version for _ in range(2)] == [versions[1], versions[0]]
    assert states(catalog) == {1: VersionState.ACTIVE, 2: VersionState.RETIRED, 3: VersionState.RETIRED}
    with pytest.raises(activation.NothingToRollBackError, match="no earlier version"):
        activation.roll_back(catalog, by=lead)
    assert (
        list(catalog.activations.order_by("pk").values_list("kind", flat=True)) == ["activate"] * 3 + ["roll_back"] * 2
    )


def test_nothing_active_is_nothing_to_roll_back():
    with pytest.raises(activation.NothingToRollBackError):
        activation.roll_back(builders.make_catalog(), by=None)


def test_a_version_without_its_files_is_not_activated(lead):
    catalog = builders.make_catalog()
    first, lost = make_version(catalog), make_version(catalog)
    activation.activate(first, by=lead)
    artifacts.folder_of(lost).rmdir()

    with pytest.raises(activation.ArtifactMissingError, match=lost.artifact):
        activation.activate(lost, by=lead)
    assert states(catalog) == {1: VersionState.ACTIVE, 2: VersionState.CANDIDATE}


def test_the_database_allows_one_active_version_per_catalog():
    catalog = builders.make_catalog()
    make_version(catalog, state=VersionState.ACTIVE)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_version(catalog, state=VersionState.ACTIVE)
    make_version(builders.make_catalog(), state=VersionState.ACTIVE)
