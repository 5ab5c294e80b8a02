"""An erased person is found nowhere, and everybody else goes on as before."""

import hashlib
import json
from pathlib import Path

import pytest
from django.apps import apps

from recommender.artifacts import files
from recommender.erasure import service
from recommender.grounding.sentences import sentences
from recommender.models import (
    EndUser,
    Erasure,
    Interaction,
    LlmCall,
    Round,
    ScoredRating,
    SubjectKind,
    Turn,
    WebhookMessage,
)
from recommender.serving.recommend import recommend
from reviews.models import Decision
from tests.recommender.erasure.conftest import ITEM_TEXT, NICKNAME, PERSON, TEXT, World
from tests.recommender.erasure.everywhere import hits

pytestmark = [pytest.mark.django_db]


# Every table, and what becomes of a person in it. A new one has to be thought about: recommender/erasure/rows.py.
CLEARED = {
    "recommender.EndUser", "recommender.Item", "recommender.Interaction", "recommender.Round", "recommender.Turn",
    "recommender.LlmCall", "recommender.Knowledge", "recommender.KnowledgeSnapshot_knowledge",
    "recommender.TeacherCase", "recommender.KnowledgeVector", "recommender.TeacherCall", "recommender.Recommendation",
    "recommender.ImpactReceipt", "recommender.Rule", "recommender.Statement", "recommender.ScoredList",
    "recommender.Dispute", "recommender.ScoredRating", "recommender.Event", "recommender.IdempotencyKey",
    "recommender.WebhookMessage", "recommender.WebhookDelivery", "recommender.WebhookAttempt",
    "recommender.WatchedList", "recommender.TermVector", "recommender.PhraseMeaning",
    "reviews.Review", "reviews.Slot", "reviews.Skip", "reviews.Decision", "reviews.Undone", "reviews.Unsent",
}  # fmt: skip
SAYS_NOTHING_OF_END_USERS = {
    "recommender.Account", "recommender.Account_groups", "recommender.Account_user_permissions", "recommender.ApiToken",
    "recommender.Activation", "recommender.BackboneVersion", "recommender.Catalog", "recommender.CatalogStamp",
    "recommender.Erasure", "recommender.Experiment",
    "recommender.Evaluation", "recommender.EvaluationFit", "recommender.Examination", "recommender.Grouping",
    "recommender.KnowledgeSnapshot",
    "recommender.Rollout", "recommender.RoundBatch", "recommender.ShadowSample", "recommender.TrainingRun",
    "recommender.TuningRun", "recommender.ScoringRun", "auth.Group", "auth.Group_permissions", "auth.Permission",
    "contenttypes.ContentType",
    "sessions.Session", "recommender.AuditEntry", "axes.AccessAttempt", "axes.AccessLog", "axes.AccessFailureLog",
    "recommender.ThinkrecRun", "recommender.OutsideIdentity", "recommender.RecoveryCode", "recommender.SecondFactor",
    "axes.AccessAttemptExpiration", "reviews.Guideline", "recommender.Account_catalogs",
    "recommender.WebhookEndpoint",
    "recommender.GuardProgress", "recommender.ServedHour", "recommender.Watch", "recommender.Rebuild",
}  # fmt: skip


def test_of_every_table_it_is_known_what_an_erasure_does_with_it() -> None:
    there = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert there == CLEARED | SAYS_NOTHING_OF_END_USERS


def needles(person: EndUser) -> set[str]:
    texts = [TEXT, f"{TEXT} More."]
    hashes = {hashlib.sha256(part.encode()).hexdigest() for text in texts for part in (text, *sentences(text))}
    return {PERSON, NICKNAME, "Zzplanted", "zzstatement"} | hashes


def scores(world: World) -> dict[str, list[tuple[str, float | None]]]:
    others = EndUser.objects.filter(catalog=world.catalog).exclude(pk=world.person.pk).select_related("catalog")
    return {one.external_id: [(i.item_id, i.score) for i in recommend(one, limit=5).items] for one in others}


@pytest.mark.once
def test_nothing_of_an_erased_person_is_found_anywhere(world: World, tmp_path: Path) -> None:
    wanted, mine = needles(world.person), set(world.person.interactions.values_list("pk", flat=True))
    before, found = scores(world), hits(wanted, tmp_path)
    places = {line.partition(":")[0].partition(" ")[0].rpartition("/")[2] for line in found}
    assert places >= {
        "recommender.EndUser", "recommender.Turn", "recommender.LlmCall", "recommender.Knowledge", "reason.jsonl",
        "recommender.KnowledgeVector", "recommender.ImpactReceipt", "recommender.TeacherCall",
        "recommender.ScoredList", "recommender.Dispute", "recommender.Event", "recommender.IdempotencyKey",
        "recommender.WebhookMessage", "recommender.WebhookAttempt",
        "ids.json", "test.npz", "demo.json", "memory",
    }  # fmt: skip

    erasure = service.erase(world.catalog, SubjectKind.END_USER, PERSON, by=world.lead)

    assert scores(world) == before
    assert hits(wanted, tmp_path) == []
    world.version.refresh_from_db()
    assert files.changed_files(world.version) == []
    assert [folder.name for folder in files.folder_for(world.catalog).iterdir()] == [world.version.artifact[6:]]
    assert not [round_.pk for round_ in Round.objects.all() if shows(round_, mine)]
    assert not Interaction.objects.filter(pk__in=mine).exists()
    assert erasure.content["counts"]["ratings"] == len(mine)
    assert erasure.content["counts"]["answers of an AI about ratings"] == 1
    assert not ScoredRating.objects.exists()
    told = [json.loads(one.body) for one in WebhookMessage.objects.filter(type="knowledge.revoked")]
    assert [(one["data"]["cause"], one["data"]["user_id"]) for one in told] == [("erased", None)]
    assert Turn.objects.get(round=world.item_round, index=0).text == ITEM_TEXT
    assert not LlmCall.objects.filter(round=world.item_round).exclude(messages=[]).exists()
    assert Decision.objects.filter(review__round__end_user=world.person).values_list("verdict", "reason").get() == (
        "approve",
        "",
    )
    service.settle(erasure)
    assert hits(wanted, tmp_path) == []
    assert Erasure.objects.get().remaining == {}


def shows(round_: Round, mine: set[int]) -> bool:
    kept = [each for name in ("history", "liker", "disliker") for each in round_.evidence[name]]
    return any(each["interaction_id"] in mine for each in kept)
