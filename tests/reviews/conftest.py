"""The cast: Rita and Omar annotate, Lena leads, Pam is a PM. Each has a browser of their own."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client

from recommender.models import Account, Role
from tests.builders import make_account

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SignIn = Callable[[Account], Client]


@pytest.fixture
def rita(db: None) -> Account:
    return make_account("rita", role=Role.ANNOTATOR)


@pytest.fixture
def omar(db: None) -> Account:
    return make_account("omar", role=Role.ANNOTATOR)


@pytest.fixture
def lena(db: None) -> Account:
    return make_account("lena", role=Role.LEAD)


@pytest.fixture
def pam(db: None) -> Account:
    return make_account("pam", role=Role.PM)


@pytest.fixture
def browser_of() -> SignIn:
    """A signed-in test client."""

    def sign_in(account: Account) -> Client:
        client = Client()
        client.force_login(account)
        return client

    return sign_in
