"""What pages, commands and workers read about rounds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from django.db.models import Count, Exists, Max, Min, Model, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from recommender.models import (
    Catalog,
    EndUser,
    Interaction,
    Item,
    LlmCall,
    Round,
    RoundBatch,
    RoundState,
    Turn,
)
from recommender.models import Strategy as StrategyChoice
from recommender.rounds.core.loop import STRATEGIES, Strategy
from recommender.rounds.core.types import StrategyName, TurnValue

RATE_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a set of rounds is. `calls_per_second`: between the first and the last call of the last minute.
    `waiting_with_error` counts waiting rounds whose last attempt failed, `last_error` is one of their errors."""

    waiting: int = 0
    asking: int = 0
    resting: int = 0
    failed: int = 0
    rest_reasons: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    failed_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls_per_second: float = 0.0
    waiting_with_error: int = 0
    last_error: str = ""
    stalled: bool = False  # rounds have been due for a while and nobody asks: is a worker running?

    @property
    def total(self) -> int:
        return self.waiting + self.asking + self.resting + self.failed

    @property
    def done(self) -> int:
        return self.resting + self.failed

    @property
    def finished(self) -> bool:
        return self.done == self.total

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"total": self.total, "finished": self.finished}


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast endpoints answer. `tokens_per_second`: written, in the time from a question to its answer.

    `cached_share`: of the tokens that were read, those that the endpoint had read before; None where it says nothing.
    """

    tokens_per_second: float | None
    cached_share: float | None

    @property
    def cached_percent(self) -> float | None:
        return None if self.cached_share is None else 100 * self.cached_share


def speed(rounds: QuerySet[Round]) -> Speed:
    """Of the answered calls of these rounds. One query."""
    told = LlmCall.objects.filter(round__in=rounds.order_by().values("pk"), completion_tokens__gt=0).aggregate(
        read=Sum("prompt_tokens", default=0),
        cached=Sum("cached_tokens", default=0),
        written=Sum("completion_tokens", default=0),
        ms=Sum("latency_ms", default=0),
    )
    return Speed(
        tokens_per_second=1000 * told["written"] / told["ms"] if told["ms"] else None,
        cached_share=told["cached"] / told["read"] if told["cached"] and told["read"] else None,
    )


def progress(rounds: QuerySet[Round]) -> Progress:
    """Count these rounds by state, and what their calls cost so far. Four queries."""
    rounds = rounds.order_by()
    states: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for state, reason, count in rounds.values_list("state", "rest_reason").annotate(n=Count("*")):
        states[state] = states.get(state, 0) + count
        if state == RoundState.RESTING:
            reasons[reason] = reasons.get(reason, 0) + count
    now = timezone.now()
    in_window = Q(created_at__gte=now - RATE_WINDOW)
    cost = LlmCall.objects.filter(round__in=rounds.values("pk")).aggregate(
        calls=Count("*"),
        failed=Count("pk", filter=Q(error_kind__in=["transient", "permanent"])),
        prompt=Sum("prompt_tokens", default=0),
        completion=Sum("completion_tokens", default=0),
        recent=Count("pk", filter=in_window),
        first=Min("created_at", filter=in_window),
        last=Max("created_at", filter=in_window),
    )
    with_error = rounds.filter(state=RoundState.WAITING).exclude(error="")
    last_error = with_error.order_by("-next_attempt_at").values_list("error", flat=True).first() or ""
    overdue = rounds.filter(state=RoundState.WAITING, next_attempt_at__lt=now - RATE_WINDOW)
    return Progress(
        **{str(state): states.get(state, 0) for state in RoundState},
        rest_reasons=reasons,
        calls=cost["calls"],
        failed_calls=cost["failed"],
        prompt_tokens=cost["prompt"],
        completion_tokens=cost["completion"],
        calls_per_second=_rate(cost["recent"], cost["first"], cost["last"]),
        waiting_with_error=with_error.count() if last_error else 0,
        last_error=last_error,
        stalled=not states.get(RoundState.ASKING) and not cost["recent"] and overdue.exists(),
    )


def _rate(calls: int, first: datetime | None, last: datetime | None) -> float:
    if first is None or last is None or calls < 2:
        return 0.0
    return calls / max((last - first).total_seconds(), 1.0)


def turn_values(turns: Sequence[Turn]) -> list[TurnValue]:
    """Stored turns, oldest first, as the reasoning core sees them."""
    index_of = {turn.pk: turn.index for turn in turns}
    return [
        TurnValue(
            index=turn.index,
            kind=turn.kind,  # type: ignore[arg-type] # TurnKind's values are the core's
            text=turn.text,
            verdict=turn.verdict,  # type: ignore[arg-type] # and so are Judgement's
            about=index_of[turn.about_id] if turn.about_id else None,
        )
        for turn in turns
    ]


def strategy_of(row: Round | RoundBatch) -> Strategy:
    """What the strategy of this round, or of all rounds of this batch, does."""
    return STRATEGIES[cast(StrategyName, str(row.strategy))]


def proposed(round_: Round) -> list[Turn]:
    """The rationales that people are asked to approve: one, or the kept drafts of a filtered round; none at first."""
    turns = sorted(round_.turns.all(), key=lambda turn: turn.index)
    by_index = {turn.index: turn for turn in turns}
    return [by_index[index] for index in strategy_of(round_).proposed(turn_values(turns))]


def proposal(round_: Round) -> Turn | None:
    """The one rationale that stands for the round: what is proposed, the first of it; None when there is none."""
    return next(iter(proposed(round_)), None)


def end_users_for_rounds(catalog: Catalog, *, at_least: int = 1) -> list[int]:
    """Ids of the end users with so many interactions: those without a round first, then the longest history."""
    end_users = EndUser.objects.filter(catalog=catalog)
    return _most_useful(end_users, "end_user_id", at_least=max(at_least, 1), having=Round.objects.for_knowledge())


def low_activity_count(catalog: Catalog, *, below: int) -> int:
    """How many end users have a history, but fewer interactions than that."""
    counted = Interaction.objects.filter(end_user__catalog=catalog).order_by().values("end_user")
    return counted.annotate(n=Count("*")).filter(n__lt=below).count()


def items_for_rounds(catalog: Catalog) -> list[int]:
    """Ids of all items: those without a round first, then the most interactions."""
    items = Item.objects.filter(catalog=catalog)
    return _most_useful(items, "item_id", at_least=0, having=Round.objects.for_knowledge())


def items_for_keywords(catalog: Catalog) -> list[int]:
    """Ids of the items that nobody was asked about keywords for, those with the most interactions first."""
    asked = Round.objects.filter(strategy=StrategyChoice.KEYWORDS)
    items = Item.objects.filter(catalog=catalog).exclude(pk__in=asked.values("item_id"))
    return _most_useful(items, "item_id", at_least=0, having=asked)


def _most_useful(subjects: QuerySet[Model], column: str, *, at_least: int, having: QuerySet[Round]) -> list[int]:
    mine = {column: OuterRef("pk")}
    interactions = Interaction.objects.filter(**mine).order_by().values(column).annotate(n=Count("*")).values("n")
    return list(
        subjects.annotate(
            interactions_count=Coalesce(Subquery(interactions), 0), has_round=Exists(having.filter(**mine))
        )
        .filter(interactions_count__gte=at_least)
        .order_by("has_round", "-interactions_count", "pk")
        .values_list("pk", flat=True)
    )
