"""Statements on the card: beside their evidence, changed, struck and added, and heard when the text is approved."""

import re
from dataclasses import asdict
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.models import (
    Account,
    Catalog,
    EndUser,
    Interaction,
    Knowledge,
    LlmCall,
    Role,
    Statement,
    Turn,
    TurnKind,
)
from recommender.rounds.core.types import Encounter
from recommender.rounds.service import add_edit
from recommender.statements import service
from recommender.statements.queries import acting
from reviews.choices import Concern
from reviews.models import Review
from reviews.room import leases
from reviews.room.card import Card, card
from reviews.room.opening import open_review
from reviews.room.statements import parts
from tests.builders import make_account, make_catalog, make_end_user, make_item, make_round, make_subject

pytestmark = pytest.mark.django_db
TEXT = "They love westerns, such as “Rio Bravo (1959)”. Musicals bore them. They adore drama."


@pytest.fixture
def catalog() -> Catalog:
    made = make_catalog("films")
    for title, genre in (("Rio Bravo", "Western"), ("Shane", "Western"), ("Cats", "Musical"), ("Ikiru", "Drama")):
        make_item(made, f"{title} (1959)", external_id=title.lower(), genres=[genre])
    return made


@pytest.fixture
def review(catalog: Catalog) -> Review:
    met = (("Rio Bravo", "Western", 5.0), ("Cats", "Musical", 1.0), ("Ikiru", "Drama", 2.0), ("Ran", "Drama", 1.0))
    history = tuple(
        Encounter(title=f"{title} (1959)", rating=rating, liked=rating > 3, attributes={"genres": [genre]})
        for title, genre, rating in met
    )
    evidence = make_subject().to_json() | {"history": [asdict(one) for one in history]}
    return open_review(
        make_round(
            make_end_user(catalog), ("reason", TEXT), ("reflect", ""), evidence=evidence, rest_reason="reasonable"
        )
    )


@pytest.fixture
def ann() -> Account:
    return make_account("ann", role=Role.ANNOTATOR)


def hold(review: Review, account: Account) -> Client:
    leases.take(review, account=account, now=timezone.now())
    browser = Client()
    browser.force_login(account)
    return browser


def shown(review: Review, account: Account) -> Card:
    return card(review.pk, viewer=account, now=timezone.now())


def send(browser: Client, shown: Card, name: str, *, of: int | None = None, script: bool = True, **fields: str) -> Any:
    """What the card's form sends to this address, with everything typed; by htmx, or by a plain form."""
    given = {"review": str(shown.review.pk), "version": str(shown.review.version), "turns": str(len(shown.turns))}
    assert shown.slot is not None
    assert shown.proposal is not None
    given |= {"lease_token": shown.slot.lease_token, "text_hash": shown.proposal.text_hash}
    address = reverse(f"reviews:{name}", args=[shown.review.pk, *([of] if of else [])])
    return browser.post(address, given | fields, headers={"HX-Request": "true"} if script else {})


def test_each_statement_stands_beside_its_evidence(review: Review, ann: Account) -> None:
    found = shown(review, ann).statements
    assert [(one.says, one.aspect, one.standing, one.counted) for one in found] == [
        ("Likes", "Western", "supported", "1 of 1 liked"),
        ("Likes", "“Rio Bravo (1959)”", "supported", "1 of 1 liked"),
        ("Dislikes", "Musical", "supported", "0 of 1 liked"),
        ("Likes", "Drama", "contradicted", "0 of 2 liked"),
    ]
    assert [one.aspect for one in shown(review, ann).contradicted] == ["Drama"]


def test_what_is_there_but_settles_nothing_is_not_said_to_be_missing(catalog: Catalog, ann: Account) -> None:
    met = (("Rio Bravo", "Western", 5.0), ("Shane", "Western", 1.0), ("Cats", "Musical", 1.0))
    history = tuple(
        Encounter(title=f"{title} (1959)", rating=rating, liked=rating > 3, attributes={"genres": [genre]})
        for title, genre, rating in met
    )
    evidence = make_subject().to_json() | {"history": [asdict(one) for one in history]}
    text = "They love westerns. They love drama."
    round_ = make_round(make_end_user(catalog), ("reason", text), ("reflect", ""), evidence=evidence)
    found = shown(open_review(round_), ann).statements
    assert [(one.aspect, one.stands, one.counted) for one in found] == [
        ("Western", "not clear from the evidence", "1 of 2 liked"),
        ("Drama", "not in the evidence", ""),
    ]


def test_rows_that_are_cited_come_first_with_the_numbers_of_their_statements(review: Review, ann: Account) -> None:
    ((_, rows),) = shown(review, ann).histories
    assert [(row.met.title[:4], row.numbers) for row in rows] == [
        ("Rio ", "1 2"),
        ("Cats", "3"),
        ("Ran ", "4"),
        ("Ikir", "4"),
    ]


