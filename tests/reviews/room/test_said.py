"""What users say of themselves beside what people say: the newest word of a person counts, after review where asked."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.knowledge.disputes import dispute
from recommender.models import Account, AuditEntry, AuditEvent, Catalog, Dispute, EndUser, Role, Source, Statement, Turn
from recommender.serving.said import all_of
from recommender.statements import own, service
from recommender.statements.queries import THE_USER, acting
from reviews.choices import Concern, ReviewState, Verdict
from reviews.models import Review
from reviews.room import disputes, leases, opening, said
from reviews.room.card import card
from reviews.room.concern import Concerns
from reviews.room.opening import open_review
from tests.builders import make_account, make_catalog, make_end_user, make_item, make_round, make_subject
from tests.reviews.conftest import SignIn
from tests.reviews.room.test_decisions import decide

pytestmark = pytest.mark.django_db
TEXT = "They love westerns. Musicals bore them."
WESTERN, MUSICAL = (Facet("attribute", "genres", name) for name in ("Western", "Musical"))


@pytest.fixture
def catalog() -> Catalog:
    made = make_catalog("films")
    for title, genre in (("Rio Bravo", "Western"), ("Cats", "Musical"), ("Ikiru", "Drama")):
        make_item(made, f"{title} (1959)", external_id=title.lower(), genres=[genre])
    return made


@pytest.fixture
def ann() -> Account:
    return make_account("ann", role=Role.ANNOTATOR)


@pytest.fixture
def review(catalog: Catalog) -> Review:
    evidence = make_subject().to_json()
    reader = make_end_user(catalog)
    steps = ("reason", TEXT), ("reflect", "")
    return open_review(make_round(reader, *steps, evidence=evidence, rest_reason="reasonable"))


@pytest.fixture
def approved(review: Review, ann: Account) -> Review:
    decide(review, ann, Verdict.APPROVE)
    return Review.objects.get(pk=review.pk)


@pytest.fixture
def reader(review: Review) -> EndUser:
    return EndUser.objects.select_related("catalog").get(pk=review.round.end_user_id)


def say(reader: EndUser, aspect: Facet, polarity: str, quote: str = "") -> Statement:
    (made,) = own.say(reader, [Said((aspect,), polarity)], quotes=[quote], now=timezone.now())  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize("strength", [1.0, 0.0])
def test_nothing_is_said_to_count_where_statements_move_no_list(
    approved: Review, reader: EndUser, catalog: Catalog, ann: Account, browser_of: SignIn, strength: float
) -> None:
    Catalog.objects.update(hearing="after_review", steering=strength)
    reader.catalog.refresh_from_db()
    of_genre = say(reader, MUSICAL, "dislikes")
    of_title = say(reader, Facet("title", "", "cats"), "dislikes")
    said.open_said()
    browser = browser_of(ann)
    page, shown = (
        browser.get(path).content.decode()
        for path in (reverse("reviews:said"), reverse("reviews:review", args=[approved.pk]))
    )
    off = strength == 0
    assert (page.count("Let it count"), page.count("It moves no list")) == ((1, 1) if off else (2, 0))
    assert ("what users say moves no list" in shown, "these points move no list" in shown) == (off, off)
    for row, done in (
        (of_genre, "Accepted. It moves no list" if off else "It counts from now on"),
        (of_title, "It counts"),
    ):
        judged = browser.post(reverse("reviews:judge_said", args=[row.pk]), {"say": "accept"}, follow=True)
        assert done in judged.content.decode()
    assert "Accepted" not in browser.get(reverse("reviews:said")).content.decode()
    shown = browser.get(reverse("reviews:review", args=[approved.pk])).content.decode()
    assert shown.count("kept, moves no list") == int(off)
    difference = browser.get(reverse("reviews:difference", args=[approved.pk])).content.decode()
    assert ("To approve changes nothing of it at once" in difference) == off


def in_force(reader: EndUser) -> set[tuple[str, str, str]]:
    return {(one.said.key, one.said.polarity, one.said_by) for one in acting(reader)}


def of_text(review: Review, key: str) -> Statement:
    return Statement.objects.get(turn__round=review.round, key=key, ended_at=None)


def after_review(reader: EndUser) -> None:
    call_command("hear_users", "films", "--when", "after_review")
    reader.catalog.refresh_from_db()


def test_the_newest_word_of_a_person_counts_whoever_said_it(reader: EndUser, approved: Review, ann: Account) -> None:
    assert in_force(reader) == {("genres=Western", "likes", ""), ("genres=Musical", "dislikes", "")}
    say(reader, WESTERN, "dislikes")
    assert ("genres=Western", "dislikes", THE_USER) in in_force(reader)

    western = of_text(approved, "genres=Western")
    changed = service.change(western, polarity="mixed", account=ann, now=timezone.now())
    assert in_force(reader) == {("genres=Musical", "dislikes", "")}  # in two minds, says the annotator, and later
    service.change(changed, polarity="likes", account=ann, now=timezone.now())
    assert ("genres=Western", "likes", "ann") in in_force(reader)
    assert [one.status for one in all_of(reader) if one.said_by == "end_user"] == ["overruled"]

    mine = say(reader, WESTERN, "mixed")
    assert in_force(reader) == {("genres=Musical", "dislikes", "")}
    own.strike(reader, mine, now=timezone.now())
    assert ("genres=Western", "likes", "ann") in in_force(reader)
    assert Statement.objects.filter(source=Source.END_USER).count() == 2  # nothing is overwritten


def test_an_approval_of_a_models_text_is_no_word_about_what_the_user_said(
    reader: EndUser, review: Review, ann: Account
) -> None:
    say(reader, WESTERN, "dislikes")
    decide(review, ann, Verdict.APPROVE)
    assert in_force(reader) == {("genres=Western", "dislikes", THE_USER), ("genres=Musical", "dislikes", "")}


def test_after_review_it_waits_comes_first_and_counts_once_accepted(
    reader: EndUser, approved: Review, ann: Account
) -> None:
    after_review(reader)
    for name in ("other-1", "other-2"):
        open_review(make_round(make_end_user(reader.catalog, name), ("reason", TEXT), ("reflect", "")))
    waiting = say(reader, WESTERN, "dislikes", "No more westerns!")
    assert ("genres=Western", "likes", "") in in_force(reader)
    assert said.open_said() == 1
    assert said.open_said() == 0
    review = Review.objects.filter(state=ReviewState.OPEN).order_by("place").first()
    assert review is not None
    assert (review.pk, review.concern) == (approved.pk, Concern.SAID)

    browser = hold(review, ann)
    page = browser.get(reverse("reviews:review", args=[review.pk])).content.decode()
    assert "What the user says" in page
    assert "No more westerns!" in page
    assert "the user says something of themself" in page
    answer = browser.post(reverse("reviews:judge_said_on_card", args=[review.pk, waiting.pk]), {"say": "accept"})
    assert answer.headers["Location"] == reverse("reviews:review", args=[review.pk])  # to reload sends nothing again
    assert ("genres=Western", "dislikes", THE_USER) in in_force(reader)
    review.refresh_from_db()
    assert (review.state, review.concern) == (ReviewState.DONE, Concern.NONE)
    judged = AuditEntry.objects.get(event=AuditEvent.STATEMENT_JUDGED)
    assert (judged.account, judged.details) == (ann, f"Statement {waiting.pk}: accepted")
    assert card(review.pk, viewer=ann, now=timezone.now()).said[0].row.accepted_by == ann


def test_a_refused_one_never_counts_and_the_one_before_goes_on(reader: EndUser, approved: Review, ann: Account) -> None:
    first = say(reader, MUSICAL, "likes")
    after_review(reader)
    waiting = own.correct(reader, first, polarity="mixed", now=timezone.now())
    earlier, waiting = waiting, own.correct(reader, first, polarity="dislikes", now=timezone.now())
    assert not said.judge(earlier, said.ACCEPT, account=ann, now=timezone.now())  # they said something else meanwhile
    assert ("genres=Musical", "likes", THE_USER) in in_force(reader)
    assert said.judge(waiting, said.REFUSE, account=ann, now=timezone.now())
    assert not said.judge(waiting, said.ACCEPT, account=ann, now=timezone.now())
    assert ("genres=Musical", "likes", THE_USER) in in_force(reader)
    with pytest.raises(own.ChangedError):
        own.restore(reader, waiting, now=timezone.now())
    again = own.correct(reader, first, polarity="dislikes", now=timezone.now())
    assert said.judge(again, said.ACCEPT, account=ann, now=timezone.now())
    assert in_force(reader) == {("genres=Western", "likes", ""), ("genres=Musical", "dislikes", THE_USER)}


def test_somebody_of_whom_nobody_wrote_is_heard_on_the_page(catalog: Catalog, ann: Account) -> None:
    stranger = make_end_user(catalog, "stranger")
    after_review(stranger)
    waiting = say(stranger, MUSICAL, "dislikes", "Keine Musicals mehr")
    assert said.open_said() == 0
    browser = Client()
    browser.force_login(ann)
    page = browser.get(reverse("reviews:said")).content.decode()
    assert "Keine Musicals mehr" in page
    assert "stranger" in page
    assert browser.post(reverse("reviews:judge_said", args=[waiting.pk]), {"say": "nonsense"}).status_code == 302
    assert acting(stranger) == []
    browser.post(reverse("reviews:judge_said", args=[waiting.pk]), {"say": "accept"})
    assert in_force(stranger) == {("genres=Musical", "dislikes", THE_USER)}
    assert browser.post(reverse("reviews:judge_said", args=[waiting.pk + 999]), {"say": "accept"}).status_code == 404


def test_a_text_that_is_still_to_be_decided_stays_open(reader: EndUser, review: Review, ann: Account) -> None:
    after_review(reader)
    waiting = say(reader, WESTERN, "dislikes")
    said.open_said()
    said.judge(waiting, said.ACCEPT, account=ann, now=timezone.now())
    review.refresh_from_db()
    assert (review.state, review.concern) == (ReviewState.OPEN, Concern.NONE)
    assert Turn.objects.filter(round=review.round).count() == 2


def hold(review: Review, account: Account) -> Any:
    leases.take(review, account=account, now=timezone.now())
    browser = Client()
    browser.force_login(account)
    return browser


def test_of_what_comes_first_what_was_said_first_comes_first_however_old_the_texts_are(
    catalog: Catalog, ann: Account
) -> None:
    """Disputed and said by users alike: else who objects to a new text waits for all who object to older ones."""
    Catalog.objects.update(hearing="after_review")
    texts = [
        open_review(make_round(make_end_user(catalog, f"u{n}"), ("reason", TEXT), ("reflect", ""))) for n in "abcd"
    ]
    now = timezone.now()
    for age, review in zip((9, 8, 7, 6), texts, strict=True):
        Review.objects.filter(pk=review.pk).update(opened_at=now - timedelta(days=age))
    decide(texts[0], ann, Verdict.APPROVE)  # of which one comes back, and one just moves
    for hours, review in ((1, texts[0]), (3, texts[2])):
        made = dispute(review.round.turns.get(kind="reason"), reason="That is my sister.")
        Dispute.objects.filter(pk=made.pk).update(created_at=now - timedelta(hours=hours))
    speaker = EndUser.objects.select_related("catalog").get(pk=texts[3].round.end_user_id)
    Statement.objects.filter(pk=say(speaker, MUSICAL, "likes").pk).update(created_at=now - timedelta(hours=2))
    disputes.open_disputed()
    said.open_said()

    queued = list(Review.objects.filter(state=ReviewState.OPEN).order_by("place").values_list("pk", flat=True))
    assert queued == [texts[n].pk for n in (2, 3, 0, 1)]
    opening.reopen(Review.objects.get(pk=texts[2].pk), concerns=Concerns(Concern.DISPUTED))  # as when it is read anew
    assert Review.objects.filter(state=ReviewState.OPEN).order_by("place").first() == texts[2]


@pytest.mark.parametrize("say_", [said.ACCEPT, said.REFUSE])
def test_what_one_accepted_or_refused_by_mistake_is_taken_back(
    approved: Review, reader: EndUser, ann: Account, browser_of: SignIn, say_: str
) -> None:
    counts = say(reader, MUSICAL, "dislikes")
    after_review(reader)
    reader.catalog.refresh_from_db()
    waits = say(reader, MUSICAL, "likes")
    browser, address = browser_of(ann), reverse("reviews:judge_said", args=[waits.pk])
    browser.post(address, {"say": say_})
    page = browser.get(reverse("reviews:said")).content.decode()
    assert "You decided lately" in page
    assert 'value="back" data-shortcut="u"' in page

    undone = browser.post(address, {"say": said.BACK}, follow=True).content.decode()

    assert "Undone: it is as it was before you decided." in undone
    assert "You decided lately" not in undone
    assert [row.pk for row in own.waiting()] == [waits.pk]
    assert set(own.standing(reader).values_list("pk", flat=True)) == {counts.pk, waits.pk}  # what gave way stands again
    assert AuditEntry.objects.filter(details=f"Statement {waits.pk}: taken back").exists()


def test_what_the_user_said_anew_of_or_another_judged_is_not_taken_back(
    review: Review, reader: EndUser, ann: Account, browser_of: SignIn
) -> None:
    after_review(reader)
    reader.catalog.refresh_from_db()
    waits = say(reader, MUSICAL, "likes")
    address = reverse("reviews:judge_said", args=[waits.pk])
    browser_of(ann).post(address, {"say": said.REFUSE})
    other = browser_of(make_account("bob", role=Role.ANNOTATOR))
    assert "That cannot be undone" in other.post(address, {"say": said.BACK}, follow=True).content.decode()
    assert "ann refused it already." in other.post(address, {"say": said.ACCEPT}, follow=True).content.decode()
    assert "You refused it already." in browser_of(ann).post(address, {"say": "accept"}, follow=True).content.decode()
    say(reader, MUSICAL, "dislikes")
    assert "That cannot be undone" in browser_of(ann).post(address, {"say": said.BACK}, follow=True).content.decode()
