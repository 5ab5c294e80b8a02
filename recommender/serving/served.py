"""One list as it is served, and its items. Values only."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from recommender.counters import NONE
from recommender.grounding.statements import Polarity
from recommender.models import BackboneVersion
from recommender.serving.codes import DegradedCode, Notice
from recommender.serving.types import (
    NOT_ASKED,
    RELATIVE,
    SCORE_KINDS,
    Explain,
    KeptAway,
    Kind,
    MinReview,
    Moment,
    Reason,
    ScoreKind,
    Shown,
    Source,
)


@dataclass(frozen=True, slots=True)
class ServedItem:
    """`score`: of the list's `score_kind`, None where it has none. `about`: the text about the item.

    `side`: in a list that mixes two variants, the one that put the item there.
    """

    item_id: str
    title: str
    rank: int
    score: float | None
    about: Shown = NOT_ASKED
    reasons: tuple[Reason, ...] = ()
    side: str = ""

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Its reasons of this kind, in order."""
        return [reason for reason in self.reasons if isinstance(reason, kind)]


@dataclass(frozen=True, slots=True)
class Understood:
    """A statement as it was read. `aspect`: what it is about, in words; `quote`: the text's words; `meets`: items."""

    aspect: str
    polarity: Polarity
    quote: str
    meets: int


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a list is what would be made anew, if its catalog's stamps, rules and settings stay as they are.

    `history`: its end user's, as a hash of this process. `counted`: whether it goes by what others met. `until`: the
    Unix time in seconds from which the clock alone makes another one.
    """

    history: int
    counted: bool
    until: float


@dataclass(frozen=True, slots=True)
class Served:
    """One list for one end user, or a page of it. `degraded_reason` is empty when the best rung answered.

    `user_id`: empty where the list is for nobody in particular. `understood`: of a text that came with the request.

    `about`: the text about the end user. `kept_away`: what keeps items off the page. `as_of`: the moment whose history
    it was made from; None: that of now.
    `experiment`, `variant`: the experiment's key and which of its variants made the list; empty where none did.
    `next_cursor`: leads to the next page; empty where there is none. `recommendation_id`: None where it was not logged.
    `canary`: as in Ranked.
    `lasting`: None where nobody can say how long.
    """

    catalog: str
    user_id: str
    backbone: BackboneVersion | None
    source: Source
    degraded_reason: str
    generated_at: datetime
    items: tuple[ServedItem, ...]
    scenario: str = "backbone"
    degraded_code: DegradedCode | None = None
    explain: Explain = "none"
    min_review: MinReview = "any"
    about: Shown = NOT_ASKED
    kept_away: tuple[KeptAway, ...] = ()
    as_of: Moment | None = None
    experiment: str = ""
    variant: str = ""
    next_cursor: str = ""
    recommendation_id: uuid.UUID | None = None
    notices: tuple[Notice, ...] = ()
    understood: tuple[Understood, ...] = ()
    canary: int | None = None
    lasting: Lasting | None = None

    @property
    def counted_as(self) -> tuple[str, ...]:
        """The labels of its count (counters.LISTS)."""
        made_by = (self.experiment or NONE, self.variant or NONE)
        return (self.scenario, self.source, self.degraded_code or NONE, *made_by)

    @property
    def degraded(self) -> bool:
        return bool(self.degraded_reason)

    @property
    def score_kind(self) -> ScoreKind | None:
        if self.items and not any(item.score is not None for item in self.items):
            return None  # a mixed list has no scores
        if self.source == "backbone" and self.backbone is not None and self.backbone.drawn:
            return RELATIVE
        return SCORE_KINDS.get(self.source)

    @property
    def knowledge_snapshot(self) -> int | None:
        """The number of the snapshot the backbone was trained on."""
        return self.backbone.snapshot.number if self.backbone else None
