"""A canary answers its own end users, always the same ones; when it fails nobody loses a list, and it is stopped."""

import shutil
import uuid
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from recommender.accounts.tokens import create_token
from recommender.artifacts import files, ranker, verified
from recommender.models import (
    AuditEntry,
    AuditEvent,
    BackboneVersion,
    Catalog,
    EndUser,
    Recommendation,
    Role,
    Rollout,
    VersionState,
)
from recommender.serving.recommend import preview, recommend
from recommender.serving.rollout import RunningRollout, active_in, place_of
from tests.builders import make_account
from tests.recommender.promotion.versions import make_version
from tests.recommender.serving.ranked import activate, trained


@pytest.fixture
def candidate(ranked: Catalog) -> BackboneVersion:
    version = make_version(ranked)
    shutil.copytree(trained(), files.folder_of(version), dirs_exist_ok=True)
    return version


def tried(version: BackboneVersion, *, mode: str = "canary", share: float = 1.0, salt: str = "salt") -> Rollout:
    return Rollout.objects.create(catalog=version.catalog, version=version, mode=mode, share=share, salt=salt)


def numbers(catalog: Catalog) -> dict[str, int]:
    """The version that answers each end user."""
    found = {}
    for end_user in catalog.end_users.select_related("catalog"):
        served = recommend(end_user, limit=3)
        assert served.backbone is not None
        found[end_user.external_id] = served.backbone.number
    return found


def test_a_share_of_the_end_users_gets_the_canary_and_always_the_same_ones(
    ranked: Catalog, candidate: BackboneVersion
) -> None:
    rollout = tried(candidate, share=0.4)
    first, again = numbers(ranked), numbers(ranked)
    Rollout.objects.filter(pk=rollout.pk).update(share=0.8)
    wider = numbers(ranked)

    assert first == again
    assert 0 < sum(number == 2 for number in first.values()) < 30
    assert {name for name, number in first.items() if number == 2} < {name for name, n in wider.items() if n == 2}
    assert Recommendation.objects.filter(backbone=candidate).exists()


def test_places_are_spread_evenly_and_depend_on_catalog_end_user_and_salt(ranked: Catalog) -> None:
    places = [place_of(EndUser(catalog=ranked, external_id=str(n)), "salt") for n in range(2000)]
    one = EndUser(catalog=ranked, external_id="1")

    assert 0.45 < sum(place < 0.5 for place in places) / 2000 < 0.55
    assert all(0 <= place < 1 for place in places)
    assert place_of(one, "salt") == places[1]
    assert place_of(one, "other") != places[1]
    assert place_of(EndUser(catalog=Catalog(name="other"), external_id="1"), "salt") != places[1]


def test_a_page_that_previews_shows_what_the_end_user_would_get(candidate: BackboneVersion, reader: EndUser) -> None:
    tried(candidate)

    assert preview(reader, limit=3).backbone == candidate
    assert not Recommendation.objects.exists()


@pytest.mark.parametrize("harm", ["missing", "wrong scores"])
def test_a_canary_that_fails_is_stopped_and_the_active_version_answers(
    candidate: BackboneVersion, reader: EndUser, harm: str
) -> None:
    rollout = tried(candidate)
    if harm == "missing":
        (files.folder_of(candidate) / "model.onnx").unlink()
    else:
        golden = files.folder_of(candidate) / "golden.json"
        golden.write_text(golden.read_text().replace('"scores": [0.', '"scores": [0.9'))
    served = recommend(reader, limit=3)
    rollout.refresh_from_db()

    assert served.backbone is not None
    assert (served.source, served.backbone.number, served.degraded) == ("backbone", 1, False)
    assert rollout.end_reason.startswith("Stopped by itself: it could not answer a request. ")
    assert rollout.ended_at is not None
    assert active_in(reader.catalog).rollout is None
    recommend(reader, limit=3)
    entry = AuditEntry.objects.get()
    assert (entry.event, entry.name, entry.about) == ("rollout_ended", "", str(candidate))
    assert entry.details == rollout.end_reason[:300]


def test_who_asked_when_it_stopped_did_not_stop_it(candidate: BackboneVersion, reader: EndUser, client: Client) -> None:
    tried(candidate)
    (files.folder_of(candidate) / "model.onnx").unlink()
    _, key = create_token("shop", account=make_account("pam", role=Role.PM))
    address = reverse("api:recommendations", args=[reader.catalog.name, reader.external_id])
    assert client.get(address, headers={"Authorization": f"Bearer {key}"}).status_code == 200
    entry = AuditEntry.objects.get(event=AuditEvent.ROLLOUT_ENDED)
    assert (entry.account, entry.name, entry.address) == (None, "", None)


def test_scores_that_are_not_numbers_are_no_answer(
    candidate: BackboneVersion, reader: EndUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = tried(candidate)
    loaded = {version.pk: verified.load(version) for version in BackboneVersion.objects.all()}
    score = ranker.Ranker.score

    def broken(self: ranker.Ranker, *arguments: object, **choices: object) -> object:
        scores = score(self, *arguments, **choices)  # type: ignore[arg-type]
        return scores * float("nan") if self is loaded[candidate.pk] else scores

    monkeypatch.setattr(ranker.Ranker, "score", broken)
    served = recommend(reader, limit=3)
    rollout.refresh_from_db()

    assert served.backbone is not None
    assert served.backbone.number == 1
    assert "scores that are not numbers" in rollout.end_reason


def test_who_ranks_is_one_question_whatever_is_tried(
    ranked: Catalog, candidate: BackboneVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for share in (0.1, 0.2):
        tried(candidate, share=share).delete()
    with django_assert_num_queries(1):
        alone = active_in(ranked)
    tried(candidate, mode="shadow", share=0.3)
    with django_assert_num_queries(1):
        beside = active_in(ranked)
        assert beside.rollout is not None
        assert beside.rollout.version.snapshot.number == 1

    assert alone.version is not None
    assert (alone.version.number, alone.rollout) == (1, None)
    assert (beside.rollout.version, beside.rollout.mode, beside.rollout.share) == (candidate, "shadow", 0.3)


def test_without_an_active_version_nothing_is_tried(ranked: Catalog, candidate: BackboneVersion) -> None:
    tried(candidate)
    BackboneVersion.objects.filter(number=1).update(state=VersionState.RETIRED)

    assert active_in(ranked).rollout is None


def test_a_shadow_takes_its_share_of_the_requests(candidate: BackboneVersion) -> None:
    rollout = tried(candidate, mode="shadow", share=0.25)
    running = RunningRollout(rollout.pk, candidate, rollout.mode, rollout.share, rollout.salt)
    taken = sum(running.shadows(uuid.uuid4()) for _ in range(4000))

    assert 800 < taken < 1200


def test_rolled_back_the_version_before_is_still_in_memory(ranked: Catalog, reader: EndUser) -> None:
    preview(reader, limit=1)
    BackboneVersion.objects.update(state=VersionState.RETIRED)
    activate(ranked)
    preview(reader, limit=1)
    BackboneVersion.objects.filter(number=2).update(state=VersionState.RETIRED)
    BackboneVersion.objects.filter(number=1).update(state=VersionState.ACTIVE)
    moved = Path(f"{files.folder_of(BackboneVersion.objects.get(number=1))}-away")
    files.folder_of(BackboneVersion.objects.get(number=1)).rename(moved)
    served = preview(reader, limit=1)

    assert served.backbone is not None
    assert (served.source, served.backbone.number) == ("backbone", 1)
