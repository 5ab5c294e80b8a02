"""What the insights pages read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Length

from recommender.llm.labels import Label, label_of
from recommender.models import BackboneVersion, Catalog, Clock, EndUser, Interaction, Item, Knowledge, ScoringRun
from recommender.models.holding import holds
from recommender.recipe import TrainConfig
from recommender.rounds import approved
from recommender.serving.codes import NoticeCode
from recommender.serving.rankers import DEFAULT
from recommender.serving.recommend import preview
from recommender.serving.served import Served, ServedItem
from recommender.serving.steering import knob
from recommender.serving.types import (
    Explanation,
    HistoryReason,
    OwnStatementReason,
    ScoredReason,
    StatementReason,
    StatisticReason,
    TextStatement,
)
from recommender.thinkrec.scoring import lists as scored_lists
from reviews import feedback
from reviews.pages.insights.corrections import Correction, corrections_of
from reviews.pages.insights.own import OwnWords, words_of
from reviews.room.card import history_up_to

EXAMPLES = 12
FOUND = 24
HISTORY_SHOWN = 40
PAST_SHOWN = 3  # of the history, that a recommended item names
SCORES = {
    "like_probability": "chance of a like",
    "relative_preference": "how well it fits",
    "worth_by_knowledge": "speaks for it",
    "expected_likes": "likes to expect",
}
TOLD = (NoticeCode.OUT_OF_STOCK, NoticeCode.FEWER_ITEMS)
_COLUMNS = ("item__title", "rating", "liked", "moment")


@dataclass(frozen=True, slots=True)
class Text:
    """A text as a page shows it. `uses`: how much of a history, in words; `model`: what made the list, if one did."""

    reason: Explanation
    uses: str
    model: BackboneVersion | None

    @property
    def label(self) -> Label | None:
        return label_of(self.reason.written_by.name)

    @property
    def use(self) -> str:
        """Whether the model of the list was trained with this text, in a sentence; empty where no model made it."""
        if self.model is None:
            return ""
        if self.reason.in_snapshot and _reads_texts(self.model):
            return "Used: this model was trained with it."
        if self.reason.reviewed_at is None or not self.reason.is_in_force:
            return "Not used: nobody has approved it."
        later = self.reason.reviewed_at > self.model.snapshot.created_at
        return "Not used yet: approved after this model was trained." if later else "This model was trained without it."


@dataclass(frozen=True, slots=True)
class Moved:
    """A statement that moved an item, with its words; None where the text says no more, or the user said it."""

    by: StatementReason | OwnStatementReason
    statement: TextStatement | None
    approved_by: str


@dataclass(frozen=True, slots=True)
class Line:
    """One recommended item; `score_share`: 0 to 1, for a meter, or None.

    `history`: what of it raised the score, or is like the item where `like_it`.
    """

    item: ServedItem
    score_share: float | None
    knowledge: Text | None
    history: tuple[HistoryReason, ...]
    like_it: bool
    statistic: StatisticReason | None
    statements: tuple[Moved, ...] = ()
    although: tuple[Moved, ...] = ()
    scored: ScoredReason | None = None

    @property
    def did(self) -> str:
        """What they did with the items of the history that are shown."""
        return feedback.verb(self.history)


@dataclass(frozen=True, slots=True)
class Met:
    """One interaction of the history; `when` is None on a clock that only orders."""

    title: str
    rating: float | None
    liked: bool | None
    when: datetime | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What the approved text does to a list: titles that are in it because of the text, and those that gave way."""

    came: tuple[str, ...]
    went: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One end user's list as of now, and what it was made from. `difference`: None where no text was approved.

    `own`: what they say of themself; `steers`: whether that and approved statements move lists. `corrections`: what
    people struck, changed and added beside the text.
    """

    end_user: EndUser
    served: Served
    preference: Text | None
    corrections: list[Correction]
    own: OwnWords
    steers: bool
    difference: Difference | None
    lines: tuple[Line, ...]
    history: tuple[Met, ...]  # newest first
    history_length: int

    @property
    def scores(self) -> str:
        """What the numbers beside the items are, in words."""
        return SCORES.get(self.served.score_kind or "", "")

    @property
    def history_name(self) -> str:
        return feedback.noun(self.history)

    @property
    def told(self) -> list[str]:
        """What rules and a small catalog did to the list; what is pinned or buried says so itself."""
        return [one.detail for one in self.served.notices if one.code in TOLD] if self.lines else []

    @property
    def texts_read(self) -> str:
        """How many approved texts the list's model was trained with, and whether this user's is one, in sentences."""
        model = self.served.backbone
        if model is None:
            return ""
        end_users, items = model.snapshot.end_user_count, model.snapshot.item_count
        if not (end_users or items) or not _reads_texts(model):
            return "It has read no approved text."
        said = f"It has read approved texts about {_many(end_users, 'user')} and {_many(items, 'item')}"
        if self.preference is None:
            return f"{said}."
        return f"{said}; the one about this user is {'' if self.preference.reason.in_snapshot else 'not '}among them."


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _reads_texts(model: BackboneVersion) -> bool:
    """Whether anything of the texts was an input of the model."""
    config = TrainConfig.from_json(model.config)
    return config.knowledge_field or config.knowledge_signal or config.statements


def matching(catalog: Catalog, text: str) -> list[EndUser]:
    """End users whose id is, starts with or else holds this text; the shortest ids first."""
    of_catalog = _described(EndUser.objects.filter(catalog=catalog)).order_by(Length("external_id"), "external_id")
    return list(of_catalog.filter(external_id__startswith=text)[:FOUND]) or list(
        of_catalog.filter(holds(text, "external_id"))[:FOUND]
    )


@dataclass(frozen=True, slots=True)
class FoundItem:
    item: Item
    keywords: list[str]  # approved ones


def items_matching(catalog: Catalog, text: str) -> list[FoundItem]:
    """Items whose title or an approved keyword of which holds this text, by title. Two queries."""
    found = list(approved.items_matching(catalog, text).order_by("title", "pk")[:FOUND])
    words = approved.keywords_of([item.pk for item in found])
    return [FoundItem(item, words.get(item.pk, [])) for item in found]


def examples(catalog: Catalog) -> list[EndUser]:
    """End users worth a look: those whose preference was approved last, then the first of the catalog."""
    in_force = Knowledge.objects.filter(catalog=catalog, in_force=True, item=None).order_by("-accepted_at")
    approved_last = in_force.values_list("end_user_id", flat=True)[: 4 * EXAMPLES]  # some more than once
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


def scored_by(end_user: EndUser) -> ScoringRun | None:
    """The run in which an LLM scored a list for this end user, however old; None without one."""
    return ScoringRun.objects.filter(lists__end_user=end_user).first()


def scorer_label(case: "Case", run: ScoringRun | None) -> Label | None:
    """What people should know of the model that gave the list its order: that of `run`, or an endpoint just asked."""
    said = next((line.scored for line in case.lines if line.scored), None)
    if said is None:
        return None
    is_of_run = run is not None and said.model.startswith(str(run.metrics.get("model")))
    return label_of(said.model) or (scored_lists.label_of(run) if run and is_of_run else None)


def case(end_user: EndUser, *, limit: int, scenario: str = DEFAULT) -> Case:
    """`end_user.catalog` must be loaded. Looking logs nothing."""
    served = preview(end_user, limit=limit, level="full", scenario=scenario)
    interactions = Interaction.objects.filter(end_user=end_user)
    newest = interactions.with_liked().order_by("-moment", "-id").values_list(*_COLUMNS)
    dated = end_user.catalog.clock == Clock.SECONDS
    top = max((item.score or 0.0 for item in served.items), default=0.0)

    def text_of(shown: Explanation) -> Text:
        return Text(shown, history_up_to(shown.as_of.value, end_user.catalog), served.backbone)

    about = served.about.text
    lines = tuple(_line(item, about, text_of, top=1.0 if served.backbone else top) for item in served.items)
    return Case(
        end_user=end_user,
        served=served,
        preference=text_of(about) if about else None,
        corrections=_corrections(end_user, about),
        own=words_of(end_user),
        steers=knob(end_user.catalog) > 0,
        difference=_difference(end_user, served, scenario) if about and about.is_in_force else None,
        lines=lines,
        history=tuple(
            Met(title, rating, liked, datetime.fromtimestamp(moment, tz=UTC) if dated else None)
            for title, rating, liked, moment in newest[:HISTORY_SHOWN]
        ),
        history_length=interactions.count(),
    )


def _corrections(end_user: EndUser, about: Explanation | None) -> list[Correction]:
    """Of the text in force; what is corrected in another one counts once it is approved."""
    if about is None or not about.is_in_force:
        return []
    return corrections_of((about.explanation_id, *about.further), end_user.catalog)


def _difference(end_user: EndUser, served: Served, scenario: str) -> Difference:
    """Against the list of now as the same model makes it without the text."""
    unaware = preview(end_user, limit=len(served.items), scenario=scenario, unaware=True)
    before, after = ({item.item_id: item.title for item in each.items} for each in (unaware, served))
    return Difference(
        tuple(title for name, title in after.items() if name not in before),
        tuple(title for name, title in before.items() if name not in after),
    )


def _line(item: ServedItem, about: Explanation | None, text_of: Callable[[Explanation], Text], *, top: float) -> Line:
    words = {one.statement_id: one for one in about.statements} if about else {}
    by = about.reviewed_by if about else ""
    moved = [Moved(each, None, "") for each in item.of(OwnStatementReason)]
    moved += [Moved(each, words.get(each.statement_id), by) for each in item.of(StatementReason)]
    history = item.of(HistoryReason)
    return Line(
        item=item,
        score_share=item.score / top if item.score is not None and top else None,
        knowledge=text_of(item.about.text) if item.about.text else None,
        history=tuple(each for each in history if each.direction != "against")[:PAST_SHOWN],
        like_it=any(each.basis == "shared_attributes" for each in history),
        statistic=next(iter(item.of(StatisticReason)), None),
        statements=tuple(each for each in moved if each.by.direction == "for"),
        although=tuple(each for each in moved if each.by.direction == "against"),
        scored=next(iter(item.of(ScoredReason)), None),
    )
