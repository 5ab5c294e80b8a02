"""What end users say of themselves and people are to accept: before people first, on the card and on a page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Coalesce

from recommender.accounts.visible import within
from recommender.grounding.wording import in_words
from recommender.models import Account, Catalog, EndUser, Round, RoundState, Statement
from recommender.serving.said import may_act
from recommender.serving.steering import knob
from recommender.statements import own, queries, service
from recommender.statements.aspects import aspects_of
from reviews.choices import Concern, ReviewState
from reviews.models import Review
from reviews.room import first, opening, verdicts
from reviews.room.concern import Concerns
from reviews.room.statements import SAYS

ACCEPT, REFUSE, BACK = "accept", "refuse", "back"
MOST = 50  # that a page lists
LATELY, LATEST = timedelta(days=1), 10  # what a person decided and may take back on the page


def says(row: Statement) -> str:
    """What one thinks of the aspect, in words that go before it."""
    words = SAYS[row.polarity]
    return f"Not so: {words[0].lower()}{words[1:]}" if row.negated else words


@dataclass(frozen=True, slots=True)
class SaidOnCard:
    """One statement of an end user. `acts`: whether it moves lists once it counts; where a catalog's strength of
    steering is 0, only what they refuse by its title does something: it is left out."""

    row: Statement
    aspect: str
    acts: bool

    @property
    def says(self) -> str:
        return says(self.row)

    @property
    def waits(self) -> bool:
        return self.row.began_at is None

    @property
    def is_refused(self) -> bool:
        return self.row.ended_by_id is not None


def open_said() -> int:
    """Put the texts about those before people who said what waits; returns how many came there. Safe to repeat.

    What nobody wrote about stands on the page alone.
    """
    opened = 0
    for pk in own.waiting().order_by("end_user").values_list("end_user", flat=True).distinct():
        round_ = _round_about(EndUser.objects.get(pk=pk))
        if round_ is not None:
            opened += _put_first(round_)
    return opened


def _round_about(end_user: EndUser) -> Round | None:
    """Of the text about them: the one in force, else the latest that rests."""
    latest = queries.text_in_force(end_user)
    if latest is not None:
        return latest.turn.round
    rounds = Round.objects.for_knowledge().filter(end_user=end_user, state=RoundState.RESTING)
    return rounds.order_by("-as_of", "-pk").first()


def _put_first(round_: Round) -> bool:
    review = Review.objects.filter(round=round_).first() or opening.open_review(round_)
    if review.state == ReviewState.DONE:
        return opening.reopen(review, concerns=Concerns(Concern.SAID, review.concern_words, review.findings))
    if review.state == ReviewState.OPEN and review.concern not in (Concern.SAID, Concern.DISPUTED):
        review.concern = Concern.SAID
        as_read = Review.objects.filter(pk=review.pk, state=ReviewState.OPEN, version=review.version)
        return bool(as_read.update(concern=review.concern, place=review.place_now(since=first.since(review))))
    return False


def of_round(round_: Round) -> list[SaidOnCard]:
    """What the round's end user says of themself: what waits first, then what counts."""
    if round_.end_user is None:
        return []
    rows = sorted(own.standing(round_.end_user), key=lambda row: (row.began_at is not None, row.pk))
    return [_shown(row, round_.catalog) for row in rows]


def waiting(account: Account) -> list[SaidOnCard]:
    """The oldest that wait in the account's catalogs."""
    rows = within(own.waiting(), account, at="end_user__catalog")[:MOST]
    return [_shown(row, row.end_user.catalog) for row in rows if row.end_user]


def lately(account: Account, now: datetime) -> list[SaidOnCard]:
    """What the account accepted or refused within a day, the latest first."""
    since = now - LATELY
    judged = Q(accepted_by=account, ended_at=None, began_at__gte=since) | Q(ended_by=account, ended_at__gte=since)
    rows = Statement.objects.filter(judged, end_user__isnull=False, end_user__erased_at=None)
    rows = rows.select_related("end_user__catalog").order_by(Coalesce("ended_at", "began_at").desc())
    return [
        _shown(row, row.end_user.catalog)
        for row in within(rows, account, at="end_user__catalog")[:LATEST]
        if row.end_user
    ]


def visible(account: Account, pk: int) -> Statement | None:
    """A statement of an end user in one of the account's catalogs."""
    rows = Statement.objects.filter(pk=pk, end_user__isnull=False, end_user__erased_at=None)
    return within(rows.select_related("end_user__catalog"), account, at="end_user__catalog").first()


def judge(statement: Statement, say: str, *, account: Account, now: datetime) -> bool:
    """Accept or refuse it, or take that back; where that was the last that waited, its review is as it was before.

    False: too late.
    """
    if say == BACK:
        return own.unjudge(statement, account=account)
    done = own.accept if say == ACCEPT else own.refuse
    if not done(statement, account=account, now=now):
        return False
    end_user = statement.end_user
    assert end_user is not None, "only what end users say is judged"
    if not own.standing(end_user).filter(began_at=None).exists():
        for review in Review.objects.filter(round__end_user=end_user, concern=Concern.SAID).select_related("round"):
            _settle(review, now=now)
    return True


def _settle(review: Review, *, now: datetime) -> None:
    """Nothing waits any more: a text that people had decided about is decided again, another waits as any does."""
    last = review.decisions.select_related("made_turn").order_by("pk").last()
    is_done = last and verdicts.of_decision(last, review.round.strategy).state_after == ReviewState.DONE
    before = {"state": review.state, "version": review.version}
    review.concern, review.version = Concern.NONE, review.version + 1
    if is_done and review.state == ReviewState.OPEN:
        review.state, review.closed_at = ReviewState.DONE, now
    review.place = review.place_now()
    columns = ("concern", "version", "state", "closed_at", "place")
    written = {name: getattr(review, name) for name in columns}
    Review.objects.filter(pk=review.pk, **before).update(**written)


def acts(row: Statement, catalog: Catalog) -> bool:
    """Whether what an end user says moves lists once it counts."""
    return may_act(service.said(row), own=True, steers=knob(catalog) > 0)


def _shown(row: Statement, catalog: Catalog) -> SaidOnCard:
    aspect = in_words(service.said(row).aspect, aspects_of(catalog).title_of)
    return SaidOnCard(row, aspect, acts(row, catalog))


def words(round_: Round) -> str:
    """Why the text comes first."""
    count = sum(one.waits for one in of_round(round_))
    what = "something" if count == 1 else f"{count} things"
    return f"It comes first because the user says {what} of themself. Say whether that is to count." if count else ""
