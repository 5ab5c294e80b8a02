"""The table of verdicts: whole, and all that a new verdict needs."""

from collections.abc import Iterator

import pytest
from django.db import connection

from recommender.models import FOR_KNOWLEDGE, Account, Strategy
from reviews.choices import ReviewState, Verdict
from reviews.lessons.rows import of_catalog
from reviews.models import Decision
from reviews.room import lessons, verdicts
from reviews.room.verdict_row import About, Box, VerdictRow, Written
from tests.builders import make_review
from tests.reviews.conftest import SignIn
from tests.reviews.forms import HTMX, form, start, url

PRAISE = VerdictRow(
    "praise",
    label="Praise",
    key="p",
    hint="Praise: say what is good",
    box=Box("reason", "What is good?", "Praise it", rows=2, missing="Say what is good."),
    said="{heading} praised: everybody will hear of it.",
    write=lambda writing: Written(),
    state_after=ReviewState.DONE,
    lesson=lessons.approved,
    badge="Praised",
    tone="good",
)


@pytest.mark.parametrize("strategy", Strategy)
def test_every_stored_verdict_is_given_in_some_row_of_each_strategy(strategy: Strategy) -> None:
    rows = verdicts.of_strategy(strategy)
    left_out = set() if strategy in FOR_KNOWLEDGE else {Verdict.OVERRIDE}
    assert {row.name for row in rows} == set(Verdict) - left_out
    assert len({(row.name, row.judgement) for row in rows}) == len(rows)


@pytest.mark.parametrize("strategy", Strategy)
def test_no_two_verdicts_share_a_key(strategy: Strategy) -> None:
    keys = [row.key for row in verdicts.of_strategy(strategy) if row.key]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("row", verdicts.every(), ids=lambda row: row.badge)
def test_a_review_stays_open_while_single_drafts_are_chosen(row: VerdictRow) -> None:
    assert (row.state_after == ReviewState.OPEN) == (row.about is About.DRAFT)
    assert (row.puts_in_force != "") == (row.noun != "")


@pytest.fixture
def new_verdict(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more row. The constraint on what is stored, which a migration would widen, is lifted."""
    monkeypatch.setitem(verdicts.ROWS, Strategy.REFINE, (*verdicts.ROWS[Strategy.REFINE], PRAISE))
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute(
            "PRAGMA ignore_check_constraints = ON"
            if is_sqlite
            else "ALTER TABLE reviews_decision DROP CONSTRAINT decision_makes_a_turn_when_it_writes"
        )
        yield
        if is_sqlite:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


@pytest.mark.usefixtures("new_verdict")
def test_a_new_verdict_is_one_row(rita: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)
    page = browser.get(start(browser)).content.decode()
    assert 'data-shortcut="p" aria-keyshortcuts="p" data-shortcut-label="Praise: say what is good"' in page
    assert "What is good?" in page

    refused = browser.post(url("decide", review), form(review, rita, verdict="praise"), headers=HTMX)
    assert refused.status_code == 422
    assert "Say what is good." in refused.content.decode()

    given = browser.post(url("decide", review), form(review, rita, verdict="praise", reason="It is kind."), follow=True)
    assert f"User {review.round.subject} praised: everybody will hear of it." in given.content.decode()
    review.refresh_from_db()
    assert (review.state, Decision.objects.get().verdict) == (ReviewState.DONE, "praise")
    for address in (url("review", review), url("queue") + "?state=done"):
        assert '<span class="badge is-good">Praised</span>' in browser.get(address).content.decode()
    assert "kto" in {row.set for row in of_catalog(review.round.catalog)}


def test_an_unknown_verdict_is_refused_before_anything_is_changed(rita: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    assert browser.post(url("decide", review), form(review, rita, verdict="praise")).status_code == 422
    assert not Decision.objects.exists()
