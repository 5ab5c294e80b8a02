"""Whole rankings of one catalog, as they are served, before and after statements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from benchmarks.steering.corrections import Aspect, aspects_in
from recommender.artifacts import verified
from recommender.grounding.statements import Statement
from recommender.knowledge import meanings
from recommender.models import Catalog, EndUser, Item, VersionState
from recommender.serving.request import Request, request_for, score
from recommender.serving.steering import Steering, steering_of
from recommender.statements.aspects import KEPT, aspects_of
from recommender.statements.heard import Heard, hear
from recommender.statements.queries import OPINIONS, Acting

SOMEBODY = "somebody"  # who says or approves


@dataclass(frozen=True, eq=False)
class Before:
    """An end user's list that no statement has moved: `scores` (candidates,), all that is unseen."""

    request: Request
    scores: NDArray[np.float64]

    @cached_property
    def names(self) -> list[str]:
        return self.request.item_ids

    def meets(self, aspect: Aspect) -> NDArray[np.bool_]:
        return np.array([name in aspect.items for name in self.names])


class Lists:
    """One catalog with its active version."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.ranker = verified.load(catalog.backbone_versions.get(state=VersionState.ACTIVE))
        self._before: dict[int, Before] = {}
        self._heard: dict[str, Heard] = {}

    @cached_property
    def items(self) -> list[tuple[str, str, dict[str, object]]]:
        rows = Item.objects.filter(catalog=self.catalog).order_by("pk")
        return list(rows.values_list("external_id", "title", "attributes"))

    @cached_property
    def aspects(self) -> dict[str, list[Aspect]]:
        """By kind."""
        found: dict[str, list[Aspect]] = {}
        for aspect in aspects_in(self.items):
            found.setdefault(aspect.kind, []).append(aspect)
        return found

    @cached_property
    def end_users(self) -> list[EndUser]:
        return list(EndUser.objects.filter(catalog=self.catalog).select_related("catalog").order_by("pk"))

    def before(self, end_user: EndUser) -> Before:
        if end_user.pk not in self._before:
            request = request_for(end_user, limit=len(self.items), said=())
            self._before[end_user.pk] = Before(request, score(request, self.ranker).scores)
        return self._before[end_user.pk]

    def steering(self, end_user: EndUser, said: Sequence[Acting], *, knob: float = 1.0) -> Steering:
        return steering_of(end_user, self.before(end_user).request.index, said=said, strength=knob)

    def after(self, end_user: EndUser, said: Sequence[Acting], *, knob: float = 1.0) -> NDArray[np.float64]:
        before = self.before(end_user)
        return self.steering(end_user, said, knob=knob).steered(before.scores, before.request.candidates)

    def hear(self, text: str) -> Heard:
        """As what an end user says is heard: what is not surely read moves nothing."""
        if text not in self._heard:
            self._heard[text] = hear(text, aspects_of(self.catalog))
        return self._heard[text]

    def learn(self, texts: Iterable[str]) -> None:
        """Find what the phrases of these texts mean, as a worker does once they are said; with R4_ENCODER."""
        facets = [facet for text in texts for one in self.hear(text).opinions for facet in one.aspect]
        meanings.find(self.catalog, also={facet.value for facet in facets if facet.kind == "phrase"})
        KEPT.clear()  # what phrases mean is kept for a minute

    def said(self, text: str, *, by_person: bool, first: int = 1) -> list[Acting]:
        """What would act if a person said this, or if somebody approved a model's text that says it."""
        opinions = [one for one in self.hear(text).opinions if one.polarity in OPINIONS]
        return [acting(one, pk=pk, by_person=by_person, text=text) for pk, one in enumerate(opinions, start=first)]


def acting(said: Statement, *, pk: int, by_person: bool, text: str = "") -> Acting:
    return Acting(
        pk=pk,
        said=said,
        quote=said.quote(text),
        said_by=SOMEBODY if by_person else "",
        weight=1.0,
        turn_id=0,
        approved_by=SOMEBODY,
        approved_at=timezone.now(),
    )
