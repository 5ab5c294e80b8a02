"""Which rationale is in force for a subject."""

from django.db import transaction
from django.utils import timezone

from recommender.models import Knowledge, Turn


@transaction.atomic
def accept(turn: Turn) -> Knowledge:
    """Put an approved rationale in force for its subject. Accepting it again changes nothing."""
    if not turn.is_rationale:
        raise ValueError("Only a rationale can become knowledge.")
    round_ = turn.round
    of_subject = Knowledge.objects.filter(end_user=round_.end_user, item=round_.item, in_force=True)
    if current := of_subject.filter(turn=turn).first():
        return current
    replaced = list(of_subject.values_list("pk", flat=True))
    of_subject.update(in_force=False)
    accepted = Knowledge.objects.create(
        catalog_id=round_.catalog_id,
        end_user=round_.end_user,
        item=round_.item,
        turn=turn,
        text=turn.text,
        text_hash=turn.text_hash,
        as_of=round_.as_of,
    )
    # To the microsecond: a snapshot tells a replaced text, which still serves older interactions, from a retracted one.
    Knowledge.objects.filter(pk__in=replaced).update(ended_at=accepted.accepted_at)
    return accepted


def retract(turn: Turn) -> None:
    """Take a rationale out of force; earlier snapshots keep it."""
    Knowledge.objects.filter(turn=turn, in_force=True).update(in_force=False, ended_at=timezone.now())
