"""Why a decision came too late, for the page that says so: who did what to the text since it was on the screen."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from recommender.models import Account, Source
from reviews.models import Decision, Undone
from reviews.room.card import Card
from reviews.room.decisions import Seen
from reviews.room.leases import Stale
from reviews.room.statements import StatementOnCard
from reviews.room.verdict_row import VerdictRow
from reviews.room.verdicts import of_decision


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that a person did. `who`: "You", or the name of whoever else; `words`: what they did it to, or said."""

    what: str
    who: str
    when: datetime
    words: str = ""
    tone: str = "human"


@dataclass(frozen=True, slots=True)
class Conflict:
    """`pressed`: what the viewer sent, as its button says it. `happened`: the oldest first; empty where it is not
    known, or where the app did it."""

    stale: Stale
    heading: str
    pressed: str
    happened: tuple[Happened, ...]


def of_card(stale: Stale, card: Card, *, pressed: str, seen: Seen, since: datetime | None) -> Conflict:
    """`card`: as it is now; `pressed` and `seen`: what was sent, and on which sight of it; `since`: when that was made,
    as far as it is known."""
    happened = sorted(_happened(card, seen, since), key=lambda one: one.when)
    return Conflict(stale, _heading(stale, card, happened, seen), pressed, tuple(happened))


def is_repeated(
    decision: Decision | None, *, account: Account, given: VerdictRow, seen: Seen, text: str, draft: int | None
) -> bool:
    """Whether the last decision is what the account sends now: a second press, or a page that was sent again.

    `draft`: of a verdict about one draft, the primary key of its turn.
    """
    if decision is None or decision.account_id != account.pk or decision.verdict != given.name:
        return False
    if draft is not None and decision.turn_id != draft:
        return False
    if given.judgement and (decision.made_turn is None or decision.made_turn.verdict != given.judgement):
        return False
    words = decision.made_turn.text if decision.made_turn else decision.reason
    as_seen = (seen.version, seen.turns, seen.text_hash)
    return as_seen == tuple(decision.seen.get(name) for name in ("version", "turns", "text_hash")) and words == text


def who(account: Account | None, viewer: Account) -> str:
    return "Somebody" if account is None else "You" if account.pk == viewer.pk else str(account)


def _heading(stale: Stale, card: Card, happened: list[Happened], seen: Seen) -> str:
    """In the words of whoever did it; they may be the viewer, on another page."""
    since = [decision for decision in card.decisions if decision.seen.get("version", 0) >= seen.version]
    by = who(since[-1].account, card.viewer) if since else ""
    have = "have" if by == "You" else "has"
    match stale:
        case Stale.DECIDED:
            return f"{by} {have} decided this already" if by else "This is decided already"
        case Stale.AWAITING_ACTOR:
            return f"{by} {have} sent this back" if by else "This text is being rewritten"
        case Stale.HELD:
            return (
                f"{card.holder.leased_by} is reading this now" if card.holder else "Somebody was reading this just now"
            )
    is_other_text = (len(card.turns), card.proposal.text_hash if card.proposal else "") != (seen.turns, seen.text_hash)
    if happened and not is_other_text:
        last = happened[-1]
        return f"{last.who} {'have' if last.who == 'You' else 'has'} changed something here since you read it"
    return "The text has changed since you read it"


def _happened(card: Card, seen: Seen, since: datetime | None) -> Iterator[Happened]:
    strategy = card.review.round.strategy
    for decision in card.decisions:
        if decision.seen.get("version", 0) >= seen.version:
            row = of_decision(decision, strategy)
            yield Happened(
                row.badge, who(decision.account, card.viewer), decision.created_at, decision.reason, row.tone
            )
    if since is None:
        return
    for undone in Undone.objects.filter(review=card.review, undone_at__gt=since).select_related("account"):
        yield Happened("Undone", who(undone.account, card.viewer), undone.undone_at)
    for one in card.statements:
        yield from _of_point(one, card.viewer, since)
    for own in card.said:
        if own.row.began_at is not None and own.row.began_at > since and own.row.accepted_by is not None:
            by = who(own.row.accepted_by, card.viewer)
            yield Happened("Accepted", by, own.row.began_at, f"the user {own.says.lower()} {own.aspect}")


def _of_point(one: StatementOnCard, viewer: Account, since: datetime) -> Iterator[Happened]:
    row = one.row
    if row.ended_at is not None and row.ended_at > since:
        yield Happened("Struck", who(row.ended_by, viewer), row.ended_at, one.summary)
    elif row.source == Source.PERSON and row.account is not None and row.created_at > since:
        what = "Changed" if row.replaces_id else "Added" if not row.end else "Said"
        yield Happened(what, who(row.account, viewer), row.created_at, one.summary)
