"""Pages of a catalog that does not say what came first claim no order."""

from django.urls import reverse

from recommender.models import Account, Clock, RoundBatch
from recommender.rounds import evidence
from tests.builders import make_catalog, make_end_user, make_interaction, make_item, make_round, open_review
from tests.reviews.conftest import SignIn


def test_pages_claim_no_order(browser_of: SignIn, rita: Account, pam: Account) -> None:
    catalog = make_catalog("books", clock=Clock.NONE)
    reader = make_end_user(catalog, "1")
    for place in range(60):
        make_interaction(reader, make_item(catalog), moment=7 * place + 1)
    (shown,) = evidence.of_end_users(catalog, [reader.pk])
    round_ = make_round(reader, ("reason", "Likes quiet books."), ("reflect", ""), as_of=shown.as_of)
    round_.evidence, round_.rest_reason = shown.subject.to_json(), "reasonable"
    batch = round_.batch = RoundBatch.objects.create(catalog=catalog, subjects="all", window="prefix")
    round_.save()
    review = open_review(round_)
    addresses = {
        rita: [reverse("reviews:review", args=[review.pk]), reverse("reviews:queue")],
        pam: [
            reverse("reviews:round", args=[round_.pk]),
            reverse("reviews:round_batch", args=[batch.pk]),
            reverse("reviews:insights_end_user", args=["books", "1"]),
        ],
    }
    said = ""
    for account, wanted in addresses.items():
        for address in wanted:
            page = browser_of(account).get(address)
            assert page.status_code == 200, address
            words = " ".join(page.content.decode().split())
            for claim in ("the latest first", "history up to", "position ", "1970", "the latest ", "first half"):
                assert claim not in words, (address, claim)
            said += words
    assert said.count("history drawn by chance: it is not known what came first") >= 3
