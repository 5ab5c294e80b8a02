"""What people do with rounds: open them, retry, cancel, override, edit. What workers do is in rounds.leases."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from recommender import jobs
from recommender.models import (
    Account,
    Catalog,
    Judgement,
    ListedBy,
    RestReason,
    Round,
    RoundBatch,
    RoundState,
    Statement,
    Strategy,
    Turn,
    TurnKind,
)
from recommender.rounds import evidence, queries, spending, trace_rows
from recommender.rounds.config import KNOWLEDGE, OpenConfig
from recommender.rounds.core import prose
from recommender.rounds.evidence import Evidence
from recommender.rounds.queries import strategy_of, turn_values
from recommender.webhooks import outbox

OPENED_AT_ONCE = 200  # subjects whose evidence is read and stored together
ROUNDS_A_JOB = 100  # what one Celery task advances: enough to keep an endpoint's slots full
RETRYABLE = (
    Q(state=RoundState.FAILED)
    | Q(state=RoundState.RESTING, rest_reason__in=[RestReason.MALFORMED, RestReason.CANCELLED])
    | Q(state=RoundState.WAITING, attempts__gt=0)
)


class RoundNotRestingError(Exception):
    """A worker is at this round: a person can act on it once it rests."""


class RoundWentOnError(Exception):
    """Something was written after this turn: it cannot be taken back."""


def open_rounds(catalog: Catalog, config: OpenConfig, *, requested_by: Account | None = None) -> RoundBatch:
    """Open rounds for the most useful subjects and send them to the workers.

    The batch says how many end users were left out for low activity. A subject that already has a round by this
    strategy as of the same moment gets no second one. `limit` counts end users and items apart. With an unreachable
    broker the rounds wait in the database until the sweep finds them. Raises SettingError where the window needs an
    order that the catalog has not.
    """
    config.require_order(catalog)
    batch = RoundBatch.objects.create(
        catalog=catalog,
        subjects=config.subjects,
        window=config.window,
        strategy=config.stored_strategy,
        low_activity_count=_low_activity(catalog, config),
        requested_by=requested_by,
        most_tokens=config.most_tokens,
    )
    for chunk in shown_by(catalog, config, subjects_of(catalog, config)):
        _store(batch, chunk, config)
    enqueue(list(batch.rounds.order_by("pk").values_list("pk", flat=True)))
    return batch


def fewer_apart(batch: RoundBatch, config: OpenConfig) -> str:
    """How many rows were set apart for tests where that is fewer than asked for, and why; else empty."""
    found = batch.rounds.filter(held_out=True).count()
    if found >= config.held_out:
        return ""
    return (
        f"Set apart for tests: {found:,} of {config.held_out:,} rows. One user in ten may have one, with "
        f"{trace_rows.SHOWN} opinions before it of which {trace_rows.LIKED_OF_TESTED} were liked, and none twice: "
        "another draw (seed) finds others."
    )


def _low_activity(catalog: Catalog, config: OpenConfig) -> int:
    if config.purpose != KNOWLEDGE or config.subjects == "items":
        return 0
    below = config.low_activity
    return queries.low_activity_count(catalog, below=below) if below > 1 else 0


@dataclass(frozen=True, slots=True)
class SubjectIds:
    """Whom rounds are opened for, the most useful first."""

    end_users: list[int]
    items: list[int]


def subjects_of(catalog: Catalog, config: OpenConfig) -> SubjectIds:
    if config.purpose == Strategy.TRACE:
        return SubjectIds([], [])  # rows are drawn, not subjects
    if config.purpose == Strategy.KEYWORDS:
        return SubjectIds([], queries.items_for_keywords(catalog)[: config.limit])
    people = config.subjects in ("end-users", "all")
    items = config.subjects in ("items", "all")
    return SubjectIds(
        queries.end_users_for_rounds(catalog, at_least=config.low_activity)[: config.limit] if people else [],
        queries.items_for_rounds(catalog)[: config.limit] if items else [],
    )


def shown_by(catalog: Catalog, config: OpenConfig, subjects: SubjectIds) -> Iterator[list[tuple[str, Evidence]]]:
    """What rounds about these subjects would show, in chunks: the column of the subject, and the evidence."""
    if config.purpose == Strategy.TRACE:
        drawn = trace_rows.draw(
            catalog, limit=config.limit, held_out=config.held_out, seed=config.seed, with_keywords=config.keywords
        )
        for rows in drawn:
            yield [("end_user_id", shown) for shown in rows]
        return
    for ids in _chunks(subjects.end_users, OPENED_AT_ONCE):
        of_end_users = evidence.of_end_users(catalog, ids, windows=config.shown, with_keywords=config.keywords)
        yield [("end_user_id", shown) for shown in of_end_users]
    for ids in _chunks(subjects.items, OPENED_AT_ONCE):
        is_about_keywords = config.purpose == Strategy.KEYWORDS
        of_items = (
            evidence.of_keywords(catalog, ids)
            if is_about_keywords
            else evidence.of_items(catalog, ids, window=config.window)
        )
        yield [("item_id", shown) for shown in of_items]


def _chunks(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _store(batch: RoundBatch, chunk: list[tuple[str, Evidence]], config: OpenConfig) -> None:
    drafts = config.drafts if strategy_of(batch).samples_drafts else 1
    is_trace = config.purpose == Strategy.TRACE
    now = timezone.now()
    rounds = [
        Round(
            catalog_id=batch.catalog_id,
            batch=batch,
            as_of=shown.as_of,
            evidence=shown.subject.to_json(),
            strategy=batch.strategy,
            refinements_allowed=config.retries if is_trace else settings.ROUND_REFINEMENTS,
            drafts_wanted=drafts,
            listed_by=config.points if config.purpose == KNOWLEDGE else ListedBy.NOBODY,
            held_out=shown.held_out,
            next_attempt_at=now,
            **{column: shown.subject_id},
        )
        for column, shown in chunk
    ]
    Round.objects.bulk_create(rounds, ignore_conflicts=True)


def enqueue(round_ids: Sequence[int]) -> int:
    """Send these rounds to the workers once the transaction commits, in chunks; returns the number of jobs."""
    chunks = [list(chunk) for chunk in _chunks(round_ids, ROUNDS_A_JOB)]
    jobs.send_all(jobs.ADVANCE_ROUNDS, [{"round_ids": chunk} for chunk in chunks])
    return len(chunks)


@transaction.atomic
def retry(rounds: QuerySet[Round]) -> int:
    """Let failed, malformed and cancelled rounds go on from where they stopped, and those that wait go on at once.

    Returns how many.
    """
    ids = list(rounds.filter(RETRYABLE).order_by("pk").values_list("pk", flat=True).select_for_update())
    Round.objects.filter(pk__in=ids).update(**_awake())
    enqueue(ids)
    return len(ids)


def _awake() -> dict[str, Any]:
    """What a round has that goes on."""
    return {
        "state": RoundState.WAITING,
        "rest_reason": "",
        "error": "",
        "attempts": 0,
        "next_attempt_at": timezone.now(),
        "rested_at": None,
        "lease_token": "",
        "lease_expires_at": None,
    }


@transaction.atomic
def cancel(rounds: QuerySet[Round]) -> int:
    """Let waiting and asking rounds rest; an answer that is under way is stored with its cost, but makes no turn.

    Returns how many.
    """
    under_way = rounds.filter(state__in=[RoundState.WAITING, RoundState.ASKING])
    ids = list(under_way.order_by("pk").values_list("pk", flat=True).select_for_update())
    Round.objects.filter(pk__in=ids).update(
        state=RoundState.RESTING,
        rest_reason=RestReason.CANCELLED,
        error="",
        rested_at=timezone.now(),
        lease_token="",
        lease_expires_at=None,
    )
    outbox.rested(ids)
    return len(ids)


@transaction.atomic
def pause(batch: RoundBatch) -> None:
    """Let the batch's rounds wait. What is under way ends its call, which is stored."""
    RoundBatch.objects.filter(pk=batch.pk, paused_at=None).update(paused_at=timezone.now())


