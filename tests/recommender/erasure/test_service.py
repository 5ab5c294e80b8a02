"""Erasing: whoever is at it meanwhile, twice, an item, and what stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from recommender.erasure import queries, retention, service
from recommender.events.service import take
from recommender.knowledge.proposals import as_proposed
from recommender.models import (
    Catalog,
    EndUser,
    Erasure,
    Interaction,
    Item,
    LlmCall,
    Recommendation,
    RestReason,
    Round,
    RoundState,
    RunState,
    SubjectKind,
    Turn,
    WebhookDelivery,
)
from recommender.rounds import evidence, leases
from recommender.rounds.leases import Entry
from recommender.runs import leases as run_leases
from recommender.runs import service as runs
from recommender.runs.errors import StoppedError
from recommender.runs.kinds import TRAINING
from recommender.serving.recommend import recommend
from recommender.webhooks import service as webhooks
from reviews.lessons import rows as lessons
from reviews.models import Review, Verdict
from reviews.room import decisions
from reviews.room import leases as slots
from reviews.room.decisions import Seen
from tests import builders
from tests.reviews.approved import make_decision
from worker.tasks import open_missing_reviews

pytestmark = pytest.mark.django_db
USER, ITEM = SubjectKind.END_USER, SubjectKind.ITEM


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def films() -> Catalog:
    """Ann and Bob met three films each, the same ones."""
    catalog = builders.make_catalog("films")
    items = [builders.make_item(catalog, f"Film {n}", external_id=f"f{n}") for n in range(4)]
    for name, rating in (("ann", 5.0), ("bob", 1.0)):
        end_user = builders.make_end_user(catalog, name, attributes={"age": 30})
        for moment, item in enumerate(items[:3], start=10):
            builders.make_interaction(end_user, item, rating=rating, moment=moment)
    return catalog


def ann(catalog: Catalog) -> EndUser:
    return EndUser.objects.select_related("catalog").get(catalog=catalog, external_id="ann")


def round_about(item: Item, **fields: Any) -> Round:
    (shown,) = evidence.of_items(item.catalog, [item.pk])
    return builders.make_round(item, ("reason", "Loved by fans."), evidence=shown.subject.to_json(), **fields)


def call(round_: Round, index: int = 0) -> LlmCall:
    said = [{"role": "user", "content": f"{round_.evidence}"}]
    return LlmCall(round=round_, turn_index=index, messages=said, answer="Zz said.", parameters={}, prompt_tokens=7)


def test_a_second_erasure_returns_the_first_receipt_and_an_unknown_id_none(films: Catalog) -> None:
    first = service.erase(films, USER, "ann")

    assert service.erase(films, USER, "ann") == first
    assert "ann" not in f"{first.content} {first.digest} {first.remaining}"
    assert queries.find(films, USER, "ann") is None
    assert list(films.end_users.values_list("external_id", flat=True)) == ["bob"]
    with pytest.raises(service.UnknownSubjectError):
        service.erase(films, USER, "carl")
    with pytest.raises(service.UnknownSubjectError):
        service.erase(builders.make_catalog("books"), USER, "ann")


def test_a_text_about_an_item_stays_without_the_fan_in_its_evidence(films: Catalog) -> None:
    round_ = round_about(films.items.get(external_id="f2"))
    call(round_).save()
    assert round_.evidence["liker"]
    assert round_.evidence["disliker"]

    erasure = service.erase(films, USER, "ann")

    round_.refresh_from_db()
    assert (round_.evidence["liker"], len(round_.evidence["disliker"])) == ([], 3)
    assert (round_.turns.get().text, round_.calls.get().messages, round_.calls.get().answer) == (
        "Loved by fans.",
        [],
        "",
    )
    assert erasure.content["training_rows"] == {"rounds": [round_.pk], "cases": []}


@pytest.mark.parametrize("about", ["her", "an item"])
def test_a_worker_that_asks_meanwhile_stores_what_it_cost_and_no_word(films: Catalog, about: str) -> None:
    item = films.items.get(external_id="f2")
    round_ = builders.make_round(ann(films)) if about == "her" else round_about(item, state=RoundState.WAITING)
    before = call(round_)
    assert leases.take([round_.pk], token="t")
    service.erase(films, USER, "ann")

    turn = Turn(round=round_, index=5, kind="reason", text="Zz of hers.", text_hash="h")
    assert leases.store([Entry(round_.pk, call=before, turn=turn)], token="t") == [False]

    stored = LlmCall.objects.get()
    assert (stored.messages, stored.answer, stored.prompt_tokens) == ([], "", 7)
    assert not Turn.objects.filter(text__startswith="Zz").exists()
    round_.refresh_from_db()
    assert (round_.state, round_.rest_reason) == (
        (RoundState.RESTING, RestReason.ERASED) if about == "her" else (RoundState.WAITING, "")
    )
    assert bool(leases.take([round_.pk], token="u")) == (about == "an item")


def test_an_annotator_who_has_the_card_open_comes_too_late(films: Catalog) -> None:
    annotator = builders.make_account("rita")
    review = builders.make_review(subject=ann(films))
    slot = slots.take(review, account=annotator, now=timezone.now())
    assert slot is not None
    shown = review.round.turns.get(index=2)
    service.erase(films, USER, "ann")

    with pytest.raises(slots.StaleReviewError):
        decisions.decide(
            review,
            account=annotator,
            verdict="approve",
            seen=Seen(review.version, 4, shown.text_hash),
            lease_token=slot.lease_token,
            now=timezone.now(),
        )


def test_a_decided_text_cannot_come_into_force_again(films: Catalog) -> None:
    review = make_decision(ann(films), Verdict.APPROVE, by="rita")
    account, slot = review.decisions.get().account, review.slots.get()
    service.erase(films, USER, "ann")
    assert not decisions.reopen(review, account=account, now=timezone.now())
    Review.objects.update(state="open", version=9)  # as if it had been on somebody's screen
    for verdict in ("approve", "edit", "override"):
        with pytest.raises(slots.StaleReviewError):
            decisions.decide(
                review,
                account=account,
                verdict=verdict,
                seen=Seen(9, 4, ""),
                lease_token=slot.lease_token,
                text="Again.",
                now=timezone.now(),
            )
    assert not as_proposed(films)
    assert not list(lessons.of_catalog(films))


def test_what_was_erased_gets_no_review(films: Catalog) -> None:
    builders.make_round(ann(films), ("reason", "Likes films."))
    service.erase(films, USER, "ann")
    open_missing_reviews()
    assert not Round.objects.exclude(review=None).exists()


def test_a_computation_that_has_read_them_begins_again(films: Catalog) -> None:
    run = runs.request(TRAINING, queue=False, catalog=films, config={})
    claimed = run_leases.claim(TRAINING, run.pk)
    assert claimed is not None
    service.erase(films, USER, "ann")

    with pytest.raises(StoppedError):
        run_leases.finish(claimed)
    run.refresh_from_db()
    assert run.state == RunState.WAITING


def test_what_was_under_way_is_cleared_when_the_erasure_settles(films: Catalog) -> None:
    reader = ann(films)
    shown = evidence.of_items(films, [films.items.get(external_id="f2").pk])[0].subject.to_json()
    erasure = service.erase(films, USER, "ann")
    recommend(reader, limit=2)  # by a request that had found her already
    late = builders.make_round(films.items.get(external_id="f2"), ("reason", "Late."), evidence=shown)
    assert service.settle_due() == 0
    Erasure.objects.update(created_at=datetime(2026, 1, 1, tzinfo=UTC))

    assert service.settle_due() == 1

    late.refresh_from_db()
    erasure.refresh_from_db()
    assert late.evidence["liker"] == []
    assert Recommendation.objects.get().items == []
    assert erasure.settled_at
    assert erasure.remaining == {}
    assert service.settle_due() == 0


def test_an_item_leaves_ratings_lists_and_evidence(films: Catalog) -> None:
    about_her = builders.make_round(
        ann(films),
        ("reason", "Likes them all."),
        evidence=evidence.of_end_users(films, [ann(films).pk])[0].subject.to_json(),
    )
    titles = [met["title"] for met in about_her.evidence["history"]]
    gone = films.items.get(title=titles[0])
    other = next(item for item in films.items.all() if item.title not in titles)
    recommend(ann(films), limit=3)
    Recommendation.objects.update(items=[{"item_id": i.external_id, "rank": 1, "score": 1.0} for i in (gone, other)])

    service.erase(films, ITEM, gone.external_id)

    about_her.refresh_from_db()
    assert [met["title"] for met in about_her.evidence["history"]] == titles[1:]
    assert [one["item_id"] for one in Recommendation.objects.get().items] == [other.external_id]
    assert Interaction.objects.count() == 4
    assert gone.external_id not in [item.item_id for item in recommend(ann(films), limit=4).items]


def test_old_events_go_and_what_became_of_opinions_stays(films: Catalog, settings: Any) -> None:
    met = Interaction.objects.count()
    item = films.items.first()
    assert item is not None
    said = {"user_id": "ann", "item_id": item.external_id, "time": "2026-01-01"}
    assert take(films, [said | {"event_id": "1", "type": "like"}, said | {"event_id": "2", "type": "click"}]).accepted
    later = datetime.now(UTC) + timedelta(days=31)
    assert retention.clear_old(later)["events"] == 0
    settings.KEEP_EVENTS_DAYS = 30
    assert retention.clear_old(later)["events"] == 2
    assert Interaction.objects.count() == met + 1


def test_old_messages_to_webhooks_go_with_their_log(films: Catalog) -> None:
    webhooks.ping(webhooks.add(films, "https://shop.example/", ["round.rested"], by=None)[0])
    now = datetime.now(UTC)
    assert retention.clear_old(now + timedelta(days=29))["messages to webhooks"] == 0
    assert retention.clear_old(now + timedelta(days=31))["messages to webhooks"] == 1
    assert not WebhookDelivery.objects.exists()


NOTHING = {"served lists": 0, "events": 0, "messages to webhooks": 0, "calls": 0, "answers": 0}


def test_what_is_older_than_the_settings_say_is_cleared_and_its_cost_stays(films: Catalog, settings: Any) -> None:
    settings.KEEP_SERVED_DAYS, settings.KEEP_CALLS_DAYS = 30, 60
    waiting, rested = builders.make_round(ann(films)), builders.make_round(ann(films), ("reason", "Yes."), as_of=5)
    for round_ in (waiting, rested):
        call(round_).save()
    recommend(ann(films), limit=2)
    now = datetime(2026, 5, 4, tzinfo=UTC)
    Recommendation.objects.update(created_at=datetime(2026, 4, 1, tzinfo=UTC))
    LlmCall.objects.update(created_at=datetime(2026, 4, 1, tzinfo=UTC))
    assert retention.clear_old(now) == NOTHING | {"served lists": 1, "calls": 0}

    settings.KEEP_CALLS_DAYS = 20
    assert retention.clear_old(now) == NOTHING | {"served lists": 0, "calls": 1}
    assert retention.clear_old(now) == NOTHING | {"served lists": 0, "calls": 0}
    assert (rested.calls.get().messages, rested.calls.get().prompt_tokens) == ([], 7)
    assert waiting.calls.get().messages
