"""A round's page and its review say which versions use its text, and what the rebuild it came in with changed."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recommender.knowledge.service import reject
from recommender.knowledge.snapshots import freeze
from recommender.models import Activation, VersionState
from recommender.recipe import TrainConfig
from reviews.models import Verdict
from reviews.room.use import use_of
from tests import builders
from tests.recommender.promotion.versions import make_version
from tests.reviews.approved import make_decision, make_receipt
from tests.reviews.pages.test_backbones import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalog(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    return builders.make_catalog("films")


@pytest.fixture
def before(catalog):
    return make_version(catalog, state=VersionState.ACTIVE)


@pytest.fixture
def review(before, catalog):
    return make_decision(builders.make_end_user(catalog), Verdict.APPROVE, by="rita")


def pass_and_activate(version, instead_of=None):
    if instead_of:
        type(version).objects.filter(pk=instead_of.pk).update(state=VersionState.RETIRED)
    type(version).objects.filter(pk=version.pk).update(state=VersionState.ACTIVE)
    return Activation.objects.create(catalog=version.catalog, version=version, previous=instead_of, kind="activate")


def page(client, review, *, role="lead", name="review"):
    client.force_login(builders.make_account(role=role))
    of = review.round_id if name == "round" else review.pk
    response = client.get(reverse(f"reviews:{name}", args=[of]))
    assert response.status_code == 200
    return response.content.decode()


def test_a_text_in_use_names_version_moment_and_changed_lists(client, before, catalog, review):
    version = make_version(catalog)
    make_receipt(version, before)
    moment = pass_and_activate(version, before).created_at
    for name in ("review", "round"):
        html = page(client, review, name=name)
        shown = text(html)

        assert f"In use: model 2 , active since {moment:%-d %b %Y, %H:%M}, was trained with it." in shown
        assert "10 of 40 lists differ with that model from those before; 2 other texts were new in it too" in shown
        assert f'href="{reverse("reviews:backbone", args=[version.pk])}#receipt"' in html


def test_an_annotator_reads_it_without_links_to_pages_they_may_not_see(client, before, catalog, review):
    version = make_version(catalog)
    make_receipt(version, before)
    pass_and_activate(version, before)
    html = page(client, review, role="annotator")

    assert "In use: model 2, active since" in text(html)
    assert "10 of 40 lists" in text(html)
    assert "/backbones/" not in html


def test_a_text_that_no_version_knows_waits_for_the_next(client, review):
    assert "The next model that is trained will be the first to use it." in text(page(client, review))


def test_a_version_trained_on_a_control_used_no_text(client, catalog, review):
    version = make_version(catalog)
    version.config = TrainConfig(knowledge_source="shuffled").to_json()
    version.save()

    assert use_of(review.round).first is None
    version.config = {"backbone": "din"}  # of a release before there were controls
    version.save()
    assert use_of(review.round).first == version


def test_a_candidate_with_it_is_named_beside_the_version_without_it(client, before, catalog, review):
    version = make_version(catalog)
    shown = text(page(client, review))
    make_receipt(version, before)
    with_receipt = text(page(client, review, role="annotator"))

    assert "The active model was trained without it." in shown
    assert "Model 2 was the first with it." in shown
    assert "lists" not in shown
    assert "10 of 40 lists would differ" in with_receipt


def test_the_receipt_is_that_of_the_first_version_with_it(client, before, catalog, review):
    first, second = make_version(catalog), make_version(catalog)
    make_receipt(first, before)
    make_receipt(second, first, changed=33)
    pass_and_activate(second, before)
    shown = text(page(client, review))

    assert "In use: model 3 , active since" in shown
    assert "Model 2 was the first with it." in shown
    assert "10 of 40 lists" in shown
    assert "33 of 40" not in shown


def test_a_rejected_text_says_which_version_still_has_it(client, before, catalog, review):
    pass_and_activate(make_version(catalog), before)
    reject(review.round.turns.get(index=2))
    shown = text(page(client, review, name="round"))

    assert f"Not in use any more since {timezone.now():%-d %b %Y}" in shown
    assert "Model 2 , which is active, was trained with it." in shown


def test_a_round_nobody_approved_says_nothing(client, catalog):
    review = builders.make_review(subject=builders.make_end_user(catalog))
    freeze(catalog, encoder="minilm")

    assert use_of(review.round) is None
    assert "What became of this text" not in page(client, review, name="round")
