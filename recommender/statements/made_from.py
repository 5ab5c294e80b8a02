"""What people said of a text stays when another is made from it, an edit or a refinement: what they struck, changed and
added on its card."""

from collections.abc import Iterable, Sequence
from typing import Any

from recommender.grounding.words import tokens
from recommender.models import Source, Statement, Turn


def with_words_of_people(
    rows: Sequence[Statement], turn: Turn, before: Sequence[Statement], about: str
) -> list[Statement]:
    """A turn's statements, not stored. `rows`: as they are read from its text; `before`: all of the text that it was
    made from, `about`, those included that people struck or changed; of one that an earlier release read, what is read
    from it now too.

    What an edit states and that text did not is its author's. Of a sentence that is still there, what people struck of
    it is struck, and what they changed is as they changed it. What they added beside that text stands beside this one,
    unless a person's words in it say something of that.
    """
    by_people = {_face(row): row for row in before if row.source == Source.PERSON and row.ended_at is None}
    known = {_face(row) for row in before}
    replaced = {row.replaces_id: row for row in before if row.replaces_id}
    taken_out = {_face(row): row for row in before if row.end and row.ended_by_id}
    words_before = _words(about)
    made: list[Statement] = []
    for row in rows:
        struck = taken_out.get(_face(row))
        if struck is not None and _words(turn.text[row.start : row.end]) in words_before:  # nobody touched that place
            row.ended_at, row.ended_by_id = struck.ended_at, struck.ended_by_id
            last = struck  # of what they made of it, one after the other
            while last.pk in replaced:
                last = replaced[last.pk]
            if last.ended_at is None:
                made.append(_copy(last, turn, start=row.start, end=row.end, replaces=row))
        elif person := by_people.get(_face(row)):
            row.source, row.account_id = Source.PERSON, person.account_id
        elif _face(row) not in known and turn.account_id is not None:
            row.source, row.account_id = Source.PERSON, turn.account_id
    own = {(row.key, row.holder) for row in [*rows, *made] if row.source == Source.PERSON}
    added = [row for row in by_people.values() if not row.end and (row.key, row.holder) not in own]
    made += [_copy(row, turn, quote=row.quote) for row in added]
    for place, row in enumerate(made, start=len(rows)):
        row.place = place
    return [*rows, *made]


def store(rows: Iterable[Statement]) -> None:
    """Store what was read, once where two processes read one text: what replaces another of it is stored after that."""
    rows = list(rows)
    Statement.objects.bulk_create([row for row in rows if row.replaces is None], ignore_conflicts=True)
    later = [(row, row.replaces) for row in rows if row.replaces is not None]
    for row, before in later:
        row.replaces = Statement.objects.get(turn=row.turn_id, place=before.place)
    Statement.objects.bulk_create([row for row, _ in later], ignore_conflicts=True)


def _face(row: Statement) -> tuple[str, str, str]:
    return row.key, str(row.polarity), str(row.holder)


def _words(text: str) -> str:
    """One after the other, without the marks between them."""
    return f" {' '.join(token.word for token in tokens(text) if token.is_word)} "


def _copy(row: Statement, turn: Turn, **other: Any) -> Statement:
    same = ("aspect", "key", "polarity", "strength", "holder", "source", "account_id")
    return Statement(turn=turn, **{name: getattr(row, name) for name in same}, **other)
