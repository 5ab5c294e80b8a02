"""Which rationale is in force for a subject."""

from django.db import transaction
from django.utils import timezone

from recommender.models import Knowledge, Round, Turn


@transaction.atomic
def accept(turn: Turn) -> Knowledge:
    """Put an approved rationale in force for its subject. Accepting it again changes nothing."""
    if not turn.is_rationale:
        raise ValueError("Only a rationale can become knowledge.")
    round_ = turn.round
    # Two rounds about one subject approved in the same instant: the second waits, and replaces the first.
    type(round_.subject).objects.select_for_update().get(pk=round_.subject.pk)
    Round.objects.filter(pk=round_.pk, rejected_index=turn.index).update(rejected_index=None)
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
    # To the microsecond: a snapshot tells a replaced text, which still serves older interactions, from a rejected one.
    Knowledge.objects.filter(pk__in=replaced).update(ended_at=accepted.accepted_at)
    return accepted


@transaction.atomic
def reject(turn: Turn) -> None:
    """Show a rationale to nobody: it is taken out of force if it was in force. Earlier snapshots keep it."""
    Round.objects.filter(pk=turn.round_id).update(rejected_index=turn.index)
    Knowledge.objects.filter(turn=turn, in_force=True).update(in_force=False, ended_at=timezone.now())
