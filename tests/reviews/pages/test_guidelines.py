"""Guidelines are read by who reviews, written by leads, and never changed: each version stays."""

import pytest

from recommender.models import Account
from reviews.models import Guideline
from tests.builders import make_account
from tests.reviews.conftest import SignIn
from tests.reviews.forms import HTMX


def test_a_lead_writes_versions_and_annotators_read_them(rita: Account, lena: Account, browser_of: SignIn) -> None:
    lead, annotator = browser_of(lena), browser_of(rita)
    assert b"No guidelines yet" in annotator.get("/guidelines/").content
    assert b"Approve a text when" in lead.get("/guidelines/write/").content
    for after, text in (
        (0, "Check the titles."),
        (1, "Check the titles and the years."),
        (2, "Check the titles and the years."),
    ):
        assert lead.post("/guidelines/write/", {"after": after, "text": text}).status_code == 302

    page = annotator.get("/guidelines/").content.decode()
    assert list(Guideline.objects.values_list("number", flat=True)) == [1, 2]
    assert "Version 2, by lena" in page
    assert "<ins>and the years</ins>" in page.replace("<ins> ", "<ins>").replace(" </ins>", "</ins>")
    assert "Version 2 counts now." in annotator.get("/guidelines/?version=1").content.decode()
    assert annotator.get("/guidelines/?version=7").status_code == 404
    fragment = annotator.get("/guidelines/", headers=HTMX).content
    assert b"Check the titles and the years." in fragment
    assert b"<html" not in fragment


def test_only_leads_write(rita: Account, pam: Account, browser_of: SignIn) -> None:
    for account in (rita, pam):
        assert browser_of(account).post("/guidelines/write/", {"after": 0, "text": "x"}).status_code == 403
    assert browser_of(pam).get("/guidelines/").status_code == 403


@pytest.mark.parametrize("text", ["", "  ", "\u200b\u2060", "x" * 20_001])
def test_what_says_nothing_or_too_much_is_refused(lena: Account, browser_of: SignIn, text: str) -> None:
    assert browser_of(lena).post("/guidelines/write/", {"after": 0, "text": text}).status_code == 422
    assert not Guideline.objects.exists()


def test_two_leads_at_once_lose_nothing(lena: Account, browser_of: SignIn) -> None:
    Guideline.objects.create(number=1, text="Check the titles.", account=lena)

    late = browser_of(make_account("luis", role="lead")).post("/guidelines/write/", {"after": 0, "text": "The years."})

    assert late.status_code == 409
    page = late.content.decode()
    assert "lena wrote version 1 meanwhile" in page
    assert "The years.</textarea>" in page
    assert 'name="after" value="1"' in page
    assert Guideline.objects.count() == 1

    own = browser_of(lena).post("/guidelines/write/", {"after": 0, "text": "The years."})
    assert "You wrote version 1 meanwhile" in own.content.decode()