def test_the_pieces_of_the_text_are_the_text(review: Review, ann: Account) -> None:
    on_card = shown(review, ann)
    assert "".join(part.text for part in on_card.parts) == TEXT
    assert [part.marks for part in on_card.parts if part.marks]
    assert [part.text for part in parts("plain", [])] == ["plain"]


def test_a_polarity_is_changed_a_statement_struck_and_put_back(review: Review, ann: Account) -> None:
    browser = hold(review, ann)
    on_card = shown(review, ann)
    drama = next(one.row for one in on_card.statements if one.aspect == "Drama")
    assert send(browser, on_card, "change_statement", of=drama.pk, say="dislikes").status_code == 200
    changed = next(one for one in shown(review, ann).statements if one.aspect == "Drama")
    assert (changed.says, changed.by, changed.standing, changed.row.replaces_id) == (
        "Dislikes",
        "ann",
        "supported",
        drama.pk,
    )
    assert not shown(review, ann).contradicted

    send(browser, on_card, "change_statement", of=changed.row.pk, say="strike")
    assert next(one for one in shown(review, ann).statements if one.aspect == "Drama").is_struck
    send(browser, on_card, "change_statement", of=changed.row.pk, say="restore")
    assert not next(one for one in shown(review, ann).statements if one.aspect == "Drama").is_struck


def test_a_point_is_added_in_plain_words_and_said_as_it_was_understood(review: Review, ann: Account) -> None:
    browser = hold(review, ann)
    on_card = shown(review, ann)
    answer = send(
        browser, on_card, "add_statement", statement="And no more dramas from the fifties, please.", critique="Hm"
    )
    assert "Understood as: dislikes Drama, 1950–1959." in answer.content.decode()
    assert shown(review, ann).unsent["critique"].text == "Hm"  # typed words stay
    assert "statement" not in shown(review, ann).unsent

    refused = send(browser, on_card, "add_statement", statement="Well, well.")
    assert refused.status_code == 422
    assert "Nothing was understood" in refused.content.decode()
    assert shown(review, ann).unsent["statement"].text == "Well, well."


def test_words_that_were_added_do_not_come_back(review: Review, ann: Account) -> None:
    """They are kept while they are typed, and what was typed before them may have been refused."""
    browser = hold(review, ann)
    send(browser, shown(review, ann), "keep_unsent", statement="And no more musi", critique="Hm")
    send(browser, shown(review, ann), "add_statement", statement="Well, well.", critique="Hm")
    page = send(browser, shown(review, ann), "add_statement", statement="No more musicals.", critique="Hm")

    assert list(shown(review, ann).unsent) == ["critique"]
    assert '<details class="add">' in page.content.decode()


def test_the_focus_goes_to_the_point_that_was_added(review: Review, ann: Account) -> None:
    browser = hold(review, ann)
    page = send(browser, shown(review, ann), "add_statement", statement="No more thrillers, more comedies.")
    last = shown(review, ann).statements[-1]

    assert last.by == "ann"
    assert re.findall(r'id="([^"]*)"[^>]*data-focus-on-swap', page.content.decode()) == [f"statement-{last.number}"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("  ", "Nothing was written. Say what is missing in one sentence."),
        ("Four musicals were on in the cinema.", "Nothing was understood. Name something that items have"),
        ("No more musicals. " * 60, "These are 1,079 characters, the most are 1,000. Add it in parts."),
    ],
)
def test_no_words_no_opinion_and_too_many_words_are_refused_and_nothing_is_cut_off(
    review: Review, ann: Account, words: str, said: str
) -> None:
    refused = send(hold(review, ann), shown(review, ann), "add_statement", statement=words)

    assert (refused.status_code, said in refused.content.decode()) == (422, True)
    assert not any(one.by for one in shown(review, ann).statements)


def test_a_point_that_nothing_meets_says_so_and_one_that_something_meets_does_not(review: Review, ann: Account) -> None:
    """Understood is not obeyed: nothing on record is too bloody."""
    browser = hold(review, ann)
    added = send(browser, shown(review, ann), "add_statement", statement="No more musicals, they are too bloody.")
    page = added.content.decode()
    assert "Understood as: dislikes Musical; dislikes “too bloody”." in page
    assert "No movie is known to fit “too bloody”, so that moves no list yet." in page

    met = send(browser, shown(review, ann), "add_statement", statement="No more musicals.").content.decode()
    assert "Understood as: dislikes Musical." in met
    assert "moves no list yet" not in met


