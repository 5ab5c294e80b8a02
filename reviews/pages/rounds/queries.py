"""What the rounds pages show."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from recommender.accounts.visible import within
from recommender.llm.labels import Label, label_of
from recommender.models import Account, Catalog, Knowledge, LlmCall, RestReason, Round, RoundBatch, RoundState, Turn
from recommender.rounds import spending
from recommender.rounds.queries import Progress, Speed, progress, speed
from recommender.rounds.service import RETRYABLE

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
    label: Label | None  # of the model that answered last
    speed: Speed
    approved: int  # texts that people approved, and that are in force

    @property
    def tokens_a_text(self) -> float | None:
        """Tokens for each approved text; None before there is one."""
        return self.progress.tokens / self.approved if self.approved else None

    @property
    def cost_a_text(self) -> float | None:
        return None if self.cost is None or not self.approved else self.cost / self.approved


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
        label=None if last_call is None else label_of(last_call.model),
        speed=speed(rounds),
        approved=Knowledge.objects.filter(turn__round__batch=batch, in_force=True).count(),
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
    """A round's turns, oldest first; `label`: of the model that wrote it."""
    turns = list(round_.turns.select_related("about", "account", "call"))
    for turn in turns:
        turn.label = label_of(turn.call.model) if turn.call else None  # type: ignore[attr-defined] # for the template
    return turns


def calls_of(round_: Round) -> list[LlmCall]:
    """All calls of a round, oldest first; `label` and `is_cut_off` say what a page has to say."""
    calls = list(round_.calls.select_related("turn").order_by("pk"))
    for call in calls:
        call.label = label_of(call.model)  # type: ignore[attr-defined] # for the template
        call.is_cut_off = call.parameters.get("finish_reason") == "length"  # type: ignore[attr-defined]
    return calls
