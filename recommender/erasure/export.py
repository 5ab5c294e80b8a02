"""Everything that is kept about one person, as one JSON document for them."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.db.models import Min, Prefetch, Q

from recommender.erasure.rows import table
from recommender.grounding.wording import in_words
from recommender.models import (
    Clock,
    Dispute,
    EndUser,
    Event,
    Interaction,
    Knowledge,
    LlmCall,
    Recommendation,
    Round,
    ScoredList,
    ScoredRating,
    TeacherCase,
    Turn,
    WebhookMessage,
)
from recommender.statements import own
from recommender.statements.aspects import aspects_of
from recommender.statements.service import said
from recommender.thinkrec.experts.grouped import Found, GroupingFilesError, load
from recommender.times import written, written_moment

FORMAT = 1
COLUMNS = ("item__external_id", "item__title", "rating", "liked", "moment")


def of_person(end_user: EndUser) -> dict[str, Any]:
    """`end_user.catalog` must be loaded. People who decided are there by their role only."""
    return {
        "format": FORMAT,
        "catalog": end_user.catalog.name,
        "user_id": end_user.external_id,
        "attributes": end_user.attributes,
        "clock": end_user.catalog.clock,
        "ratings": list(_ratings(end_user)),
        "texts": [_round(end_user, each) for each in _rounds(end_user)],
        "in_force": list(_in_force(end_user)),
        "served_lists": list(_lists(end_user)),
        "events": list(_events(end_user)),
        "scored_lists": list(
            ScoredList.objects.filter(end_user=end_user).values(
                "model", "prompt", "as_of", "experts", "items", "created_at"
            )
        ),
        "scored_ratings": list(
            ScoredRating.objects.filter(end_user=end_user).order_by("pk").values("item__external_id", "as_of", "score")
        ),
        "disputes": list(_disputes(end_user)),
        "statements": list(_said(end_user)),
        "messages_to_webhooks": list(_messages(end_user)),
        "groups": list(_groups(end_user)),
        "shown_to_a_teacher": list(
            TeacherCase.objects.filter(end_user=end_user).order_by("pk").values("as_of", "triple", "label", "outcome")
        ),
    }


def _ratings(end_user: EndUser) -> Iterable[dict[str, Any]]:
    met = Interaction.objects.filter(end_user=end_user).with_liked().oldest_first().values_list(*COLUMNS)
    for item_id, title, rating, liked, moment in met:
        told = {"item_id": item_id, "title": title, "rating": rating, "liked": liked, "moment": moment}
        yield told | {"met_at": _at(end_user, moment)}


def _at(end_user: EndUser, moment: int) -> str | None:
    return written_moment(moment, in_seconds=end_user.catalog.clock == Clock.SECONDS)


def _rounds(end_user: EndUser) -> Iterable[Round]:
    calls = LlmCall.objects.order_by("pk")
    turns = Turn.objects.select_related("account").prefetch_related("statements").order_by("index")
    return (
        Round.objects.filter(end_user=end_user)
        .order_by("pk")
        .prefetch_related(Prefetch("turns", turns), Prefetch("calls", calls))
    )


def _round(end_user: EndUser, round_: Round) -> dict[str, Any]:
    decisions = table("reviews.Decision").filter(review__round=round_).select_related("account").order_by("pk")
    return {
        "round": round_.pk,
        "as_of": round_.as_of,
        "as_of_at": _at(end_user, round_.as_of),
        "evidence": round_.evidence,
        "turns": [
            {
                "kind": turn.kind,
                "text": turn.text,
                "verdict": turn.verdict,
                "by": turn.account.role if turn.account else "the AI",
                "at": written(turn.created_at),
                "statements": [
                    {"aspect": one.aspect, "polarity": one.polarity, "strength": one.strength, "quote": one.quote}
                    for one in turn.statements.all()
                    if one.ended_at is None
                ],
            }
            for turn in round_.turns.all()
        ],
        "questions": [
            {"model": call.model, "step": call.step, "messages": call.messages, "answer": call.answer}
            for call in round_.calls.all()
        ],
        "decisions": [
            {"verdict": one.verdict, "reason": one.reason, "by": one.account.role, "at": written(one.created_at)}
            for one in decisions
        ],
    }


def _in_force(end_user: EndUser) -> Iterable[dict[str, Any]]:
    for one in Knowledge.objects.filter(end_user=end_user, in_force=True).order_by("as_of"):
        further = [each["text"] for each in one.further_texts]
        told = {"text": one.text, "further_texts": further, "as_of": one.as_of, "as_of_at": _at(end_user, one.as_of)}
        yield told | {"since": written(one.accepted_at)}


def _lists(end_user: EndUser) -> Iterable[dict[str, Any]]:
    served = Recommendation.objects.filter(end_user=end_user).select_related("backbone", "experiment")
    for one in served.order_by("created_at").iterator(chunk_size=500):
        yield {
            "recommendation_id": str(one.pk),
            "at": written(one.created_at),
            "source": one.source,
            "backbone": one.backbone.number if one.backbone else None,
            "experiment": one.experiment.key if one.experiment else None,
            "variant": one.variant or None,
            "items": one.items,
        }


def _said(end_user: EndUser) -> Iterable[dict[str, Any]]:
    """What they said of themselves, also what they took back."""
    titles = aspects_of(end_user.catalog).title_of
    for one in own.of(end_user).order_by("pk"):
        yield {
            "statement_id": one.pk,
            "aspect": in_words(said(one).aspect, titles),
            "polarity": one.polarity,
            "negated": one.negated,
            "words": one.quote,
            "said_at": written(one.created_at),
            "counts_from": written(one.began_at),
            "ended_at": written(one.ended_at),
            "accepted_by": one.accepted_by.role if one.accepted_by else None,
            "refused_by": one.ended_by.role if one.ended_by else None,
        }


def _disputes(end_user: EndUser) -> Iterable[dict[str, Any]]:
    """What was said against the texts about them, and what they said against others."""
    theirs = Dispute.objects.filter(Q(end_user=end_user) | Q(turn__round__end_user=end_user))
    for one in theirs.order_by("created_at"):
        yield {"at": written(one.created_at), "reason": one.reason, "verdict": one.verdict}


def _events(end_user: EndUser) -> Iterable[dict[str, Any]]:
    columns = ("event_id", "type", "item__external_id", "recommendation", "position", "value", "at")
    for event_id, kind, item_id, listed, *rest in (
        Event.objects.filter(end_user=end_user).order_by("at", "pk").values_list(*columns).iterator(chunk_size=5_000)
    ):
        position, value, at = rest
        said = {"event_id": event_id, "type": kind, "item_id": item_id, "at": written(at)}
        yield said | {"recommendation_id": listed and str(listed), "position": position, "value": value}


def _messages(end_user: EndUser) -> Iterable[dict[str, Any]]:
    """Who was told that something about them happened, and when the first of them took it."""
    taken = {"deliveries__log__status__gte": 200, "deliveries__log__status__lt": 300}
    told = WebhookMessage.objects.filter(end_user=end_user).order_by("created_at")
    for one in told.annotate(taken=Min("deliveries__log__at", filter=Q(**taken))).iterator(chunk_size=5_000):
        first = written(one.taken)
        yield {"at": written(one.created_at), "message": json.loads(one.body), "taken": first}


def _groups(end_user: EndUser) -> Iterable[dict[str, Any]]:
    """Their vector and their group in each grouping whose file can be read."""
    for grouping in end_user.catalog.groupings.exclude(artifact="").order_by("pk"):
        with suppress(GroupingFilesError):
            arrays = load(grouping)
            if (row := arrays.row_of(end_user.pk)) is not None:
                group = Found.from_json(grouping.found).names[arrays.of[row]]
                made = written(grouping.finished_at)
                yield {"made": made, "group": group, "vector": arrays.vectors[row].tolist()}
