"""What is sent. Made of docs/openapi.yaml by scripts/client_shapes.py; a test holds them equal."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict


class BatchRequest(TypedDict):
    filter: NotRequired[list[str]]
    exclude: NotRequired[list[str]]
    among: NotRequired[list[str]]
    diversity: NotRequired[float]
    unknown_user: NotRequired[Literal["list", "error"]]
    limit: NotRequired[int]
    explain: NotRequired[Literal["none", "short", "full"]]
    min_review: NotRequired[Literal["any", "reviewed", "approved"]]
    scenario: NotRequired[Literal["backbone", "thinkrec"]]
    fields: NotRequired[
        list[Literal["item_id", "rank", "title", "score", "explanation", "explanation_status", "reasons"]]
    ]
    log: NotRequired[bool]
    entries: list[Told]


class EndUserEntry(TypedDict):
    attributes: NotRequired[dict[str, Any]]
    user_id: str


class Event(TypedDict):
    event_id: str
    type: Literal["impression", "click", "like", "dislike", "rating", "purchase", "explanation_helpful"]
    user_id: NotRequired[str]
    item_id: str
    recommendation_id: NotRequired[str]
    position: NotRequired[int]
    value: NotRequired[Any]
    time: NotRequired[str | datetime]
    order: NotRequired[int]


class ExperimentRequest(TypedDict):
    key: str
    variants: list[VariantShape]
    scenario: NotRequired[Literal["", "backbone", "thinkrec"]]
    kind: NotRequired[Literal["between", "interleaved"]]
    primary: NotRequired[Literal["clicking", "clicked_lists", "liking", "buying", "rating", "helpful"]]
    window_hours: NotRequired[int]
    planned: NotRequired[int]
    smallest_lift: NotRequired[float]
    holdout: NotRequired[float]
    holdout_source: NotRequired[Literal["popular", "newest"]]


class FacetShape(TypedDict):
    kind: Literal["attribute", "period", "title", "phrase"]
    name: NotRequired[str]
    value: str


class ItemEntry(TypedDict):
    attributes: NotRequired[dict[str, Any]]
    item_id: str
    title: NotRequired[str]


class MetShape(TypedDict):
    item_id: str
    rating: NotRequired[float | None]
    liked: NotRequired[bool | None]


class NewDisputeQuery(TypedDict):
    reason: str
    statement_id: NotRequired[int]
    user_id: NotRequired[str]


class NewStatementsShape(TypedDict):
    text: NotRequired[str]
    aspect: NotRequired[list[FacetShape]]
    polarity: NotRequired[Literal["likes", "dislikes", "mixed"]]
    store: NotRequired[bool]


class NotForMeShape(TypedDict):
    item_id: str
    reason: Literal["statement", "item", "aspect"]
    statement_id: NotRequired[int]
    aspect: NotRequired[list[FacetShape]]


class PatchedCorrectionShape(TypedDict):
    polarity: NotRequired[Literal["likes", "dislikes", "mixed"]]
    aspect: NotRequired[list[FacetShape]]


class PatchedWebhookChange(TypedDict):
    url: NotRequired[str]
    events: NotRequired[list[Literal["knowledge.approved", "knowledge.revoked", "model.activated", "round.rested"]]]
    description: NotRequired[str]
    enabled: NotRequired[bool]


class RecommendationsQuery(TypedDict):
    filter: NotRequired[list[str]]
    exclude: NotRequired[list[str]]
    among: NotRequired[list[str]]
    diversity: NotRequired[float]
    unknown_user: NotRequired[Literal["list", "error"]]
    limit: NotRequired[int]
    cursor: NotRequired[str]
    explain: NotRequired[Literal["none", "short", "full"]]
    min_review: NotRequired[Literal["any", "reviewed", "approved"]]
    scenario: NotRequired[Literal["backbone", "thinkrec"]]
    as_of: NotRequired[str | datetime | int]
    fields: NotRequired[
        list[Literal["item_id", "rank", "title", "score", "explanation", "explanation_status", "reasons"]]
    ]
    log: NotRequired[bool]


class RedeliveriesRequest(TypedDict):
    delivery_id: NotRequired[int | None]
    since: NotRequired[str | datetime | None]


class RuleShape(TypedDict):
    kind: Literal["pin", "bury", "out_of_stock"]
    item_id: str
    scenario: NotRequired[Literal["", "backbone", "thinkrec"]]
    place: NotRequired[int | None]
    note: NotRequired[str]
    since: NotRequired[str | datetime | None]
    until: NotRequired[str | datetime | None]


class RulesRemoval(TypedDict):
    item_ids: list[str]
    kind: NotRequired[Literal["pin", "bury", "out_of_stock", None]]
    scenario: NotRequired[Literal["", "backbone", "thinkrec", None]]


class SecretRequest(TypedDict):
    overlap_hours: NotRequired[int]


class SessionRequest(TypedDict):
    user_id: NotRequired[str]
    history: NotRequired[list[MetShape]]
    text: NotRequired[str]
    attributes: NotRequired[dict[str, Any]]
    filter: NotRequired[list[str]]
    exclude: NotRequired[list[str]]
    among: NotRequired[list[str]]
    diversity: NotRequired[float]
    unknown_user: NotRequired[Literal["list", "error"]]
    limit: NotRequired[int]
    explain: NotRequired[Literal["none", "short", "full"]]
    min_review: NotRequired[Literal["any", "reviewed", "approved"]]
    scenario: NotRequired[Literal["backbone", "thinkrec"]]
    fields: NotRequired[
        list[Literal["item_id", "rank", "title", "score", "explanation", "explanation_status", "reasons"]]
    ]
    log: NotRequired[bool]


class Told(TypedDict):
    user_id: NotRequired[str]
    history: NotRequired[list[MetShape]]
    text: NotRequired[str]
    attributes: NotRequired[dict[str, Any]]


class VariantShape(TypedDict):
    name: str
    weight: NotRequired[int]
    version: NotRequired[int | None]
    knowledge: NotRequired[bool]
    steering: NotRequired[float | None]
    explain: NotRequired[Literal["none", "short", "full", None]]


class WebhookRequest(TypedDict):
    url: str
    events: list[Literal["knowledge.approved", "knowledge.revoked", "model.activated", "round.rested"]]
    description: NotRequired[str]


class ExplainItemAsked(TypedDict):
    min_review: NotRequired[Literal["any", "reviewed", "approved"]]


class ExplainUserAsked(TypedDict):
    min_review: NotRequired[Literal["any", "reviewed", "approved"]]


class GetExplanationAsked(TypedDict):
    min_review: NotRequired[Literal["any", "reviewed", "approved"]]


class ImportLinesAsked(TypedDict):
    create: NotRequired[Literal["false", "true"]]


class ListStatementsAsked(TypedDict):
    cursor: NotRequired[str]
    fields: NotRequired[
        list[
            Literal[
                "statement_id",
                "aspect",
                "about",
                "polarity",
                "negated",
                "quote",
                "said_by",
                "explanation_id",
                "replaces",
                "accepted",
                "status",
                "acts",
                "acts_since",
                "why_not",
                "standing",
                "liked",
                "ratings",
                "meets",
                "said_at",
                "ended_at",
            ]
        ]
    ]
    limit: NotRequired[int]
    status: NotRequired[list[Literal["standing", "waiting", "overruled", "struck", "replaced", "refused"]]]


class ListWebhookDeliveriesAsked(TypedDict):
    before: NotRequired[int]
    limit: NotRequired[int]
    state: NotRequired[Literal["pending", "delivered", "failed"]]


class RecommendAsked(TypedDict):
    among: NotRequired[list[str]]
    as_of: NotRequired[str | datetime | int]
    cursor: NotRequired[str]
    diversity: NotRequired[float]
    exclude: NotRequired[list[str]]
    explain: NotRequired[Literal["none", "short", "full"]]
    fields: NotRequired[
        list[Literal["item_id", "rank", "title", "score", "explanation", "explanation_status", "reasons"]]
    ]
    filter: NotRequired[list[str]]
    limit: NotRequired[int]
    log: NotRequired[bool]
    min_review: NotRequired[Literal["any", "reviewed", "approved"]]
    scenario: NotRequired[Literal["backbone", "thinkrec"]]
    unknown_user: NotRequired[Literal["list", "error"]]


class ReplayRecommendationAsked(TypedDict):
    explain: NotRequired[Literal["none", "served"]]


class SendEventsAsked(TypedDict):
    create: NotRequired[Literal["false", "true"]]


class SimilarItemsAsked(TypedDict):
    among: NotRequired[list[str]]
    by: NotRequired[Literal["any", "likes", "texts", "attributes"]]
    exclude: NotRequired[list[str]]
    filter: NotRequired[list[str]]
    limit: NotRequired[int]
