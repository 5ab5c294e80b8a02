"""What texts state, as training sets tell it: of a stored turn as people left it, of a teacher's text as it is read."""

from collections.abc import Mapping, Sequence

from recommender.grounding.statements import Statement as Said
from recommender.grounding.wording import in_words
from recommender.models import Source, Statement, Turn
from recommender.statements import service
from recommender.tuning.rows import Told

READ = "reader"


def of_turn(turn: Turn, titles: Mapping[str, str], *, approved: bool) -> list[Told]:
    """Its statements that stand, those that people added beside the text included. `turn.statements` may be prefetched.

    `titles`: by external id; `approved`: whether people approved the text.
    """
    return of_rows([row for row in _rows(turn) if row.ended_at is None], turn.text, titles, approved=approved)


def of_rows(rows: Sequence[Statement], text: str, titles: Mapping[str, str], *, approved: bool) -> list[Told]:
    """These statements of a text, as `of_turn` tells them."""
    return [_told(row, text, titles, approved=approved) for row in rows]


def in_text(turn: Turn, titles: Mapping[str, str]) -> list[Told]:
    """Those that stand and that the text itself makes."""
    rows = sorted((row for row in _rows(turn) if row.ended_at is None and row.end), key=lambda row: row.start)
    return [_told(row, turn.text, titles, approved=True) for row in rows]


def as_read(turn: Turn, titles: Mapping[str, str]) -> list[Told]:
    """What was read from the text before people changed or struck anything."""
    seen = service.as_seen(_rows(turn))
    rows = sorted((row for row in seen if row.end and row.replaces_id is None), key=lambda row: row.start)
    return [_told(row, turn.text, titles, approved=False) for row in rows]


def of_text(text: str, said: Sequence[Said], titles: Mapping[str, str]) -> list[Told]:
    """What the reader finds in a text that no round wrote."""
    return [_as_told(one, one.quote(text), titles, source=READ, verdict="") for one in said]


def _rows(turn: Turn) -> list[Statement]:
    return sorted(turn.statements.all(), key=lambda row: row.place)


def _told(row: Statement, text: str, titles: Mapping[str, str], *, approved: bool) -> Told:
    said = service.said(row)
    verdict = "approved" if approved else ""
    if row.source == Source.PERSON:
        verdict = "changed" if row.replaces_id else "said"
    return _as_told(said, row.quote or said.quote(text), titles, source=str(row.source), verdict=verdict)


def _as_told(said: Said, quote: str, titles: Mapping[str, str], *, source: str, verdict: str) -> Told:
    return Told(
        about=in_words(said.aspect, titles),
        aspect=tuple(facet.to_json() for facet in said.aspect),
        polarity=said.polarity,
        strength=said.strength,
        who=said.holder,
        quote=" ".join(quote.split()),
        source=source,
        verdict=verdict,
    )