@transaction.atomic
def resume(batch: RoundBatch, *, most_tokens: int | None) -> int:
    """Let them go on, with this limit; returns how many wait."""
    RoundBatch.objects.filter(pk=batch.pk).update(paused_at=None, most_tokens=most_tokens)
    return _send(Round.objects.filter(batch=batch))


@transaction.atomic
def limit(catalog: Catalog, *, most_tokens: int | None) -> int:
    """Set what a catalog's rounds may cost in all; returns how many wait and go on now."""
    Catalog.objects.filter(pk=catalog.pk).update(most_tokens=most_tokens)
    return _send(Round.objects.filter(catalog=catalog))


def _send(rounds: QuerySet[Round]) -> int:
    ids = list(
        rounds.filter(state=RoundState.WAITING).exclude(spending.held()).order_by("pk").values_list("pk", flat=True)
    )
    enqueue(ids)
    return len(ids)


def add_override(round_: Round, *, about: Turn, critique: str, account: Account) -> Turn:
    """A person's critique replaces the reflector's, and the round goes on: the actor follows it.

    In the caller's transaction, as what people do below. Raises RoundNotRestingError while a worker is at the round.
    """
    if prose.is_blank(critique):
        raise ValueError("An override needs a critique.")
    turn = Turn(kind=TurnKind.OVERRIDE, text=critique, verdict=Judgement.NOT_REASONABLE, about=about, account=account)
    _add(round_, turn, then=_awake())
    enqueue([round_.pk])
    return turn


