"""What opening rounds would cost: by what this catalog's rounds cost so far, or else by the length of some prompts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count

from recommender.models import Catalog, ListedBy, LlmCall, Round, RoundBatch, RoundState, Strategy
from recommender.rounds import service, spending
from recommender.rounds.config import KNOWLEDGE, OpenConfig
from recommender.rounds.core import prompts
from recommender.rounds.core.loop import Reason
from recommender.rounds.core.types import Subject
from recommender.rounds.evidence import Evidence
from recommender.rounds.purposes import PURPOSES
from recommender.rounds.queries import strategy_of

ENOUGH_CALLS = 50  # of a catalog, so that they tell what the next ones cost
SAMPLE = 10  # subjects of each kind whose prompts are measured
CHARACTERS_A_TOKEN = 4.0  # of English; other languages cost more
WRITTEN = {"actor": 260, "reflector": 120}  # tokens of an answer where none was measured


@dataclass(frozen=True, slots=True)
class Estimate:
    """What opening rounds would cost, about. `seconds` and `cost` are None where nothing tells them.

    `measured`: by this catalog's own calls; otherwise by the length of some prompts.
    """

    rounds: int
    calls: int
    tokens: int
    seconds: float | None
    cost: float | None
    measured: bool


@dataclass(frozen=True, slots=True)
class _Usual:
    """What one call of a role costs on average: tokens read and written, seconds."""

    read: float
    written: float
    seconds: float = 0.0


def estimate(catalog: Catalog, config: OpenConfig) -> Estimate:
    """What `service.open_rounds` would cost, at most: subjects that have a round already are counted too.

    Raises SettingError as it does.
    """
    config.require_order(catalog)
    shown, rounds = _shown(catalog, config)
    batch = RoundBatch(catalog=catalog, strategy=config.stored_strategy)
    usual, each, measured = _usual(catalog, batch)
    if not measured:
        lengths = [sum(len(message["content"]) for message in _first(one.subject, config)) for one in shown]
        asked = [length for length in lengths if length]
        read = sum(asked) / max(len(asked), 1) / CHARACTERS_A_TOKEN
        usual = {role: _Usual(read + (role == "reflector") * WRITTEN["actor"], WRITTEN[role]) for role in WRITTEN}
        each = _each(config, filters=strategy_of(batch).samples_drafts)
        if config.purpose == Strategy.KEYWORDS:
            each["actor"] *= len(asked) / max(len(lengths), 1)
    calls = {role: rounds * each.get(role, 0.0) for role in usual}
    if config.purpose == KNOWLEDGE and config.points == ListedBy.AFTERWARDS and "actor" in calls:
        calls["actor"] += rounds
    configured: dict[str, dict[str, Any]] = settings.LLM
    seconds = sum(calls[role] * usual[role].seconds / float(configured[role]["concurrency"]) for role in usual)
    totals = [(role, calls[role] * usual[role].read, calls[role] * usual[role].written) for role in usual]
    return Estimate(
        rounds=rounds,
        calls=round(sum(calls.values())),
        tokens=round(sum(read + written for _, read, written in totals)),
        seconds=seconds if measured else None,
        cost=spending.priced(totals),
        measured=measured,
    )


def _shown(catalog: Catalog, config: OpenConfig) -> tuple[list[Evidence], int]:
    """The evidence of some rounds, and how many rounds there would be, about."""
    if config.purpose == Strategy.TRACE:
        drawn = [one for _, one in chain.from_iterable(service.shown_by(catalog, config, service.SubjectIds([], [])))]
        return drawn[:SAMPLE], len(drawn)
    subjects = service.subjects_of(catalog, config)
    some = service.SubjectIds(subjects.end_users[:SAMPLE], subjects.items[:SAMPLE])
    shown = list(chain.from_iterable(service.shown_by(catalog, config, some)))
    people = sum(column == "end_user_id" for column, _ in shown)
    of_people = len(subjects.end_users) * people / max(len(some.end_users), 1)
    return [one for _, one in shown], round(of_people) + len(subjects.items)


def _first(subject: Subject, config: OpenConfig) -> Sequence[Mapping[str, str]]:
    """The messages of the first question about a subject; none where no model is asked."""
    if config.purpose == KNOWLEDGE:
        return prompts.render(subject, "reason", layout=settings.PROMPTS).messages
    purpose = PURPOSES[config.purpose]  # type: ignore[index] # Strategy's values
    return [] if purpose.alone(subject, Reason(), {}) else purpose.prompt(subject, Reason(), {}, False).messages


def _each(config: OpenConfig, *, filters: bool) -> dict[str, float]:
    """Calls of each role that a round takes, where none were counted yet: half of what it may take."""
    if config.purpose == Strategy.KEYWORDS:
        return {"actor": 1.0, "reflector": 0.0}
    if config.purpose == Strategy.TRACE:
        return {"actor": 1 + config.retries / 2, "reflector": 0.0}
    most = config.drafts if filters else 1 + settings.ROUND_REFINEMENTS
    return dict.fromkeys(WRITTEN, float(most) if filters else (1 + most) / 2)


def _usual(catalog: Catalog, batch: RoundBatch) -> tuple[dict[str, _Usual], dict[str, float], bool]:
    """By role: what a call costs, and how many a round takes; and whether there were enough calls to tell."""
    ended = Round.objects.filter(catalog=catalog, strategy=batch.strategy, state=RoundState.RESTING)
    calls = (
        LlmCall.objects.filter(round__in=ended.values("pk"))
        .exclude(step="list")
        .order_by()
        .values("role")
        .annotate(n=Count("pk"), read=Avg("prompt_tokens"), written=Avg("completion_tokens"), ms=Avg("latency_ms"))
    )
    rows, rounds = list(calls), max(ended.count(), 1)
    usual = {row["role"]: _Usual(row["read"], row["written"], row["ms"] / 1000) for row in rows}
    each = {row["role"]: row["n"] / rounds for row in rows}
    return usual, each, sum(row["n"] for row in rows) >= ENOUGH_CALLS
