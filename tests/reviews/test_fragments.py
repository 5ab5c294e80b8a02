"""Every htmx answer, applied to the page that asked, gives the page that a reload would show."""

from django.urls import reverse

from recommender.models import Account
from reviews.models import Review
from tests import htmx
from tests.builders import make_catalog, make_item, make_review
from tests.reviews.conftest import SignIn
from tests.reviews.forms import HTMX, form, start


def test_the_card_after_a_decision_is_the_card_a_reload_shows(rita: Account, browser_of: SignIn) -> None:
    first, _ = make_review(), make_review(subject=make_item(make_catalog(), "Casablanca"))
    browser = browser_of(rita)
    page = browser.get(start(browser))

    approval = form(first, rita, verdict="approve")
    answer = browser.post(reverse("reviews:decide", args=[first.pk]), approval, headers=HTMX)
    patched = htmx.patched(page, answer, target="review-card")
    fresh = htmx.parsed(browser.get(answer["HX-Push-Url"]))

    assert htmx.without(patched, attribute="data-announce") == fresh


def test_the_card_after_a_skip_is_the_card_a_reload_shows(rita: Account, browser_of: SignIn) -> None:
    first, _ = make_review(), make_review()
    browser = browser_of(rita)
    page = browser.get(start(browser))

    answer = browser.post(reverse("reviews:skip", args=[first.pk]), headers=HTMX)
    patched = htmx.patched(page, answer, target="review-card")
    fresh = htmx.parsed(browser.get(answer["HX-Push-Url"]))

    assert htmx.without(patched, attribute="data-announce") == fresh


def test_the_renewed_hold_is_the_hold_a_reload_shows(rita: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)
    page = browser.get(start(browser))
    token = Review.objects.get(pk=review.pk).slots.get().lease_token

    answer = browser.post(reverse("reviews:renew", args=[review.pk]), {"lease_token": token}, headers=HTMX)
    patched = htmx.patched(page, answer, target="lease")

    assert patched == htmx.parsed(browser.get(reverse("reviews:review", args=[review.pk])))
