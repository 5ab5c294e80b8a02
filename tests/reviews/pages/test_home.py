"""The first page says which AI writes, and how to change it."""

import pytest
from django.test import Client
from pytest_django import Settings

from recommender.models import Account
from tests.reviews.conftest import SignIn

pytestmark = pytest.mark.django_db


def page(browser: Client) -> str:
    return browser.get("/").content.decode()


def test_the_demonstration_models_are_called_what_they_are(lena: Account, browser_of: SignIn) -> None:
    shown = page(browser_of(lena))
    assert "The demonstration model, which is statistics and no LLM, writes and checks." in shown
    assert '<span class="badge is-demo"' in shown
    assert "make run LLM=smollm2" in shown


def test_who_may_ask_for_no_texts_is_not_told_how_to_change_the_ai(rita: Account, browser_of: SignIn) -> None:
    shown = page(browser_of(rita))
    assert "The demonstration model" in shown
    assert "make run LLM=smollm2" not in shown


@pytest.mark.parametrize(
    ("word", "name", "said"),
    [
        ("smollm2", "smollm2", "Small model for trying out"),
        ("/nowhere/Big One.gguf", "Big One", "Big One, which llama.cpp serves on this machine, writes and checks."),
    ],
)
def test_a_local_llm_is_named_with_what_it_is(
    word: str, name: str, said: str, lena: Account, browser_of: SignIn, settings: Settings
) -> None:
    settings.LOCAL_LLM, settings.LOCAL_LLM_NAME = word, name
    settings.LLM = {role: told | {"model": name} for role, told in settings.LLM.items()}
    shown = page(browser_of(lena))
    assert said in shown
    assert "Demonstration model" not in shown.replace("the demonstration models", "")


def test_an_endpoint_elsewhere_is_named_without_its_key_or_password(
    lena: Account, browser_of: SignIn, settings: Settings
) -> None:
    elsewhere = {
        "base_url": "https://me:secret-word@llm.example:8443/v1",
        "model": "org/big-7b",
        "api_key": "sk-secret",
    }
    settings.LLM = {role: told | elsewhere for role, told in settings.LLM.items()}
    shown = page(browser_of(lena))
    assert "org/big-7b at llm.example writes and checks." in shown
    assert "secret" not in shown
    settings.LLM = settings.LLM | {
        "reflector": settings.LLM["reflector"] | {"base_url": settings.EMBEDDED_ENDPOINT_URL}
    }
    assert "writes, the demonstration model, which is statistics and no LLM, checks." in page(browser_of(lena))