def test_who_does_not_hold_the_text_changes_nothing(review: Review, ann: Account) -> None:
    hold(review, ann)
    other = Client()
    other.force_login(make_account("bob"))
    statement = Statement.objects.first()
    assert statement is not None
    for address in (
        reverse("reviews:change_statement", args=[review.pk, statement.pk]),
        reverse("reviews:add_statement", args=[review.pk]),
    ):
        answer = other.post(address, {"say": "strike", "statement": "Hates rain."})
        assert answer.status_code == 409
    assert Statement.objects.count() == 4
    assert not Statement.objects.exclude(ended_at=None).exists()


def test_approving_over_a_contradicted_statement_asks_why(review: Review, ann: Account) -> None:
    browser = hold(review, ann)
    on_card = shown(review, ann)
    refused = send(browser, on_card, "decide", verdict="approve")
    assert refused.status_code == 422
    assert "Say why it is right all the same" in refused.content.decode()
    assert "The evidence says otherwise: likes Drama (0 of 2 liked). Why" in refused.content.decode()
    assert not Knowledge.objects.exists()

    typed = send(browser, on_card, "decide", verdict="approve", although="She told us so herself.", reason="Too short.")
    assert typed.status_code == 422  # what was typed into the box of a rejection is not passed over
    send(browser, on_card, "decide", verdict="approve", although="She told us so herself.")
    assert review.decisions.get().reason == "She told us so herself."
    assert Knowledge.objects.get().accepted_by == ann


def test_what_was_changed_on_the_card_acts_once_the_text_is_approved(review: Review, ann: Account) -> None:
    browser = hold(review, ann)
    end_user = EndUser.objects.select_related("catalog").get()
    on_card = shown(review, ann)
    drama = next(one.row for one in on_card.statements if one.aspect == "Drama")
    send(browser, on_card, "change_statement", of=drama.pk, say="dislikes")
    assert acting(end_user) == []
    send(browser, shown(review, ann), "decide", verdict="approve")
    said = {(one.said.key, one.said.polarity, one.said_by) for one in acting(end_user)}
    assert said == {
        ("genres=Western", "likes", ""),
        ("title=rio bravo", "likes", ""),
        ("genres=Musical", "dislikes", ""),
        ("genres=Drama", "dislikes", "ann"),
    }


def test_a_typed_point_is_not_passed_over_by_a_decision(review: Review, ann: Account) -> None:
    browser = hold(review, ann)
    on_card = shown(review, ann)
    answer = send(browser, on_card, "decide", verdict="approve", although="So it is.", statement="Hates rain.")
    assert answer.status_code == 422
    assert not Knowledge.objects.exists()


def test_the_difference_is_the_list_now_and_were_the_text_approved(review: Review, ann: Account) -> None:
    browser = hold(review, ann)
    for number in range(6):
        make_item(review.round.catalog, f"New {number} (2001)", genres=["Musical" if number % 2 else "Western"])
    page = browser.get(reverse("reviews:difference", args=[review.pk])).content.decode()
    fragment = browser.get(reverse("reviews:difference", args=[review.pk]), headers={"HX-Request": "true"})
    assert "<h1>What would change</h1>" in page
    assert "<h1>" not in fragment.content.decode()
    assert not Knowledge.objects.exists()


def test_an_edit_s_own_statements_are_its_author_s(review: Review, ann: Account) -> None:
    turn = review.round.turns.get(index=0)
    round_ = review.round
    edit = add_edit(round_, about=turn, text="They love westerns. They cannot stand drama.", account=ann)
    service.read(Turn.objects.filter(pk=edit.pk).select_related("round__catalog", "round__item", "about"))
    assert {(one.key, one.polarity, one.source) for one in edit.statements.all()} == {
        ("genres=Western", "likes", "reader"),
        ("genres=Drama", "dislikes", "person"),
    }


def test_a_review_is_opened_with_what_its_round_has_now(catalog: Catalog) -> None:
    """A worker read its round before it asked: what it got since is in the database only."""
    stale = make_round(make_end_user(catalog))
    list(stale.turns.all())
    type(stale).objects.filter(pk=stale.pk).update(state="resting", rest_reason="reasonable")
    read_before = type(stale).objects.prefetch_related("turns").get(pk=stale.pk)
    reason = Turn.objects.create(round=stale, index=0, kind=TurnKind.REASON, text="They love westerns.", text_hash="x")
    call = LlmCall.objects.create(round=stale, turn_index=1, messages=[], parameters={})
    Turn.objects.create(round=stale, index=1, kind=TurnKind.REFLECT, verdict="reasonable", about=reason, call=call)
    opened = open_review(read_before)
    assert opened.concern == Concern.NONE
    assert reason.statements.count() == 1
    assert reason.statements.get().key == "genres=Western"


