"""What is answered. Made of docs/openapi.yaml by scripts/client_shapes.py; a test holds them equal."""

from __future__ import annotations

from typing import Any, NotRequired, TypeAlias, TypedDict


class AdapterShare(TypedDict):
    name: str
    share: float


class Against(TypedDict):
    name: str
    base: str
    metric: str
    difference: Interval | None
    lift: Interval | None
    more: int


class Attempt(TypedDict):
    at: str
    status: int | None
    duration_ms: int
    answer: str
    error: str


class Author(TypedDict):
    kind: str
    name: str | None
    demonstration: bool


class Backbone(TypedDict):
    version: int
    architecture: str


class Batch(TypedDict):
    listed: int
    failed: int
    results: list[BatchResult]


class BatchResult(TypedDict):
    index: int
    user_id: str
    recommendations: Recommendations | None
    problem: Problem | None


class Catalog(TypedDict):
    name: str
    item_noun: str
    clock: str
    items: int
    end_users: int
    backbone: Backbone | None


class Catalogs(TypedDict):
    catalogs: list[Catalog]


class Counts(TypedDict):
    created: int
    updated: int
    unchanged: int


class Deliveries(TypedDict):
    deliveries: list[Delivery]
    next_before: int | None


class Delivery(TypedDict):
    delivery_id: int
    message_id: str
    type: str
    state: str
    attempts: int
    next_attempt_at: str | None
    created_at: str
    message: dict[str, Any]
    log: list[Attempt]


class Described(TypedDict):
    attribute: str
    quote: str
    words: str


class Discarded(TypedDict):
    removed: int


class Dispute(TypedDict):
    dispute_id: str
    explanation_id: int
    statement_id: int | None
    state: str
    verdict: str | None
    created_at: str
    settled_at: str | None


class Experiment(TypedDict):
    key: str
    state: str
    kind: str
    scenario: str
    variants: list[Variant]
    primary: str
    window_hours: int
    planned: int
    smallest_lift: float
    holdout: float
    holdout_source: str
    salt: str
    created_at: str
    started_at: str | None
    stopped_at: str | None
    stop_reason: str


class Experiments(TypedDict):
    experiments: list[Experiment]


class Explanation(TypedDict):
    explanation_id: int
    text: str
    further_texts: list[str]
    review_status: str
    reviewed_at: str | None
    written_by: Author
    in_snapshot: bool
    as_of: str | None
    as_of_order: int | None
    statements: list[TextStatement]


class Exposed(TypedDict):
    name: str
    shown: int
    over: int
    value: float | None


class Facet(TypedDict):
    kind: str
    name: str
    value: str


class Found(TypedDict):
    made_at: str
    verdicts: list[Verdict]
    shares_evidence: float
    exposed: list[Exposed]
    primary: list[Against]
    others: list[Against]
    segments: list[Segment]
    preference: Preference | None
    lists: int
    waiting: int
    twice: int


class GivenItem(TypedDict):
    catalog: str
    item_id: str
    title: str
    attributes: dict[str, Any]


class HistoryReason(TypedDict):
    kind: str
    basis: str
    item_id: str
    title: str
    rating: float | None
    liked: bool | None
    met_at: str | None
    met_order: int | None
    shared: list[str]
    effect: float | None
    share: float | None
    direction: str | None


class Imported(TypedDict):
    lines: int
    items: Counts
    users: Counts
    interactions: Counts
    rejected: int
    errors: list[Line]


class Interval(TypedDict):
    estimate: float
    low: float | None
    high: float | None


class Item(TypedDict):
    item_id: str
    title: NotRequired[str]
    rank: int
    score: NotRequired[float | None]
    explanation: NotRequired[Explanation | None]
    explanation_status: NotRequired[str]
    reasons: NotRequired[list[Reason]]


class KeptAway(TypedDict):
    said_in: str
    statement_id: int | None
    aspect: str
    quote: str
    items: int


class Line(TypedDict):
    code: str
    detail: str
    line: int


