"""Keywords and traces that people approved: which count now."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count, F, QuerySet, Sum

from recommender.models import Catalog, Item, LlmCall, RestReason, Round, Strategy, Turn, TurnKind
from recommender.models.holding import holds
from recommender.rounds.core import keywords
from recommender.rounds.purposes import TAGS


@dataclass(frozen=True, slots=True)
class Tally:
    """How traces fared. `first_try`, `hinted`: right by themselves, or after a hint; `gave_up`: wrong to the end;
    `apart`: how many of all are set apart for tests; `approved`: by people, by tag; `calls`, `tokens`: what all of them
    cost, wrong answers and broken ones included."""

    first_try: int
    hinted: int
    gave_up: int
    apart: int
    approved: dict[str, int]
    calls: int
    tokens: int

    @property
    def accepted(self) -> int:
        return sum(self.approved.values())

    @property
    def tokens_each(self) -> float | None:
        """Tokens for each trace that people approved; None while there is none."""
        return self.tokens / self.accepted if self.accepted else None

    @property
    def calls_each(self) -> float | None:
        return self.calls / self.accepted if self.accepted else None

    def to_json(self) -> dict[str, Any]:
        each = {"accepted": self.accepted, "calls_each": self.calls_each, "tokens_each": self.tokens_each}
        return asdict(self) | each


def tally(rounds: QuerySet[Round]) -> Tally | None:
    """Of the traces among these rounds; None where there are none. Six queries."""
    traces = rounds.filter(strategy=Strategy.TRACE).order_by()
    if not traces.exists():
        return None
    right = traces.filter(rest_reason=RestReason.REASONABLE)
    hinted = right.filter(turns__kind=TurnKind.REFINE).distinct().count()
    kinds = texts(Strategy.TRACE).filter(round__in=traces.values("pk")).order_by().values_list("kind")
    cost = LlmCall.objects.filter(round__in=traces.values("pk")).aggregate(
        calls=Count("*"), read=Sum("prompt_tokens", default=0), written=Sum("completion_tokens", default=0)
    )
    return Tally(
        first_try=right.count() - hinted,
        hinted=hinted,
        gave_up=traces.filter(rest_reason=RestReason.WRONG).count(),
        apart=traces.filter(held_out=True).count(),
        approved={TAGS[kind]: n for kind, n in kinds.annotate(n=Count("pk"))},
        calls=cost["calls"],
        tokens=cost["read"] + cost["written"],
    )


def texts(strategy: Strategy) -> QuerySet[Turn]:
    """The approved turns of rounds of this strategy."""
    return Turn.objects.filter(round__strategy=strategy, index=F("round__approved_index"))


def keywords_of(item_ids: Collection[int]) -> dict[int, list[str]]:
    """The approved keywords of items, by number; items without any are left out. One query."""
    of_items = texts(Strategy.KEYWORDS).filter(round__item_id__in=item_ids)
    found = of_items.values_list("round__item_id", "text")
    return {item_id: keywords.listed(text) for item_id, text in found if item_id is not None}


def items_matching(catalog: Catalog, text: str) -> QuerySet[Item]:
    """Items whose title, or one of whose approved keywords, holds this text."""
    of_catalog = Item.objects.filter(catalog=catalog)
    by_keyword = texts(Strategy.KEYWORDS).filter(holds(text, "text"), round__catalog=catalog)
    return of_catalog.filter(holds(text, "title")) | of_catalog.filter(pk__in=by_keyword.values("round__item_id"))
