"""Texts that an earlier release of the reader read are read again, where nobody decided or changed anything by hand.

Nothing is overwritten. What the new reading finds too stays the statement that it was; what it does not find ends, by
nobody; what it finds besides is added. Each text is one transaction, so it may be stopped anywhere, go on at any time
and run twice at once. What people said, changed, struck, decided or disputed stays with the reading that they saw.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from recommender.models import Catalog, Dispute, Knowledge, Source, Statement, Strategy, Turn, TurnKind
from recommender.statements import releases, service

A_MINUTE = 500  # texts that a worker reads: they take it half of it
AT_ONCE = 100  # texts fetched together
_OF_ROUND = Knowledge.objects.filter(turn__round=OuterRef("round"))
_DECIDED = (
    Exists(Knowledge.objects.filter(turn=OuterRef("pk")))  # ever in force
    | Q(Exists(_OF_ROUND), round__strategy=Strategy.FILTER)  # with other kept drafts
    | Q(kind=TurnKind.EDIT)
    | Q(round__rejected_index=F("index"))
    | Exists(Turn.objects.filter(about=OuterRef("pk"), account__isnull=False))  # sent back, edited
)
_BY_HAND = Q(source=Source.PERSON) | Q(ended_by__isnull=False)
_TOUCHED = (
    Exists(Statement.objects.filter(_BY_HAND, turn=OuterRef("pk")))
    | Exists(Statement.objects.filter(_BY_HAND, turn=OuterRef("about")))  # stays with what was made from it
    | Exists(Dispute.objects.filter(turn=OuterRef("pk")))
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Texts: `new`, that nobody has read; `again`, that an earlier release read and that are to be read again; `kept`,
    that it read and that stay so, for people decided about them or changed what they state, or are just at it."""

    new: int
    again: int
    kept: int

    @property
    def minutes(self) -> int:
        """About how long a worker needs, which has other things to do besides."""
        return math.ceil((self.new + self.again) / A_MINUTE)


def stale(catalog: Catalog | None = None, *, decided: bool = False, apart: Q | None = None) -> QuerySet[Turn]:
    """Texts to be read again, the latest first.

    `decided`: those too that people decided about, where nobody changed or disputed what they state; `apart`: those
    that are to be left as they are.
    """
    left = _TOUCHED if decided else _TOUCHED | _DECIDED
    return _by_earlier(catalog).exclude(left if apart is None else left | apart)


def waiting(texts: QuerySet[Turn], catalog: Catalog | None = None) -> Waiting:
    """`texts`: as `stale` has them."""
    again = texts.count()
    return Waiting(service.unread(catalog).count(), again, _by_earlier(catalog).count() - again)


def read_stale(
    texts: QuerySet[Turn],
    *,
    most: int | None = None,
    step: Callable[[int], None] = lambda _: None,
    before: Callable[[Turn], None] = lambda _: None,
    after: Callable[[Turn], None] = lambda _: None,
) -> int:
    """Read these texts of `stale` again; returns how many. It may be stopped and go on at any time.

    `step` is told how many are done. In the transaction of a text `before` is called first, and `after` last where it
    is read otherwise now.
    """
    if service.release() < releases.here():
        return 0  # the learned reader is installed and does not load: what it read stays
    done, rest = 0, texts
    while some := list(rest[:AT_ONCE]):
        for turn in some:
            if done == most:
                return done
            done += _read(turn, texts, before, after)
            step(done)
        rest = texts.filter(pk__lt=some[-1].pk)
    return done


def _read(turn: Turn, texts: QuerySet[Turn], before: Callable[[Turn], None], after: Callable[[Turn], None]) -> bool:
    """False: somebody read it, or did something about it, meanwhile."""
    found = service.rows_of(turn)  # takes as long as all else, and holds nobody up
    with transaction.atomic():
        before(turn)
        # Whoever puts the text in force, or adds to it, waits for this row; whoever strikes a statement for that one.
        Turn.objects.select_for_update().filter(pk=turn.pk).first()
        rows = list(Statement.objects.select_for_update().filter(turn=turn, ended_at=None))
        if not texts.filter(pk=turn.pk).exists():
            return False
        turn.reader = service.release()
        Turn.objects.filter(pk=turn.pk).update(reader=turn.reader)
        if _replace(turn, rows, found):
            after(turn)
    return True


def _replace(turn: Turn, rows: Sequence[Statement], found: Sequence[Statement]) -> bool:
    """Whether anything is read otherwise than before."""
    was, now = {_face(row) for row in rows}, {_face(row) for row in found}
    ending = [row.pk for row in rows if _face(row) not in now]
    new = [row for row in found if _face(row) not in was]
    Statement.objects.filter(pk__in=ending).update(ended_at=timezone.now())
    for place, row in enumerate(new, start=service.next_place(turn)):
        row.place = place
    Statement.objects.bulk_create(new)
    return bool(ending or new)


def _face(row: Statement) -> tuple[object, ...]:
    """All that a reading says."""
    return (row.key, row.polarity, row.strength, row.holder, row.start, row.end, row.source, row.otherwise)


def _by_earlier(catalog: Catalog | None) -> QuerySet[Turn]:
    return service.texts(catalog).filter(reader__lt=releases.here())
