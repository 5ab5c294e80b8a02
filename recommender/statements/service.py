"""What becomes of statements: they are read from texts, and people change, strike and add them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from recommender.grounding import reader, told
from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.grounding.tagger.tags import tagger
from recommender.grounding.told import Listed
from recommender.models import (
    FOR_KNOWLEDGE,
    RATIONALES,
    Account,
    Catalog,
    ListedBy,
    Polarity,
    RestReason,
    Round,
    Source,
    Statement,
    SubjectKind,
    Turn,
    TurnKind,
)
from recommender.statements import made_from, releases
from recommender.statements.aspects import aspects_of
from recommender.statements.heard import SURE, parted

AT_ONCE = 200  # texts read and stored together
LONGEST_QUOTE = 1000


class NotUnderstoodError(ValueError):
    """Nothing in what a person said names an aspect and an opinion.

    Or something does, and whether it is liked or disliked is not sure: `unsure` has what.
    """

    def __init__(self, message: str, unsure: Sequence[Said] = ()) -> None:
        super().__init__(message)
        self.unsure = unsure


def read(turns: Iterable[Turn]) -> int:
    """Find the statements of rationales that nobody has read yet; returns of how many.

    Each turn's round must be loaded, with its catalog. Two processes that read one text store it once.
    """
    unread = [turn for turn in turns if turn.reader is None and turn.kind in RATIONALES and turn.text]
    if not unread:
        return 0
    found = [row for turn in unread for row in rows_of(turn)]
    reader = release()
    with transaction.atomic():
        made_from.store(found)
        Turn.objects.filter(pk__in=[turn.pk for turn in unread]).update(reader=reader)
    for turn in unread:
        turn.reader = reader
    return len(unread)


def release() -> int:
    """By which this process reads."""
    return releases.TABLES if tagger() is None else releases.TAGGER


def texts(catalog: Catalog | None = None) -> QuerySet[Turn]:
    """Texts that state something, with what reading them needs, the latest first."""
    texts = Turn.objects.filter(kind__in=RATIONALES, round__strategy__in=FOR_KNOWLEDGE).exclude(text="")
    texts = texts.exclude(round__rest_reason=RestReason.ERASED).select_related("round__catalog", "round__item", "about")
    if catalog is not None:
        texts = texts.filter(round__catalog=catalog)
    return texts.order_by("-pk")


def unread(catalog: Catalog | None = None) -> QuerySet[Turn]:
    """Texts that nobody has read, the latest first."""
    return texts(catalog).filter(reader=None)


def read_missing(
    catalog: Catalog | None = None, *, most: int | None = None, step: Callable[[int], None] = lambda _: None
) -> int:
    """Read texts that nobody has read; returns how many. It may be stopped and go on at any time.

    `step` is told how many are done.
    """
    done = 0
    while most is None or done < most:
        some = list(unread(catalog)[: AT_ONCE if most is None else min(AT_ONCE, most - done)])
        if not some:
            break
        done += read(some)
        step(done)
    return done


def stated(text: str, round_: Round) -> list[Said]:
    """What a text about the round's subject states. `round_.catalog` and `.item` must be loaded."""
    return reader.read(text, aspects_of(round_.catalog).lexicon, **_subject(round_), tagger=tagger())


def listed(turn: Turn) -> list[Said]:
    """What the actor itself says that its text states, as the catalog has it."""
    said = [one for each in (turn.listed or {}).get("statements", []) if (one := Listed.of_json(each))]
    return told.statements_of(said, turn.text, aspects_of(turn.round.catalog).lexicon, **_subject(turn.round))


def _subject(round_: Round) -> dict[str, Any]:
    is_item = round_.subject_kind == SubjectKind.ITEM
    return {"about": "item" if is_item else "end_user", "subject": round_.item.external_id if round_.item else ""}


def rows_of(turn: Turn) -> list[Statement]:
    """Its statements as they are read now, not stored. What a text says twice counts once.

    An edit's statements that the text before did not make are its author's; what people struck, changed and added there
    stays with the text that was made from it.
    """
    rows = _found(turn)
    about = turn.about
    if about is None or (turn.kind == TurnKind.REFINE and about.reader is None):
        return rows
    before = as_seen(about.statements.all()) if about.reader is not None else []
    if turn.kind == TurnKind.EDIT and about.reader != release():
        before += _of_text(about, turn.round)  # else what only the newer release finds would be the author's
    return made_from.with_words_of_people(rows, turn, before, about.text)


def _found(turn: Turn) -> list[Statement]:
    """What its words state, by whoever found it; of an edit whose they are is not told yet."""
    if turn.listed is not None and (by_model := listed(turn)):
        source = Source.ACTOR if turn.listed["by"] == ListedBy.WITH_TEXT else Source.EXTRACTION
        heard = enumerate(told.together(by_model, stated(turn.text, turn.round)))
        return [
            _row(turn, place, each.statement, source if each.by_model else Source.READER, each.otherwise)
            for place, each in heard
        ]
    once = {(one.key, one.polarity, one.holder): one for one in reversed(stated(turn.text, turn.round))}
    return [_row(turn, place, one, Source.READER) for place, one in enumerate(reversed(once.values()))]


