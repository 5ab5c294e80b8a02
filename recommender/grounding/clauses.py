"""A sentence as clauses, and a clause as zones: the words that each expression of liking speaks of."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from recommender.grounding import links
from recommender.grounding.cues import Cue
from recommender.grounding.phrases import Marked

_MARKS = frozenset([";", "(", ")", "—", "–"])
_ADVERBIAL = frozenset(
    {"by", "on", "however", "in", "conversely", "otherwise", "though", "dagegen", "hingegen", "jedoch", "aber", "en"}
)
_CUTS = (frozenset({",", ":", "\n", "?", "!", "."}), frozenset({"and", "or", "und", "y", "who", "which", "that"}))


@dataclass(slots=True)
class Clause:
    begin: int
    end: int
    opener: str = ""  # the mark before it, or "contrast"
    cues: list[Cue] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Zone:
    """Tokens that one cue speaks of; `phrases`: unknown words among them may be its object."""

    begin: int
    end: int
    cue: Cue | None
    phrases: bool


def clauses_of(said: Marked, cues: Sequence[Cue], begin: int) -> list[Clause]:
    inside = {place for cue in cues for place in range(cue.begin + 1, cue.end)}
    clauses = [Clause(begin, begin)]
    place = begin
    while place < len(said.tokens):
        opener, width = ("", 1) if said.taken[place] or place in inside else _opener(said, place)
        if opener == "(" and (close := _is_remark(said, place, cues)):
            clauses[-1].end = place
            place = close
            clauses.append(Clause(place, place, ")"))
            continue
        if opener in ("except", "flip"):
            opener = ""
            comma = next((at for at in range(place, len(said.tokens)) if _is_comma(said, at)), 0)
            if comma and place == begin:
                clauses[-1].end, clauses[-1].opener = comma, "lead"
                clauses.append(Clause(comma + 1, comma + 1, "main"))
                place = comma
        if opener == "contrast" and said.word(place) in _ADVERBIAL:
            if _is_open(said, clauses[-1].begin, place, cues):
                opener = ""  # "romance, by contrast, is avoided"
            elif (comma := _last_comma(said, clauses[-1].begin, place)) and _is_open(said, comma + 1, place, cues):
                clauses[-1].end = comma  # "Horror finde ich langweilig, Krimis dagegen spannend"
                clauses.append(Clause(comma + 1, comma + 1, opener))
                opener = ""
        if opener:
            clauses[-1].end = place
            clauses.append(Clause(place + width, place + width, opener))
        place += width
    clauses[-1].end = len(said.tokens)
    clauses = [clause for clause in clauses if clause.end > clause.begin]
    for cue in cues:
        owner = next((clause for clause in clauses if clause.begin <= cue.end - 1 < clause.end), None)
        if owner:
            owner.cues.append(cue)
    if len(clauses) > 1 and clauses[1].opener == "main":  # "apart from war, likes all": the exception comes last
        clauses = [clauses[1], clauses[0], *clauses[2:]]
    return clauses


def _is_open(said: Marked, begin: int, end: int, cues: Sequence[Cue]) -> bool:
    """Whether a subject waits for its verb."""
    return any(said.taken[begin:end]) and not any(begin <= cue.begin < end for cue in cues)


def _opener(said: Marked, place: int) -> tuple[str, int]:
    token = said.tokens[place]
    if not token.is_word:
        if token.word not in _MARKS:
            return "", 1
        following = links.link_at(said.tokens, place + 1) if place + 1 < len(said.tokens) else None
        goes_on = following is not None and following[1] in ("same", "again", "except", "flip", "if")
        return ("", 1) if goes_on and not said.taken[place + 1] else (token.word, 1)
    link = links.link_at(said.tokens, place)
    if link and link[1] in ("contrast", "except", "flip"):
        return link[1], link[0] - place
    return "", 1


def _is_comma(said: Marked, place: int) -> bool:
    return said.word(place) == "," and not said.taken[place]


def _last_comma(said: Marked, begin: int, end: int) -> int:
    return next((at for at in range(end - 1, begin, -1) if _is_comma(said, at)), 0)


def _is_remark(said: Marked, place: int, cues: Sequence[Cue]) -> int:
    """The end of brackets that name nothing and judge nothing; 0 where they do."""
    close = next((at for at in range(place, len(said.tokens)) if said.word(at) == ")" and not said.taken[at]), None)
    if close is None or any(said.taken[place:close]) or any(place <= cue.begin < close for cue in cues):
        return 0
    return close + 1


def zones_of(said: Marked, clause: Clause, cues: Sequence[Cue]) -> list[Zone]:
    """Together they are the clause."""
    if not cues:
        return [Zone(clause.begin, clause.end, None, phrases=False)]
    gaps = [(clause.begin if not number else cues[number - 1].end, cue.begin) for number, cue in enumerate(cues)]
    gaps.append((cues[-1].end, clause.end))
    gaps = [(max(begin, clause.begin), max(begin, end)) for begin, end in gaps]
    named = [any(said.taken[begin:end]) for begin, end in gaps]
    left = [
        _goes_left(said, cue, named, gaps, number) or _final(said, clause, cue) is not None
        for number, cue in enumerate(cues)
    ]
    zones: list[Zone] = []
    for number, (begin, end) in enumerate(gaps):
        before = cues[number - 1] if number and not left[number - 1] else None
        after = cues[number] if number < len(cues) and left[number] else None
        if before and after:
            cut = _cut(said, begin, end)
            zones.append(Zone(begin, cut, before, phrases=before.side != "<"))
            zones.append(Zone(cut, end, after, phrases=after.side == "<"))
        elif before:
            zones.append(Zone(begin, end, before, phrases=before.side != "<"))
        elif after:
            final = _final(said, clause, after)
            if final is not None and final > begin:
                zones.append(Zone(begin, final, None, phrases=False))
                begin = final
            phrases = (after.side == "<" and number == 0) or final is not None
            zones.append(Zone(begin, end, after, phrases=phrases))
        elif number and (condition := _condition(said, begin, end)):
            zones.append(Zone(condition, end, cues[number - 1], phrases=True))
        elif named[number]:
            zones.append(Zone(begin, end, cues[number - 1] if number else cues[0], phrases=False))
        if number < len(cues) and (gap := cues[number].gap):
            zones.append(Zone(*gap, cues[number], phrases=True))
    return zones


def _condition(said: Marked, begin: int, end: int) -> int:
    """Where "as long as they are short" begins behind what it narrows; 0 where nothing does."""
    for place in range(begin, min(begin + 3, end)):
        link = None if said.taken[place] else links.link_at(said.tokens, place)
        if link and link[1] == "if":
            return place
    return 0


def _goes_left(said: Marked, cue: Cue, named: Sequence[bool], gaps: Sequence[tuple[int, int]], number: int) -> bool:
    """Whether the object of a cue stands before it."""
    left, right = named[number], named[number + 1]
    if cue.gap and (any(said.taken[cue.gap[0] : cue.gap[1]]) or cue.side == ">"):
        return cue.side == "<" and not right
    wordy = right or _has_words(said, *gaps[number + 1])
    if cue.side == ">":
        return left and not wordy
    if cue.side == "<":
        return left or not right
    return not (right or (wordy and not left))


def _final(said: Marked, clause: Clause, cue: Cue) -> int | None:
    """Where a German clause begins that ends with its verb: die traurige Lieder mögen."""
    following = said.tokens[cue.end] if cue.end < len(said.tokens) else None
    if said.language != "de" or cue.side != ">" or cue.gap or (following is not None and following.is_word):
        return None
    place = cue.begin
    while place > clause.begin and (said.tokens[place - 1].is_word or said.taken[place - 1]):
        place -= 1
    while place < cue.begin and said.word(place) in links.STOPS | links.PRONOUNS and not said.taken[place]:
        place += 1
    return place if _has_words(said, place, cue.begin) else None


def _has_words(said: Marked, begin: int, end: int) -> bool:
    small = links.PRONOUNS | links.DETERMINERS | links.INTENSIFIERS | links.VERBS
    for place in range(begin, end):
        token = said.tokens[place]
        if not token.is_word or token.word in links.STOPS:
            return False
        if token.word not in small:
            return True
    return False


def _cut(said: Marked, begin: int, end: int) -> int:
    """Where the object of one verb ends and the subject of the next begins."""
    places = [place for place in range(begin, end) if not said.taken[place]]
    for marks in _CUTS:
        cuts = [place for place in places if said.word(place) in marks]
        if cuts:
            return cuts[-1] + 1
    return end if any(said.taken[begin:end]) else begin
