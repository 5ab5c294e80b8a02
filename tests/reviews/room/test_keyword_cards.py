"""The cards of keywords and traces: what they show, and what approving, editing, rejecting and undoing them does."""

import re
from typing import Any

import pytest

from recommender.knowledge.service import accept
from recommender.models import Account, Item, Knowledge, RestReason, Statement
from recommender.rounds import approved, evidence
from recommender.rounds.config import OpenConfig
from recommender.rounds.core.keyword_answers import parse_keywords
from recommender.rounds.core.prompts.thinkrec import searched
from recommender.rounds.core.types import Encounter, Subject
from recommender.rounds.service import open_rounds
from reviews.choices import ReviewState, Verdict
from reviews.lessons.rows import of_catalog
from reviews.models import Decision, Review
from reviews.room import decisions, undo
from reviews.room.opening import open_review
from tests.builders import make_catalog, make_end_user, make_interaction, make_item, make_round
from tests.reviews.conftest import NOON, SignIn
from tests.reviews.forms import HTMX, form, start, url
from tests.reviews.room.test_decisions import decide

pytestmark = pytest.mark.django_db
PLOT = "Bank robbers in Los Angeles feel the heat from the police when a heist leaves a clue behind."
WHY = "They liked quiet films."


def keywords(text: str = "heist, los angeles") -> Review:
    item = make_item(make_catalog(), "Heat (1995)", genres=["Crime"], description=PLOT)
    (shown,) = evidence.of_keywords(item.catalog, [item.pk])
    told = {"strategy": "keywords", "as_of": 0, "evidence": shown.subject.to_json(), "rest_reason": RestReason.CHECKED}
    return open_review(make_round(item, ("reason", text), **told))


def trace(*, liked: bool = True) -> Review:
    met = (Encounter("Heat", 5.0, True),)
    subject = Subject("end_user", "movie", 5.0, 3.0, history=met, asked=(Encounter("Ronin", 4.0, liked),))
    told = {"strategy": "trace", "evidence": subject.to_json(), "rest_reason": RestReason.REASONABLE}
    text = f"{'Yes' if liked else 'No'}. {WHY}"
    return open_review(make_round(make_end_user(make_catalog()), ("reason", text), ("reflect", ""), **told))


def in_use(review: Review) -> list[str]:
    return approved.keywords_of([review.round.item_id or 0]).get(review.round.item_id or 0, [])


def test_keywords_stand_beside_a_text_about_the_same_item_and_are_no_knowledge(rita: Account) -> None:
    review = keywords()
    item = review.round.item
    assert item is not None
    make_round(item, ("reason", "A thriller."), ("reflect", ""), as_of=0)
    assert (review.kind, in_use(review)) == ("keywords", [])
    decide(review, rita, Verdict.APPROVE)
    assert in_use(review) == ["heist", "los angeles"]
    assert not Knowledge.objects.exists()
    assert not Statement.objects.exists()
    assert list(of_catalog(item.catalog)) == []


def test_the_card_of_a_text_shows_what_describes_its_item_as_a_paragraph(rita: Account, browser_of: SignIn) -> None:
    item = make_item(make_catalog(prompt_attributes=["genres", "plot"]), genres=["Crime"], plot=f"<p>{PLOT}</p>" * 9)
    (shown,) = evidence.of_items(item.catalog, [item.pk])
    open_review(make_round(item, ("reason", "A film."), ("reflect", ""), evidence=shown.subject.to_json()))
    browser = browser_of(rita)
    page = browser.get(start(browser)).content.decode()
    (told,) = re.findall(r'<div class="is-prose"><dt>Plot</dt><dd dir="auto">([^<]*)', page)
    assert told.startswith(f"{PLOT} {PLOT}")
    assert told.endswith("…")
    assert len(told) <= 600
    assert '<div><dt>Genres</dt><dd dir="auto">Crime</dd></div>' in page


def test_the_card_shows_the_source_and_an_edit_is_held_against_it(rita: Account, browser_of: SignIn) -> None:
    review = keywords()
    browser = browser_of(rita)
    page = browser.get(start(browser)).content.decode()
    assert PLOT in page
    assert re.search(
        r'<li><span class="badge is-info" dir="auto">los angeles</span> <span[^>]*>description</span></li>', page
    )
    assert "From its attributes, no AI" in page
    assert "title, attributes and its text" in page
    for key in "aex":
        assert f'data-shortcut="{key}"' in page
    assert 'data-shortcut="o"' not in page

    edit = form(review, rita, verdict="edit", text="Heist, dinosaurs, police")
    refused = browser.post(url("decide", review), edit, headers=HTMX)
    assert refused.status_code == 422
    assert "Not found in what is shown: dinosaurs" in refused.content.decode()

    edit = form(review, rita, verdict="edit", text="heist, 1984, bank robbers feel the heat in a city")
    refused = browser.post(url("decide", review), edit, headers=HTMX)
    assert "No keywords: 1984, bank robbers feel the heat in a city. Leave that out" in refused.content.decode()
    eleven = "bank, robbers, feel, heat, police, heist, leaves, clue, behind, crime, angeles"
    refused = browser.post(url("decide", review), form(review, rita, verdict="edit", text=eleven), headers=HTMX)
    assert "These are 11 keywords. At most 10 are used" in refused.content.decode()
    assert not Decision.objects.exists()

    edit = form(review, rita, verdict="edit", text="The Heist;  police\nPolice, clues")
    browser.post(url("decide", review), edit, follow=True)
    assert in_use(review) == ["heist", "police", "clues"]
    review.refresh_from_db()
    assert review.state == ReviewState.DONE
    assert "Written by rita" in browser.get(url("review", review)).content.decode()


