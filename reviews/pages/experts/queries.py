"""What the pages of groups read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from recommender.accounts.visible import within
from recommender.models import Account, Catalog, EndUser, Grouping, Interaction, Item, ScoredList
from recommender.thinkrec.experts import lists
from recommender.thinkrec.experts.acting import Acting
from recommender.thinkrec.experts.grouped import Found, Group, Grouped, load, value_of
from recommender.thinkrec.experts.lists import Lists, Placed
from reviews.pages import charts

MEMBERS_SHOWN = 6
TRAITS_DRAWN = 5
COME_SHOWN = 3
OWN, EVERYBODY = "their own order", "the order of the AI that all users share"
FAR_APART = 0.1  # a silhouette below which groups run into each other


@dataclass(frozen=True, slots=True)
class Told:
    """One trait as a page says it; shares in per cent."""

    name: str
    here: float
    elsewhere: float
    likes: int
    of: int


@dataclass(frozen=True, slots=True)
class Card:
    """One group. `share`: of all users who are in a group, in per cent."""

    group: Group
    share: float
    told: Sequence[Told]
    members: Sequence[EndUser]
    chart: SafeString | None


@dataclass(frozen=True, slots=True)
class Page:
    grouping: Grouping
    found: Found
    cards: Sequence[Card]

    @property
    def users(self) -> int:
        return sum(group.size for group in self.found.groups)

    @property
    def run_into_each_other(self) -> bool:
        score = self.found.silhouettes.get(len(self.found.groups))
        return score is not None and score < FAR_APART


def groupings(account: Account) -> QuerySet[Grouping]:
    return within(Grouping.objects.select_related("catalog", "requested_by"), account)


def last_asked(catalog: Catalog) -> Grouping | None:
    """The run that was asked for last, whatever became of it."""
    return Grouping.objects.filter(catalog=catalog).select_related("catalog", "requested_by").order_by("-pk").first()


def page_of(grouping: Grouping) -> Page:
    """Raises GroupingFilesError."""
    found, grouped = Found.from_json(grouping.found), load(grouping)
    members = [grouped.members(place, MEMBERS_SHOWN) for place in range(len(found.groups))]
    people = EndUser.objects.in_bulk({pk for each in members for pk in each})
    total = sum(group.size for group in found.groups)
    cards = [
        _card(group, 100 * group.size / total, [people[pk] for pk in pks if pk in people])
        for group, pks in zip(found.groups, members, strict=True)
    ]
    return Page(grouping, found, cards)


def _card(group: Group, share: float, members: Sequence[EndUser]) -> Card:
    told = [Told(value_of(t.aspect), 100 * t.share, 100 * t.elsewhere, t.likes, t.of) for t in group.traits]
    drawn = [charts.Bar(one.name, one.here / 100, one.elsewhere / 100) for one in told[:TRAITS_DRAWN]]
    description = "; ".join(f"{one.name}: {one.here:.0f} % here, {one.elsewhere:.0f} % elsewhere" for one in told)
    chart = charts.bars(f"group-{group.number}", "What they like more than others", description, drawn)
    return Card(group, share, told, members, chart if drawn else None)


@dataclass(frozen=True, slots=True)
class Row:
    """One group for one user. `weight`: in per cent; `come`: titles that its list has and theirs has not."""

    place: int
    name: str
    weight: float
    others: int
    come: Sequence[str]


@dataclass(frozen=True, slots=True)
class Rank:
    rank: int
    own: str
    title: str
    moved: str


@dataclass(frozen=True, slots=True)
class Case:
    """One user among the groups. `lists`: None for who has no group. `scored`: the list whose items each expert scored;
    None: they are compared by tastes. `shown`: which list stands beside their own."""

    end_user: EndUser
    page_found: Found
    lists: Lists | None
    scored: ScoredList | None = None
    sentence: str = ""
    chart: SafeString | None = None
    rows: Sequence[Row] = ()
    ranks: Sequence[Rank] = ()
    shown: str = ""

    @property
    def group(self) -> Group | None:
        return self.page_found.groups[self.lists.group] if self.lists else None

    @property
    def shown_group(self) -> Group | None:
        return self.page_found.groups[int(self.shown) - 1] if self.shown else None


def scored_by_experts(end_user: EndUser) -> tuple[ScoredList, Grouping] | None:
    """The user's list, where each expert scored its items, and the groups that those were tuned for."""
    scored = ScoredList.objects.filter(end_user=end_user, experts__grouping__isnull=False).first()
    if scored is None or not scored.experts or not any(item.get("by_adapter") for item in scored.items):
        return None
    grouping = Grouping.objects.filter(pk=scored.experts["grouping"], catalog=end_user.catalog).first()
    return (scored, grouping) if grouping else None


