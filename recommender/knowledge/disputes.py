"""What end users say is wrong about a text: kept, put before people first, settled by their next decision."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from recommender import jobs
from recommender.models import ApiToken, Dispute, EndUser, RestReason, Round, RoundState, Statement, Turn


def dispute(
    turn: Turn,
    *,
    reason: str,
    statement: Statement | None = None,
    end_user: EndUser | None = None,
    token: ApiToken | None = None,
) -> Dispute:
    """Keep the objection, and ask for the text's review to be opened. The text counts as disputed from now on."""
    made = Dispute.objects.create(turn=turn, reason=reason, statement=statement, end_user=end_user, token=token)
    jobs.send(jobs.OPEN_DISPUTED)
    return made


def disputed_rounds() -> QuerySet[Round]:
    """The rounds at rest whose texts are disputed, and nobody has decided since."""
    theirs = Dispute.objects.filter(turn__round=OuterRef("pk"), settled_at=None)
    at_rest = Round.objects.filter(Exists(theirs), state=RoundState.RESTING)
    return at_rest.exclude(rest_reason=RestReason.ERASED).order_by("pk")


def undecided(round_: Round) -> QuerySet[Dispute]:
    """The objections to a round's texts that nobody has decided about, the oldest first."""
    disputes = Dispute.objects.filter(turn__round=round_, settled_at=None)
    return disputes.select_related("statement").order_by("created_at")


def settle(round_: Round, *, verdict: str, now: datetime) -> None:
    """A person has decided about the text, having seen what is said against it."""
    undecided(round_).update(settled_at=now, verdict=verdict)


def unsettle(round_: Round, *, since: datetime) -> None:
    """That decision was taken back."""
    later = Q(turn__round=round_, settled_at__gte=since)
    if Dispute.objects.filter(later).update(settled_at=None, verdict=""):
        jobs.send(jobs.OPEN_DISPUTED)
