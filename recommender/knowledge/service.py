"""What is in force for a subject: of each moment, one approved rationale or the kept drafts of one round."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from recommender.models import Account, Catalog, Knowledge, RestReason, Round, SubjectKind, Turn, TurnKind
from recommender.prepared import Prepared
from recommender.rounds.service import RoundNotRestingError
from recommender.statements import service as statements
from recommender.webhooks import outbox


class TakenUpError(Exception):
    """The text was trained with, or another took its place: its approval cannot be taken back."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an approval or a rejection changed, by primary keys, so that it can be taken back."""

    accepted: int | None = None
    ended: tuple[int, ...] = ()
    rejected_index: int | None = None  # of the round, before
    approved_index: int | None = None  # the same, where its text is no knowledge

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Change":
        return cls(data["accepted"], tuple(data["ended"]), data["rejected_index"], data.get("approved_index"))


@transaction.atomic(savepoint=False)
def accept(
    turn: Turn,
    *,
    further: Sequence[Turn] = (),
    by: Account | None = None,
) -> Change:
    """Put an approved rationale in force for its subject from its round's moment on. Doing so again changes nothing.

    `by`: who approved it. `further`: the other kept drafts of a filtered round; `turn` is the one that is shown. It
    takes the place of what was in force as of the same moment; what is in force as of other moments stays. Raises
    RoundNotRestingError where the subject was erased; IntegrityError where another text of the moment was approved in
    the same instant: doing it again takes that one's place.
    """
    if not all(each.is_rationale and each.round_id == turn.round_id for each in (turn, *further)):
        raise ValueError("Only rationales of one round can become knowledge.")
    round_ = turn.round
    if round_.rest_reason == RestReason.ERASED:
        raise RoundNotRestingError(f"What round {round_.pk} is about was erased.")
    rejected_index = round_.rejected_index
    if rejected_index == turn.index:
        Round.objects.filter(pk=round_.pk).update(rejected_index=None)
    current = next(iter(_CURRENT.rows(round_.subject_kind, subject=round_.subject_id, as_of=round_.as_of)), None)
    if current is not None and current.turn_ids == [turn.pk, *(each.pk for each in further)]:
        return Change(rejected_index=rejected_index)
    if current is not None:
        _of_moment(round_).update(in_force=False, ended_at=timezone.now())
    accepted = Knowledge.objects.create(
        catalog_id=round_.catalog_id,
        end_user_id=round_.end_user_id,
        item_id=round_.item_id,
        turn=turn,
        text=turn.text,
        text_hash=turn.text_hash,
        further_texts=[{"turn": each.pk, "text": each.text, "text_hash": each.text_hash} for each in further],
        as_of=round_.as_of,
        accepted_by=by,
    )
    outbox.approved(accepted, replaces=[current.pk] if current else [])
    # An edit is read when that is first asked for: reading takes longer than all else that happens here.
    statements.read([each for each in (turn, *further) if each.kind != TurnKind.EDIT])
    return Change(accepted.pk, (current.pk,) if current else (), rejected_index)


def approve(turn: Turn) -> Change:
    """Let keywords or a trace count: they are no knowledge, and no model's vectors are made of them.

    Raises RoundNotRestingError where the subject was erased.
    """
    round_ = turn.round
    if round_.is_for_knowledge or not turn.is_rationale:
        raise ValueError("Knowledge is accepted; keywords and traces are approved.")
    before = Change(rejected_index=round_.rejected_index, approved_index=round_.approved_index)
    there = Round.objects.filter(pk=round_.pk).exclude(rest_reason=RestReason.ERASED)
    if not there.update(approved_index=turn.index, rejected_index=None):
        raise RoundNotRestingError(f"What round {round_.pk} is about was erased.")
    return before


def disapprove(turn: Turn) -> Change:
    """Let keywords or a trace count no more."""
    round_ = turn.round
    Round.objects.filter(pk=round_.pk).update(approved_index=None, rejected_index=turn.index)
    return Change(rejected_index=round_.rejected_index, approved_index=round_.approved_index)


@transaction.atomic(savepoint=False)
def reject(turn: Turn, *, drafts: Sequence[Turn] = ()) -> Change:
    """Show a rationale to nobody: it is taken out of force if it was in force. Earlier snapshots keep it.

    `drafts`: all that is rejected with it, in a filtered round.
    """
    rejected_index = turn.round.rejected_index
    Round.objects.filter(pk=turn.round_id).update(rejected_index=turn.index)
    rejected = Knowledge.objects.filter(turn__in=[turn, *drafts], in_force=True)
    ended = list(rejected.select_related("end_user", "item"))
    if ended:
        rejected.update(in_force=False, ended_at=timezone.now())
        outbox.revoked(ended, cause="rejected")
    return Change(ended=tuple(one.pk for one in ended), rejected_index=rejected_index)


def is_taken_up(change: Change) -> bool:
    """Whether a snapshot has the text that was accepted."""
    return (
        change.accepted is not None and Knowledge.objects.filter(pk=change.accepted, snapshots__isnull=False).exists()
    )


def take_back(change: Change, round_: Round) -> None:
    """Let everything be as before this change of the round, in the caller's transaction.

    Raises TakenUpError once a snapshot has the text, or where something else is in force as of its moment.
    """
    if not round_.is_for_knowledge:
        before = {"rejected_index": change.rejected_index, "approved_index": change.approved_index}
        Round.objects.filter(pk=round_.pk).update(**before)
        return
    # A snapshot that is being made waits, and then has the row or does not know of it.
    Catalog.objects.select_for_update().get(pk=round_.catalog_id)
    undone = None
    if change.accepted is not None:
        undone = Knowledge.objects.filter(pk=change.accepted, in_force=True).select_related("end_user", "item").first()
        if undone is None or is_taken_up(change):
            raise TakenUpError("The text was trained with, or another took its place.")
        Knowledge.objects.filter(pk=undone.pk).delete()
    ended = Knowledge.objects.filter(pk__in=change.ended)
    of_moment = _of_moment(round_)
    if change.ended and of_moment.exists():
        raise TakenUpError("Another text took its place.")
    ended.update(in_force=True, ended_at=None)
    for again in ended.select_related("end_user", "item"):
        outbox.approved(again, replaces=[undone.pk] if undone else [], cause="undo")
    if undone is not None and not change.ended:
        outbox.revoked([undone], cause="undone")
    Round.objects.filter(pk=round_.pk).update(rejected_index=change.rejected_index)


def _of_moment(round_: Round) -> QuerySet[Knowledge]:
    """What is in force as of the round's moment about its subject: at most one."""
    return _in_force(round_.subject_kind, subject=round_.subject_id, as_of=round_.as_of)


def _in_force(kind: SubjectKind, *, subject: int, as_of: int) -> QuerySet[Knowledge]:
    return Knowledge.objects.filter(**{str(kind): subject}, as_of=as_of, in_force=True)


_CURRENT = Prepared(_in_force)
