"""Which words of a sentence like or dislike which aspects of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from recommender.grounding import links
from recommender.grounding.aspects import Aspect, Marked, aspects_in
from recommender.grounding.cues import Cue, cues_in
from recommender.grounding.scores import scores_in

NEGATION_REACH = 4  # words from a negation to what it negates
_PREFERENCES = (
    "prefer",
    "favo",
    "valu",
    "choos",
    "pick",
    "give",
    "rather",
    "lieber",
    "bevorzug",
    "prefier",
    "zieh",
    "preferr",
)
_CONTRASTS = frozenset([";", "(", ")", "—", "–"])


@dataclass(slots=True)
class Opinion:
    """An aspect and what is thought of it; `polarity` None: nothing says. Tokens `begin` to `end` say so."""

    aspect: Aspect
    polarity: int | None
    strength: float
    begin: int
    end: int
    clause: int = 0
    is_scored: bool = False


@dataclass(slots=True)
class Clause:
    begin: int
    end: int
    opener: str = ""
    cues: list[Cue] = field(default_factory=list)


def opinions_in(said: Marked) -> list[Opinion]:
    cues = _with_negations(said, _all_cues(said))
    found: list[Opinion] = []
    for number, clause in enumerate(_clauses(said, cues)):
        found += _of_clause(said, clause, number, found)
    return found


def _all_cues(said: Marked) -> list[Cue]:
    scores = scores_in(said.tokens, said.taken)
    blocked = list(said.taken)
    for score in scores:
        blocked[score.begin : score.end] = [True] * (score.end - score.begin)
    cues = [cue for cue in cues_in(said.tokens, blocked, said.language) if not _is_preposition(said, cue)]
    return sorted([*cues, *scores], key=lambda cue: cue.begin)


def _is_preposition(said: Marked, cue: Cue) -> bool:
    """Whether "like" only compares: thrillers like Heat."""
    if cue.end - cue.begin != 1 or said.word(cue.begin) != "like" or said.language != "en":
        return False
    before = said.word(cue.begin - 1)
    return not (before in links.SUBJECTS or not before or before in ",;:—–-")


def _with_negations(said: Marked, cues: list[Cue]) -> list[Cue]:
    """Cues that a negation turns round, and negations that stand alone as cues of their own."""
    inside = {place for cue in cues for place in range(cue.begin, cue.end)}
    used: set[int] = set()
    turned: list[Cue] = []
    for cue in cues:
        negation = (
            _negation_before(said, cue, inside)
            if cue.polarity is not None and cue.side not in ("left", "right")
            else None
        )
        if negation is None or negation in used:
            turned.append(cue)
            continue
        used.add(negation)
        polarity = -1 if cue.polarity == 1 else 0
        turned.append(Cue(negation, cue.end, polarity, cue.side, 0.75 if cue.polarity == 1 else 0.4, cue.gap))
    for place, token in enumerate(said.tokens):
        if token.word in links.NEGATORS and place not in inside and place not in used and not said.taken[place]:
            turned += _alone(said, place, cues)
    return sorted(turned, key=lambda cue: cue.begin)


def _negation_before(said: Marked, cue: Cue, inside: set[int]) -> int | None:
    for place in range(cue.begin - 1, max(-1, cue.begin - 2 - NEGATION_REACH), -1):
        token = said.tokens[place]
        if said.taken[place] or place in inside or not token.is_word:
            return None
        if token.word in ("but", "and", "who", "which", "that", "because", "y", "und", "aber", "pero"):
            return None
        if token.word in links.NEGATORS and token.word not in ("little", "few", "less"):
            return place
    return None


def _alone(said: Marked, place: int, cues: Sequence[Cue]) -> Iterator[Cue]:
    """No horror; not for horror; horror: no; likes no horror; enjoys neither war nor crime."""
    word = said.word(place)
    inner = place + 1
    while inner < len(said.tokens) and not said.taken[inner] and inner - place < 4 and said.tokens[inner].is_word:
        inner += 1
    if inner < len(said.tokens) and said.taken[inner]:
        skipped = [said.word(at) for at in range(place + 1, inner)]
        if not any(
            each in links.VERBS or each in links.STOPS or each in links.PRONOUNS - {"other"} for each in skipped
        ):
            yield Cue(place, place + 1, -1, ">", 0.75)
            return
    following = said.word(place + 1)
    if (
        word in ("no", "keine", "kein", "keinen", "sin", "nada")
        and following.isalpha()
        and following not in links.VERBS
    ):
        yield Cue(place, place + 1, -1, ">", 0.75)
    elif word not in ("without", "sin", "little", "few", "less") and (
        not following or not following[0].isalnum() or following in ("thanks", "please")
    ):
        yield Cue(place, place + 1, -1, "<", 0.75)


def _clauses(said: Marked, cues: Sequence[Cue]) -> list[Clause]:
    inside = {place for cue in cues for place in range(cue.begin + 1, cue.end)}
    clauses = [Clause(0, 0)]
    place = 0
    while place < len(said.tokens):
        token = said.tokens[place]
        hit = None if said.taken[place] or place in inside else links.link_at(said.tokens, place)
        opener, width = "", 1
        if not token.is_word and token.word in _CONTRASTS and not said.taken[place] and place not in inside:
            opener = token.word
        elif hit and hit[1] == "contrast":
            opener, width = "contrast", hit[0] - place
        elif hit and hit[1] == "except" and place == clauses[-1].begin:
            comma = next(
                (at for at in range(place, len(said.tokens)) if said.word(at) == "," and not said.taken[at]), None
            )
            if comma:
                clauses[-1].end, clauses[-1].opener = comma, "except"
                clauses.append(Clause(comma + 1, comma + 1, "main"))
                place = comma + 1
                continue
        if (opener == "(" and _only_score(said, place, cues)) or (
            opener == ")" and not any(clause.opener == "(" for clause in clauses[-1:])
        ):
            opener = ""
        if opener:
            clauses[-1].end = place
            clauses.append(Clause(place + width, place + width, opener))
        place += width
    clauses[-1].end = len(said.tokens)
    for cue in cues:
        owner = next((clause for clause in clauses if clause.begin <= cue.end - 1 < clause.end), None)
        if owner:
            owner.cues.append(cue)
    return clauses


def _only_score(said: Marked, place: int, cues: Sequence[Cue]) -> bool:
    close = next((at for at in range(place, len(said.tokens)) if said.word(at) == ")" and not said.taken[at]), None)
    if close is None:
        return True
    named = any(said.taken[place:close])
    return not named


def _of_clause(said: Marked, clause: Clause, number: int, earlier: Sequence[Opinion]) -> list[Opinion]:
    polar = [cue for cue in clause.cues if cue.polarity is not None]
    main = [cue for cue in polar if cue.side not in ("left", "right")]
    scores = [cue for cue in polar if cue.side in ("left", "right")]
    zones = _zones(said, clause, main)
    opinions: list[Opinion] = []
    for begin, end, cue in zones:
        preference = cue is not None and any(said.word(at).startswith(_PREFERENCES) for at in range(cue.begin, cue.end))
        phrases = cue is not None
        aspects = aspects_in(said, begin, end, phrases=phrases, preference=preference)
        base: Aspect | None = None
        for aspect in aspects:
            _take_over(aspect, base, opinions, earlier)
            base = aspect if not aspect.is_title else base
            polarity, strength = _polarity_of(said, clause, cue, aspect, earlier)
            span = _span(said, clause, cue, aspect)
            opinions.append(Opinion(aspect, polarity, strength, *span, clause=number))
    _score(said, opinions, scores)
    if clause.opener == "except":
        for opinion in opinions:
            opinion.polarity = None
    return opinions


def _take_over(aspect: Aspect, base: Aspect | None, opinions: Sequence[Opinion], earlier: Sequence[Opinion]) -> None:
    """What stands for a noun, or narrows it, has its facets as well."""
    if not (aspect.stands_for or (aspect.is_phrase and aspect.link == "except") or aspect.link == "if"):
        return
    if base is None:
        known = [opinion.aspect for opinion in (*earlier, *opinions) if not opinion.aspect.is_title]
        base = known[-1] if known else None
    if base is not None:
        names = {facet.name for facet in aspect.facets if facet.name}
        rest = tuple(facet for facet in base.facets if facet.kind == "attribute" and facet.name not in names)
        aspect.facets = (*rest, *aspect.facets)


def _zones(said: Marked, clause: Clause, cues: Sequence[Cue]) -> list[tuple[int, int, Cue | None]]:
    """Which tokens each cue speaks of; together they are the clause."""
    if not cues:
        return [(clause.begin, clause.end, None)]
    gaps = [(clause.begin if not number else cues[number - 1].end, cue.begin) for number, cue in enumerate(cues)]
    gaps.append((cues[-1].end, clause.end))
    gaps = [(max(begin, clause.begin), max(begin, end)) for begin, end in gaps]
    named = [_has_known(said, begin, end) for begin, end in gaps]
    wants_left = [
        _goes_left(said, cue, named[number], named[number + 1], gaps[number + 1]) for number, cue in enumerate(cues)
    ]
    zones: list[tuple[int, int, Cue | None]] = []
    for number, (begin, end) in enumerate(gaps):
        before = cues[number - 1] if number and not wants_left[number - 1] else None
        after = cues[number] if number < len(cues) and wants_left[number] else None
        if before and after:
            cut = _cut(said, begin, end)
            zones += [(begin, cut, before), (cut, end, after)]
        elif before or after:
            zones.append((begin, end, before or after))
        elif named[number]:
            nearest = cues[number - 1] if number else cues[0]
            zones.append((begin, end, nearest))
        if number < len(cues) and (gap := cues[number].gap):
            zones.append((gap[0], gap[1], cues[number]))
    return zones


def _has_known(said: Marked, begin: int, end: int) -> bool:
    return any(said.taken[begin:end])


def _goes_left(said: Marked, cue: Cue, left: bool, right: bool, after: tuple[int, int]) -> bool:
    if cue.gap and any(said.taken[cue.gap[0] : cue.gap[1]]):
        return cue.side == "<" and not right
    if cue.side == ">":
        return left and not right and not _has_words(said, *after)
    if cue.side == "<":
        return left or not (right or _has_words(said, *after))
    return not right if left else not (right or _has_words(said, *after))


def _has_words(said: Marked, begin: int, end: int) -> bool:
    return any(
        said.tokens[place].is_word and said.word(place) not in links.PRONOUNS | links.DETERMINERS | links.INTENSIFIERS
        for place in range(begin, end)
    )


def _cut(said: Marked, begin: int, end: int) -> int:
    """Where the object of one verb ends and the subject of the next begins."""
    places = [place for place in range(begin, end) if not said.taken[place]]
    for marks in ((",", ":", "\n", "?", "!", "."), ("and", "or", "und", "y", "who", "which", "that")):
        cuts = [place for place in places if said.word(place) in marks]
        if cuts:
            return cuts[-1] + 1
    return end if _has_known(said, begin, end) else begin


def _polarity_of(
    said: Marked, clause: Clause, cue: Cue | None, aspect: Aspect, earlier: Sequence[Opinion]
) -> tuple[int | None, float]:
    if cue is None:
        polarity: int | None = None
        strength = 0.75
        if aspect.link == "flip" and earlier and earlier[-1].polarity:
            polarity = -earlier[-1].polarity
        elif (clause.opener in ("(", "—", "–", ")") and earlier and aspect.link in ("same", "list")) or (
            aspect.link == "same" and earlier
        ):
            polarity, strength = earlier[-1].polarity, earlier[-1].strength
        return polarity, strength
    polarity, strength = cue.polarity, cue.strength
    words = {said.word(place) for place in range(clause.begin, clause.end) if not said.taken[place]}
    if words & links.HEDGES:
        strength = min(strength, 0.4)
    elif strength == 0.75 and words & links.STRONG:
        strength = 1.0
    if aspect.link in ("flip", "except") and polarity:
        return -polarity, min(strength, 0.75)
    if aspect.link == "if" and polarity is not None:
        return 1, min(strength, 0.75)
    if aspect.link == "aside":
        return None, strength
    return polarity, strength


def _span(said: Marked, clause: Clause, cue: Cue | None, aspect: Aspect) -> tuple[int, int]:
    begin, end = min(clause.begin, aspect.begin), max(clause.end, aspect.end)
    return begin, end


def _score(said: Marked, opinions: list[Opinion], scores: Sequence[Cue]) -> None:
    """Ratings and counts speak of the aspect right beside them."""
    for score in scores:
        if score.side == "left":
            beside = [opinion for opinion in opinions if opinion.aspect.end <= score.begin]
            chosen = beside[-1:]
            if chosen and not chosen[0].is_scored:
                between = [said.word(at) for at in range(chosen[0].aspect.end, score.begin)]
                if "both" in between or "all" in between or "each" in between or not set(between) & {",", ":", "("}:
                    chosen = [
                        each for each in beside if not each.is_scored and each.polarity in (None, chosen[0].polarity)
                    ]
        else:
            chosen = [opinion for opinion in opinions if opinion.aspect.begin >= score.end][:1]
        for opinion in chosen:
            opinion.polarity, opinion.strength, opinion.is_scored = score.polarity, 0.75, True
