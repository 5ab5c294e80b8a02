"""What is changed and added on a card: with JavaScript and without, once and again, and taken back."""

import re

import pytest
from django.urls import reverse

from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.models import Account, Catalog, EndUser, Item, Round, Statement, Turn
from recommender.rounds.service import add_edit
from recommender.statements import service
from recommender.statements.queries import acting
from reviews.models import Review
from reviews.room.opening import open_review
from tests.builders import make_account, make_end_user, make_round
from tests.reviews.room.test_statements import TEXT, ann, catalog, hold, review, send, shown

__all__ = ["ann", "catalog", "review"]

pytestmark = pytest.mark.django_db


def test_without_javascript_what_was_changed_is_shown_at_the_cards_own_address(review: Review, ann: Account) -> None:
    """To reload there, or to come back to it, sends nothing a second time."""
    browser, at = hold(review, ann), reverse("reviews:review", args=[review.pk])
    drama = next(one for one in shown(review, ann).statements if one.aspect == "Drama")
    changed = send(browser, shown(review, ann), "change_statement", of=drama.row.pk, script=False, say="dislikes")
    assert changed.headers["Location"] == f"{at}#statement-{drama.number}"
    added = send(browser, shown(review, ann), "add_statement", script=False, statement="No more musicals.")
    assert added.headers["Location"] == at
    assert "Understood as: dislikes Musical." in browser.get(at).content.decode()
    refused = send(browser, shown(review, ann), "add_statement", script=False, statement="Well, well.")
    assert refused.status_code == 422
    assert re.search(r'name="statement"[^>]*aria-invalid="true"[^>]*autofocus>Well, well\.<', refused.content.decode())


def test_after_a_change_the_point_has_the_focus_and_the_last_decision_can_still_be_undone(
    review: Review, ann: Account
) -> None:
    browser = hold(review, ann)
    send(browser, shown(review, ann), "decide", verdict="approve", although="She told us so herself.")
    decision = review.decisions.get()
    other = open_review(make_round(make_end_user(review.round.catalog, "u2"), ("reason", TEXT), ("reflect", "")))
    hold(other, ann)
    first = shown(other, ann).statements[0]
    page = send(browser, shown(other, ann), "change_statement", of=first.row.pk, say="strike", beside="1")
    html = page.content.decode()
    assert re.findall(r'id="([^"]*)"[^>]*data-focus-on-swap', html) == [f"statement-{first.number}"]
    assert reverse("reviews:undo", args=[decision.pk]) in html
    assert 'name="beside" value="1"' in html


def test_what_is_added_twice_counts_once_and_the_newest_word_of_it_counts(review: Review, ann: Account) -> None:
    browser = hold(review, ann)
    for words in ("No more dramas.", "No more dramas.", "No more dramas. Really, no more dramas!"):
        page = send(browser, shown(review, ann), "add_statement", statement=words).content.decode()
        assert "Understood as: dislikes Drama." in page
    added = [one for one in shown(review, ann).statements if one.by]
    assert [(one.says, one.aspect) for one in added] == [("Dislikes", "Drama")]

    send(browser, shown(review, ann), "add_statement", statement="They love dramas.")
    now = [one for one in shown(review, ann).statements if one.by]
    assert [(one.says, one.aspect, one.row.replaces_id) for one in now] == [("Likes", "Drama", added[0].row.pk)]
    send(browser, shown(review, ann), "decide", verdict="approve", although="She told us so herself.")
    of_drama = [one.said.polarity for one in acting(EndUser.objects.select_related("catalog").get())]
    assert of_drama.count("dislikes") == 1  # musicals


def test_a_point_beside_a_text_that_nobody_has_read_takes_no_place_of_what_it_states(
    review: Review, ann: Account
) -> None:
    """After an update texts wait for their reading."""
    Statement.objects.all().delete()
    Turn.objects.update(reader=None)
    browser = hold(review, ann)
    send(browser, shown(review, ann), "add_statement", statement="No more musicals from the nineties.")
    service.read_missing()
    assert [one.aspect for one in shown(review, ann).statements] == [
        *("Western", "“Rio Bravo (1959)”", "Musical", "Drama"),
        "Musical, 1990–1999",
    ]


def test_the_reason_of_an_approval_that_is_undone_stands_in_its_own_box_alone(review: Review, ann: Account) -> None:
    browser = hold(review, ann)
    send(browser, shown(review, ann), "decide", verdict="approve", although="She told us so herself.")
    browser.post(reverse("reviews:undo", args=[review.decisions.get().pk]))
    assert {name: kept.text for name, kept in shown(review, ann).unsent.items()} == {
        "although": "She told us so herself."
    }


