"""A text as it is taught: without the sentences in which people struck or changed what it says, or the end user denies
it. Whether the text or its reading was wrong nobody was asked, so the sentence is not taught as right either way."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from recommender.grounding.sentences import spans
from recommender.models import Round, Source, Statement, Turn
from recommender.rounds.core.parsing import MIN_RATIONALE
from recommender.statements import service
from recommender.statements.queries import objected_to
from recommender.tuning import told
from recommender.tuning.rows import Told

_BREAK = re.compile(r"[\n\r\u2028\u2029]")
_SPACES = re.compile(r"[ \t]{2,}")
_JOINS = (";", "；")  # what follows is of the same sentence


@dataclass(frozen=True, slots=True)
class Taught:
    """`text`: empty where so little is left that the round's own parser would refuse it. `said`: what stands of it.
    `struck`: what people took out; empty where the text is as it was written."""

    text: str
    said: tuple[Told, ...]
    struck: tuple[Told, ...] = ()


def of_turn(
    turn: Turn, round_: Round, titles: Mapping[str, str], *, approved: bool, denials: Sequence[Statement] = ()
) -> Taught:
    """What a text teaches. `turn.statements` may be prefetched; `denials`: what its end user says is not so, where that
    counts. The text is read again where anything was struck, for what it says twice. `round_.catalog` and `.item`
    are loaded."""
    rows = sorted(turn.statements.all(), key=lambda row: row.place)
    standing = [row for row in rows if row.ended_at is None]
    against = objected_to(standing, denials, written_at=turn.created_at)
    stands = [row for row in standing if row not in against]
    said_again = {_face(row) for row in stands}  # more or less strongly, or beside the text
    # Of several changes of one statement the first is what the text says.
    out = [row for row in rows if row.end and row.replaces_id is None and (row.ended_by_id or row in against)]
    out = [row for row in out if _face(row) not in said_again]
    if not out:
        return Taught(turn.text, tuple(told.of_rows(stands, turn.text, titles, approved=approved)))
    text, gone = without(turn.text, _places(out, turn.text, round_))
    stands = [row for row in stands if row.source == Source.PERSON or not _lies_in(row, gone)]
    said = told.of_rows(stands, turn.text, titles, approved=approved)
    changed = {row.replaces_id for row in rows}
    return Taught(
        text if len(text.split()) >= MIN_RATIONALE else "",
        tuple(replace(one, quote="") if _lies_in(row, gone) else one for row, one in zip(stands, said, strict=True)),
        tuple(
            replace(one, verdict="objected" if row in against else "changed" if row.pk in changed else "struck")
            for row, one in zip(out, told.of_rows(out, turn.text, titles, approved=False), strict=True)
        ),
    )


def _places(out: Sequence[Statement], text: str, round_: Round) -> list[tuple[int, int]]:
    """Where a text says these, or says them again: a reading names each once."""
    faces, places = {_face(row) for row in out}, [(row.start, row.end) for row in out]
    found = places
    while found:
        for start, end in whole_sentences(text, found):
            text = text[:start] + " " * (end - start) + text[end:]  # all else stays where it is
        said = service.stated(text, round_)
        found = [(one.start, one.end) for one in said if (one.key, one.polarity, one.holder) in faces]
        found = [(start, end) for start, end in found if text[start:end].strip()]
        places = places + found
    return places


def whole_sentences(text: str, places: Collection[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where the sentences are that these places lie in; what a semicolon joins is one."""
    whole: list[tuple[int, int]] = []
    for start, end in spans(text):
        before = whole[-1] if whole else (0, 0)
        if text[slice(*before)].endswith(_JOINS) and not _BREAK.search(text[before[1] : start]):
            whole[-1] = (before[0], end)
        else:
            whole.append((start, end))
    return [(start, end) for start, end in whole if any(start < to and since < end for since, to in places)]


def without(text: str, places: Collection[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """The text without the sentences that these places lie in, and where those were.

    A line of which nothing is left goes, and so does a heading whose whole list went.
    """
    gone = whole_sentences(text, places)
    kept: list[tuple[str, str]] = []  # each line as it is, and what is left of it
    place = 0
    for line in _BREAK.split(text):
        ends = place + len(line)
        left, at = "", place
        for start, end in (each for each in gone if place <= each[0] < ends):
            left, at = left + text[at:start], end
        left += text[at:ends]
        kept.append((line, left if any(map(str.isalnum, _unmarked(left))) or not line.strip() else ""))
        place = ends + 1
    lines = [_SPACES.sub(" ", left).rstrip() for line, left in _with_lists(kept) if left or not line]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(), gone


def _with_lists(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without headings whose list is gone."""
    found = []
    for number, (line, left) in enumerate(lines):
        if _is_heading(left):
            below = _list_below(lines[number + 1 :])
            if below and not any(rest for _, rest in below):
                continue
        found.append((line, left))
    return found


def _list_below(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line, left in lines:
        if not line.strip() and not found:
            continue
        if not line.strip() or _is_heading(line):
            break
        found.append((line, left))
    return found


def _is_heading(line: str) -> bool:
    return line.rstrip(" *_").endswith((":", "："))


def _unmarked(line: str) -> str:
    return re.sub(r"^\s*\(?\d{1,2}[.)]", "", line)


def _lies_in(row: Statement, gone: Collection[tuple[int, int]]) -> bool:
    return any(start < row.end and row.start < end for start, end in gone)


def _face(row: Statement) -> tuple[str, str, str]:
    return row.key, str(row.polarity), str(row.holder)
