"""The texts that justify a list: knowledge in force, else a round's proposal. Named for what people have said of them.

*approved*: in force, and nobody disputes it. *reviewed*: people have judged it, and it is not settled: it is in force
and disputed, or it is a proposal that a person wrote or called reasonable. *unreviewed*: a proposal that nobody has
judged. What people rejected is shown to nobody.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, prefetch_related_objects

from recommender.models import (
    Catalog,
    Dispute,
    EndUser,
    Judgement,
    Knowledge,
    KnowledgeSnapshot,
    Round,
    RoundState,
    SubjectKind,
    Turn,
    TurnKind,
)
from recommender.prepared import Prepared
from recommender.rounds.queries import proposed
from recommender.serving.types import (
    REVIEW_STATUSES,
    Author,
    Explanation,
    MinReview,
    Moment,
    ReviewStatus,
    Shown,
)
from recommender.serving.whom import Whom
from recommender.stamps.kept import KeptRows
from recommender.statements.queries import NEVER

Subject = tuple[SubjectKind, int]
TEXTS: KeptRows[Subject, Explanation] = KeptRows("texts", "said", "rounds")
HEAVY = ("messages", "parameters", "answer")  # of a call; only its model's name is wanted


def texts_about(
    whom: Whom,
    item_pks: Collection[int],
    *,
    snapshot: KnowledgeSnapshot | None,
    min_review: MinReview = "any",
    as_of: int | None = None,
) -> dict[Subject, Shown]:
    """The text of each subject that has one, shown if people have said enough of it. At most three queries, none for
    what is kept.

    Nobody has written of a visitor. `as_of`: only texts that use nothing later.
    """
    subjects: list[Subject] = [(SubjectKind.ITEM, pk) for pk in item_pks]
    if isinstance(whom, EndUser):
        subjects.append((SubjectKind.END_USER, whom.pk))
    about = partial(_about, whom.catalog, snapshot=snapshot, as_of=as_of)
    trained_with = snapshot.pk if snapshot else None
    found = about(subjects) if as_of is not None else TEXTS.many(whom.catalog, subjects, about, trained_with)
    return {subject: shown(text, min_review) for subject, text in found.items()}


def _about(
    catalog: Catalog, subjects: Sequence[Subject], *, snapshot: KnowledgeSnapshot | None, as_of: int | None
) -> dict[Subject, Explanation]:
    values: dict[str, int] = {"until": NEVER if as_of is None else as_of}
    trained_with = {"snapshot": snapshot.pk} if snapshot else {}
    asked = _named(subjects)
    texts = dict(_of_knowledge(_KNOWLEDGE.rows(*asked, *trained_with, **asked, **trained_with, **values), catalog))
    if asked := _named([subject for subject in subjects if subject not in texts]):
        texts |= _of_rounds(_ROUNDS.rows(*asked, **asked, **values), catalog)
    return texts


def _named(subjects: Sequence[Subject]) -> dict[str, int]:
    return {f"{kind}{place}": pk for place, (kind, pk) in enumerate(subjects)}


def _are(named: Mapping[str, int]) -> Q:
    """What is about one of these, of which there is at least one."""
    items, people = (
        [pk for name, pk in named.items() if name.startswith(kind)] for kind in (SubjectKind.ITEM, SubjectKind.END_USER)
    )
    return Q(item_id__in=items, end_user=None) | Q(end_user_id__in=people, item=None)


def _knowledge(*_: str, until: int, snapshot: int | None = None, **named: int) -> QuerySet[Knowledge]:
    return knowledge(_are(named) & Q(as_of__lte=until), snapshot=snapshot)


def _rounds(*_: str, until: int, **named: int) -> QuerySet[Round]:
    return rounds(_are(named) & Q(as_of__lte=until))


def shown(text: Explanation | None, min_review: MinReview) -> Shown:
    """The text, unless people have said less of it than is asked for."""
    if text is None:
        return Shown("none")
    least = 0 if min_review == "any" else REVIEW_STATUSES.index(min_review)
    return Shown("shown", text) if REVIEW_STATUSES.index(text.review_status) >= least else Shown("withheld")


def knowledge(wanted: Q, *, snapshot: int | None) -> QuerySet[Knowledge]:
    """In force; of one subject the latest moment's comes last. `snapshot`: whose knowledge is marked."""
    frozen = KnowledgeSnapshot.knowledge.through.objects.filter(knowledgesnapshot=snapshot, knowledge=OuterRef("pk"))
    disputes = Dispute.objects.filter(turn=OuterRef("turn"), settled_at=None)
    rows = Knowledge.objects.filter(wanted, in_force=True)
    rows = rows.annotate(in_snapshot=Exists(frozen), disputed=Exists(disputes)).order_by("as_of")
    return rows.select_related("turn__call", "accepted_by").defer(*(f"turn__call__{name}" for name in HEAVY))


