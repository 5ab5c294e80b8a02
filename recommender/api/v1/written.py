"""Lists as JSON, written by hand: the serializers that describe them take longer than ranking does.

A test holds both against each other, so that the schema stays what is answered.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from recommender import times
from recommender.models import Clock
from recommender.serving.served import Served, ServedItem
from recommender.serving.types import (
    Explanation,
    HistoryReason,
    KeptAway,
    Moment,
    OwnStatementReason,
    Reason,
    RuleReason,
    ScoredReason,
    StatementReason,
    StatisticReason,
    TextStatement,
    ToldReason,
    UserTextReason,
)

ALWAYS = ("item_id", "rank")
Json = dict[str, Any]


def a_list(served: Served, *, fields: Collection[str] | None = None) -> Json:
    """RecommendationsSerializer's. `fields`: what to say of each item beside ALWAYS; None: all."""
    backbone, about, as_of = served.backbone, served.about, served.as_of
    return {
        "recommendation_id": None if served.recommendation_id is None else str(served.recommendation_id),
        "catalog": served.catalog,
        "user_id": served.user_id,
        "scenario": served.scenario,
        "source": served.source,
        "score_kind": served.score_kind,
        "degraded": served.degraded,
        "degraded_code": None if served.degraded_code is None else served.degraded_code.value,
        "degraded_reason": served.degraded_reason,
        "backbone": backbone and {"version": backbone.number, "architecture": backbone.architecture},
        "knowledge_snapshot": served.knowledge_snapshot,
        "as_of": _at(as_of),
        "as_of_order": None if as_of is None else as_of.order,
        "generated_at": times.written(served.generated_at),
        "explain": served.explain,
        "min_review": served.min_review,
        "user_explanation": _text(about.text),
        "user_explanation_status": about.status,
        "kept_away": [_kept_away(one) for one in served.kept_away],
        "items": [_item(item, fields) for item in served.items],
        "notices": [{"code": one.code.value, "detail": one.detail} for one in served.notices],
        "understood": [
            {"aspect": one.aspect, "polarity": one.polarity, "quote": one.quote, "meets": one.meets}
            for one in served.understood
        ],
        "experiment": served.experiment or None,
        "variant": served.variant or None,
        "next_cursor": served.next_cursor or None,
    }


def _item(item: ServedItem, fields: Collection[str] | None) -> Json:
    said: Json = {
        "item_id": item.item_id,
        "title": item.title,
        "rank": item.rank,
        "score": None if item.score is None else round(float(item.score), 6),
        "explanation": _text(item.about.text),
        "explanation_status": item.about.status,
        "reasons": [_WRITERS[type(reason)](reason) for reason in item.reasons],
    }
    return said if fields is None else {name: said[name] for name in said if name in ALWAYS or name in fields}


def _text(text: Explanation | None) -> Json | None:
    if text is None:
        return None
    author = text.written_by
    return {
        "explanation_id": text.explanation_id,
        "text": text.text,
        "further_texts": list(text.further.values()),
        "review_status": text.review_status,
        "reviewed_at": times.written(text.reviewed_at),
        "written_by": {"kind": author.kind, "name": author.name or None, "demonstration": author.is_demonstration},
        "in_snapshot": text.in_snapshot,
        "as_of": _at(text.as_of),
        "as_of_order": text.as_of.order,
        "statements": [_statement(one) for one in text.statements],
    }


def _statement(one: TextStatement) -> Json:
    return {
        "statement_id": one.statement_id,
        "aspect": one.aspect,
        "polarity": one.polarity,
        "quote": one.quote,
        "by_person": one.by_person,
        "liked": one.liked,
        "ratings": one.ratings,
        "kept_away": one.kept_away,
    }


def _kept_away(one: KeptAway) -> Json:
    said = one.statement
    return {
        "said_in": one.said_in,
        "statement_id": None if one.said_in == "request" else said.statement_id,
        "aspect": said.aspect,
        "quote": said.quote,
        "items": said.kept_away,
    }


def a_reason(reason: Reason) -> Json:
    return _WRITERS[type(reason)](reason)


def _cited(one: StatementReason | OwnStatementReason | ToldReason | UserTextReason) -> Json:
    return {
        "effect": one.effect,
        "share": one.share,
        "direction": one.direction,
        "kind": one.kind,
        "basis": one.basis,
    }


def _sentence(one: StatementReason | OwnStatementReason | ToldReason) -> Json:
    said = one.sentence
    if said is None:
        return {"sentence": None, "described": None}
    told = {"quote": said.quote, "words": said.term}
    if said.turn_id is None:
        return {"sentence": None, "described": {"attribute": said.attribute} | told}
    return {"sentence": {"explanation_id": said.turn_id} | told, "described": None}


def _history(one: HistoryReason) -> Json:
    return {
        "kind": one.kind,
        "basis": one.basis,
        "item_id": one.item_id,
        "title": one.title,
        "rating": one.rating,
        "liked": one.liked,
        "met_at": _at(one.met),
        "met_order": one.met.order,
        "shared": list(one.shared),
        "effect": one.effect,
        "share": one.share,
        "direction": one.direction,
    }


def _by_statement(one: StatementReason) -> Json:
    named = {"statement_id": one.statement_id, "explanation_id": one.explanation_id}
    said = {"aspect": one.aspect, "polarity": one.polarity}
    return {**_cited(one), **named, **said, **_sentence(one)}


def _by_own_statement(one: OwnStatementReason) -> Json:
    said = {"aspect": one.aspect, "polarity": one.polarity, "quote": one.quote}
    return _cited(one) | {"statement_id": one.statement_id} | said | _sentence(one)


def _told(one: ToldReason) -> Json:
    return _cited(one) | {"aspect": one.aspect, "polarity": one.polarity} | _sentence(one)


def _user_text(one: UserTextReason) -> Json:
    return _cited(one) | {"explanation_id": one.explanation_id}


def _statistic(one: StatisticReason) -> Json:
    return {"kind": one.kind, "basis": one.basis, "text": one.text}


def _rule(one: RuleReason) -> Json:
    return {"kind": one.kind, "basis": one.basis, "rule_id": one.rule_id, "rule": one.rule, "text": one.text}


def _scored(one: ScoredReason) -> Json:
    return {
        "kind": one.kind,
        "basis": one.basis,
        "log_odds": one.log_odds,
        "probability": one.probability,
        "note": one.note,
        "text": one.text,
        "text_status": one.text_status,
        "cut_off": one.cut_off,
        "verdict": one.verdict,
        "agrees": one.agrees,
        "review_status": one.review_status,
        "model": one.model,
        "adapters": [{"name": each.name, "share": each.share} for each in one.adapters],
        "prompt": one.prompt,
        "as_of": _at(one.as_of),
        "as_of_order": one.as_of.order,
        "scored_at": times.written(one.scored_at),
        "effect": one.effect,
    }


_WRITERS: Mapping[type[Reason], Callable[[Any], Json]] = {
    HistoryReason: _history,
    StatementReason: _by_statement,
    OwnStatementReason: _by_own_statement,
    ToldReason: _told,
    UserTextReason: _user_text,
    StatisticReason: _statistic,
    RuleReason: _rule,
    ScoredReason: _scored,
}


def _at(moment: Moment | None) -> str | None:
    return None if moment is None else times.written_moment(moment.value, in_seconds=moment.clock == Clock.SECONDS)