def _of_text(about: Turn, round_: Round) -> list[Statement]:
    about.round = round_
    return [_row(about, place, one, Source.READER) for place, one in enumerate(stated(about.text, round_))]


def _row(turn: Turn, place: int, said: Said, source: Source, otherwise: str = "") -> Statement:
    return Statement(
        turn=turn,
        place=place,
        aspect=[facet.to_json() for facet in said.aspect],
        key=said.key[:400],
        polarity=said.polarity,
        strength=said.strength,
        holder=said.holder,
        start=said.start,
        end=said.end,
        source=source,
        otherwise=otherwise,
    )


def said(statement: Statement) -> Said:
    """A stored statement as the pure code knows it."""
    return Said(
        tuple(Facet.from_json(facet) for facet in statement.aspect),
        statement.polarity,  # type: ignore[arg-type] # Polarity's values are grounding's
        statement.strength,
        statement.start,
        statement.end,
        statement.holder,  # type: ignore[arg-type] # and so are Holder's
    )


@transaction.atomic
def add(
    turn: Turn, words: str, *, account: Account, meant: Mapping[str, Polarity | str] = MappingProxyType({})
) -> list[Statement]:
    """What a person says beside a text, in plain words. Raises NotUnderstoodError where nothing is understood.

    It is raised too where their words about an end user may be read the other way round: that would steer the wrong
    way at once. `meant`: by the key of an aspect, what they say that they mean of it. What a person has said beside the
    text already is not said twice; another polarity or strength of it takes its place.
    """
    read([turn])  # else the places of what it states would be taken
    words = words.strip()
    if not words:
        raise NotUnderstoodError("Nothing was written. Say what is missing in one sentence.")
    if len(words) > LONGEST_QUOTE:
        raise NotUnderstoodError(
            f"These are {len(words):,} characters, the most are {LONGEST_QUOTE:,}. Add it in parts."
        )
    is_taste = turn.round.subject_kind == SubjectKind.END_USER
    understood = [one for one in stated(words, turn.round) if not (is_taste and one.polarity == "neutral")]
    if not understood:
        raise NotUnderstoodError(
            "Nothing was understood. Name something that items have, and whether it is liked: “no more documentaries”."
        )
    if is_taste:
        understood = [_as_meant(one, meant) for one in understood]
        if unsure := parted(understood)[1]:
            raise NotUnderstoodError(
                "Not surely understood: it may be liked or disliked. Choose, or say it otherwise.", unsure
            )
    of_people = Statement.objects.filter(turn=turn, source=Source.PERSON, ended_at=None).order_by("place")
    before = {(row.key, row.holder): row for row in of_people}
    place = next_place(turn)
    said_before: list[Statement] = []
    rows: list[Statement] = []
    once = {(one.key[:400], one.holder, one.polarity): one for one in reversed(understood)}
    for (key, holder, polarity), one in reversed(once.items()):
        earlier = before.pop((key, holder), None)
        if earlier is not None and (earlier.polarity, earlier.strength) == (polarity, one.strength):
            said_before.append(earlier)
            continue
        row = _row(turn, place + len(rows), one, Source.PERSON)
        row.account, row.quote, row.replaces = account, words, earlier
        row.start = row.end = 0
        rows.append(row)
    strike([row.replaces for row in rows if row.replaces], account=account, now=timezone.now())
    return [*said_before, *Statement.objects.bulk_create(rows)]


def _as_meant(said: Said, meant: Mapping[str, Polarity | str]) -> Said:
    polarity = meant.get(said.key)
    if said.sureness >= SURE or polarity not in (Polarity.LIKES, Polarity.DISLIKES):
        return said
    return replace(said, polarity=str(polarity), sureness=1.0)  # type: ignore[arg-type] # Polarity's values are grounding's


@transaction.atomic
def change(
    statement: Statement, *, polarity: Polarity | str, strength: float | None = None, account: Account, now: datetime
) -> Statement:
    """Another polarity or strength, as a person has it. The one it was ends and is kept."""
    assert statement.turn is not None, "what end users say themselves: statements.own"
    strike([statement], account=account, now=now)
    changed = _row(statement.turn, next_place(statement.turn), said(statement), Source.PERSON)
    changed.polarity, changed.strength = str(polarity), strength or statement.strength
    changed.account, changed.quote, changed.replaces = account, statement.quote, statement
    changed.save(force_insert=True)
    return changed


def strike(statements: Sequence[Statement], *, account: Account, now: datetime) -> int:
    """What a person says is not so counts no more. Doing so again changes nothing."""
    standing = Statement.objects.filter(pk__in=[one.pk for one in statements], ended_at=None)
    return standing.update(ended_at=now, ended_by=account)


def restore(statement: Statement) -> bool:
    """What was struck counts again, unless another took its place."""
    struck = Statement.objects.filter(pk=statement.pk, replaced_by=None, ended_by__isnull=False)
    return bool(struck.update(ended_at=None, ended_by=None))


def as_seen(rows: Iterable[Statement]) -> list[Statement]:
    """A text's statements without those that a later reading of it did not find."""
    return [row for row in rows if row.ended_at is None or row.ended_by_id is not None]


def next_place(turn: Turn) -> int:
    last: int | None = Statement.objects.filter(turn=turn).aggregate(last=Max("place"))["last"]
    return 0 if last is None else last + 1
