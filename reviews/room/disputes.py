"""Texts that end users dispute come before people first; a decision settles what was said against them."""

from datetime import datetime

from recommender.grounding.wording import in_words
from recommender.knowledge import disputes
from recommender.models import Dispute, Round
from recommender.statements import service
from recommender.statements.aspects import aspects_of
from reviews.choices import Concern, ReviewState
from reviews.models import Review
from reviews.room import first, opening
from reviews.room.concern import Concerns

SHOWN = 3  # objections that a card quotes
LONGEST = 200  # characters of one


def open_disputed() -> int:
    """Put the disputed texts before people, before all others, the oldest objection first; returns how many came there.
    Safe to repeat.

    One that somebody is reading just moves; one that the actor is rewriting comes when it is back.
    """
    opened = 0
    for round_ in disputes.disputed_rounds().exclude(review__concern=Concern.DISPUTED, review__state=ReviewState.OPEN):
        opened += _put_first(round_)
    return opened


def _put_first(round_: Round) -> bool:
    review = Review.objects.filter(round=round_).first() or opening.open_review(round_)
    if review.state == ReviewState.DONE:
        return opening.reopen(review, concerns=Concerns(Concern.DISPUTED, review.concern_words, review.findings))
    if review.state == ReviewState.OPEN:
        review.concern = Concern.DISPUTED
        as_read = Review.objects.filter(pk=review.pk, state=ReviewState.OPEN, version=review.version)
        return bool(as_read.update(concern=review.concern, place=review.place_now(since=first.since(review))))
    return False


def settle(review: Review, *, verdict: str, now: datetime) -> None:
    """Somebody has decided about a disputed text for good, in the caller's transaction."""
    disputes.settle(review.round, verdict=verdict, now=now)
    review.concern = Concern.NONE
    Review.objects.filter(pk=review.pk).update(concern=review.concern)


def words(round_: Round) -> str:
    """What is said against a round's text, for its card."""
    said = list(disputes.undecided(round_)[: SHOWN + 1])
    quoted = [_quoted(one, round_) for one in said[:SHOWN]]
    more = ", and more" if len(said) > SHOWN else ""
    named = f"{', '.join(quoted)}{more}"
    end = "" if named.endswith((".”", "!”", "?”", "…”")) else "."  # what is quoted may end the sentence itself
    return f"It comes first because a user says it is wrong: {named}{end}"


def _quoted(made: Dispute, round_: Round) -> str:
    """With what the statement is about, where it is against one."""
    reason = made.reason if len(made.reason) <= LONGEST else made.reason[: LONGEST - 1] + "…"
    if made.statement is None:
        return f"“{reason}”"
    about = in_words(service.said(made.statement).aspect, aspects_of(round_.catalog).title_of)
    return f"“{reason}” (about {about})"
