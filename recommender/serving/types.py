"""What serving hands over: a ranker's answer, and one list, its items and their reasons. Values only."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from recommender.models import BackboneVersion

if TYPE_CHECKING:
    from recommender.serving.steering import Steering

Explain = Literal["none", "short", "full"]
EXPLAIN_CHOICES: tuple[Explain, ...] = ("none", "short", "full")

# The rungs of the ladder, best first; "nothing" where there is nothing that may be listed.
Source = Literal["thinkrec", "backbone", "knowledge", "segment", "popular", "newest", "nothing"]
SOURCES: tuple[Source, ...] = ("thinkrec", "backbone", "knowledge", "segment", "popular", "newest", "nothing")


class DegradedCode(StrEnum):
    """Why a list is not what was asked for. Programs may rely on these; `degraded_reason` says it in words."""

    NO_BACKBONE = "no_backbone"
    ARTIFACT_UNUSABLE = "artifact_unusable"
    NO_HISTORY = "no_history"
    UNKNOWN_USER = "unknown_user"
    NO_SCORED_LIST = "no_scored_list"
    STALE_SCORED_LIST = "stale_scored_list"
    CANNOT_RANK = "cannot_rank"
    ALL_MET = "all_met"
    NO_ITEMS = "no_items"
    NOTHING_LEFT = "nothing_left"


class NoticeCode(StrEnum):
    """What else is to be known of a list. Programs may rely on these."""

    FEWER_ITEMS = "fewer_items"
    UNKNOWN_ITEMS = "unknown_items"
    UNKNOWN_VALUE = "unknown_value"
    TEXT_NOT_UNDERSTOOD = "text_not_understood"
    MEETS_NOTHING = "meets_nothing"
    PINNED = "pinned"
    BURIED = "buried"
    OUT_OF_STOCK = "out_of_stock"


@dataclass(frozen=True, slots=True)
class Notice:
    """`detail` says it in words."""

    code: NoticeCode
    detail: str


MOST_ITEMS = 100

Bearing = Literal["for", "against", "both", "neither"]
BEARINGS: tuple[Bearing, ...] = ("for", "against", "both", "neither")

Ranking = Sequence[tuple[int, float | None]]  # (position in the catalog index, score), best first


class CannotRankError(Exception):
    """A ranker has no list for this request; the message says why, to the end users' side of the API too."""

    def __init__(self, message: str, code: DegradedCode = DegradedCode.CANNOT_RANK) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Contribution:
    """What the interaction at `position` of the history added to an item's score; its weights sum to 1 at most."""

    position: int
    weight: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranker's answer. `attribution`: by primary key of the item, the strongest contribution first; None: not known.

    `steering`: as it moved the list; None where it did not. `afterwards` is called with the id under which the list was
    logged; for a list that is only looked at it is not. `reasons`: what else the ranker says of an item, by primary
    key.
    """

    source: Source
    best: Ranking
    steering: "Steering | None" = None
    backbone: BackboneVersion | None = None
    degraded_reason: str = ""
    degraded_code: DegradedCode | None = None
    attribution: Mapping[int, Sequence[Contribution]] | None = None
    afterwards: Callable[[uuid.UUID], object] | None = None
    reasons: Mapping[int, Sequence["Reason"]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CitedStatement:
    """A statement of an approved text that moved an item. `effect`: what it added to the item's logit.

    `aspect`: what it is about, in words; `quote`: the text's words, or the person's. `said_by`: the name of the person
    who said it; empty where a model did. `ratings`: how many of the end user's are of what meets the aspect;
    `liked`: of those, the likes.
    """

    statement_id: int
    aspect: str
    polarity: Literal["likes", "dislikes"]
    quote: str
    effect: float
    said_by: str
    approved_by: str
    approved_at: datetime | None
    liked: int
    ratings: int

    @property
    def by_person(self) -> bool:
        return bool(self.said_by)


@dataclass(frozen=True, slots=True)
class TextReason:
    """A text about the end user or the item. It is a justification: nobody claims that the score was made from it.

    `review_status`: "approved" is knowledge in force; "unreviewed" is a round's proposal that no person has judged.
    `further_texts`: the other kept drafts where a round filtered several; rankings use all of them alike.
    `written_by`: the model, or "a person" who edited it. `in_snapshot`: whether the backbone that ranked this list was
    trained with this very knowledge. `accepted_by`: the account's name. `statements` raised the item;
    `although` lowered it: it is listed all the same.
    """

    kind: Literal["user_preference", "item_knowledge"]
    text: str
    review_status: Literal["approved", "unreviewed"]
    round_id: int
    turn_id: int
    as_of: int
    written_by: str
    knowledge_id: int | None = None
    accepted_at: datetime | None = None
    accepted_by: str = ""
    in_snapshot: bool = False
    further_texts: tuple[str, ...] = ()
    statements: tuple[CitedStatement, ...] = ()
    although: tuple[CitedStatement, ...] = ()
    basis: Literal["justification"] = "justification"

    @property
    def bearing(self) -> Bearing:
        """Whether its statements speak for the item, against it, both or neither: then it is only about the person."""
        if self.statements:
            return "both" if self.although else "for"
        return "against" if self.although else "neither"


@dataclass(frozen=True, slots=True)
class PastItem:
    """An item of the history that contributed to the recommended one. `weight`: its share, 0 to 1, by the basis."""

    item_id: str
    title: str
    rating: float | None
    liked: bool | None
    moment: int
    weight: float
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryReason:
    """What of the history contributed to an item. `basis` says how that is known.

    "backbone": the ranking itself weighed them so. "shared_attributes": liked items with the same attributes; the
    ranking may have had other grounds.
    """

    items: tuple[PastItem, ...]
    basis: Literal["backbone", "shared_attributes"]
    kind: Literal["history"] = "history"


@dataclass(frozen=True, slots=True)
class StatisticReason:
    """Why a list that knows nothing about the end user names this item."""

    kind: Literal["popularity", "segment", "newness"]
    text: str
    basis: Literal["statistics"] = "statistics"


@dataclass(frozen=True, slots=True)
class StatedReason:
    """What the request's own text says of the item: `statements` raised it, `although` lowered it. It is kept nowhere.

    Their `statement_id` is 0, and nobody has approved them.
    """

    statements: tuple[CitedStatement, ...]
    although: tuple[CitedStatement, ...]
    kind: Literal["stated"] = "stated"
    basis: Literal["statements"] = "statements"


@dataclass(frozen=True, slots=True)
class RuleReason:
    """A business rule put the item where it stands. `text`: why, as whoever set the rule wrote; may be empty."""

    rule_id: int
    rule: Literal["pin", "bury"]
    text: str
    kind: Literal["rule"] = "rule"
    basis: Literal["rule"] = "rule"


@dataclass(frozen=True, slots=True)
class ScoredReason:
    """What an LLM answered about the item. The score was made from its answer, not from `text`.

    `log_odds`: of Yes against No, before calibration; None where it has no score, and `note` may say why. `text`: what
    it reasoned before it answered, which no person has reviewed; `verdict`: what that text says, empty where nothing;
    `agrees`: whether that is on the score's side, None where one of them is on none. `as_of`: it knows what happened
    before, on the catalog's clock.
    """

    text: str
    verdict: Literal["yes", "no", ""]
    agrees: bool | None
    note: str
    log_odds: float | None
    model: str
    prompt: str
    as_of: int
    scored_at: datetime
    kind: Literal["scored"] = "scored"
    basis: Literal["answer"] = "answer"
    review_status: Literal["unreviewed"] = "unreviewed"


Reason = TextReason | HistoryReason | StatisticReason | ScoredReason | StatedReason | RuleReason


@dataclass(frozen=True, slots=True)
class ServedItem:
    """`score`: backbone and thinkrec: the probability of a like; knowledge: what speaks for it; popular and segment:
    the likes to expect; newest, and what a rule alone put there: none.
    """

    item_id: str
    title: str
    rank: int
    score: float | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Understood:
    """A statement as it was read. `aspect`: what it is about, in words; `quote`: the text's words; `meets`: items."""

    aspect: str
    polarity: Literal["likes", "dislikes"]
    quote: str
    meets: int


@dataclass(frozen=True, slots=True)
class Served:
    """One list for one end user. `degraded_reason` is empty when the best rung answered.

    `user_id`: empty where the list is for nobody in particular. `understood`: of a text that came with the request.
    """

    catalog: str
    user_id: str
    backbone: BackboneVersion | None
    source: Source
    degraded_reason: str
    generated_at: datetime
    items: tuple[ServedItem, ...]
    recommendation_id: uuid.UUID | None = None
    degraded_code: DegradedCode | None = None
    notices: tuple[Notice, ...] = ()
    understood: tuple[Understood, ...] = ()

    @property
    def degraded(self) -> bool:
        return bool(self.degraded_reason)

    @property
    def knowledge_snapshot(self) -> int | None:
        """The number of the snapshot the backbone was trained on."""
        return self.backbone.snapshot.number if self.backbone else None