def test_what_may_be_meant_either_way_round_is_asked_back_and_moves_nothing_before(
    review: Review, ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two such aspects one is said after the other, and the words stay."""
    unsure = [Said((Facet("attribute", "genres", name),), "dislikes", sureness=0.6) for name in ("Drama", "Western")]
    monkeypatch.setattr(service, "stated", lambda *_: unsure)
    browser, words = hold(review, ann), "Dramas? Westerns? You know me."
    asked = send(browser, shown(review, ann), "add_statement", statement=words)
    page = asked.content.decode()
    assert asked.status_code == 422
    assert "it may be liked or disliked" in page
    for name in ("Drama", "Western"):
        for value in ("likes", "dislikes"):
            assert re.search(rf'<button[^>]*name="meant genres={name}" value="{value}"', page)
    assert words in page
    assert not [one for one in shown(review, ann).statements if one.by]

    half = send(browser, shown(review, ann), "add_statement", statement=words, **{"meant genres=Drama": "likes"})
    page = half.content.decode()
    assert 'name="meant genres=Drama" value="likes"' in page  # carried along
    assert not re.search(r'<button[^>]*name="meant genres=Drama"', page)
    both = {"meant genres=Drama": "likes", "meant genres=Western": "dislikes"}
    send(browser, shown(review, ann), "add_statement", statement=words, **both)
    added = [(one.says, one.aspect) for one in shown(review, ann).statements if one.by]
    assert added == [("Likes", "Drama"), ("Dislikes", "Western")]


def points(turn: Turn) -> set[tuple[str, str, str, bool]]:
    """Aspect, polarity, who said it, whether it is struck."""
    rows = turn.statements.select_related("account")
    return {(row.key, str(row.polarity), str(row.account or ""), row.ended_at is not None) for row in rows}


def test_what_was_struck_changed_and_added_stays_when_the_text_is_edited(review: Review, ann: Account) -> None:
    """Else a mended slip of the pen brings a misreading back, and forgets what nobody wrote into the text."""
    browser = hold(review, ann)
    of = {one.aspect: one.row.pk for one in shown(review, ann).statements}
    send(browser, shown(review, ann), "change_statement", of=of["Western"], say="strike")
    send(browser, shown(review, ann), "change_statement", of=of["Drama"], say="dislikes")
    send(browser, shown(review, ann), "change_statement", of=of["Musical"], say="mixed")
    send(browser, shown(review, ann), "add_statement", statement="No more musicals from the nineties.")
    text = "They love westerns, such as “Rio Bravo (1959)”! Musicals are loved by them. They adore drama."
    send(browser, shown(review, ann), "decide", verdict="edit", text=text)

    end_user, edit = EndUser.objects.select_related("catalog").get(), Turn.objects.get(kind="edit")
    acts = {(one.said.key, one.said.polarity, one.said_by, one.quote) for one in acting(end_user)}
    assert acts == {
        ("title=rio bravo", "likes", "", "They love westerns, such as “Rio Bravo (1959)”!"),
        ("genres=Musical", "likes", "ann", "Musicals are loved by them."),  # another sentence, of the author's own
        ("genres=Drama", "dislikes", "ann", "They adore drama."),
        ("genres=Musical & year=1990-1999", "dislikes", "ann", "No more musicals from the nineties."),
    }
    assert points(edit) >= {("genres=Western", "likes", "", True), ("genres=Drama", "likes", "", True)}
    changed = edit.statements.get(key="genres=Drama", polarity="dislikes")
    assert changed.replaces == edit.statements.get(key="genres=Drama", polarity="likes")

    undone = browser.post(reverse("reviews:undo", args=[review.decisions.get().pk]), headers={"HX-Request": "true"})
    assert "is open again, as it was" in undone.content.decode()
    assert not Turn.objects.filter(kind="edit").exists()


def test_who_said_a_point_stays_its_author_when_somebody_else_edits_what_is_around_it(
    review: Review, ann: Account
) -> None:
    first = add_edit(review.round, about=review.round.turns.get(index=0), text="They cannot stand drama.", account=ann)
    second = add_edit(
        Round.objects.get(),
        about=first,
        text="They cannot stand drama. Musicals bore them.",
        account=make_account("bob"),
    )
    with_all = Turn.objects.select_related("round__catalog", "round__item", "about").order_by("index")
    for turn in (first, second):
        service.read(with_all.filter(pk=turn.pk))
    assert points(second) == {("genres=Drama", "dislikes", "ann", False), ("genres=Musical", "dislikes", "bob", False)}


def test_what_was_struck_and_added_stays_when_the_text_is_sent_back_and_rewritten(review: Review, ann: Account) -> None:
    browser = hold(review, ann)
    western = next(one.row for one in shown(review, ann).statements if one.aspect == "Western")
    send(browser, shown(review, ann), "change_statement", of=western.pk, say="strike")
    send(browser, shown(review, ann), "add_statement", statement="No more musicals from the nineties.")
    send(browser, shown(review, ann), "decide", verdict="override", critique="Dramas are not what they like.")
    round_ = Round.objects.get()
    about = round_.turns.get(kind="reason")
    text = "They love westerns, such as “Rio Bravo (1959)”. Dramas bore them."
    refined = Turn.objects.create(round=round_, index=3, kind="refine", text=text, about=about, text_hash="x")
    service.read(Turn.objects.filter(pk=refined.pk).select_related("round__catalog", "round__item", "about"))
    assert points(refined) == {
        ("genres=Western", "likes", "", True),
        ("title=rio bravo", "likes", "", False),
        ("genres=Drama", "dislikes", "", False),
        ("genres=Musical & year=1990-1999", "dislikes", "ann", False),
    }


def test_of_a_point_beside_an_items_text_it_is_said_whose_taste_was_understood(catalog: Catalog, ann: Account) -> None:
    item = Item.objects.get(external_id="cats")
    other = open_review(make_round(item, ("reason", "It is a musical."), ("reflect", ""), rest_reason="reasonable"))
    browser = hold(other, ann)
    words = "People who like it enjoy dramas. People who do not like it enjoy westerns."
    page = send(browser, shown(other, ann), "add_statement", statement=words).content.decode()
    assert "Understood as: Fans: likes Drama; Others: likes Western." in page