class ListedStatement(TypedDict):
    statement_id: int
    aspect: NotRequired[list[Facet]]
    about: NotRequired[str]
    polarity: NotRequired[str]
    negated: NotRequired[bool]
    quote: NotRequired[str]
    said_by: NotRequired[str]
    explanation_id: NotRequired[int | None]
    replaces: NotRequired[int | None]
    accepted: NotRequired[bool]
    status: NotRequired[str]
    acts: NotRequired[bool]
    acts_since: NotRequired[str | None]
    why_not: NotRequired[str | None]
    standing: NotRequired[str]
    liked: NotRequired[int]
    ratings: NotRequired[int]
    meets: NotRequired[int]
    said_at: NotRequired[str]
    ended_at: NotRequired[str | None]


class NotForMe(TypedDict):
    statements: list[Statement]


class Notice(TypedDict):
    code: str
    detail: str


class OneExplanation(TypedDict):
    explanation_id: int
    text: str
    further_texts: list[str]
    review_status: str
    reviewed_at: str | None
    written_by: Author
    in_snapshot: bool
    as_of: str | None
    as_of_order: int | None
    statements: list[TextStatement]
    not_acting: list[SilentStatement]
    catalog: str
    about: str
    user_id: str | None
    item_id: str | None


class OwnStatementReason(TypedDict):
    effect: float
    share: float
    direction: str
    kind: str
    basis: str
    statement_id: int
    aspect: str
    polarity: str
    quote: str
    sentence: Sentence | None
    described: Described | None


class ParameterError(TypedDict):
    parameter: str
    detail: str


class Person(TypedDict):
    format: int
    catalog: str
    user_id: str
    attributes: dict[str, Any]
    clock: str
    ratings: list[dict[str, Any]]
    texts: list[dict[str, Any]]
    in_force: list[dict[str, Any]]
    served_lists: list[dict[str, Any]]
    scored_lists: list[dict[str, Any]]
    scored_ratings: list[dict[str, Any]]
    messages_to_webhooks: list[dict[str, Any]]
    disputes: list[dict[str, Any]]
    statements: list[dict[str, Any]]
    events: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    shown_to_a_teacher: list[dict[str, Any]]


class Preference(TypedDict):
    wins: int
    losses: int
    ties: int
    chance: Interval


class Problem(TypedDict):
    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: NotRequired[list[ParameterError]]
    not_understood: NotRequired[list[str]]
    unsure: NotRequired[list[dict[str, Any]]]
    lines: NotRequired[int]
    resume_from: NotRequired[int]


class Receipt(TypedDict):
    receipt: int
    catalog: str
    kind: str
    erased_at: str
    settled: bool
    counts: dict[str, int]
    training_rows: TrainingRows
    trained_with: list[int]
    adapters: list[str]
    to_do: list[str]


class Recommendations(TypedDict):
    recommendation_id: str | None
    catalog: str
    user_id: str
    scenario: str
    source: str
    score_kind: str | None
    degraded: bool
    degraded_code: str | None
    degraded_reason: str
    backbone: Backbone | None
    knowledge_snapshot: int | None
    as_of: str | None
    as_of_order: int | None
    generated_at: str
    explain: str
    min_review: str
    user_explanation: Explanation | None
    user_explanation_status: str
    kept_away: list[KeptAway]
    items: list[Item]
    notices: list[Notice]
    understood: list[Understood]
    experiment: str | None
    variant: str | None
    next_cursor: str | None


class Redelivered(TypedDict):
    redelivered: int


class Rejected(TypedDict):
    index: int
    code: str
    detail: str


class RejectedRule(TypedDict):
    index: int
    code: str
    detail: str


class Removed(TypedDict):
    removed: int


class RemovedWebhook(TypedDict):
    removed: int


class Results(TypedDict):
    key: str
    state: str
    kind: str
    scenario: str
    variants: list[Variant]
    primary: str
    window_hours: int
    planned: int
    smallest_lift: float
    holdout: float
    holdout_source: str
    salt: str
    created_at: str
    started_at: str | None
    stopped_at: str | None
    stop_reason: str
    results: Found | None


class Rule(TypedDict):
    rule_id: int
    kind: str
    item_id: str
    scenario: str
    place: int | None
    note: str
    since: str | None
    until: str | None
    replaced_at: str | None
    created_at: str


class RuleReason(TypedDict):
    kind: str
    basis: str
    rule_id: int
    rule: str
    text: str