@pytest.mark.parametrize(("verdict", "text"), [("approve", ""), ("edit", "police"), ("reject", "")])
@pytest.mark.parametrize("before", [False, True])
def test_a_decision_can_be_taken_back_whole(rita: Account, verdict: str, text: str, before: bool) -> None:
    review = keywords()
    if before:
        decide(review, rita, Verdict.APPROVE)
        review.refresh_from_db()

        decisions.reopen(review, account=rita, now=NOON)
        review.refresh_from_db()
    was = in_use(review)
    decided = decide(review, rita, Verdict(verdict), **({"text": text} if text else {}))
    assert in_use(review) == {"approve": ["heist", "los angeles"], "edit": ["police"], "reject": []}[verdict]
    undo.undo(decided.decision.pk, account=rita, now=NOON)
    assert in_use(review) == was
    assert review.round.turns.count() == 1


def test_keywords_come_from_the_approved_text_too_and_the_card_says_which_source(
    rita: Account, browser_of: SignIn
) -> None:
    catalog = make_catalog()
    item = make_item(catalog, "Heat (1995)", genres=["Crime"])
    round_ = make_round(
        item, ("reason", "A slow duel between a thief and a detective who resemble each other."), ("reflect", "")
    )
    assert "approved text" not in evidence.of_keywords(catalog, [item.pk])[0].subject.attributes
    accept(round_.turns.get(index=0))
    (shown,) = evidence.of_keywords(catalog, [item.pk])
    assert shown.subject.attributes["approved text"].startswith("A slow duel")
    checked = parse_keywords("thief, crime, robot", searched(shown.subject))
    assert (checked.kept, checked.left_out) == (("thief", "crime"), ("robot",))
    told = {"strategy": "keywords", "as_of": 0, "evidence": shown.subject.to_json(), "rest_reason": RestReason.CHECKED}
    review = open_review(make_round(item, ("reason", "thief, crime"), **told))
    page = " ".join(browser_of(rita).get(url("review", review)).content.decode().split())
    assert 'thief</span> <span class="muted small" dir="auto">approved text</span>' in page
    assert 'crime</span> <span class="muted small" dir="auto">genres</span>' in page


def test_the_queue_can_be_narrowed_to_keywords_and_to_traces(rita: Account, browser_of: SignIn) -> None:
    one, other = keywords(), trace()
    browser = browser_of(rita)
    page = browser.get(url("queue") + "?kind=keywords").content.decode()
    assert url("review", one) in page
    assert url("review", other) not in page
    assert url("review", other) in browser.get(url("queue") + "?kind=trace").content.decode()
    assert "Only reasons for yes or no" in browser.get(url("queue") + "?kind=trace").content.decode()
    whole = browser.get(url("queue")).content.decode()
    assert '<span class="badge">Keywords</span>' in whole
    assert '<span class="badge">Yes or No</span>' in whole


def test_the_card_of_a_trace_shows_the_target_and_its_edit_says_what_the_rating_says(
    rita: Account, browser_of: SignIn
) -> None:
    review = trace(liked=False)
    browser = browser_of(rita)
    page = browser.get(start(browser)).content.decode()
    assert "Ronin" in page
    assert "Right at the first try" in page
    assert "Held against what they said" in page
    wrong = browser.post(url("decide", review), form(review, rita, verdict="edit", text="Yes. They love it, I say."))
    assert wrong.status_code == 422
    right = form(review, rita, verdict="edit", text="No. They love quiet films only.")
    browser.post(url("decide", review), right, follow=True)
    (row,) = of_catalog(review.round.catalog)
    assert (row.set, row.tag, row.answer) == ("trace", "human", "No. They love quiet films only.")
    assert Decision.objects.get().verdict == "edit"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("no – they love quiet films only.", "No. they love quiet films only."),
        ("No。彼らは静かな映画だけが好きだ。", "No. 彼らは静かな映画だけが好きだ。"),
    ],
)
def test_a_trace_is_stored_as_models_write_it_in_any_script(
    rita: Account, browser_of: SignIn, typed: str, stored: str
) -> None:
    review = trace(liked=False)
    browser = browser_of(rita)
    browser.get(start(browser))
    browser.post(url("decide", review), form(review, rita, verdict="edit", text=typed), follow=True)
    (row,) = of_catalog(review.round.catalog)
    assert row.answer == stored


def test_approved_keywords_are_found_and_shown_in_prompts_where_that_is_asked(
    rita: Account, pam: Account, browser_of: SignIn
) -> None:
    review = keywords()
    item = review.round.item
    assert item is not None
    end_user = make_end_user(item.catalog)
    for moment in (1, 2, 3):
        make_interaction(end_user, item if moment == 1 else make_item(item.catalog), moment=moment)

    def shown(**more: Any) -> list[dict[str, Any]]:
        batch = open_rounds(item.catalog, OpenConfig(subjects="end-users", **more))
        (round_,) = batch.rounds.all()
        met: list[dict[str, Any]] = round_.evidence["history"]
        round_.delete()
        return met

    plain = shown()
    assert plain == shown(keywords=True)  # nothing is approved yet
    browser = browser_of(pam)
    address = f"/insights/?catalog={item.catalog.name}&q=los+ang"
    assert "Heat (1995)" not in browser.get(address).content.decode()

    decide(review, rita, Verdict.APPROVE)
    assert shown() == plain
    assert shown(keywords=True)[0]["attributes"] == {"genres": ["Crime"], "keywords": ["heist", "los angeles"]}
    found = browser.get(address).content.decode()
    assert "Heat (1995)" in found
    assert "heist, los angeles" in found
    assert Item.objects.count() == 3
