"""A text that was made from another is read, and read again by a newer release: what people said of that one stays."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from recommender.models import Account, Statement, Turn
from recommender.rounds.service import add_edit
from recommender.statements import service
from reviews.models import Review
from tests.reviews.room.test_reading import EARLIER, TEXT, ann, catalog, read, read_again, struck

__all__ = ["ann", "catalog", "read"]

pytestmark = pytest.mark.django_db


def test_what_was_made_from_a_text_whose_points_people_touched_keeps_its_reading(
    read: Callable[..., Review], ann: Account
) -> None:
    """They stay with it, and a later reading of it alone does not know of them."""
    review = read()
    struck(review, ann)
    about = review.round.turns.get(kind="reason")
    turn = add_edit(review.round, about=about, text="They love westerns.", account=ann)
    service.read([turn])
    turn.statements.update(ended_by=None, source="reader", account=None)
    Turn.objects.update(reader=EARLIER)
    assert read_again(decided=True) == 0


def test_what_only_a_newer_release_finds_in_a_sentence_is_not_its_editors(
    read: Callable[..., Review], ann: Account
) -> None:
    """Nor does what they struck there come back, because it quotes more or less of the sentence."""
    review = read()
    about = review.round.turns.get(kind="reason")
    service.change(Statement.objects.get(key="genres=Western"), polarity="mixed", account=ann, now=timezone.now())
    Statement.objects.filter(key="genres=Western").update(end=9)
    edit = add_edit(review.round, about=about, text=f"{TEXT} So it is.", account=ann)
    service.read([edit])
    rows = edit.statements.filter(ended_at=None)
    assert {(row.key, row.polarity, row.source) for row in rows} == {
        ("genres=Western", "mixed", "person"),
        ("genres=Musical", "dislikes", "reader"),
    }