class Rules(TypedDict):
    rules: list[Rule]


class RulesSet(TypedDict):
    rules: list[Rule]
    rejected: list[RejectedRule]


class Said(TypedDict):
    statements: list[Statement]
    understood: list[Understood]
    not_understood: list[str]
    unsure: list[Unsure]
    notices: list[Notice]


class ScoredReason(TypedDict):
    kind: str
    basis: str
    log_odds: float | None
    probability: float | None
    note: str
    text: str
    text_status: str
    cut_off: bool
    verdict: str
    agrees: bool | None
    review_status: str
    model: str
    adapters: list[AdapterShare]
    prompt: str
    as_of: str | None
    as_of_order: int | None
    scored_at: str
    effect: float | None


class Secret(TypedDict):
    secret: str


class Segment(TypedDict):
    name: str
    value: str
    against: Against


class Sentence(TypedDict):
    explanation_id: int
    quote: str
    words: str


class SilentStatement(TypedDict):
    statement_id: int
    aspect: str
    polarity: str
    quote: str
    why_not: str


class Similar(TypedDict):
    catalog: str
    item_id: str
    title: str
    by: str | None
    items: list[SimilarItem]
    notices: list[Notice]


class SimilarItem(TypedDict):
    item_id: str
    title: str
    rank: int
    score: float


class Statement(TypedDict):
    statement_id: int
    aspect: list[Facet]
    about: str
    polarity: str
    negated: bool
    quote: str
    said_by: str
    explanation_id: int | None
    replaces: int | None
    accepted: bool
    status: str
    acts: bool
    acts_since: str | None
    why_not: str | None
    standing: str
    liked: int
    ratings: int
    meets: int
    said_at: str
    ended_at: str | None


class StatementReason(TypedDict):
    effect: float
    share: float
    direction: str
    kind: str
    basis: str
    statement_id: int
    explanation_id: int
    aspect: str
    polarity: str
    sentence: Sentence | None
    described: Described | None


class Statements(TypedDict):
    catalog: str
    user_id: str
    counts: str
    statements: list[ListedStatement]
    next_cursor: str | None


class StatisticReason(TypedDict):
    kind: str
    basis: str
    text: str


class Taken(TypedDict):
    accepted: int
    duplicates: int
    rejected: list[Rejected]


class TextStatement(TypedDict):
    statement_id: int
    aspect: str
    polarity: str
    quote: str
    by_person: bool
    liked: int
    ratings: int
    kept_away: int


class ToldReason(TypedDict):
    effect: float
    share: float
    direction: str
    kind: str
    basis: str
    aspect: str
    polarity: str
    sentence: Sentence | None
    described: Described | None


class TrainingRows(TypedDict):
    rounds: list[int]
    cases: list[int]


class Understood(TypedDict):
    aspect: str
    polarity: str
    quote: str
    meets: int


class Unsure(TypedDict):
    aspect: list[Facet]
    about: str
    quote: str


class UserTextReason(TypedDict):
    effect: float
    share: float
    direction: str
    kind: str
    basis: str
    explanation_id: int | None


class Variant(TypedDict):
    name: str
    weight: int
    version: int | None
    knowledge: bool
    steering: float | None
    explain: str | None


class Verdict(TypedDict):
    code: str
    words: str
    safe_to_stop: bool


class Webhook(TypedDict):
    webhook_id: int
    url: str
    events: list[str]
    description: str
    enabled: bool
    disabled_at: str | None
    disabled_reason: str
    failing_since: str | None
    old_secret_until: str | None
    created_at: str


class WebhookMade(TypedDict):
    webhook_id: int
    url: str
    events: list[str]
    description: str
    enabled: bool
    disabled_at: str | None
    disabled_reason: str
    failing_since: str | None
    old_secret_until: str | None
    created_at: str
    secret: str


class Webhooks(TypedDict):
    webhooks: list[Webhook]


class Written(TypedDict):
    created: int
    updated: int
    unchanged: int
    rejected: list[Rejected]


Reason: TypeAlias = (
    HistoryReason
    | StatementReason
    | OwnStatementReason
    | ToldReason
    | UserTextReason
    | StatisticReason
    | RuleReason
    | ScoredReason
)
