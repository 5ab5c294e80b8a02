"""What serving hands over: a ranker's answer, and one list, its items and their reasons. Values only."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.llm.labels import DEMONSTRATION
from recommender.models import BackboneVersion, Clock
from recommender.serving.codes import DegradedCode
from recommender.statements.phrases import Sentence

if TYPE_CHECKING:
    from recommender.serving.steering import Steering

Explain = Literal["none", "short", "full"]
EXPLAIN_CHOICES: tuple[Explain, ...] = ("none", "short", "full")

# What people have said of a text, the least first (docs/api.md); `any` shows all three.
ReviewStatus = Literal["unreviewed", "reviewed", "approved"]
REVIEW_STATUSES: tuple[ReviewStatus, ...] = ("unreviewed", "reviewed", "approved")
MinReview = Literal["any", "reviewed", "approved"]
MIN_REVIEW_CHOICES: tuple[MinReview, ...] = ("any", "reviewed", "approved")

# Whether a text is shown, and where it is not, why.
ShownStatus = Literal["shown", "not_asked", "none", "withheld", "not_kept", "gone"]
SHOWN_STATUSES: tuple[ShownStatus, ...] = ("shown", "not_asked", "none", "withheld", "not_kept", "gone")

# The rungs of the ladder, best first; "nothing" where there is nothing that may be listed.
Source = Literal["thinkrec", "backbone", "knowledge", "segment", "popular", "newest", "nothing"]
SOURCES: tuple[Source, ...] = ("thinkrec", "backbone", "knowledge", "segment", "popular", "newest", "nothing")

# What a list's scores are, by its source; the others have none. Of a backbone that learned from likes alone: RELATIVE.
ScoreKind = Literal["like_probability", "relative_preference", "worth_by_knowledge", "expected_likes"]
RELATIVE: ScoreKind = "relative_preference"
SCORE_KIND_CHOICES: tuple[ScoreKind, ...] = (
    "like_probability",
    "relative_preference",
    "worth_by_knowledge",
    "expected_likes",
)
SCORE_KINDS: Mapping[Source, ScoreKind] = {
    "thinkrec": "like_probability",
    "backbone": "like_probability",
    "knowledge": "worth_by_knowledge",
    "segment": "expected_likes",
    "popular": "expected_likes",
}

MOST_ITEMS = 100

Direction = Literal["for", "against"]
DIRECTIONS: tuple[Direction, ...] = ("for", "against")

Ranking = Sequence[tuple[int, float | None]]  # (position in the catalog index, score), best first


class CannotRankError(Exception):
    """A ranker has no list for this request; the message says why, to the end users' side of the API too."""

    def __init__(
        self, message: str, code: DegradedCode = DegradedCode.CANNOT_RANK, *, canary: int | None = None
    ) -> None:
        """`canary`: the rollout whose canary they would have got."""
        super().__init__(message)
        self.code, self.canary = code, canary


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on a catalog's clock."""

    value: int
    clock: str

    @property
    def at(self) -> datetime | None:
        """When that was, where the clock counts seconds and the calendar has it."""
        if self.clock != Clock.SECONDS:
            return None
        try:
            return datetime.fromtimestamp(self.value, tz=UTC)
        except (OverflowError, ValueError, OSError):
            return None

    @property
    def order(self) -> int | None:
        """The number, where the clock only orders."""
        return self.value if self.clock == Clock.ORDER else None


