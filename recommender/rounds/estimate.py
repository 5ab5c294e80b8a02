"""What opening rounds would cost: by what this catalog's rounds cost so far, or else by the length of some prompts."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count

from recommender.llm.types import Prompt
from recommender.models import Catalog, ListedBy, LlmCall, Round, RoundBatch, RoundState
from recommender.rounds import evidence, service, spending
from recommender.rounds.config import OpenConfig
from recommender.rounds.core import prompts
from recommender.rounds.core.types import Subject
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
    subjects = service.subjects_of(catalog, config)
    shown = [*evidence.of_end_users(catalog, subjects.end_users[:SAMPLE], windows=config.shown)]
    people = len(subjects.end_users) * len(shown) / max(min(SAMPLE, len(subjects.end_users)), 1)
    shown += evidence.of_items(catalog, subjects.items[:SAMPLE], window=config.window)
    rounds = round(people) + len(subjects.items)
    batch = RoundBatch(catalog=catalog, strategy=config.strategy)
    usual, each, measured = _usual(catalog, batch)
    if not measured:
        lengths = [sum(len(m["content"]) for m in _first_prompt(one.subject).messages) for one in shown]
        read = sum(lengths) / max(len(lengths), 1) / CHARACTERS_A_TOKEN
        usual = {role: _Usual(read + (role == "reflector") * WRITTEN["actor"], WRITTEN[role]) for role in WRITTEN}
        filters = strategy_of(batch).samples_drafts
        most = config.drafts if filters else 1 + settings.ROUND_REFINEMENTS
        each = dict.fromkeys(WRITTEN, float(most) if filters else (1 + most) / 2)
    calls = {role: rounds * each.get(role, 0.0) for role in usual}
    if config.points == ListedBy.AFTERWARDS and "actor" in calls:
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


def _first_prompt(subject: Subject) -> Prompt:
    return prompts.render(subject, "reason", layout=settings.PROMPTS)


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
