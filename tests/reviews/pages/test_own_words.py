"""What an end user says of themself, beside the text about them on the page *Why*, with what became of each."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.models import Account, Catalog, EndUser, Hearing, Statement
from recommender.statements import own
from recommender.statements.aspects import KEPT
from reviews.pages.insights.own import MOST_ENDED, MOVES_NOTHING
from tests.builders import make_catalog, make_end_user, make_item
from tests.recommender.training import synthetic

SignIn = Callable[[Account], Client]
GENRES = ("Drama", "Horror", "Comedy")


@pytest.fixture
def reader(db: None) -> EndUser:
    KEPT.drop(lambda _: True)
    catalog = make_catalog("films")
    for genre in GENRES:
        make_item(catalog, genres=[genre])
    return make_end_user(catalog, "u1")


def say(reader: EndUser, genre: str, polarity: str = "likes", *, quote: str = "") -> Statement:
    said = Said((Facet("attribute", "genres", genre),), polarity)  # type: ignore[arg-type]
    (row,) = own.say(reader, [said], quotes=[quote], now=timezone.now())
    return row


def section(browser: Client) -> str:
    text = browser.get("/insights/films/users/u1/").content.decode()
    found = re.search(r'aria-labelledby="own-heading">(.*?)</section>', text, re.DOTALL)
    assert found
    return found[1]


def words(browser: Client) -> list[str]:
    """Each row as one reads it."""
    rows = re.findall(r"<li>(.*?)</li>", section(browser), re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]


def today() -> str:
    return f"{timezone.now():%-d %b %Y}"


def test_who_has_said_nothing_is_said_to(reader: EndUser, pam: Account, browser_of: SignIn) -> None:
    shown = section(browser_of(pam))
    assert "They have said nothing of themselves yet." in shown
    assert "Counts at once" in shown
    assert "<li>" not in shown
    assert "<details" not in shown


def test_it_stands_beside_the_text_with_what_became_of_it(reader: EndUser, pam: Account, browser_of: SignIn) -> None:
    synthetic.approve(reader, "They love horror films.")
    say(reader, "Horror", "dislikes", quote="No more <gore>, please.")
    own.strike(reader, say(reader, "Drama"), now=timezone.now())
    own.correct(reader, say(reader, "Comedy"), polarity="mixed", now=timezone.now())
    browser = browser_of(pam)
    now, _, ended = section(browser).partition("<details")
    assert "&lt;gore&gt;" in now
    assert "2 that stand no more" in ended
    assert words(browser) == [
        f"In two minds about Comedy moves nothing since {today()}",
        f"Dislikes Horror No more &lt;gore&gt;, please. counts since {today()}",
        f"Likes Comedy corrected {today()}",
        f"Likes Drama struck {today()}",
    ]


def test_what_waits_leads_those_who_may_decide_there(
    reader: EndUser, pam: Account, lena: Account, rita: Account, browser_of: SignIn
) -> None:
    reader.catalog.hearing = Hearing.AFTER_REVIEW
    reader.catalog.save()
    drama, comedy = say(reader, "Drama"), say(reader, "Comedy")
    say(reader, "Horror", "dislikes")
    own.accept(drama, account=rita, now=timezone.now())
    own.refuse(comedy, account=rita, now=timezone.now())
    waits = f"Dislikes Horror waits for review, said {today()}"
    others = [f"Likes Drama let count by rita {today()}", f"Likes Comedy refused by rita {today()}"]
    assert words(browser_of(pam)) == [waits, *others]
    assert words(browser_of(lena)) == [f"{waits} Decide", *others]
    assert 'href="/reviews/said/"' in section(browser_of(lena))
    assert "Counts once a person has accepted it" in section(browser_of(pam))


def test_what_nobody_may_count_on_any_more_is_not_listed_without_end(
    reader: EndUser, pam: Account, browser_of: SignIn
) -> None:
    for _ in range(MOST_ENDED + 2):
        own.strike(reader, say(reader, "Drama"), now=timezone.now())
    shown = section(browser_of(pam))
    assert f"{MOST_ENDED + 2} that stand no more, the last {MOST_ENDED} here" in shown
    assert shown.count("<li>") == MOST_ENDED
    assert "Nothing that still stands." in shown


def test_where_statements_are_switched_off_the_page_says_what_still_counts(
    reader: EndUser, pam: Account, browser_of: SignIn
) -> None:
    say(reader, "Horror", "dislikes")
    title = Facet("title", "", reader.catalog.items.all()[0].external_id)
    own.say(reader, [Said((title,), "dislikes")], now=timezone.now())
    Catalog.objects.update(steering=0.0)
    browser = browser_of(pam)
    assert "Counts at once" not in section(browser)
    assert MOVES_NOTHING in section(browser)
    of_title, of_genre = words(browser)
    assert of_title.endswith(f"counts since {today()}")
    assert of_genre == f"Dislikes Horror kept since {today()}"
    assert "moves the list at once" not in browser.get("/insights/films/users/u1/").content.decode()