@dataclass(frozen=True, slots=True)
class Effects:
    """What moved one item's score, in logits: above 0 it raised it.

    `history` (entries): each entry of the history, left out in turn. `text`: what the version read of the text about
    the end user, with it minus without.
    """

    history: NDArray[np.float64]
    text: float = 0.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranker's answer. `attribution`: what moved each listed item, by primary key; None: not known.

    `steering`: as it moved the list; None where it did not. `afterwards` is called with the id under which the list was
    logged; for a list that is not logged it is not. `reasons`: what else the ranker says of an item, by primary key.
    `sides`: of a list that mixes two variants, which of them put an item there, by primary key.
    `canary`: the rollout, by primary key, whose canary they got, or would have got had there been anything to rank by.
    `kept_away`: how many items would be listed without a statement, by its primary key; known of a first page alone.
    `follows_likes`: whether it goes by what others liked since the training.
    """

    source: Source
    best: Ranking
    steering: "Steering | None" = None
    backbone: BackboneVersion | None = None
    degraded_reason: str = ""
    degraded_code: DegradedCode | None = None
    attribution: Mapping[int, Effects] | None = None
    afterwards: Callable[[uuid.UUID], object] | None = None
    reasons: Mapping[int, Sequence["Reason"]] = field(default_factory=dict)
    sides: Mapping[int, str] = field(default_factory=dict)
    canary: int | None = None
    kept_away: Mapping[int, int] = field(default_factory=dict)
    follows_likes: bool = False


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a text. `name`: the model's; a person is not named to programs."""

    kind: Literal["model", "person"]
    name: str = ""

    @property
    def is_demonstration(self) -> bool:
        return self.name.startswith(DEMONSTRATION)


@dataclass(frozen=True, slots=True)
class TextStatement:
    """A statement of the text about the end user, as it acts on lists.

    `aspect`: what it is about, in words; `quote`: the text's words, or the person's. `said_by`: the name of the person
    who said it; empty where a model did. `ratings`: how many of the end user's are of what meets the aspect;
    `liked`: of those, the likes. `kept_away`: how many items would be in the list without it.
    """

    statement_id: int
    aspect: str
    polarity: Literal["likes", "dislikes"]
    quote: str
    said_by: str
    liked: int
    ratings: int
    kept_away: int = 0

    @property
    def by_person(self) -> bool:
        return bool(self.said_by)


Sayer = Literal["text", "end_user", "request"]
SAYERS: tuple[Sayer, ...] = ("text", "end_user", "request")


@dataclass(frozen=True, slots=True)
class KeptAway:
    """A statement without which other items would be on the page, `statement.kept_away` of them.

    `said_in`: the approved text about the end user; what they said themself; the request. The words of a text that is
    withheld are left out.
    """

    said_in: Sayer
    statement: TextStatement


