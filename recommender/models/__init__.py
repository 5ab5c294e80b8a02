"""What is known: catalogs, rounds, knowledge, backbones, the serving log, and who signs in."""

from recommender.models.accounts import Account, ApiToken, OutsideIdentity, RecoveryCode, Role, SecondFactor, TokenScope
from recommender.models.audit import AuditEntry, AuditEvent
from recommender.models.backbones import Activation, BackboneVersion, TrainingRun, VersionState
from recommender.models.catalog import Catalog, Clock, EndUser, Hearing, Interaction, Item, MinReview
from recommender.models.disputes import Dispute
from recommender.models.erasure import Digester, Erasure
from recommender.models.evaluation import Evaluation, EvaluationFit
from recommender.models.events import OPINIONS, Event, EventType
from recommender.models.experiments import Experiment, ExperimentKind, ExperimentState, HoldoutSource, Metric
from recommender.models.groupings import Grouping
from recommender.models.guards import GuardProgress, ServedHour, Watch, WatchedList, WatchOutcome
from recommender.models.idempotency import IdempotencyKey
from recommender.models.knowledge import Knowledge, KnowledgeSnapshot, KnowledgeVector
from recommender.models.meanings import PhraseMeaning, TermVector
from recommender.models.promotion import Examination, ImpactReceipt, Rollout, RolloutMode, ShadowSample
from recommender.models.rebuilds import Rebuild, RebuildReason
from recommender.models.rounds import (
    FOR_KNOWLEDGE,
    RATIONALES,
    REFLECTIONS,
    Judgement,
    ListedBy,
    LlmCall,
    RestReason,
    Round,
    RoundBatch,
    RoundState,
    Strategy,
    SubjectKind,
    Turn,
    TurnKind,
)
from recommender.models.runs import Run, RunState
from recommender.models.scoring import ScoredList, ScoredRating, ScoringRun
from recommender.models.serving import Recommendation, Rule, RuleKind
from recommender.models.stamps import CatalogStamp
from recommender.models.statements import Holder, Polarity, Source, Statement
from recommender.models.thinkrec import ThinkrecRun
from recommender.models.tuning import TeacherCall, TeacherCase, TuningRun
from recommender.models.webhooks import (
    PING,
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WebhookMessage,
)

__all__ = [
    "FOR_KNOWLEDGE",
    "OPINIONS",
    "PING",
    "RATIONALES",
    "REFLECTIONS",
    "Account",
    "Activation",
    "ApiToken",
    "AuditEntry",
    "AuditEvent",
    "BackboneVersion",
    "Catalog",
    "CatalogStamp",
    "Clock",
    "DeliveryState",
    "Digester",
    "Dispute",
    "EndUser",
    "Erasure",
    "Evaluation",
    "EvaluationFit",
    "Event",
    "EventType",
    "Examination",
    "Experiment",
    "ExperimentKind",
    "ExperimentState",
    "Grouping",
    "GuardProgress",
    "Hearing",
    "Holder",
    "HoldoutSource",
    "IdempotencyKey",
    "ImpactReceipt",
    "Interaction",
    "Item",
    "Judgement",
    "Knowledge",
    "KnowledgeSnapshot",
    "KnowledgeVector",
    "ListedBy",
    "LlmCall",
    "Metric",
    "MinReview",
    "OutsideIdentity",
    "PhraseMeaning",
    "Polarity",
    "Rebuild",
    "RebuildReason",
    "Recommendation",
    "RecoveryCode",
    "RestReason",
    "Role",
    "Rollout",
    "RolloutMode",
    "Round",
    "RoundBatch",
    "RoundState",
    "Rule",
    "RuleKind",
    "Run",
    "RunState",
    "ScoredList",
    "ScoredRating",
    "ScoringRun",
    "SecondFactor",
    "ServedHour",
    "ShadowSample",
    "Source",
    "Statement",
    "Strategy",
    "SubjectKind",
    "TeacherCall",
    "TeacherCase",
    "TermVector",
    "ThinkrecRun",
    "TokenScope",
    "TrainingRun",
    "TuningRun",
    "Turn",
    "TurnKind",
    "VersionState",
    "Watch",
    "WatchOutcome",
    "WatchedList",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "WebhookMessage",
]
