"""The values the reasoning core works on. Pure: no Django, no network, no clock."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

Kind = Literal["end_user", "item"]
StrategyName = Literal["refine", "filter", "keywords", "trace"]
JudgementName = Literal["reasonable", "not_reasonable"]


@dataclass(frozen=True, slots=True)
class Encounter:
    """One interaction as a prompt shows it. `liked` is None where it is not known."""

    title: str
    rating: float | None
    liked: bool | None
    attributes: dict[str, Any] = field(default_factory=dict)
    interaction_id: int | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rationale is about, and all the evidence a prompt may show, frozen when the round was opened.

    An end user has `history`, oldest first where it is `ordered`. An item has `title`, `attributes`, and the histories
    of one end user who liked it and one who did not (either may be empty: nobody did). `asked`: of a trace the one
    interaction that it is about, with its label in `liked`, which no question shows before the first hint.
    """

    kind: Kind
    item_noun: str
    rating_max: float
    like_threshold: float
    history: tuple[Encounter, ...] = ()
    title: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    liker: tuple[Encounter, ...] = ()
    disliker: tuple[Encounter, ...] = ()
    ordered: bool = True  # whether histories say what came first
    asked: tuple[Encounter, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "asked" or value}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        histories = ("history", "liker", "disliker", "asked")
        values: dict[str, Any] = {k: tuple(Encounter(**e) for e in v) if k in histories else v for k, v in data.items()}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class TurnValue:
    """A stored turn as the core sees it: recommender.models.Turn without the database.

    `about` is the index of the rationale judged, or of the rationale this one was made from.
    """

    index: int
    kind: Literal["reason", "refine", "edit", "reflect", "override"]
    text: str
    verdict: Literal[""] | JudgementName = ""
    about: int | None = None