@dataclass(frozen=True, slots=True)
class Explanation:
    """A text about the end user or an item. It is a justification: nobody says that the score was made from it.

    `explanation_id`: of the turn that wrote it. `review_status`: "unreviewed" is a round's proposal that no person has
    judged; "approved" is in force and undisputed; "reviewed" is what people have judged otherwise in its favour
    (serving.texts). `further`: the other kept drafts where a round filtered several, by their turns; rankings use all
    of them alike. `in_snapshot`: whether the backbone that ranked this list was trained with this very text.
    `reviewed_by`: the account's name. `statements`: of the text about the end user, those that moved the list.
    `short`: the same cut short, where that was done (serving.explain); a text that replaces this one has none.
    """

    about: Literal["user", "item"]
    explanation_id: int
    text: str
    review_status: ReviewStatus
    round_id: int
    as_of: Moment
    written_by: Author
    is_in_force: bool = False
    reviewed_at: datetime | None = None
    reviewed_by: str = ""
    in_snapshot: bool = False
    further: Mapping[int, str] = field(default_factory=dict)
    statements: tuple[TextStatement, ...] = ()
    short: list["Explanation"] = field(default_factory=list, init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """A text, or why there is none."""

    status: ShownStatus
    text: Explanation | None = None


@dataclass(frozen=True, slots=True)
class HistoryReason:
    """An item of the history that moved the recommended one, or is like it. `basis` says how that is known.

    "backbone": the ranking itself was asked, with it and without. "shared_attributes": a liked item with the same
    attributes; the ranking may have had other grounds, so it has neither effect, share nor direction.
    """

    item_id: str
    title: str
    rating: float | None
    liked: bool | None
    met: Moment
    basis: Literal["backbone", "shared_attributes"]
    shared: tuple[str, ...] = ()
    effect: float | None = None
    share: float | None = None
    direction: Direction | None = None
    kind: Literal["history"] = "history"


@dataclass(frozen=True, slots=True)
class StatementReason:
    """A statement of the text about the end user that moved the item. `effect`: what it added to its logit.

    `sentence`: where a text about the item, or its description, tells of a phrase; else None.
    """

    statement_id: int
    explanation_id: int
    aspect: str
    polarity: Literal["likes", "dislikes"]
    effect: float
    share: float
    direction: Direction
    kind: Literal["statement"] = "statement"
    basis: Literal["steering"] = "steering"
    sentence: Sentence | None = None


@dataclass(frozen=True, slots=True)
class OwnStatementReason:
    """What the end user said themself, and is kept, moved the item. `quote`: their words; empty without any."""

    statement_id: int
    aspect: str
    polarity: Literal["likes", "dislikes"]
    quote: str
    effect: float
    share: float
    direction: Direction
    kind: Literal["own_statement"] = "own_statement"
    basis: Literal["steering"] = "steering"
    sentence: Sentence | None = None


@dataclass(frozen=True, slots=True)
class ToldReason:
    """A statement of the text that came with the request moved the item. It is kept nowhere, so it has no id."""

    aspect: str
    polarity: Literal["likes", "dislikes"]
    effect: float
    share: float
    direction: Direction
    kind: Literal["told"] = "told"
    basis: Literal["steering"] = "steering"
    sentence: Sentence | None = None


@dataclass(frozen=True, slots=True)
class UserTextReason:
    """The text about the end user that the version was trained with moved the item: with it minus without.

    `explanation_id`: None where that text is not the one of now.
    """

    explanation_id: int | None
    effect: float
    share: float
    direction: Direction
    kind: Literal["user_text"] = "user_text"
    basis: Literal["backbone"] = "backbone"


@dataclass(frozen=True, slots=True)
class StatisticReason:
    """Why a list that knows nothing about the end user names this item."""

    kind: Literal["popularity", "segment", "newness"]
    text: str
    basis: Literal["statistics"] = "statistics"


@dataclass(frozen=True, slots=True)
class AdapterShare:
    """One adapter of a tuned model, and its part of the sum that scored, above 0 and at most 1."""

    name: str
    share: float


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

    `log_odds`: of Yes against No, before calibration; None where it has no score, and `note` may say why.
    `probability`: of a like, calibrated, before what people approved steers it. `text`: what it reasoned before it
    answered, which no person has reviewed; `cut_off`: whether its tokens ran out; `verdict`: what that text says, empty
    where nothing; `agrees`: whether that is on the side of `probability`, None where one of them is on none. `as_of`:
    it knows what happened
    before. `adapters`: of a tuned model those that made the score, the largest part first;
    empty for another model. `effect`: what it added to the logit of the backbone's score, where that made the list;
    None where the list goes by the LLM's scores alone. `text_status`: whether the
    text is shown.
    """

    text: str
    verdict: Literal["yes", "no", ""]
    agrees: bool | None
    note: str
    log_odds: float | None
    model: str
    prompt: str
    as_of: Moment
    scored_at: datetime
    adapters: tuple[AdapterShare, ...] = ()
    effect: float | None = None
    probability: float | None = None
    cut_off: bool = False
    text_status: ShownStatus = "shown"
    kind: Literal["scored"] = "scored"
    basis: Literal["answer"] = "answer"
    review_status: Literal["unreviewed"] = "unreviewed"


Reason = (
    HistoryReason
    | StatementReason
    | OwnStatementReason
    | ToldReason
    | UserTextReason
    | StatisticReason
    | ScoredReason
    | RuleReason
)
Kind = TypeVar("Kind", bound=Reason)
NOT_ASKED = Shown("not_asked")
