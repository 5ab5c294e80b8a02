"""What end users say of themselves: kept beside all texts about them, corrected, struck and put back.

It counts at once or once a person has accepted it, as the catalog says (`Catalog.hearing`), and it lasts: a new text
about them changes nothing of it. Nothing is overwritten. What they say of a statement of a text is a statement of
theirs about the same aspect, so that the text stays as it was written (which of the two counts: queries.counting_of).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from recommender import jobs
from recommender.accounts import audit
from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.models import Account, AuditEvent, EndUser, Hearing, Polarity, Source, Statement
from recommender.statements import service

MOST = 200  # standing statements of one end user
LONGEST_KEY = 400


class ChangedError(Exception):
    """The statement is not as it was: it was struck, refused or replaced meanwhile. Says what became of it."""


class TooManyError(ValueError):
    """They have as many statements as one person may have."""


def of(end_user: EndUser) -> QuerySet[Statement]:
    """All that they have said, also what counts no more."""
    return Statement.objects.filter(end_user=end_user).select_related("accepted_by", "ended_by")


def standing(end_user: EndUser) -> QuerySet[Statement]:
    """What they have said and not taken back; it counts or waits."""
    return of(end_user).filter(ended_at=None)


def waiting() -> QuerySet[Statement]:
    """What waits for a person's word, the oldest first."""
    rows = Statement.objects.filter(source=Source.END_USER, ended_at=None, began_at=None)
    return rows.select_related("end_user__catalog", "replaces").order_by("pk")


@transaction.atomic
def say(end_user: EndUser, said: Sequence[Said], *, quotes: Sequence[str] = (), now: datetime) -> list[Statement]:
    """What they like, dislike or are in two minds about. What they say already is not said twice.

    `quotes`: the words that say each, and no others; none where there were no words. `end_user.catalog` is loaded.
    Raises TooManyError with nothing kept, EndUser.DoesNotExist where they have been erased.
    """
    before = _locked(end_user)
    words = quotes or [""] * len(said)
    made = [_said(end_user, one, quote, before, now=now) for one, quote in zip(said, words, strict=True)]
    if sum(row.pk not in before for row in made) + len(before) > MOST:
        raise TooManyError(f"They have {MOST} statements, as many as anybody may have. Strike some first.")
    _tell(end_user, [row for row in made if row.pk not in before], "said")
    return made


@transaction.atomic
def correct(
    end_user: EndUser,
    statement: Statement,
    *,
    polarity: str | None = None,
    aspect: Sequence[Facet] | None = None,
    now: datetime,
) -> Statement:
    """Another polarity or aspect for one of their statements, or for one of the text about them.

    The statement of theirs that says so. Raises ChangedError.
    """
    before = _locked(end_user)
    was = service.said(statement)
    said = Said(tuple(aspect) if aspect else was.aspect, polarity or was.polarity, was.strength)  # type: ignore[arg-type]
    if statement.turn_id is not None:
        if said.key != was.key:
            _deny(end_user, statement, before, now=now)
        made = _said(end_user, said, "", before, now=now)
        _tell(end_user, [made], f"corrects statement {statement.pk}")
        return made
    _require_standing(statement)
    if (said.key, said.polarity) == (was.key, was.polarity) and not statement.negated:
        return statement
    made = _row(end_user, said, "", now=now)  # their words said otherwise, and stay with what it replaces
    made.replaces = statement
    _end(_giving_way(made, before), now)
    # A correction that was refused or taken back, or waits still, makes way for another one.
    Statement.objects.filter(replaces=statement).exclude(ended_at=None).update(replaces=None)
    made.save(force_insert=True)
    _tell(end_user, [made], f"corrects statement {statement.pk}")
    return made


@transaction.atomic
def strike(end_user: EndUser, statement: Statement, *, now: datetime) -> Statement:
    """It is not so: their own statement ends, against one of a text stands a denial of theirs. Again changes nothing.

    The row that says so.
    """
    before = _locked(end_user)
    if statement.turn_id is not None:
        return _deny(end_user, statement, before, now=now)
    if statement.pk in before:
        _end([statement], now)
        audit.record(AuditEvent.STATEMENT_SAID, about=end_user.catalog, details=f"Statement {statement.pk}: struck")
    return Statement.objects.get(pk=statement.pk)


@transaction.atomic
def restore(end_user: EndUser, statement: Statement, *, now: datetime) -> Statement:
    """What they struck counts again, from now on; what they say of a text's statement ends. Raises ChangedError."""
    before = _locked(end_user)
    if statement.turn_id is not None:
        against = [row for row in before.values() if row.key == statement.key]
        _end(against, now)
        if against:
            audit.record(
                AuditEvent.STATEMENT_SAID, about=end_user.catalog, details=f"Statement {statement.pk}: put back"
            )
        return statement
    statement = Statement.objects.get(pk=statement.pk)
    if statement.ended_at is None:
        return statement
    if statement.ended_by_id is not None:
        raise ChangedError("A person refused this statement. Say it anew if it is so.")
    if Statement.objects.filter(replaces=statement, ended_at=None).exists() or any(
        row.key == statement.key for row in before.values()
    ):
        raise ChangedError("Another statement took the place of this one. Correct or strike that one.")
    counts = statement.accepted_by_id is not None or end_user.catalog.hearing == Hearing.AT_ONCE
    statement.ended_at, statement.began_at = None, now if counts else None
    statement.save(update_fields=["ended_at", "began_at"])
    _tell(end_user, [statement], "put back")
    return statement


