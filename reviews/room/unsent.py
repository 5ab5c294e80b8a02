"""What somebody typed into a card and has not sent: kept on the server, so that no closed tab loses a word."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from recommender.models import Account
from recommender.prepared import Prepared
from recommender.rounds.core import prose
from reviews.models import Decision, Review, ReviewState, Unsent

_TYPED = Prepared(lambda *, account: Unsent.objects.filter(account=account))


@dataclass(frozen=True, slots=True)
class Field:
    """One box of a card. `start`: what it holds before anybody types."""

    name: str
    start: str = ""

    def typed(self, value: str) -> str:
        """What was typed, stripped; empty where that is nothing, or what it started with."""
        text = value.replace("\r\n", "\n").replace("\x00", "").strip()
        return "" if text == self.start.strip() or prose.is_blank(text) else text


def of(account: Account) -> list[Unsent]:
    """All of it, for whatever card. There is little: it goes when it is sent."""
    return _TYPED.rows(account=account.pk)


@transaction.atomic
def keep(
    review: Review, *, account: Account, fields: Iterable[Field], values: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """Keep what was typed into these fields, and forget what is empty again. Returns what is kept, by field.

    A field without a value is left as it was.
    """
    kept, empty = {}, []
    for field in fields:
        if field.name not in values:
            continue
        text = field.typed(values[field.name])
        if text:
            kept[field.name] = text
        else:
            empty.append(field.name)
    if empty:
        Unsent.objects.filter(review=review, account=account, field__in=empty).delete()
    Unsent.objects.bulk_create(
        [
            Unsent(account=account, review=review, field=name, text=text, version=review.version, saved_at=now)
            for name, text in kept.items()
        ],
        update_conflicts=True,
        unique_fields=["account", "review", "field"],
        update_fields=["text", "version", "saved_at"],
    )
    return kept


def is_late(review: Review, account: Account, *, version: int) -> bool:
    """Whether the account has decided about this version: what arrives now was on its way, and is sent already."""
    return Decision.objects.filter(review=review, account=account, seen__version=version).exists()


def clear(now: datetime) -> int:
    """Delete the words for reviews that were decided R4_KEEP_UNSENT_DAYS ago without them; 0 days: none."""
    if not settings.KEEP_UNSENT_DAYS:
        return 0
    cut = now - timedelta(days=settings.KEEP_UNSENT_DAYS)
    over = Unsent.objects.filter(review__state=ReviewState.DONE, review__closed_at__lt=cut, saved_at__lt=cut)
    return over.delete()[0]


def forget(review: Review, account: Account) -> None:
    """It was sent, or is not wanted any more."""
    Unsent.objects.filter(review=review, account=account).delete()