def rounds(wanted: Q) -> QuerySet[Round]:
    """Those at rest, of one subject the latest last."""
    return (
        Round.objects.for_knowledge().filter(wanted, state=RoundState.RESTING).order_by("as_of", "pk").defer("evidence")
    )


def in_force(
    wanted: Q, catalog: Catalog, *, snapshot: KnowledgeSnapshot | None = None
) -> Iterable[tuple[Subject, Explanation]]:
    return _of_knowledge(knowledge(wanted, snapshot=snapshot.pk if snapshot else None), catalog)


def proposals(wanted: Q, catalog: Catalog) -> Iterable[tuple[Subject, Explanation]]:
    return _of_rounds(rounds(wanted), catalog)


def _of_knowledge(rows: Iterable[Any], catalog: Catalog) -> Iterator[tuple[Subject, Explanation]]:
    """Of rows of `knowledge`, with what it annotates."""
    for row in rows:
        yield (
            (row.subject_kind, row.item_id or row.end_user_id or 0),
            Explanation(
                about="item" if row.item_id else "user",
                explanation_id=row.turn_id,
                text=row.text,
                review_status="reviewed" if row.disputed else "approved",
                round_id=row.turn.round_id,
                as_of=Moment(row.as_of, catalog.clock),
                written_by=author(row.turn),
                is_in_force=True,
                reviewed_at=row.accepted_at,
                reviewed_by=str(row.accepted_by) if row.accepted_by else "",
                in_snapshot=row.in_snapshot,
                further={other["turn"]: other["text"] for other in row.further_texts},
            ),
        )


def _of_rounds(rows: Iterable[Round], catalog: Catalog) -> Iterator[tuple[Subject, Explanation]]:
    """Of each subject the proposal of its latest rested round, unless people rejected it."""
    resting = list(rows)
    turns = Turn.objects.select_related("call").defer(*(f"call__{name}" for name in HEAVY))
    prefetch_related_objects(resting, Prefetch("turns", turns))
    for round_ in resting:
        standing = proposed(round_)
        if not standing or round_.rejected_index in [turn.index for turn in standing]:
            continue
        turn, *further = standing
        by_person = _judged(round_, turn)
        yield (
            (round_.subject_kind, round_.item_id or round_.end_user_id or 0),
            Explanation(
                about="item" if round_.item_id else "user",
                explanation_id=turn.pk,
                text=turn.text,
                review_status=_status(by_person),
                round_id=round_.pk,
                as_of=Moment(round_.as_of, catalog.clock),
                written_by=author(turn),
                reviewed_at=by_person.created_at if by_person else None,
                further={other.pk: other.text for other in further},
            ),
        )


def _judged(round_: Round, turn: Turn) -> Turn | None:
    """The turn by which a person wrote this rationale, or called it reasonable."""
    if turn.kind == TurnKind.EDIT:
        return turn
    said = [each for each in round_.turns.all() if each.kind == TurnKind.OVERRIDE and each.about_id == turn.pk]
    last = max(said, key=lambda each: each.index, default=None)
    return last if last is not None and last.verdict == Judgement.REASONABLE else None


def _status(by_person: Turn | None) -> ReviewStatus:
    return "reviewed" if by_person else "unreviewed"


def author(turn: Turn) -> Author:
    return Author("model", turn.call.model) if turn.call else Author("person")


def about_user(texts: Mapping[Subject, Shown], whom: Whom) -> Shown:
    none = Shown("none")
    return texts.get((SubjectKind.END_USER, whom.pk), none) if isinstance(whom, EndUser) else none


_KNOWLEDGE, _ROUNDS = Prepared(_knowledge), Prepared(_rounds)
