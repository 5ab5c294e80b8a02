"""The statements of a proposed text as the card shows them: what each says, where, and how its evidence stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from django.template.defaultfilters import pluralize

from recommender.grounding.evidence import Evidence, Rated, Standing, count, standing
from recommender.grounding.statements import Statement as Said
from recommender.grounding.told import NOTHING
from recommender.grounding.wording import in_words
from recommender.models import Holder, Polarity, Source, Statement, Turn
from recommender.rounds.core.types import Encounter, Subject
from recommender.statements import service

MOST = 40  # statements that a card lists
STANDS: Mapping[Standing, tuple[str, str]] = {  # words, tone of the badge
    "supported": ("supported", "good"),
    "contradicted": ("evidence says otherwise", "bad"),
    "unsupported": ("not in the evidence", "warn"),
    "not_checkable": ("cannot be checked", ""),
}
UNSETTLED = "not clear from the evidence"  # unsupported, though something is there: 5 of 10, 0 of 1
SAYS: Mapping[str, str] = {
    Polarity.LIKES: "Likes",
    Polarity.DISLIKES: "Dislikes",
    Polarity.MIXED: "In two minds about",
    Polarity.NEUTRAL: "Is",
}
OTHERWISE: Mapping[str, str] = {  # the other reading, where an AI's list and the app's reading differ
    Polarity.LIKES: "liked",
    Polarity.DISLIKES: "disliked",
    Polarity.MIXED: "in two minds",
    Polarity.NEUTRAL: "only a fact",
}
WHOSE: Mapping[str, str] = {Holder.LIKERS: "Fans:", Holder.DISLIKERS: "Others:"}


@dataclass(frozen=True)
class StatementOnCard:
    """One statement, by its number on the card. `evidence`: of the rows that were shown; None: not checkable."""

    number: int
    row: Statement
    said: Said
    aspect: str
    evidence: Evidence | None
    is_of_item: bool = False  # of a text about an item, which states facts of it too

    @property
    def is_quiet(self) -> bool:
        """Whether it only cites a title that is in the evidence as it says: listed with its like."""
        only_a_title = [facet.kind for facet in self.said.aspect] == ["title"]
        is_agreed = self.row.otherwise in ("", NOTHING)  # an AI's list often leaves such titles out
        return self.standing == "supported" and only_a_title and is_agreed and not self.by

    @property
    def whose(self) -> str:
        return WHOSE.get(self.said.holder, "")

    @property
    def says(self) -> str:
        if self.said.polarity == "neutral" and not self.is_of_item:
            return "Speaks of"
        return SAYS[self.said.polarity]

    @property
    def is_struck(self) -> bool:
        return self.row.ended_at is not None

    @property
    def by(self) -> str:
        """Who said it, where a person did."""
        return str(self.row.account) if self.row.source == Source.PERSON and self.row.account else ""

    @cached_property
    def standing(self) -> Standing:
        return standing(self.said, self.evidence)

    @property
    def stands(self) -> str:
        return UNSETTLED if self.standing == "unsupported" and self.counted else STANDS[self.standing][0]

    @property
    def tone(self) -> str:
        return STANDS[self.standing][1]

    @property
    def otherwise(self) -> str:
        """Where the AI's own list and the app's reading differ, in words."""
        if not self.row.otherwise or self.is_struck:
            return ""
        by_app = self.row.source == Source.READER
        if self.row.otherwise == NOTHING:
            return "Only the app reads this, the AI does not list it." if by_app else "Only the AI lists this."
        return f"The app reads it otherwise: {OTHERWISE[self.row.otherwise]}."

    @property
    def counted(self) -> str:
        """What its evidence counts, in words: 3 of 11 liked."""
        if self.evidence is None or not self.evidence.judged or self.row.polarity == Polarity.NEUTRAL:
            return ""
        return f"{self.evidence.liked} of {self.evidence.judged} liked"

    @property
    def summary(self) -> str:
        """All of it in one phrase: likes Drama (5 of 15 liked)."""
        says = " ".join(filter(None, (self.whose, f"{self.says[0].lower()}{self.says[1:]}", self.aspect)))
        return f"{says} ({self.counted})" if self.counted else says

    @property
    def others(self) -> list[tuple[str, str]]:
        """What a person may make of it by one press: polarity, label."""
        choices = [(Polarity.LIKES, "likes"), (Polarity.DISLIKES, "dislikes"), (Polarity.MIXED, "mixed")]
        return [(str(value), label) for value, label in choices if value != self.said.polarity]


def doubts(contradicted: Sequence[StatementOnCard], places: int) -> list[str]:
    """What in a text the evidence contradicts, in words. `places`: how many counts, titles and the like."""
    found = [f"{places} place{pluralize(places)} under “Check this”"] if places else []
    return [*found, *(one.summary for one in contradicted)]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the text, and the statements that it makes."""

    text: str
    numbers: str = ""  # "1 3", for links both ways
    marks: str = ""  # those that end here: "1 3"
    tone: str = ""


