"""What the insights pages read."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Length

from recommender.models import Catalog, Clock, EndUser, Interaction, Knowledge
from recommender.serving.recommend import preview
from recommender.serving.types import HistoryReason, Served, ServedItem, StatisticReason, TextReason
from reviews.room.turns import DEMONSTRATION

EXAMPLES = 12
FOUND = 24
HISTORY_SHOWN = 40
_COLUMNS = ("item__title", "rating", "liked", "moment")


@dataclass(frozen=True, slots=True)
class Text:
    """A text as a page shows it."""

    reason: TextReason

    @property
    def is_demonstration(self) -> bool:
        return self.reason.written_by.startswith(DEMONSTRATION)


@dataclass(frozen=True, slots=True)
class Line:
    """One recommended item; `score_share`: 0 to 1, for a meter, or None."""

    item: ServedItem
    score_share: float | None
    knowledge: Text | None
    attribution: HistoryReason | None
    statistic: StatisticReason | None


@dataclass(frozen=True, slots=True)
class Met:
    """One interaction of the history; `when` is None on a clock that only orders."""

    title: str
    rating: float | None
    liked: bool | None
    when: datetime | None


@dataclass(frozen=True, slots=True)
class Case:
    """One end user's list as of now, and what it was made from."""

    end_user: EndUser
    served: Served
    preference: Text | None
    lines: tuple[Line, ...]
    history: tuple[Met, ...]  # newest first
    history_length: int


def matching(catalog: Catalog, text: str) -> list[EndUser]:
    """End users whose id is, starts with or else holds this text; the shortest ids first."""
    of_catalog = _described(EndUser.objects.filter(catalog=catalog)).order_by(Length("external_id"), "external_id")
    return list(of_catalog.filter(external_id__startswith=text)[:FOUND]) or list(
        of_catalog.filter(external_id__icontains=text)[:FOUND]
    )


def examples(catalog: Catalog) -> list[EndUser]:
    """End users worth a look: those whose preference was approved last, then the first of the catalog."""
    approved = Knowledge.objects.filter(catalog=catalog, in_force=True, item=None).order_by("-accepted_at")
    approved_last = approved.values_list("end_user_id", flat=True)[: 4 * EXAMPLES]  # some more than once
    recent = list(dict.fromkeys(approved_last))[:EXAMPLES]
    of_catalog = EndUser.objects.filter(catalog=catalog)
    first = of_catalog.exclude(pk__in=recent).order_by("pk").values_list("pk", flat=True)
    chosen = [*recent, *first[: EXAMPLES - len(recent)]]
    described = _described(of_catalog).in_bulk(chosen)
    return [described[pk] for pk in chosen]


def _described(end_users: QuerySet[EndUser]) -> QuerySet[EndUser]:
    """Annotate `interaction_count` and `has_preference`."""
    interactions = Interaction.objects.filter(end_user=OuterRef("pk")).order_by().values("end_user")
    counted = Subquery(interactions.annotate(n=Count("*")).values("n"))
    in_force = Knowledge.objects.filter(end_user=OuterRef("pk"), item=None, in_force=True)
    return end_users.annotate(
        interaction_count=Coalesce(counted, 0, output_field=IntegerField()), has_preference=Exists(in_force)
    )


def case(end_user: EndUser, *, limit: int) -> Case:
    """`end_user.catalog` must be loaded. Looking logs nothing."""
    served = preview(end_user, limit=limit, level="full")
    interactions = Interaction.objects.filter(end_user=end_user)
    newest = interactions.with_liked().order_by("-moment", "-id").values_list(*_COLUMNS)
    dated = end_user.catalog.clock == Clock.SECONDS
    top = max((item.score or 0.0 for item in served.items), default=0.0)
    lines = tuple(_line(item, top=1.0 if served.backbone else top) for item in served.items)
    texts = [
        reason
        for item in served.items
        for reason in item.reasons
        if isinstance(reason, TextReason) and reason.kind == "user_preference"
    ]
    return Case(
        end_user=end_user,
        served=served,
        preference=Text(texts[0]) if texts else None,
        lines=lines,
        history=tuple(
            Met(title, rating, liked, datetime.fromtimestamp(moment, tz=UTC) if dated else None)
            for title, rating, liked, moment in newest[:HISTORY_SHOWN]
        ),
        history_length=interactions.count(),
    )


def _line(item: ServedItem, *, top: float) -> Line:
    by_kind = {reason.kind: reason for reason in item.reasons}
    knowledge, attribution = by_kind.get("item_knowledge"), by_kind.get("history")
    statistic = by_kind.get("popularity") or by_kind.get("newness")
    return Line(
        item=item,
        score_share=item.score / top if item.score is not None and top else None,
        knowledge=Text(knowledge) if isinstance(knowledge, TextReason) else None,
        attribution=attribution if isinstance(attribution, HistoryReason) else None,
        statistic=statistic if isinstance(statistic, StatisticReason) else None,
    )
