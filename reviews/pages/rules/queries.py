"""What the pages of rules read."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Coalesce, Least

from recommender.accounts.visible import within
from recommender.models import Account, Catalog, Item, Rule
from recommender.rounds.approved import items_matching

FOUND = 12
STATES = {"now": "Now", "later": "Upcoming", "ended": "Ended"}


def rules(account: Account, catalog: Catalog | None = None) -> QuerySet[Rule]:
    """Of one catalog, or of all that the account may see; with items, accounts, catalogs and `replaced_at`."""
    seen = within(Rule.objects.with_successors(), account).select_related("item", "account", "catalog")
    return seen.filter(catalog=catalog) if catalog else seen


def in_state(known: QuerySet[Rule], state: str, *, now: datetime) -> QuerySet[Rule]:
    """`state`: one of STATES. What begins next or has ended last comes first; else the newest."""
    first_end = Least(Coalesce("until", "replaced_at"), Coalesce("replaced_at", "until"))
    order = {"now": F("created_at").desc(), "later": F("since").asc(), "ended": first_end.desc()}[state]
    return known.filter(_is(state, now)).order_by(order, "-pk")


def counts(known: QuerySet[Rule], *, now: datetime) -> dict[str, int]:
    """How many rules are in each state. One query."""
    return known.aggregate(**{state: Count("pk", filter=_is(state, now)) for state in STATES})


def _is(state: str, now: datetime) -> Q:
    is_later = Q(since__gt=now)
    if state == "ended":
        return Q(until__lte=now) | Q(replaced_at__lte=now)
    not_ended = (Q(until=None) | Q(until__gt=now)) & (Q(replaced_at=None) | Q(replaced_at__gt=now))
    return not_ended & is_later if state == "later" else not_ended & (Q(since=None) | Q(since__lte=now))


@dataclass(frozen=True, slots=True)
class Found:
    """Items that a typed text may mean. `sure`: the one that it names by its whole id or title, or as the only one."""

    items: tuple[Item, ...] = ()
    sure: Item | None = None
    is_all: bool = True


def meant_by(catalog: Catalog, text: str) -> Found:
    """By id, by title or an approved keyword; one query where the text is an id, else two."""
    if not text or "\x00" in text:
        return Found()
    of_catalog = Item.objects.filter(catalog=catalog)
    if item := of_catalog.filter(external_id=text).first():
        return Found((item,), item)
    holding = list(items_matching(catalog, text).order_by("title", "pk")[: FOUND + 1])
    named = [item for item in holding if item.title.casefold() == text.casefold()]
    by_id = [] if holding else list(of_catalog.filter(external_id__istartswith=text).order_by("pk")[: FOUND + 1])
    items = [*named, *(item for item in [*holding, *by_id] if item not in named)]
    likely = named or items
    sure = likely[0] if len(likely) == 1 else None
    return Found(tuple(items[:FOUND]), sure, len(items) <= FOUND)