def on_card(turn: Turn | None, subject: Subject, titles: Mapping[str, str]) -> list[StatementOnCard]:
    """In the order of the text; what people added comes last. `turn.statements` is prefetched, with accounts.

    A statement that was changed makes way for the one it became; one that was struck stays, as struck.
    """
    if turn is None:
        return []
    rows = sorted(service.as_seen(turn.statements.all()), key=lambda row: (not row.end, row.start, row.place))
    replaced = {row.replaces_id for row in rows}
    shown = [row for row in rows if row.pk not in replaced][:MOST]
    known = evidence_of(subject)
    return [
        StatementOnCard(
            number,
            row,
            said,
            in_words(said.aspect, titles),
            count(said, known[said.holder], titles),
            subject.kind == "item",
        )
        for number, row in enumerate(shown, start=1)
        for said in [service.said(row)]
    ]


@dataclass(frozen=True, slots=True)
class Compared:
    """A statement by what the model was shown, and by everything that is known now."""

    shown: StatementOnCard
    now: StatementOnCard

    @property
    def is_other(self) -> bool:
        return self.shown.standing != self.now.standing


def by_all_known(
    statements: Sequence[StatementOnCard], met: Sequence[Encounter], titles: Mapping[str, str]
) -> list[Compared]:
    """The statements about a person, those that stand, held against everything the person has met."""
    rows = _rated(met)
    return [
        Compared(one, replace(one, evidence=count(one.said, rows, titles))) for one in statements if not one.is_struck
    ]


def evidence_of(subject: Subject) -> dict[str, list[Rated]]:
    """What statements are held against, by whose they are; oldest first."""
    own = _rated(subject.history) if subject.kind == "end_user" else [Rated(subject.title, subject.attributes)]
    return {Holder.SUBJECT: own, Holder.LIKERS: _rated(subject.liker), Holder.DISLIKERS: _rated(subject.disliker)}


def _rated(history: Sequence[Encounter]) -> list[Rated]:
    return [Rated(met.title, met.attributes, met.liked, met.rating) for met in history]


def parts(text: str, statements: Sequence[StatementOnCard], wrong: Sequence[tuple[int, int]] = ()) -> list[Part]:
    """The text in pieces; together they are the text. `wrong`: places that the evidence contradicts."""
    placed = [one for one in statements if one.said.end > one.said.start and not one.is_struck]
    places = {place for one in placed for place in (one.said.start, one.said.end)}
    edges = sorted({0, len(text)} | places | {min(place, len(text)) for each in wrong for place in each})
    made = []
    for start, end in pairwise(edges):
        own = [one for one in placed if one.said.start <= start and end <= one.said.end]
        ending = [one for one in own if one.said.end == end]
        is_wrong = any(first <= start and end <= last for first, last in wrong)
        tone = "bad" if is_wrong or any(one.tone == "bad" for one in own) else ""
        marks = " ".join(str(one.number) for one in ending)
        made.append(Part(text[start:end], " ".join(str(one.number) for one in own), marks, tone))
    return [part for part in made if part.text]


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of the evidence, and the statements that it is evidence for or against."""

    met: Encounter
    statements: tuple[StatementOnCard, ...] = ()

    @property
    def numbers(self) -> str:
        return " ".join(str(one.number) for one in self.statements)


def ordered(history: Sequence[Encounter], statements: Sequence[StatementOnCard], holder: str) -> list[Shown]:
    """A history with the titles that the text names first, then what else it speaks of, then the rest."""
    cited: dict[int, list[StatementOnCard]] = {}
    for one in statements:
        if one.evidence is not None and one.said.holder == holder and not one.is_struck:
            for place in one.evidence.rows:
                cited.setdefault(place, []).append(one)
    first = sorted(cited, key=lambda place: (not any(map(_names_it, cited[place])), cited[place][0].number, -place))
    rest = [place for place in range(len(history) - 1, -1, -1) if place not in cited]
    return [Shown(history[place], tuple(cited.get(place, ()))) for place in [*first, *rest]]


def _names_it(statement: StatementOnCard) -> bool:
    return any(facet.kind == "title" for facet in statement.said.aspect)