def test_what_the_evidence_contradicts_stands_on_the_card_with_its_words(catalog: Catalog, ann: Account) -> None:
    text = "2 of 2 dramas were liked. “The Silver Lagoon (1962)” had five stars, and so had “Cats (1959)” (rated 4)."
    met = (("Rio Bravo", "Western", 5.0), ("Cats", "Musical", 1.0), ("Ikiru", "Drama", 2.0), ("Ran", "Drama", 1.0))
    history = [
        Encounter(title=f"{title} (1959)", rating=rating, liked=rating > 3, attributes={"genres": [genre]})
        for title, genre, rating in met
    ]
    evidence = make_subject().to_json() | {"history": [asdict(one) for one in history]}
    turns = (("reason", text), ("reflect", ""))
    review = open_review(make_round(make_end_user(catalog), *turns, evidence=evidence, rest_reason="reasonable"))

    assert review.concern == Concern.CONTRADICTED
    assert {"count", "title", "rating"} <= {each["kind"] for each in review.findings}
    browser = hold(review, ann)
    page = browser.get(reverse("reviews:review", args=[review.pk])).content.decode()
    assert "Check this: the evidence says otherwise" in page
    asked = send(browser, shown(review, ann), "decide", verdict="approve")
    count = sum(each["kind"] not in ("polarity", "fact") for each in review.findings)
    assert f"The evidence says otherwise: {count} places under “Check this”" in asked.content.decode()
    assert not Knowledge.objects.exists()
    for each in review.findings:
        assert text[each["start"] : each["end"]].startswith(each["quote"].rstrip("…"))
        if each["kind"] in ("count", "title", "rating"):
            assert re.search(f"[Ii]t {re.escape(each['words'])}", page)
    strange = next(each for each in review.findings if each["kind"] == "title")
    assert page.count(strange["words"]) == 1  # not at the head too, where a phone has no room for it
    assert f"{strange['quote']}</q> – it names" not in page  # nor twice in one sentence


def test_an_honest_text_has_nothing_to_check(review: Review, ann: Account) -> None:
    page = hold(review, ann).get(reverse("reviews:review", args=[review.pk])).content.decode()

    assert [each for each in review.findings if each["kind"] not in ("polarity", "fact")] == []
    assert "Check this" not in page


def test_points_are_held_against_all_that_is_known_now(review: Review, catalog: Catalog, ann: Account) -> None:
    end_user = review.round.end_user
    assert end_user is not None
    for moment, (item, rating) in enumerate((("ikiru", 2.0), ("ran", 5.0), ("yojimbo", 5.0), ("shane", 5.0))):
        known = catalog.items.filter(external_id=item).first() or make_item(catalog, external_id=item, genres=["Drama"])
        Interaction.objects.create(end_user=end_user, item=known, rating=rating, moment=moment)

    page = hold(review, ann).get(reverse("reviews:known_now", args=[review.pk])).content.decode()

    assert "Today there are 4." in page
    drama = page[page.index("<bdi>Drama</bdi>") :]
    assert drama.index("0 of 2 liked") < drama.index("2 of 3 liked") < drama.index("supported")


def test_where_the_ais_list_and_the_apps_reading_differ_the_card_says_so(catalog: Catalog, ann: Account) -> None:
    listed = [
        {"quote": "They love westerns", "about": "westerns", "polarity": "likes"},
        {"quote": "Musicals bore them", "about": "musicals", "polarity": "mixed"},
        {"quote": "bore them", "about": "long songs", "polarity": "dislikes"},
    ]
    round_ = make_round(make_end_user(catalog), ("reason", TEXT), ("reflect", ""), rest_reason="reasonable")
    round_.turns.filter(kind="reason").update(listed={"by": "with_text", "statements": listed})
    review = open_review(round_)

    page = hold(review, ann).get(reverse("reviews:review", args=[review.pk])).content.decode()

    assert "Listed by the AI with its text, held against the learned reader" in page
    found = {one.aspect.strip("“”"): one.otherwise for one in shown(review, ann).statements}
    assert found["Western"] == ""
    assert found["Musical"] == "The app reads it otherwise: disliked."
    assert found["Drama"] == "Only the app reads this, the AI does not list it."
    assert found["long songs"] == "Only the AI lists this."
    assert page.count("The app reads it otherwise: disliked.") == 1


def test_a_list_that_could_not_be_read_is_told(catalog: Catalog, ann: Account) -> None:
    round_ = make_round(make_end_user(catalog), ("reason", TEXT), ("reflect", ""), rest_reason="reasonable")
    round_.turns.filter(kind="reason").update(listed={"by": "afterwards", "statements": [], "error": "no JSON"})
    review = open_review(round_)

    assert "its list could not be read" in shown(review, ann).read_by
    assert [one.otherwise for one in shown(review, ann).statements if one.otherwise] == []
