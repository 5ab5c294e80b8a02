"""What the AI answered about items for a text's user, as annotators see it: whether its reasons go with its score."""

import re
from collections.abc import Sequence

import pytest
from django.test import Client
from django.urls import reverse

from recommender.models import Account, BackboneVersion, ScoringRun
from recommender.serving.request import request_for
from recommender.thinkrec.scoring import lists
from recommender.thinkrec.scoring.answers import Verdict
from recommender.thinkrec.scoring.lists import ScoredItem
from reviews.models import Review
from reviews.room.opening import open_review
from tests.builders import make_round
from tests.recommender.serving.ranked import ranked_catalog
from tests.reviews.conftest import SignIn
from tests.reviews.forms import HTMX

pytestmark = pytest.mark.django_db
TOLD: Sequence[tuple[str, Verdict, float]] = [
    ("Quiet. Verdict: Yes", "yes", 0.9), ("Loud. Verdict: Yes", "yes", 0.4), ("Long, perhaps.", "", 0.9),
]  # fmt: skip


@pytest.fixture
def review() -> Review:
    """A trace about a user, nobody's list scored yet."""
    end_user = ranked_catalog("planted").end_users.earliest("pk")
    return open_review(make_round(end_user, ("reason", "Yes. They like it."), strategy="trace"))


def scored(review: Review, *more: ScoredItem, reasons: bool = True, model: str = "tiny") -> None:
    end_user = review.round.end_user
    assert end_user is not None
    names = list(end_user.catalog.items.order_by("pk").values_list("external_id", flat=True)[:3])
    made = [
        ScoredItem(name, 1.0, 1.0, chance, text=text, verdict=verdict) if reasons
        else ScoredItem(name, 1.0, 1.0, chance)
        for name, (text, verdict, chance) in zip(names, TOLD, strict=True)
    ]  # fmt: skip
    run = ScoringRun.objects.create(catalog=end_user.catalog, config={}, metrics={"model": model})
    lists.store(
        run, end_user, [*made, *more, ScoredItem("gone", 1.0, 1.0, 0.1, text="Of nothing.")],
        backbone=BackboneVersion.objects.get(), model=model, prompt=("reason/v1", "0" * 64),
        history=request_for(end_user, limit=1).known, knowledge=None, with_preference=False,
    )  # fmt: skip


def page_of(review: Review, browser: Client, **more: str) -> str:
    response = browser.get(reverse("reviews:ai_answers", args=[review.pk]), headers=more)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_trace_s_card_leads_to_it_without_javascript_too(rita: Account, browser_of: SignIn, review: Review) -> None:
    browser = browser_of(rita)
    address = reverse("reviews:ai_answers", args=[review.pk])
    card = browser.get(reverse("reviews:review", args=[review.pk])).content.decode()
    assert f'<a href="{address}">' in card
    assert f'hx-get="{address}"' in card
    assert "No AI has been asked yet" in page_of(review, browser)
    assert "<html" not in page_of(review, browser, **HTMX)


def test_each_answer_says_whether_its_reasons_go_with_its_score(
    rita: Account, browser_of: SignIn, review: Review
) -> None:
    scored(review, model="smollm2")
    page = page_of(review, browser_of(rita))
    assert re.findall(r'dir="auto">([^<]*)</span> <span class="badge[^"]*">([^<]*)<', page) == [
        ("Quiet. Verdict: Yes", "Goes with the score"),
        ("Loud. Verdict: Yes", "Says the opposite"),
        ("Long, perhaps.", "Says neither clearly"),
    ]
    assert "In 1 of 3 its reasons say the opposite of its score." in page
    assert "Reasons that say Yes go with a chance above 0.55, and those that say No with one below 0.45." in page
    assert "Small model for trying out" in page


def test_reasons_that_were_cut_off_are_marked(rita: Account, browser_of: SignIn, review: Review) -> None:
    end_user = review.round.end_user
    assert end_user is not None
    names = end_user.catalog.items.order_by("pk").values_list("external_id", flat=True)[3:5]
    said = ("They like the quiet of", "")
    cut = [ScoredItem(name, 1.0, 1.0, 0.9, text=text, cut_off=True) for name, text in zip(names, said, strict=True)]
    scored(review, *cut)
    page = page_of(review, browser_of(rita))
    assert page.count("Cut off") == 1
    assert 'They like the quiet of</span> <span class="badge is-warn">Cut off</span>' in page
    assert page.count("It did not get to its reasons.") == 1


def test_answers_without_reasons_say_so(rita: Account, browser_of: SignIn, review: Review) -> None:
    scored(review, reasons=False)
    page = page_of(review, browser_of(rita))
    assert "It answered without reasons." in page
    assert "badge is-" not in page[page.index("<main") :]
