"""The worst first, only what was asked for, and pages that do not count what lies before them."""

from datetime import timedelta

import pytest
from django.http import QueryDict

from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.knowledge.disputes import dispute
from recommender.models import Account, Catalog, EndUser, Hearing, Round
from recommender.statements.own import say
from reviews.choices import Concern
from reviews.keyset import page_of
from reviews.models import Review, ReviewState
from reviews.room import leases
from reviews.room.disputes import open_disputed
from reviews.room.opening import open_review
from reviews.room.queue import queue, queue_counts
from reviews.room.said import open_said
from reviews.room.stream import Stream
from tests.builders import make_catalog, make_drafts, make_end_user, make_item, make_review
from tests.reviews.conftest import NOON, SignIn
from tests.reviews.forms import url

WRONG = "They gave “Film 0 (1990)” (rated 1) no second look."  # the evidence has it rated 5


def order(account: Account, stream: Stream = Stream()) -> list[int]:  # noqa: B008
    taken = []
    while slot := leases.take_next(account, stream=stream, now=NOON):
        taken.append(slot.review_id)
        leases.skip(slot.review, account=account, now=NOON)
    return taken


def test_what_never_passed_comes_first_then_what_is_contradicted_then_the_oldest(rita: Account) -> None:
    usual, later = make_review(), make_review()
    contradicted = make_review(("reason", WRONG), ("reflect", ""))
    never = make_review(("reason", "Likes tea."), ("reflect", "Does not."), rest_reason="budget")
    drafts = open_review(make_drafts(make_end_user(make_catalog()), ("Rain.", "No."), ("Sun.", "No.")))

    assert order(rita) == [never.pk, drafts.pk, contradicted.pk, usual.pk, later.pk]
    told = [each.concern for each in (never, contradicted, usual)]
    assert told == [Concern.NOT_PASSED, Concern.CONTRADICTED, Concern.NONE]


def test_the_card_and_the_queue_say_why_a_text_comes_early(rita: Account, browser_of: SignIn) -> None:
    review = make_review(("reason", WRONG), ("reflect", ""))
    words = "it says that “Film 0 (1990)” was rated 1; it was rated 5."

    for page in (url("review", review), url("queue")):
        assert words in browser_of(rita).get(page).content.decode()


def test_a_disputed_text_waits_since_it_is_disputed(rita: Account) -> None:
    review = make_review()
    Review.objects.update(opened_at=NOON - timedelta(days=3))
    assert queue(rita).get().waits_since == NOON - timedelta(days=3)

    turn = review.round.turns.get(index=0)
    first, _ = (dispute(turn, reason=reason) for reason in ("No.", "No!"))
    open_disputed()
    assert queue(rita).get().waits_since == first.created_at


def test_a_text_whose_user_says_something_waits_since_they_did(rita: Account) -> None:
    review = make_review()
    Review.objects.update(opened_at=NOON - timedelta(days=3))
    Catalog.objects.update(hearing=Hearing.AFTER_REVIEW)
    end_user = EndUser.objects.select_related("catalog").get(pk=review.round.end_user_id)
    (said,) = say(end_user, [Said((Facet("phrase", "", "rain"),), "likes", 1.0)], now=NOON)
    open_said()
    assert queue(rita).get().waits_since == said.created_at


def test_a_text_that_comes_back_rewritten_has_its_place_anew(rita: Account) -> None:
    review = make_review(("reason", "Likes tea."), ("reflect", "Does not."), rest_reason="budget")
    Review.objects.update(state=ReviewState.AWAITING_ACTOR)
    round_ = Round.objects.get()
    round_.turns.filter(index=1).update(verdict="reasonable", text="")

    again = open_review(round_)

    assert (again.pk, again.concern, again.place) == (review.pk, Concern.NONE, again.place_now())


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (Stream(), [0, 1, 2, 3]),
        (Stream(kind="item"), [2, 3]),
        (Stream(catalog="films"), [0, 2]),
        (Stream(catalog="books", kind="item"), [3]),
    ],
)
def test_the_stream_gives_and_counts_only_what_it_holds(rita: Account, stream: Stream, expected: list[int]) -> None:
    films, books = make_catalog("films"), make_catalog("books")
    subjects = [make_end_user(films), make_end_user(books), make_item(films), make_item(books)]
    reviews = [make_review(subject=subject) for subject in subjects]

    counts = queue_counts(rita, stream=stream, now=NOON)
    assert (counts.free, counts.elsewhere) == (len(expected), 4 - len(expected))
    assert order(rita, stream) == [reviews[number].pk for number in expected]
    assert queue_counts(rita, stream=stream, now=NOON).skipped == len(expected)


def test_a_card_outside_the_stream_is_let_go_of(rita: Account) -> None:
    held, item = make_review(), make_review(subject=make_item(make_catalog()))
    leases.take_next(rita, now=NOON)

    slot = leases.take_next(rita, stream=Stream(kind="item"), now=NOON)

    assert slot is not None
    assert slot.review == item
    assert held.slots.get().leased_by is None


def test_what_is_no_stream_narrows_nothing(rita: Account) -> None:
    make_catalog("films")

    assert Stream.of(QueryDict("catalog=nothing&kind=person"), rita).is_everything
    assert Stream.of(QueryDict("catalog=fil%00ms"), rita).is_everything
    assert Stream.of(QueryDict("catalog=films&kind=item"), rita).query == "?catalog=films&kind=item"


@pytest.mark.parametrize("latest_first", [False, True])
def test_pages_show_every_row_once_forwards_and_back(db: None, latest_first: bool) -> None:
    made = [make_review() for _ in range(11)]
    for number, review in enumerate(made):
        Review.objects.filter(pk=review.pk).update(place=number // 3)  # equal places, as in one second
    expected = [review.pk for review in made]
    if latest_first:
        expected.reverse()
    query: dict[str, str] = {}
    pages = []
    while True:
        page = page_of(Review.objects.all(), query, by="place", size=4, latest_first=latest_first)
        pages.append([row.pk for row in page.rows])
        if not page.next:
            break
        query = {"after": page.next}
    assert [pk for rows in pages for pk in rows] == expected
    back = page_of(Review.objects.all(), {"before": page.previous}, by="place", size=4, latest_first=latest_first)
    assert [row.pk for row in back.rows] == pages[1]
    first = page_of(Review.objects.all(), {"before": back.previous}, by="place", size=4, latest_first=latest_first)
    assert ([row.pk for row in first.rows], first.previous) == (pages[0], "")


@pytest.mark.parametrize("mark", ["x", "1", "1.", "-1.2", "9" * 30 + ".1", "٣.٣"])
def test_a_mark_that_cannot_be_read_is_the_beginning(db: None, mark: str) -> None:
    review = make_review()

    assert page_of(Review.objects.all(), {"after": mark}, by="place", size=4).rows == [review]


def test_decided_texts_stand_the_latest_first(rita: Account, browser_of: SignIn) -> None:
    titles = ["Alien", "Big", "Casablanca"]
    for number, title in enumerate(titles):
        review = make_review(subject=make_item(make_catalog(), title))
        review.state, review.closed_at, review.version = ReviewState.DONE, NOON + timedelta(hours=number), 2
        review.place = review.place_now()
        review.save()

    page = browser_of(rita).get(url("queue"), {"state": "done"}).content.decode()

    assert sorted(titles, key=page.index) == titles[::-1]
