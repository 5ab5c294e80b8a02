"""Signing in and out, and what every answer carries. Who gets in where: test_every_address.py."""

import pytest
from django.test import Client
from django.urls import reverse

from recommender.models import Account
from reviews.models import Decision
from tests.builders import make_review
from tests.reviews.conftest import SignIn
from tests.reviews.forms import HTMX, POSTS, form, url


def test_signing_in_leads_home_and_the_home_page_to_the_queue(client: Client, rita: Account) -> None:
    make_review()

    response = client.post(reverse("login"), {"username": "rita", "password": "correct horse battery"}, follow=True)

    assert response.redirect_chain == [("/", 302)]
    assert b"1 text waits for you." in response.content


def test_a_wrong_password_says_so_and_keeps_the_name(client: Client, rita: Account) -> None:
    response = client.post(reverse("login"), {"username": "rita", "password": "wrong"})

    assert b"Please enter a correct username and password" in response.content
    assert b'value="rita"' in response.content


def test_signing_out_takes_a_post(rita: Account, browser_of: SignIn) -> None:
    browser = browser_of(rita)

    assert browser.get(reverse("logout")).status_code == 405
    assert browser.post(reverse("logout")).status_code == 302
    assert browser.get("/").status_code == 302


@pytest.mark.parametrize("name", POSTS)
def test_a_signed_out_form_leads_to_the_sign_in_page(client: Client, db: None, name: str) -> None:
    review = make_review()

    plain = client.post(url(name, review))
    htmx = client.post(
        url(name, review), headers=HTMX | {"HX-Current-URL": f"http://testserver{url('review', review)}"}
    )

    assert (plain.status_code, plain["Location"]) == (302, "/sign-in/?next=/")
    assert htmx.status_code == 401
    assert htmx["HX-Redirect"] == f"/sign-in/?next=%2Freviews%2F{review.pk}%2F"


def test_changes_need_the_csrf_token(rita: Account) -> None:
    review = make_review()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(rita)

    response = browser.post(url("decide", review), form(review, rita, verdict="approve"))

    assert response.status_code == 403
    assert b"Nothing was saved" in response.content
    assert not Decision.objects.exists()


def test_answers_vary_by_who_asks_and_are_not_cached(rita: Account, browser_of: SignIn) -> None:
    response = browser_of(rita).get(url("review", make_review()))

    assert "HX-Request" in response["Vary"]
    assert "no-store" in response["Cache-Control"]
    assert "script-src" not in response["Content-Security-Policy"]
    assert "'unsafe" not in response["Content-Security-Policy"]
    assert b" style=" not in response.content


def test_the_theme_is_remembered_in_a_cookie_and_leads_back_to_the_page(client: Client, db: None) -> None:
    response = client.post(reverse("theme"), {"theme": "dark", "next": "/sign-in/"})

    assert response["Location"] == "/sign-in/"
    assert b'<html lang="en" data-theme="dark">' in client.get("/sign-in/").content
    assert client.post(reverse("theme"), {"theme": '"><script>', "next": "https://evil.example/"})["Location"] == "/"
