"""Decided reviews with what they put in force, and receipts of the versions trained after."""

from typing import Any

from recommender.knowledge.service import accept
from recommender.models import Account, BackboneVersion, EndUser, ImpactReceipt, Item, Turn
from reviews.models import Decision, Review, Verdict
from tests import builders


def make_decision(subject: EndUser | Item, verdict: Verdict, *, by: str) -> Review:
    """An approval or an edit with what it does: knowledge in force."""
    account = Account.objects.filter(username=by).first() or builders.make_account(by)
    review = builders.make_review(subject=subject)
    shown = made = review.round.turns.get(index=2)
    if verdict == Verdict.EDIT:
        made = Turn.objects.create(
            round=review.round, index=4, kind="edit", text="Mine.", text_hash="0" * 64, about=shown
        )
    accept(made)
    Decision.objects.create(
        review=review,
        slot=review.slots.get(),
        account=account,
        verdict=verdict,
        turn=shown,
        made_turn=made if made != shown else None,
        seen={},
    )
    Review.objects.filter(pk=review.pk).update(version=2)
    return review


def make_receipt(version: BackboneVersion, previous: BackboneVersion | None, **lists: Any) -> ImpactReceipt:
    found = {"k": 10, "end_users": 40, "of": 90, "changed": 10, "mean_overlap": 0.925, "biggest": []}
    interval = {"estimate": 0.004, "low": 0.001, "high": 0.007}
    content = {
        "knowledge": {"entered": {"end_user": 2, "item": 1}, "replaced": 1, "withdrawn": 1},
        "lists": {**found, **lists} if previous else None,
        "metrics": {"differences": {"gauc": interval, "ndcg": None} if previous else {}, "own": None},
        "note": "",
    }
    return ImpactReceipt.objects.create(version=version, previous=previous, content=content)
