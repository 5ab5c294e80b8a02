"""The texts that justify a list: knowledge in force, else a round's unreviewed proposal. Named for what they are."""

from collections.abc import Collection, Iterable
from typing import Literal

from django.db.models import Exists, OuterRef, Prefetch, Q

from recommender.models import EndUser, Knowledge, KnowledgeSnapshot, Round, RoundState, SubjectKind, Turn
from recommender.rounds.queries import proposed
from recommender.serving.types import TextReason

Subject = tuple[SubjectKind, int]
HEAVY = ("messages", "parameters", "answer")  # of a call; only its model's name is wanted


def texts_about(
    end_user: EndUser | None, item_pks: Collection[int], *, snapshot: KnowledgeSnapshot | None
) -> dict[Subject, TextReason]:
    """The text of each subject that has one. At most three queries, however many items."""
    texts = dict(_in_force(end_user, item_pks, snapshot))
    missing_items = [pk for pk in item_pks if (SubjectKind.ITEM, pk) not in texts]
    wanted = Q(item_id__in=missing_items, end_user=None)
    if end_user is not None and (SubjectKind.END_USER, end_user.pk) not in texts:
        wanted |= Q(end_user=end_user, item=None)
    return dict(_proposed(wanted)) | texts


def _in_force(
    end_user: EndUser | None, item_pks: Collection[int], snapshot: KnowledgeSnapshot | None
) -> Iterable[tuple[Subject, TextReason]]:
    subjects = Q(item_id__in=item_pks, end_user=None)
    if end_user is not None:
        subjects |= Q(end_user=end_user, item=None)
    frozen = KnowledgeSnapshot.knowledge.through.objects.filter(knowledgesnapshot=snapshot, knowledge=OuterRef("pk"))
    rows = Knowledge.objects.filter(subjects, in_force=True).annotate(in_snapshot=Exists(frozen))
    rows = rows.order_by("as_of")  # of several moments the latest, since it comes last
    for row in rows.select_related("turn__call", "accepted_by").defer(*(f"turn__call__{name}" for name in HEAVY)):
        yield (
            (row.subject_kind, row.item_id or row.end_user_id or 0),
            TextReason(
                kind=_kind(row.subject_kind),
                text=row.text,
                review_status="approved",
                round_id=row.turn.round_id,
                turn_id=row.turn_id,
                as_of=row.as_of,
                written_by=_author(row.turn),
                knowledge_id=row.pk,
                accepted_at=row.accepted_at,
                accepted_by=str(row.accepted_by) if row.accepted_by else "",
                in_snapshot=row.in_snapshot,
                further_texts=tuple(other["text"] for other in row.further_texts),
            ),
        )


def _proposed(wanted: Q) -> Iterable[tuple[Subject, TextReason]]:
    """Of each subject the proposal of its latest rested round, unless people rejected it."""
    turns = Turn.objects.select_related("call").defer(*(f"call__{name}" for name in HEAVY))
    rounds = (
        Round.objects.for_knowledge()
        .filter(wanted, state=RoundState.RESTING)
        .order_by("as_of", "pk")
        .defer("evidence")
        .prefetch_related(Prefetch("turns", turns))
    )
    for round_ in rounds:
        standing = proposed(round_)
        if not standing or round_.rejected_index in [turn.index for turn in standing]:
            continue
        turn, *further = standing
        yield (
            (round_.subject_kind, round_.item_id or round_.end_user_id or 0),
            TextReason(
                kind=_kind(round_.subject_kind),
                text=turn.text,
                review_status="unreviewed",
                round_id=round_.pk,
                turn_id=turn.pk,
                as_of=round_.as_of,
                written_by=_author(turn),
                further_texts=tuple(other.text for other in further),
            ),
        )


def _author(turn: Turn) -> str:
    return turn.call.model if turn.call else "a person"


def _kind(subject: SubjectKind) -> Literal["user_preference", "item_knowledge"]:
    return "item_knowledge" if subject == SubjectKind.ITEM else "user_preference"
