"""The queue: what waits, who holds what, what was decided."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet, Subquery

from recommender.models import Account, Catalog
from reviews.models import Decision, Review, ReviewState, Skip, Slot


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """What an annotator can do now, in reviews. `others_until`: when the last lease of the others runs out."""

    free: int
    skipped: int
    mine: Review | None
    others: int
    others_until: datetime | None
    awaiting_actor: int
    decided_today: int

    @property
    def face(self) -> str:
        """Which face the queue shows. "mine" and "free": there is work. The others say why there is none."""
        if self.mine:
            return "mine"
        return next((f for f in ("free", "skipped", "others", "awaiting_actor") if getattr(self, f)), "done")


def queue_counts(account: Account, *, now: datetime) -> QueueCounts:
    """Four queries, whatever the queue's size."""
    unheld = Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)
    others = Q(lease_expires_at__gt=now) & ~Q(leased_by=account)
    skipped = Q(review__in=Subquery(Skip.objects.filter(account=account, until__gt=now).values("review")))
    slots = Slot.objects.filter(review__state=ReviewState.OPEN).aggregate(
        free=Count("pk", filter=unheld & ~skipped),
        skipped=Count("pk", filter=unheld & skipped),
        others=Count("pk", filter=others),
        others_until=Max("lease_expires_at", filter=others),
    )
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    mine = Slot.objects.held_by(account, now).select_related("review").first()
    return QueueCounts(
        **slots,
        mine=mine.review if mine else None,
        awaiting_actor=Review.objects.filter(state=ReviewState.AWAITING_ACTOR).count(),
        decided_today=Decision.objects.filter(account=account, created_at__gte=midnight).count(),
    )


def queue(account: Account, *, catalog: Catalog | None = None, kind: str = "", state: str = "") -> QuerySet[Review]:
    """Reviews in one state, open by default: the oldest first, decided ones the latest first. No big texts."""
    state = state or ReviewState.OPEN
    reviews = Review.objects.visible_to(account).filter(state=state)
    if catalog:
        reviews = reviews.filter(round__catalog=catalog)
    if kind:
        reviews = reviews.filter(**{f"round__{kind}__isnull": False})
    order = ("-closed_at", "-pk") if state == ReviewState.DONE else ("opened_at", "pk")
    return (
        reviews.select_related("round__catalog", "round__end_user", "round__item")
        .defer("round__evidence", "round__error", "round__end_user__attributes", "round__item__attributes")
        .prefetch_related("slots__leased_by", "decisions__account")
        .order_by(*order)
    )