def judge_draft(round_: Round, *, about: Turn, judgement: Judgement, critique: str, account: Account) -> Turn:
    """A person drops or restores a draft of a filtered round: their word replaces the reflector's.

    The round keeps resting, and nothing is asked. Raises RoundNotRestingError while a worker is at the round.
    """
    critique = critique if judgement == Judgement.NOT_REASONABLE else ""
    turn = Turn(kind=TurnKind.OVERRIDE, text=critique, verdict=judgement, about=about, account=account)
    return _add(round_, turn)


def add_edit(round_: Round, *, about: Turn, text: str, account: Account) -> Turn:
    """A person's own text, made from rationale `about`. The round keeps resting: no LLM judges an edit.

    In a filtered round it takes the place of that draft. Raises RoundNotRestingError while a worker is at the round.
    """
    if prose.is_blank(text):
        raise ValueError("An edit needs a text.")
    return _add(round_, Turn(kind=TurnKind.EDIT, text=text, about=about, account=account))


def _add(round_: Round, turn: Turn, *, then: dict[str, Any] | None = None) -> Turn:
    """Store a person's turn, and what becomes of the round: `then`, else why it rests now."""
    if turn.about is None or turn.about.round_id != round_.pk or not turn.about.is_rationale:
        raise ValueError("An edit or a critique is about a rationale of the same round.")
    before = sorted(round_.turns.all(), key=lambda each: each.index)
    turn.round, turn.index, turn.text_hash = round_, before[-1].index + 1, text_hash(turn.text)
    if then is None:
        then = {"rest_reason": strategy_of(round_).rests_after_person(turn_values([*before, turn]))}
    resting = Round.objects.filter(pk=round_.pk, state=RoundState.RESTING).exclude(rest_reason=RestReason.ERASED)
    if not resting.update(**then):
        raise RoundNotRestingError(f"A worker is at round {round_.pk}.")
    turn.save(force_insert=True)
    return turn


def take_back(turn: Turn, *, rest_reason: str) -> None:
    """Remove a person's turn, and let the round rest as it did before, for this reason.

    What a worker is asking about it is stored with its cost and makes no turn. Raises RoundWentOnError where a turn
    followed.
    """
    round_ = Round.objects.select_for_update().get(pk=turn.round_id)
    if round_.turns.filter(index__gt=turn.index).exists():
        raise RoundWentOnError(f"Round {round_.pk} has gone on from turn {turn.index}.")
    Statement.objects.filter(turn=turn).update(replaces=None)  # rows that name each other would not be deleted
    turn.delete()
    rests = {"state": RoundState.RESTING, "rest_reason": rest_reason, "rested_at": timezone.now()}
    Round.objects.filter(pk=round_.pk).update(**_awake() | rests)


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