def case(end_user: EndUser, grouping: Grouping, *, chosen: str, scored: ScoredList | None = None) -> Case:
    """`chosen`: the number of the group whose list is shown; anything else shows the one that the weights make, or that
    of the user's own group where no group stands out. `scored`: as `scored_by_experts` has it. Raises
    GroupingFilesError."""
    found, grouped = Found.from_json(grouping.found), load(grouping)
    row = grouped.row_of(end_user.pk)
    if row is None:
        return Case(end_user, found, None)
    made = _by_scores(scored, int(grouped.of[row])) if scored else _by_tastes(end_user, grouped)
    titles = _titles([made.own, made.weighed, *made.by_expert])
    shown = chosen if chosen in {str(group.number) for group in found.groups} else ""
    if not shown and made.choice.kind == "global":
        shown = str(made.group + 1)
    beside = made.by_expert[int(shown) - 1] if shown else made.weighed
    rows = [_row(place, found.names[place], made, titles) for place in range(len(found.groups))]
    bars = [charts.Bar(row.name, row.weight / 100) for row in rows]
    description = "; ".join(f"{row.name}: {row.weight:.0f} %" for row in rows)
    return Case(
        end_user=end_user,
        page_found=found,
        lists=made,
        scored=scored,
        sentence=made.choice.words(found.names),
        chart=charts.bars("weights", "How much each group weighs for this user", description, bars),
        rows=rows,
        ranks=[
            Rank(one.rank, titles.get(own.item, ""), titles.get(one.item, ""), moved(one, EVERYBODY if scored else OWN))
            for own, one in zip(made.own, beside, strict=True)
        ],
        shown=shown,
    )


def _by_tastes(end_user: EndUser, grouped: Grouped) -> Lists:
    met = set(Interaction.objects.filter(end_user=end_user).values_list("item_id", flat=True))
    made = lists.of_end_user(grouped, end_user.pk, met=met)
    assert made is not None
    return made


def _by_scores(scored: ScoredList, group: int) -> Lists:
    """From what each adapter said of the items that are still there."""
    keys = dict(Item.objects.filter(catalog=scored.catalog_id).filter(
        external_id__in=[item["item_id"] for item in scored.items]
    ).values_list("external_id", "pk"))  # fmt: skip
    assert scored.experts
    there = [item for item in scored.items if item["item_id"] in keys]
    return lists.of_scores(
        Acting.from_json(scored.experts).choice,
        group,
        [keys[item["item_id"]] for item in there],
        [item["by_adapter"] for item in there],
    )


def _row(place: int, name: str, made: Lists, titles: Mapping[int, str]) -> Row:
    own = {one.item for one in made.own}
    come = [titles.get(one.item, "") for one in made.by_expert[place] if one.item not in own]
    return Row(place + 1, name, 100 * made.choice.weights[place], len(come), come[:COME_SHOWN])


def moved(one: Placed, order: str) -> str:
    """How an item got to its rank, in words; `order`: what its place before is one of."""
    if one.before > lists.LENGTH:
        return f"new here, {one.before:,} in {order}"
    up = one.before - one.rank
    return "the same place" if not up else f"{'up' if up > 0 else 'down'} {abs(up)}"


def _titles(made: Iterable[Sequence[Placed]]) -> dict[int, str]:
    return dict(Item.objects.filter(pk__in={one.item for each in made for one in each}).values_list("pk", "title"))


def remaining(run: Grouping) -> str:
    """How long the run may still take, in words; empty where that is not known."""
    left = run.progress.get("left")
    if left is None:
        return ""
    return f"at most {left} s left" if left < 90 else f"at most {round(left / 60)} min left"
