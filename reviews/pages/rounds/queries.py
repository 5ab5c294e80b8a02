"""What the rounds pages show."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from recommender.accounts.visible import within
from recommender.models import Account, Catalog, LlmCall, RestReason, Round, RoundBatch, RoundState, Turn
from recommender.rounds import spending
from recommender.rounds.queries import Progress, progress
from recommender.rounds.service import RETRYABLE
from reviews.room.turns import DEMONSTRATION

UNFINISHED = (RoundState.WAITING, RoundState.ASKING)
NEVER_PASSED = (RestReason.BUDGET, RestReason.UNCHANGED, RestReason.OSCILLATING, RestReason.ALL_REJECTED)


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """One batch, how far it is, and what may be done about it."""

    batch: RoundBatch
    progress: Progress
    rest_reasons: list[tuple[str, int]]
    never_passed: int  # texts that rest though the AI check accepted none of their attempts
    retryable: int
    cost: float | None  # by the prices in the settings, where there are any
    held: str  # spending.why_held
    is_demonstration: bool  # the embedded endpoint's models answered, which are no LLMs


def batches(account: Account, catalog: Catalog | None) -> QuerySet[RoundBatch]:
    """The account's, newest first, with how many of their rounds are `opened`, `unfinished`, `resting` and `failed`."""
    rows = within(RoundBatch.objects.select_related("catalog", "requested_by"), account)
    if catalog is not None:
        rows = rows.filter(catalog=catalog)
    return rows.annotate(
        opened=Count("rounds"),
        unfinished=Count("rounds", filter=Q(rounds__state__in=UNFINISHED)),
        resting=Count("rounds", filter=Q(rounds__state=RoundState.RESTING)),
        failed=Count("rounds", filter=Q(rounds__state=RoundState.FAILED)),
    ).order_by("-pk")


def under_way(batches: Iterable[RoundBatch]) -> bool:
    """Whether any of these has rounds that workers still have to do with."""
    return Round.objects.filter(batch__in=list(batches), state__in=UNFINISHED).exists()


def batch_progress(batch: RoundBatch) -> BatchProgress:
    rounds = batch.rounds.all()
    now = progress(rounds)
    last_call = LlmCall.objects.filter(round__batch=batch).order_by("-pk").first()
    return BatchProgress(
        batch=batch,
        progress=now,
        rest_reasons=sorted(now.rest_reasons.items()),
        never_passed=sum(now.rest_reasons.get(reason, 0) for reason in NEVER_PASSED),
        retryable=rounds.filter(RETRYABLE).count(),
        cost=spending.cost(rounds),
        held="" if now.finished else spending.why_held(batch),
        is_demonstration=last_call is not None and last_call.model.startswith(DEMONSTRATION),
    )


def rounds_of(batch: RoundBatch, *, state: str = "") -> QuerySet[Round]:
    """A batch's rounds, what needs somebody first; `state`: one of RoundState, or "malformed"."""
    rounds = batch.rounds.select_related("catalog", "end_user", "item", "review").annotate(turn_count=Count("turns"))
    if state == "malformed":
        rounds = rounds.filter(RETRYABLE, state=RoundState.RESTING)
    elif state:
        rounds = rounds.filter(state=state)
    return rounds.order_by("pk")


def turns_of(round_: Round) -> list[Turn]:
    """A round's turns, oldest first; `is_demonstration`: the embedded endpoint's models wrote it."""
    turns = list(round_.turns.select_related("about", "account", "call"))
    for turn in turns:
        wrote = turn.call is not None and turn.call.model.startswith(DEMONSTRATION)
        turn.is_demonstration = wrote  # type: ignore[attr-defined] # for the template
    return turns


def calls_of(round_: Round) -> list[LlmCall]:
    """All calls of a round, oldest first; `is_demonstration` and `is_cut_off` say what a page has to say."""
    calls = list(round_.calls.select_related("turn").order_by("pk"))
    for call in calls:
        call.is_demonstration = call.model.startswith(DEMONSTRATION)  # type: ignore[attr-defined] # for the template
        call.is_cut_off = call.parameters.get("finish_reason") == "length"  # type: ignore[attr-defined]
    return calls
