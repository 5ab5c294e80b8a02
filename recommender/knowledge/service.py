"""What is in force for a subject: of each moment, one approved rationale or the kept drafts of one round."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from recommender.models import Knowledge, Round, Turn


@transaction.atomic
def accept(turn: Turn, *, further: Sequence[Turn] = ()) -> Knowledge:
    """Put an approved rationale in force for its subject from its round's moment on. Doing so again changes nothing.

    `further`: the other kept drafts of a filtered round; `turn` is the one that is shown. It takes the place of what
    was in force as of the same moment; what is in force as of other moments stays.
    """
    if not all(each.is_rationale and each.round_id == turn.round_id for each in (turn, *further)):
        raise ValueError("Only rationales of one round can become knowledge.")
    round_ = turn.round
    # Two rounds about one subject approved in the same instant: the second waits, and replaces the first.
    type(round_.subject).objects.select_for_update().get(pk=round_.subject.pk)
    Round.objects.filter(pk=round_.pk, rejected_index=turn.index).update(rejected_index=None)
    of_moment = Knowledge.objects.filter(end_user=round_.end_user, item=round_.item, as_of=round_.as_of, in_force=True)
    current = of_moment.first()
    if current is not None and current.turn_ids == [turn.pk, *(each.pk for each in further)]:
        return current
    of_moment.update(in_force=False, ended_at=timezone.now())
    return Knowledge.objects.create(
        catalog_id=round_.catalog_id,
        end_user=round_.end_user,
        item=round_.item,
        turn=turn,
        text=turn.text,
        text_hash=turn.text_hash,
        further_texts=[{"turn": each.pk, "text": each.text, "text_hash": each.text_hash} for each in further],
        as_of=round_.as_of,
    )


@transaction.atomic
def reject(turn: Turn, *, drafts: Sequence[Turn] = ()) -> None:
    """Show a rationale to nobody: it is taken out of force if it was in force. Earlier snapshots keep it.

    `drafts`: all that is rejected with it, in a filtered round.
    """
    Round.objects.filter(pk=turn.round_id).update(rejected_index=turn.index)
    rejected = Knowledge.objects.filter(turn__in=[turn, *drafts], in_force=True)
    rejected.update(in_force=False, ended_at=timezone.now())
