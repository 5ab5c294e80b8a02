"""What became of a round's text: whether it is in force, and which versions were trained with it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from recommender.models import Activation, BackboneVersion, Knowledge, Round, VersionState
from recommender.recipe import KNOWLEDGE

NO_CONTROL = Q(config__knowledge_source=KNOWLEDGE) | Q(config__knowledge_source__isnull=True)


@dataclass(frozen=True, slots=True)
class Use:
    """`first`: the first version trained with the text; `active`: the active version, with `since`, if it was too."""

    knowledge: Knowledge
    first: BackboneVersion | None
    active: BackboneVersion | None

    @property
    def receipt(self) -> dict[str, Any] | None:
        """What the rebuild changed that the text came in with."""
        return getattr(getattr(self.first, "receipt", None), "content", None)

    @property
    def others(self) -> int:
        """Texts that came in with it."""
        return sum(self.receipt["knowledge"]["entered"].values()) - 1 if self.receipt else 0


def use_of(round_: Round) -> Use | None:
    """None where no text of the round was ever approved. Two queries. Versions trained on a control used no text."""
    in_force_first = Knowledge.objects.filter(turn__round=round_).order_by("-in_force", "-pk")
    knowledge = in_force_first.defer("text", "further_texts").first()
    if knowledge is None:
        return None
    took_over = Activation.objects.filter(version=OuterRef("pk")).order_by("-pk").values("created_at")[:1]
    trained = BackboneVersion.objects.filter(NO_CONTROL, snapshot__knowledge=knowledge)
    is_active = Q(state=VersionState.ACTIVE)
    trained = trained.select_related("receipt").annotate(since=Subquery(took_over), is_active=is_active)
    few = list(trained.order_by("-is_active", "pk").defer("metrics", "config")[:2])  # the active and the first other
    return Use(
        knowledge,
        first=min(few, key=lambda version: version.pk, default=None),
        active=next((version for version in few if version.state == VersionState.ACTIVE), None),
    )
