"""The queue: what waits, who holds what, what was decided."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, F, Max, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from recommender.models import Account, Dispute, Source, Statement
from reviews.choices import Concern
from reviews.models import Decision, Review, ReviewState, Skip, Slot
from reviews.room.stream import EVERYTHING, Stream

COUNTED = 10_000  # more are said to be "10,000+": nobody needs it exactly, and every count takes time


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """What an annotator can do now in their stream, in reviews. `others_until`: when the others' last lease runs out.

    `elsewhere`: open ones outside the stream. Numbers stop at COUNTED.
    """

    free: int
    skipped: int
    mine: Review | None
    others: int
    others_until: datetime | None
    awaiting_actor: int
    decided_today: int
    elsewhere: int

    @property
    def face(self) -> str:
        """Which face the queue shows. "mine" and "free": there is work. The others say why there is none."""
        if self.mine:
            return "mine"
        faces = ("free", "skipped", "others", "awaiting_actor", "elsewhere")
        return next((face for face in faces if getattr(self, face)), "done")


def queue_counts(account: Account, *, stream: Stream = EVERYTHING, now: datetime) -> QueueCounts:
    """Six queries, seven in a narrow stream. None of them reads more than COUNTED rows, or more than people made."""
    visible = Review.objects.visible_to(account)
    in_stream = stream.narrow(visible)
    open_ = _count(in_stream.filter(state=ReviewState.OPEN))
    leased = stream.narrow(Slot.objects.visible_to(account), at="review__").filter(
        lease_expires_at__gt=now, review__state=ReviewState.OPEN
    )
    mine = Q(leased_by=account)
    held = leased.aggregate(
        mine=Count("pk", filter=mine), others=Count("pk", filter=~mine), until=Max("lease_expires_at", filter=~mine)
    )
    skips = Skip.objects.filter(account=account, until__gt=now, review__in=visible.filter(state=ReviewState.OPEN))
    of_skips = stream.narrow(skips, at="review__").exclude(review__slots__lease_expires_at__gt=now)
    skipped = _count(of_skips)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    in_hand = Slot.objects.held_by(account, now).select_related("review").first() if held["mine"] else None
    elsewhere = 0
    if not stream.is_everything:
        elsewhere = max(0, _count(visible.filter(state=ReviewState.OPEN)) - open_)
    return QueueCounts(
        free=max(0, open_ - held["mine"] - held["others"] - skipped),
        skipped=skipped,
        mine=in_hand.review if in_hand else None,
        others=held["others"],
        others_until=held["until"],
        awaiting_actor=_count(in_stream.filter(state=ReviewState.AWAITING_ACTOR)),
        decided_today=Decision.objects.filter(account=account, created_at__gte=midnight).count(),
        elsewhere=elsewhere,
    )


def _count(rows: QuerySet[Review] | QuerySet[Skip]) -> int:
    return rows.order_by().values("pk")[:COUNTED].count()


def queue(account: Account, *, stream: Stream = EVERYTHING, state: str = "") -> QuerySet[Review]:
    """Reviews of the stream in one state, open by default. No big texts. To be read along `place`.

    `waits_since`: of what a user disputes, or says of themself, since they did; else since the text is open.
    """
    reviews = stream.narrow(Review.objects.visible_to(account).filter(state=state or ReviewState.OPEN))
    disputed = Dispute.objects.filter(turn__round=OuterRef("round"), settled_at=None).order_by("created_at")
    said = Statement.objects.filter(
        end_user=OuterRef("round__end_user"), source=Source.END_USER, ended_at=None, began_at=None
    ).order_by("pk")
    since = Case(
        When(concern=Concern.DISPUTED, then=Subquery(disputed.values("created_at")[:1])),
        When(concern=Concern.SAID, then=Subquery(said.values("created_at")[:1])),
    )
    return (
        reviews.annotate(waits_since=Coalesce(since, F("opened_at")))
        .select_related("round__catalog", "round__end_user", "round__item")
        .defer("round__evidence", "round__error", "round__end_user__attributes", "round__item__attributes")
        .prefetch_related("slots__leased_by", "decisions__account")
    )
