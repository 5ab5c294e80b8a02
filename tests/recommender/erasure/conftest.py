"""A person who can be recognised everywhere, and everything that the loop makes of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from recommender.accounts import idempotency
from recommender.accounts.idempotency import Answered
from recommender.accounts.tokens import create_token
from recommender.artifacts import verified
from recommender.events.service import take
from recommender.knowledge import disputes
from recommender.models import (
    Account,
    BackboneVersion,
    Catalog,
    EndUser,
    IdempotencyKey,
    ImpactReceipt,
    LlmCall,
    Recommendation,
    Role,
    Round,
    ScoringRun,
    TeacherCall,
    TeacherCase,
    TuningRun,
    Turn,
    VersionState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEvent,
)
from recommender.recipe import TrainConfig
from recommender.rounds import evidence, service
from recommender.rounds.config import OpenConfig
from recommender.rounds.queries import proposal
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING
from recommender.serving import catalog_index
from recommender.serving.recommend import recommend
from recommender.thinkrec.scoring import lists as scored_lists
from recommender.thinkrec.scoring import ratings as scored_ratings
from recommender.thinkrec.scoring.lists import ScoredItem
from recommender.tuning import service as tuning
from recommender.webhooks import service as webhooks
from reviews.lessons import training_sets
from reviews.models import Review
from reviews.room import decisions, leases
from reviews.room.decisions import Seen
from reviews.room.opening import open_review
from tests import builders
from tests.carried_out import carried_out
from tests.recommender.training import synthetic

PERSON, NICKNAME = "zz/planted person é", "zzplantednick"
TEXT = "Zzplanted rain; zzstatement two. Zzstatement three."
CRITIQUE, REASON, ITEM_TEXT = "Zzcritique it is.", "Zzreason of hers.", "People who met it like westerns."
QUICK = TrainConfig(
    epochs=1, patience=1, embedding=4, history=5, head=(8,), adapter_hidden=8, adapter_width=4, statements=True
)


@dataclass
class World:
    catalog: Catalog
    person: EndUser
    item_round: Round
    lead: Account
    version: BackboneVersion


@pytest.fixture
def world(db: None, settings: Any, tiny_encoder: str, tmp_path: Path) -> Iterator[World]:
    settings.ENCODER, settings.VAR_DIR = tiny_encoder, tmp_path
    verified.LOADED.clear()  # what other tests left in memory is not this world's
    catalog_index.KEPT.clear()
    catalog = synthetic.in_database("films", end_users=12, items=24, each=16)
    person = catalog.end_users.order_by("pk")[5]
    EndUser.objects.filter(pk=person.pk).update(external_id=PERSON, attributes={"nickname": NICKNAME, "age": 44})
    lead = builders.make_account("lena", role=Role.LEAD)
    webhooks.add(catalog, "https://shop.example/hooks", WebhookEvent.values, by=lead)
    asked = OpenConfig(subjects="all", limit=100, window="latest")
    service.open_rounds(catalog, asked)
    item_round = _round_that_shows(catalog, person)
    for round_ in Round.objects.exclude(pk=item_round.pk):
        about = TEXT if round_.end_user_id == person.pk else f"Text number {round_.pk}."
        _write(round_, about)
        review = open_review(round_)
        if round_.end_user_id == person.pk or round_.pk % 3 == 0:
            _approve(review, lead)
    _write(item_round, ITEM_TEXT)
    _approve(open_review(item_round), lead)
    version = carried_out(runs.request(TRAINING, queue=False, catalog=catalog, config=QUICK.to_json())).version
    BackboneVersion.objects.update(state=VersionState.ACTIVE)
    _teach(catalog, person)
    _tune(catalog)
    biggest = [{"user_id": PERSON, "overlap": 0.1, "entered": ["i001"], "left": ["i002"]}]
    ImpactReceipt.objects.create(version=version, content={"lists": {"biggest": biggest}})
    _score(version, person)
    _dispute(person, item_round)
    (tmp_path / "demo.json").write_text(json.dumps({"catalog": "films", "user_id": PERSON}))
    for one in EndUser.objects.filter(catalog=catalog).select_related("catalog"):
        recommend(one, limit=5, level="full")
    _tell(catalog, lead)
    _answer(person)
    yield World(catalog, EndUser.objects.select_related("catalog").get(pk=person.pk), item_round, lead, version)
    verified.LOADED.clear()
    catalog_index.KEPT.clear()


def _tell(catalog: Catalog, lead: Account) -> None:
    """A click of the person, and an answer that is kept and names them."""
    listed = Recommendation.objects.filter(end_user__external_id=PERSON).latest("created_at")
    clicked = {
        "event_id": f"event of {PERSON}",
        "type": "click",
        "user_id": PERSON,
        "recommendation_id": str(listed.pk),
    }
    assert take(catalog, [clicked | {"item_id": listed.items[0]["item_id"]}]).accepted == 1
    row = idempotency.begin(create_token("shop", account=lead)[0], "key")
    assert isinstance(row, IdempotencyKey)
    idempotency.finish(row, Answered("", 200, "application/json", PERSON))


def _answer(person: EndUser) -> None:
    """What a receiver said to a message about them."""
    delivery = WebhookDelivery.objects.filter(message__end_user=person).latest("pk")
    WebhookAttempt.objects.create(delivery=delivery, at=timezone.now(), status=500, duration_ms=1, answer=PERSON)


def _round_that_shows(catalog: Catalog, person: EndUser) -> Round:
    mine = set(person.interactions.values_list("pk", flat=True))
    for round_ in Round.objects.filter(catalog=catalog, end_user=None):
        shown = [*round_.evidence["liker"], *round_.evidence["disliker"]]
        if any(met["interaction_id"] in mine for met in shown):
            return round_
    raise AssertionError("the sizes must be such that some item shows the person")


def _write(round_: Round, text: str) -> None:
    """A text, a check of it, another text and a check, as the LLMs would have written them."""
    rationale = None
    for index, (kind, said) in enumerate((("reason", text), ("reflect", CRITIQUE), ("refine", f"{text} More."))):
        call = LlmCall.objects.create(
            round=round_,
            turn_index=index,
            messages=[{"role": "user", "content": f"{json.dumps(round_.evidence)} {text}"}],
            answer=said,
            parameters={},
            request_id=f"zzrequest-{round_.pk}",
        )
        turn = Turn.objects.create(
            round=round_,
            index=index,
            kind=kind,
            text=said,
            text_hash=service.text_hash(said),
            verdict="not_reasonable" if kind == "reflect" else "",
            about=rationale,
            call=call,
        )
        rationale = rationale or turn
    Round.objects.filter(pk=round_.pk).update(state="resting", rest_reason="budget")
    round_.refresh_from_db()


def _approve(review: Review, account: Account) -> None:
    now = timezone.now()
    slot = leases.take(review, account=account, now=now)
    assert slot is not None
    standing = proposal(review.round)
    assert standing is not None
    decisions.decide(
        review,
        account=account,
        verdict="approve",
        seen=Seen(review.version, review.round.turns.count(), standing.text_hash),
        lease_token=slot.lease_token,
        reason=REASON,
        now=now,
    )


def _teach(catalog: Catalog, person: EndUser) -> None:
    (shown,) = evidence.of_end_users(catalog, [person.pk])
    target = person.interactions.order_by("moment").last()
    assert target is not None
    triple = {
        "subject": shown.subject.to_json(),
        "target_title": "Film 1",
        "target_attributes": {},
        "target_history": [],
    }
    case = TeacherCase.objects.create(
        catalog=catalog, end_user=person, target=target, as_of=shown.as_of, triple=triple, label=True
    )
    TeacherCall.objects.create(case=case, step="reason", messages=[], answer=TEXT, parameters={})


def _score(version: BackboneVersion, person: EndUser) -> None:
    """A list of hers as worker.scoring leaves it, with what an LLM reasoned about her."""
    run = ScoringRun.objects.create(catalog=version.catalog, config={}, state="done")
    item = ScoredItem("i001", 1.0, 1.0, 0.7, text=TEXT, verdict="yes")
    known = [("i002", True, 1)]
    told: dict[str, Any] = {"model": "m", "prompt": ("reason/v1", "0"), "knowledge": None, "with_preference": False}
    scored_lists.store(run, person, [item], backbone=version, history=known, **told)
    rated = person.interactions.latest("moment").item_id
    scored_ratings.store(run, "s", person.pk, 1, {rated: 1.0})


def _dispute(person: EndUser, item_round: Round) -> None:
    """What is wrong about her, and what she says is wrong about an item."""
    for round_ in (Round.objects.filter(end_user=person).first(), item_round):
        assert round_ is not None
        disputes.dispute(round_.turns.earliest("index"), reason=f"Zzplanted {NICKNAME}", end_user=person)


def _tune(catalog: Catalog) -> None:
    """An adapter as worker.tuning leaves it, without the weights."""
    run = TuningRun.objects.create(catalog=catalog, role="actor", config={}, artifact=f"{catalog.name}/1", state="done")
    folder = tuning.folder_of(run)
    training_sets.export(catalog, folder / "data", formats=["jsonl"])
    (folder / "adapter.json").write_text(json.dumps({"name": run.adapter_name, "data_sha256": "0"}))
