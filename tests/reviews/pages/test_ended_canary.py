"""A model's page says which guard ended its try with some users, in figures."""

import re

import pytest

from tests.builders import make_account
from tests.recommender.guards.served import served
from tests.reviews.pages.test_versions import page, text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def lead(client):
    client.force_login(make_account(role="lead"))


def test_what_ended_a_canary_is_named_in_figures_beside_what_would_have(client, lead):
    one = served()
    shown = text(page(client, one.canary))
    assert "when it breaks a guard : lists that could not be ranked, lists from the fallback, click rate" in shown
    one.lists(60, canary=False)
    one.lists(20, canary=True)
    one.lists(30, canary=True, code="no_history")
    one.look()
    shown = text(page(client, one.canary))
    assert "It broke a guard: ✗ Broken Lists from the fallback 60 % (beside it 0 %) of the lists" in shown
    assert re.search(r"Between \d+ % and \d+ %, beside it between 0 % and \d+ %, however often one looks\.", shown)
