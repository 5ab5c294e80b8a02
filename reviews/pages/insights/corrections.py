"""What people corrected in the text about a user, as the page shows it beside the words, which stay as they are."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from recommender.grounding.wording import in_words
from recommender.models import Catalog, Holder, Source, Statement
from recommender.statements import service
from recommender.statements.aspects import aspects_of
from reviews.room.said import says


@dataclass(frozen=True, slots=True)
class Correction:
    """One point that a person struck, changed or added. `quote`: their words; empty where they pressed a button."""

    what: str
    says: str
    aspect: str
    quote: str
    by: str


def corrections_of(turns: Collection[int], catalog: Catalog) -> list[Correction]:
    """Of the texts that these turns wrote, in the order they were made; what an edit says stands in it. One query."""
    by_people = (
        Q(source=Source.PERSON, end=0) | Q(source=Source.PERSON, replaces__isnull=False) | Q(ended_by__isnull=False)
    )
    rows = Statement.objects.filter(by_people, turn_id__in=turns, holder=Holder.SUBJECT, replaced_by=None)
    titles = aspects_of(catalog).title_of
    return [
        Correction(
            what=_what(row),
            says=says(row),
            aspect=in_words(service.said(row).aspect, titles),
            quote=row.quote if row.source == Source.PERSON else "",
            by=str(row.ended_by or row.account or ""),
        )
        for row in rows.select_related("account", "ended_by").order_by("pk")
    ]


def _what(row: Statement) -> str:
    if row.ended_by_id:
        return "Struck"
    return "Changed" if row.replaces_id else "Added"
