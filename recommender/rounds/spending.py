"""What rounds cost, and what they may cost: limits in tokens for a batch and for a catalog, pauses.

A batch's cost is counted with every stored step (`rounds.leases`). Once a limit is reached, or while the batch is
paused, its rounds wait, nobody asks for them, and what is under way is stored. What they would cost: `rounds.estimate`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet, Sum

from recommender.models import Catalog, LlmCall, Round, RoundBatch

MILLION = 1_000_000


def held() -> Q:
    """Rounds that nobody is to ask for now."""
    spent = Catalog.objects.filter(most_tokens__isnull=False).annotate(tokens=Sum("round_batches__tokens", default=0))
    full = spent.filter(most_tokens__lte=F("tokens")).values("pk")
    return Q(batch__paused_at__isnull=False) | Q(batch__most_tokens__lte=F("batch__tokens")) | Q(catalog__in=full)


def why_held(batch: RoundBatch) -> str:
    """Why a batch's rounds wait, in words; empty when they do not."""
    if batch.paused_at is not None:
        return "paused"
    if batch.most_tokens is not None and batch.tokens >= batch.most_tokens:
        return "batch"
    most = batch.catalog.most_tokens
    return "catalog" if most is not None and spent(batch.catalog) >= most else ""


def spent(catalog: Catalog) -> int:
    """Tokens that a catalog's rounds cost so far."""
    return int(catalog.round_batches.aggregate(tokens=Sum("tokens", default=0))["tokens"])


def add(tokens: Mapping[int, int]) -> None:
    """Count tokens for batches. In the order of their numbers, so that two workers never wait for each other."""
    for batch_id in sorted(tokens):
        RoundBatch.objects.filter(pk=batch_id).update(tokens=F("tokens") + tokens[batch_id])


def cost(rounds: QuerySet[Round]) -> float | None:
    """What the calls of rounds cost by the prices in the settings; None where there are none."""
    calls = LlmCall.objects.filter(round__in=rounds.order_by().values("pk")).order_by()
    return priced(calls.values_list("role").annotate(Sum("prompt_tokens"), Sum("completion_tokens")))


def priced(tokens: Iterable[tuple[str, float, float]]) -> float | None:
    """The cost of (role, tokens read, tokens written)."""
    configured: dict[str, dict[str, Any]] = settings.LLM
    prices = {role: (float(told["price_read"]), float(told["price_written"])) for role, told in configured.items()}
    if not any(any(price) for price in prices.values()):
        return None
    return sum((read * prices[role][0] + written * prices[role][1]) / MILLION for role, read, written in tokens)
