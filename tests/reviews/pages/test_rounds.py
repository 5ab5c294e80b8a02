"""The rounds pages: everyone signed in sees how far the work is; leads open, retry and cancel."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from recommender.models import Account, Catalog, Knowledge, RestReason, Round, RoundBatch, RoundState, Turn
from tests.builders import (
    make_catalog,
    make_drafts,
    make_end_user,
    make_interaction,
    make_item,
    make_review,
    make_round,
)
from tests.htmx import parsed, patched
from tests.reviews.conftest import SignIn

HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def batch() -> RoundBatch:
    """A batch with one round in each state."""
    catalog = make_catalog("films")
    batch = RoundBatch.objects.create(catalog=catalog, subjects="all")
    for state in RoundState:
        round_ = make_round(make_end_user(catalog, f"user-{state}"), state=state, batch=batch)
        if state == RoundState.FAILED:
            Round.objects.filter(pk=round_.pk).update(error="The key is refused. Set R4_ACTOR_API_KEY.")
    Round.objects.filter(state=RoundState.RESTING).update(rest_reason=RestReason.MALFORMED)
    return batch


def page_of(batch: RoundBatch) -> str:
    return reverse("reviews:round_batch", args=[batch.pk])


def add_call(round_: Round, **fields: object) -> None:
    defaults = {
        "role": "actor", "step": "reason", "turn_index": 0, "messages": [{"role": "user", "content": "<b>Hi</b>"}],
        "parameters": {"max_tokens": 5, "finish_reason": "length"}, "model": "r4-demo-actor", "base_url": "http://x/v1",
        "prompt_name": "end_user/reason/v1", "prompt_hash": "h", "answer": "Hm & so", "prompt_tokens": 1234,
    }  # fmt: skip
    round_.calls.create(**defaults | fields)


@pytest.mark.parametrize("who", ["rita", "lena", "pam"])
def test_everyone_signed_in_sees_how_far_the_rounds_are(
    who: str, batch: RoundBatch, request: pytest.FixtureRequest, browser_of: SignIn
) -> None:
    browser = browser_of(request.getfixturevalue(who))
    assert "films, job" in browser.get(reverse("reviews:rounds")).content.decode()
    page = browser.get(page_of(batch)).content.decode()
    assert "Set R4_ACTOR_API_KEY." in page
    assert "2 of 4" in page
    assert browser.get(reverse("reviews:round", args=[batch.rounds.first().pk])).status_code == 200  # type: ignore[union-attr]


@pytest.mark.parametrize("who", ["rita", "pam"])
def test_only_leads_open_retry_and_cancel(
    who: str, batch: RoundBatch, request: pytest.FixtureRequest, browser_of: SignIn
) -> None:
    browser = browser_of(request.getfixturevalue(who))
    assert "Ask for texts" not in browser.get(reverse("reviews:rounds")).content.decode()
    page = browser.get(page_of(batch)).content.decode()
    assert "/retry/" not in page
    assert "/cancel/" not in page
    for name in ("retry_round_batch", "cancel_round_batch", "pause_round_batch", "resume_round_batch"):
        assert browser.post(reverse(f"reviews:{name}", args=[batch.pk])).status_code == 403
    round_ = batch.rounds.get(state=RoundState.FAILED)
    for name in ("retry_round", "cancel_round"):
        assert browser.post(reverse(f"reviews:{name}", args=[round_.pk])).status_code == 403
    assert browser.post(reverse("reviews:open_rounds"), {}).status_code == 403
    assert set(batch.rounds.values_list("state", flat=True)) == set(RoundState)


def test_without_signing_in_nothing_is_seen(client: Client, batch: RoundBatch) -> None:
    assert client.get(reverse("reviews:rounds")).status_code == 302
    assert client.get(page_of(batch), headers=HTMX).status_code == 401


def test_a_lead_opens_rounds_and_sees_their_batch(lena: Account, browser_of: SignIn) -> None:
    catalog = make_catalog("films")
    make_interaction(make_end_user(catalog), make_item(catalog))
    asked = {"catalog": "films", "subjects": "all", "limit": "5", "window": "prefix"}
    response = browser_of(lena).post(reverse("reviews:open_rounds"), asked)
    batch = RoundBatch.objects.get()
    assert (response.status_code, response["Location"]) == (302, page_of(batch))
    assert (batch.requested_by, batch.rounds.count()) == (lena, 2)


def test_a_lead_sees_what_it_would_cost_before_asking(lena: Account, browser_of: SignIn, settings: Settings) -> None:
    settings.LLM = {role: told | {"price_read": 1.0} for role, told in settings.LLM.items()}
    catalog = make_catalog("films")
    make_interaction(make_end_user(catalog), make_item(catalog))
    asked = {"catalog": "films", "subjects": "all", "limit": "5", "window": "prefix", "estimate": "1"}
    page = browser_of(lena).post(reverse("reviews:open_rounds"), asked)
    assert page.status_code == 200
    assert re.search(r"About [\d,]+ tokens, 0\.\d\d by the prices", page.content.decode())
    assert "For 2 texts at most" in page.content.decode()
    assert not RoundBatch.objects.exists()


def test_a_lead_pauses_a_batch_and_lets_it_go_on_with_a_limit(
    lena: Account, batch: RoundBatch, browser_of: SignIn, broker: str
) -> None:
    browser = browser_of(lena)
    paused = browser.post(reverse("reviews:pause_round_batch", args=[batch.pk]), follow=True)
    assert "Paused." in paused.content.decode()
    assert 'id="held"' in browser.get(page_of(batch)).content.decode()
    resume = reverse("reviews:resume_round_batch", args=[batch.pk])
    assert "must be a whole number" in browser.post(resume, {"most_tokens": "-1"}, follow=True).content.decode()
    assert "goes on" in browser.post(resume, {"most_tokens": "5000"}, follow=True).content.decode()
    batch.refresh_from_db()
    assert (batch.paused_at, batch.most_tokens) == (None, 5000)
    RoundBatch.objects.update(tokens=6000)
    page = browser.get(page_of(batch)).content.decode()
    assert "Stopped: this job has used the 5,000 tokens it may." in page
    assert 'id="pause-batch"' not in page


def test_a_batch_shows_speed_cache_and_what_an_approved_text_costs(
    lena: Account, batch: RoundBatch, browser_of: SignIn, settings: Settings
) -> None:
    settings.LLM = {role: told | {"price_read": 5.0} for role, told in settings.LLM.items()}
    round_ = batch.rounds.get(state=RoundState.RESTING)
    called = {"model": "smollm2", "prompt_tokens": 1000, "completion_tokens": 50, "latency_ms": 4000}
    add_call(round_, cached_tokens=600, **called)
    browser = browser_of(lena)
    page = browser.get(page_of(batch)).content.decode()
    assert "12.5 tokens written per second" in page
    assert "60 % of what was read" in page
    assert "Small model for trying out" in page
    assert "tokens, 0.0050 by the prices" not in page
    turn = Turn.objects.create(round=round_, index=0, kind="reason", text="They like crime.", text_hash="h")
    Knowledge.objects.create(
        catalog=batch.catalog, end_user=round_.end_user, turn=turn, text=turn.text, text_hash="h", as_of=1
    )
    page = browser.get(page_of(batch)).content.decode()
    assert "1,050 tokens, 0.0050 by the prices in the settings: 1 approved" in page
    shown = browser.get(reverse("reviews:round", args=[round_.pk])).content.decode()
    assert "1,000 (600 from the cache) + 50 tokens" in shown


def test_a_batch_whose_endpoint_says_nothing_of_a_cache_shows_none(
    lena: Account, batch: RoundBatch, browser_of: SignIn
) -> None:
    add_call(batch.rounds.get(state=RoundState.RESTING))
    page = browser_of(lena).get(page_of(batch)).content.decode()
    assert "<dt>Cache</dt>" not in page
    assert "<dt>Speed</dt>" not in page


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1000000", ""])
def test_a_bad_limit_comes_back_with_the_form(limit: str, lena: Account, browser_of: SignIn) -> None:
    make_catalog("films")
    asked = {"catalog": "films", "subjects": "items", "limit": limit, "window": "latest"}
    response = browser_of(lena).post(reverse("reviews:open_rounds"), asked)
    assert response.status_code == 422
    assert b'class="error"' in response.content
    assert b'<option value="latest" selected>' in response.content
    assert not RoundBatch.objects.exists()


def test_a_lead_retries_what_went_wrong_and_cancels_what_is_left(
    lena: Account, batch: RoundBatch, browser_of: SignIn
) -> None:
    browser = browser_of(lena)
    response = browser.post(reverse("reviews:retry_round_batch", args=[batch.pk]), follow=True)
    assert "2 texts go on" in response.content.decode()
    assert batch.rounds.filter(state=RoundState.WAITING).count() == 3
    response = browser.post(reverse("reviews:cancel_round_batch", args=[batch.pk]), follow=True)
    assert "4 texts cancelled" in response.content.decode()
    response = browser.post(reverse("reviews:cancel_round_batch", args=[batch.pk]), follow=True)
    assert "Nothing to cancel" in response.content.decode()


def test_one_round_can_be_retried_and_cancelled(lena: Account, batch: RoundBatch, browser_of: SignIn) -> None:
    browser, round_ = browser_of(lena), batch.rounds.get(state=RoundState.FAILED)
    page = browser.post(reverse("reviews:retry_round", args=[round_.pk]), follow=True).content.decode()
    assert "1 text goes on" in page
    assert "Cancel" in page
    browser.post(reverse("reviews:cancel_round", args=[round_.pk]))
    round_.refresh_from_db()
    assert round_.rest_reason == RestReason.CANCELLED


def test_progress_asks_for_itself_until_all_rounds_have_ended(
    lena: Account, batch: RoundBatch, browser_of: SignIn
) -> None:
    browser = browser_of(lena)
    for address in (page_of(batch), reverse("reviews:rounds")):
        assert "hx-trigger" in browser.get(address, headers=HTMX).content.decode()
    batch.rounds.exclude(state=RoundState.FAILED).update(state=RoundState.RESTING)
    for address in (page_of(batch), reverse("reviews:rounds")):
        assert "hx-trigger" not in browser.get(address, headers=HTMX).content.decode()


@pytest.mark.parametrize("query", ["", "?state=failed", "?state=malformed", "?state=nonsense&page=9"])
def test_a_page_brought_up_to_date_is_the_page_anew(
    query: str, lena: Account, batch: RoundBatch, browser_of: SignIn
) -> None:
    browser = browser_of(lena)
    before = browser.get(page_of(batch) + query)
    batch.rounds.filter(state=RoundState.ASKING).update(state=RoundState.RESTING, rest_reason=RestReason.BUDGET)
    fragment = browser.get(page_of(batch) + query, headers=HTMX)
    assert patched(before, fragment, target="batch") == parsed(browser.get(page_of(batch) + query))


def test_the_list_brought_up_to_date_is_the_list_anew(lena: Account, batch: RoundBatch, browser_of: SignIn) -> None:
    browser, address = browser_of(lena), reverse("reviews:rounds")
    before = browser.get(address)
    batch.rounds.update(state=RoundState.RESTING)
    fragment = browser.get(address, headers=HTMX)
    assert patched(before, fragment, target="batches") == parsed(browser.get(address))


def test_rounds_are_filtered_by_state(lena: Account, batch: RoundBatch, browser_of: SignIn) -> None:
    page = browser_of(lena).get(page_of(batch) + "?state=failed").content.decode()
    assert "User user-failed" in page
    assert "User user-waiting" not in page


def test_a_rounds_page_shows_its_turns_its_calls_and_their_errors(lena: Account, browser_of: SignIn) -> None:
    review = make_review(("reason", "Likes <i>quiet</i> films."), ("reflect", "Too vague."))
    add_call(review.round)
    add_call(review.round, answer="", error_kind="transient", error="The endpoint is busy.")
    page = browser_of(lena).get(reverse("reviews:round", args=[review.round.pk])).content.decode()
    for shown in (
        "Likes &lt;i&gt;quiet&lt;/i&gt; films.", "Too vague.", "Not passed", "Put forward",
        "The endpoint is busy.", "Transient error", "&lt;b&gt;Hi&lt;/b&gt;", "Hm &amp; so",
        "Cut off at 5 tokens", "Demonstration model", "1,234",
    ):  # fmt: skip
        assert shown in page, shown
    assert reverse("reviews:review", args=[review.pk]) in page


def test_empty_pages_say_what_to_do(lena: Account, browser_of: SignIn) -> None:
    browser = browser_of(lena)
    assert "No texts yet" in browser.get(reverse("reviews:rounds")).content.decode()
    assert "No catalog yet" in browser.get(reverse("reviews:open_rounds")).content.decode()
    batch = RoundBatch.objects.create(catalog=make_catalog(), subjects="items")
    page: HttpResponse = browser.get(page_of(batch))
    assert "Nothing to write" in page.content.decode()
    assert "hx-trigger" not in page.content.decode()


@pytest.mark.parametrize("name", ["round_batch", "round"])
def test_what_is_not_there_is_404(name: str, lena: Account, browser_of: SignIn) -> None:
    assert browser_of(lena).get(reverse(f"reviews:{name}", args=[999])).status_code == 404


def test_a_long_batch_costs_as_many_queries_as_a_short_one(
    lena: Account, batch: RoundBatch, browser_of: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    catalog = Catalog.objects.get()
    for _ in range(20):
        make_round(make_item(catalog), batch=batch)
    browser = browser_of(lena)
    with django_assert_max_num_queries(14):
        browser.get(page_of(batch))
    with django_assert_max_num_queries(8):
        browser.get(reverse("reviews:rounds"))


def test_a_lead_chooses_windows_strategy_drafts_and_who_is_left_out(lena: Account, browser_of: SignIn) -> None:
    catalog = make_catalog("films")
    active, quiet = make_end_user(catalog), make_end_user(catalog)
    films = [make_item(catalog) for _ in range(25)]
    for moment, film in enumerate(films, start=1):
        make_interaction(active, film, moment=moment)
    make_interaction(quiet, films[0], moment=1)
    browser = browser_of(lena)
    asked = {
        "catalog": "films", "subjects": "end-users", "limit": "5", "window": "sliding", "windows": "2", "stride": "10",
        "strategy": "filter", "drafts": "4", "low_activity": "5",
    }  # fmt: skip
    page = browser.post(reverse("reviews:open_rounds"), asked, follow=True).content.decode()
    batch = RoundBatch.objects.get()
    assert [(r.end_user, r.as_of, r.strategy, r.drafts_wanted) for r in batch.rounds.order_by("as_of")] == [
        (active, 16, "filter", 4),
        (active, 26, "filter", 4),
    ]
    assert "ten entries at a time along each history. Write several drafts, keep those that pass the AI check" in page
    assert "Left out because their history is too short: 1 user." in page
    assert page.count("history up to 1 Jan 1970") == 2  # two windows of one end user


def test_a_filtered_rounds_page_names_the_kept_drafts(rita: Account, browser_of: SignIn) -> None:
    round_ = make_drafts(make_end_user(make_catalog()), ("Likes rain.", ""), ("Likes the sun.", "Contradicted."))
    page = browser_of(rita).get(reverse("reviews:round", args=[round_.pk])).content.decode()
    assert "2 drafts to choose from" in page
    assert page.count(">Kept<") == 1
    assert "AI check: some drafts passed" in page


@pytest.mark.parametrize(
    ("strategy", "about"), [("keywords", "keywords of items"), ("trace", "users: Yes or No, and why")]
)
def test_the_list_says_what_a_batch_asked_for(
    strategy: str, about: str, lena: Account, batch: RoundBatch, browser_of: SignIn
) -> None:
    assert about not in browser_of(lena).get("/rounds/").content.decode()
    RoundBatch.objects.update(strategy=strategy)
    assert about in browser_of(lena).get("/rounds/").content.decode()