@transaction.atomic
def accept(statement: Statement, *, account: Account, now: datetime) -> bool:
    """A person lets it count from now on. False: it waits no more."""
    end_user = statement.end_user
    assert end_user is not None, "only what end users say waits"
    before = _locked(end_user)
    waits = Statement.objects.filter(pk=statement.pk, ended_at=None, began_at=None)
    if not waits.update(began_at=now, accepted_by=account):
        return False
    statement.refresh_from_db()
    _end(_giving_way(statement, {pk: row for pk, row in before.items() if pk < statement.pk}), now)
    _judged(end_user, statement, "accepted")
    return True


@transaction.atomic
def refuse(statement: Statement, *, account: Account, now: datetime) -> bool:
    """A person says that it is not to count, whether it does or waits. False: it had ended."""
    end_user = statement.end_user
    assert end_user is not None, "only what end users say can be refused"
    _locked(end_user)
    refused = Statement.objects.filter(pk=statement.pk, ended_at=None).update(ended_at=now, ended_by=account)
    if refused:
        _judged(end_user, statement, "refused")
    return bool(refused)


@transaction.atomic
def unjudge(statement: Statement, *, account: Account) -> bool:
    """The person takes back their own word about it: it is as it was before, and so is what gave way to it.

    False: it is not as they left it, or something else was said of the aspect since.
    """
    end_user = statement.end_user
    assert end_user is not None, "only what end users say is judged"
    before = _locked(end_user)
    row = Statement.objects.get(pk=statement.pk)
    if row.ended_by_id == account.pk and row.ended_at is not None:
        if any(other.key == row.key and other.created_at > row.ended_at for other in before.values()):
            return False
        row.ended_at = row.ended_by = None
    elif row.ended_at is None and row.accepted_by_id == account.pk:
        of(end_user).filter(ended_at=row.began_at, ended_by=None).update(ended_at=None)
        row.began_at = row.accepted_by = None
    else:
        return False
    row.save(update_fields=["ended_at", "ended_by", "began_at", "accepted_by"])
    _judged(end_user, row, "taken back")
    if row.began_at is None:
        jobs.send(jobs.OPEN_SAID)
    return True


def _locked(end_user: EndUser) -> dict[int, Statement]:
    """Their standing statements by primary key; nobody else changes them before the transaction ends."""
    EndUser.objects.select_for_update(of=("self",)).get(pk=end_user.pk)
    return {row.pk: row for row in standing(end_user)}


def _said(
    end_user: EndUser, said: Said, quote: str, before: dict[int, Statement], *, now: datetime, negated: bool = False
) -> Statement:
    """Their statement that says so: the one that stands, else a new one, and what it replaces ends."""
    made = _row(end_user, said, quote, now=now, negated=negated)
    about = [row for row in before.values() if row.key == made.key]
    latest = max(about, key=lambda row: row.pk, default=None)
    if latest and (latest.polarity, latest.negated) == (made.polarity, negated):
        return latest
    _end(_giving_way(made, before), now)
    made.save(force_insert=True)
    return made


def _giving_way(made: Statement, before: dict[int, Statement]) -> list[Statement]:
    """What ends by a new statement of theirs. While it waits, what counts goes on; what waits gives way to it.

    A denial stays beside what does not contradict it.
    """
    of_it = made.replaces_id
    ending = [
        row for row in before.values() if _contradicts(row, made) or (of_it and of_it in (row.pk, row.replaces_id))
    ]
    return [row for row in ending if made.began_at is not None or row.began_at is None]


def _contradicts(row: Statement, made: Statement) -> bool:
    if row.key != made.key:
        return False
    return row.polarity == made.polarity if row.negated != made.negated else not row.negated


def _deny(end_user: EndUser, statement: Statement, before: dict[int, Statement], *, now: datetime) -> Statement:
    made = _said(end_user, service.said(statement), "", before, now=now, negated=True)
    if made.pk not in before:
        _tell(end_user, [made], f"denies statement {statement.pk}")
    return made


def _row(end_user: EndUser, said: Said, quote: str, *, now: datetime, negated: bool = False) -> Statement:
    counts = end_user.catalog.hearing == Hearing.AT_ONCE
    return Statement(
        end_user=end_user,
        place=0,
        aspect=[facet.to_json() for facet in said.aspect],
        key=said.key[:LONGEST_KEY],
        polarity=Polarity(said.polarity),
        strength=said.strength,
        quote=quote[: service.LONGEST_QUOTE],
        source=Source.END_USER,
        negated=negated,
        began_at=now if counts else None,
    )


def _require_standing(statement: Statement) -> None:
    """Raises ChangedError."""
    now = Statement.objects.filter(pk=statement.pk).values_list("ended_at", "ended_by").get()
    if now[0] is not None:
        became = "refused by a person" if now[1] else "struck, or another took its place"
        raise ChangedError(
            f"This statement counts no more: it was {became}. List the statements, and correct the one of now."
        )


def _end(rows: Iterable[Statement], now: datetime) -> None:
    Statement.objects.filter(pk__in=[row.pk for row in rows], ended_at=None).update(ended_at=now)


def _tell(end_user: EndUser, made: Sequence[Statement], what: str) -> None:
    """The audit log names the statements, whom they are of it does not; and who is to judge them gets to know."""
    for row in made:
        audit.record(AuditEvent.STATEMENT_SAID, about=end_user.catalog, details=f"Statement {row.pk}: {what}")
    if any(row.began_at is None for row in made):
        jobs.send(jobs.OPEN_SAID)


def _judged(end_user: EndUser, statement: Statement, what: str) -> None:
    audit.record(AuditEvent.STATEMENT_JUDGED, about=end_user.catalog, details=f"Statement {statement.pk}: {what}")
