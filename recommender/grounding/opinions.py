"""Which words of a sentence like or dislike which aspects of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from recommender.grounding import links
from recommender.grounding.aspects import Aspect, aspects_in
from recommender.grounding.clauses import Clause, clauses_of, zones_of
from recommender.grounding.cues import NOTHING, Cue
from recommender.grounding.negations import all_cues
from recommender.grounding.numbers import is_number
from recommender.grounding.others import of_whom
from recommender.grounding.phrases import Marked
from recommender.grounding.referring import take_over
from recommender.grounding.scores import RATED
from recommender.grounding.statements import Facet, Holder

_PREFERENCES = (
    "prefer", "favo", "valu", "choos", "pick", "give", "rather", "sooner", "lieber", "bevorzug", "prefier", "zieh",
    "mejor",
)  # fmt: skip
_BACK = frozenset(
    {"it", "they", "them", "these", "those", "both", "all", "that", "this", "he", "she", "her", "him", "ones", "any",
     "each", "neither", "none", "damit", "dazu", "davon", "es", "sie", "ihn", "beide", "alle", "lo", "los", "la", "las",
     "ambas", "ambos"}
)  # fmt: skip
_AMOUNTS = frozenset({"much", "many", "little", "few", "often", "well", "though", "but", "and", "bad", "low", "high"})
_RATHER = frozenset({"rather", "sooner", "lieber"})
_WATCH = frozenset(
    {"watch", "see", "read", "have", "listen", "play", "get", "take", "than", "schauen", "sehen", "lesen"}
)
_NOT = frozenset({"not", "nicht", "no", "tampoco"})
_DENIAL = frozenset(
    {"he", "she", "they", "i", "it", "that", "this", "does", "do", "did", "is", "are", "was", "not", "true", "at",
     "all", ".", "ich", "er", "sie", "yo", "ella", "el"}
)  # fmt: skip
_ENDS = frozenset({"anymore", "more", "longer", "now", "days", "mehr", "vorbei", "ya", "ahora", "hoy"})
# Until these somebody only watches.
_TIMES = frozenset({"now", "late", "then", "today", "recently", "lately", "midnight", "dawn", "morning", "night", "end",
                    "last", "credits", "early"})  # fmt: skip
_ALL = frozenset({"anything", "everything", "whatever", "alles", "todo"})
_TOO = frozenset({"too", "demasiado", "demasiada"})
_INFINITIVE = re.compile(r"(?:en|ern|eln)$")  # behind the German zu
_EXCEPTION = frozenset({"exception", "exceptions", "ausnahme", "ausnahmen", "excepcion", "excepciones"})
_UNLESS = frozenset({("sei", "denn"), ("menos", "que"), ("ser", "que")})
_PARTS_AT = frozenset({",", ";", ":", "(", "—", "–"})
_OF_A_RATING = RATED - {"at", "with"}  # seen at two o'clock
_MANY = frozenset({"both", "all", "they", "them", "these", "those", "each", "neither", "beide", "alle", "los", "las"})


@dataclass(slots=True)
class Opinion:
    """An aspect and what is thought of it; `polarity` None: nothing says. Tokens `begin` to `end` say so.

    `sureness`: how probable its polarity is beside the opposite one, by whoever heard it; 1 where nobody did.
    """

    aspect: Aspect
    polarity: int | None
    strength: float
    begin: int
    end: int
    is_scored: bool = False
    holder: Holder = "subject"
    is_plain: bool = False  # in words that leave no doubt: too long
    sureness: float = 1.0


@dataclass(slots=True)
class Context:
    """What sentences before it say about this one. `polarity`: of a label or a heading; `before`: their opinions."""

    polarity: int | None = None
    has_label: bool = False
    before: list[Opinion] = field(default_factory=list)


def opinions_in(said: Marked, begin: int, context: Context) -> list[Opinion]:
    """From token `begin` on, behind a label; what is taken back again has the polarity NOTHING."""
    cues = [of_whom(said, cue) for cue in all_cues(said) if cue.begin >= begin]
    found: list[Opinion] = []
    if context.polarity is None and not any(cue.polarity is not None for cue in cues) and _asks_for_all(said, begin):
        context = Context(1, True, context.before)
    for clause in clauses_of(said, cues, begin):
        found += _of_clause(said, clause, found, context)
    for opinion in found:
        if opinion.polarity and said.word(opinion.aspect.begin - 1) == "some" and _has_others(said, opinion.aspect.end):
            opinion.polarity = 0
    return found


def spare(said: Marked, opinions: Sequence[Opinion]) -> None:
    """Sequels are avoided, with Aliens as the exception: what stands beside that word is thought of the other way."""
    word = next((at for at, token in enumerate(said.tokens) if token.word in _EXCEPTION and not said.taken[at]), None)
    if word is None or any(opinion.is_plain for opinion in opinions):
        return
    begin = next((at + 1 for at in range(word, -1, -1) if said.word(at) in _PARTS_AT or not at), 0)
    end = next((at for at in range(word, len(said.tokens)) if said.word(at) in _PARTS_AT), len(said.tokens))
    rule = [each.polarity for each in opinions if each.aspect.end <= begin and each.polarity in (1, -1)]
    for opinion in opinions:
        if rule and begin <= opinion.aspect.begin < end:
            opinion.polarity = -(rule[-1] or 0)


def _asks_for_all(said: Marked, begin: int) -> bool:
    """Anything with robots. Everything by Ozu. Alles von Zola. It wants no verb."""
    words = [token.word for token in said.tokens[begin:] if token.is_word]
    return bool(words) and words[0] in _ALL and words[1:2] != [] and words[1] in links.OPENERS


def _has_others(said: Marked, begin: int) -> bool:
    return any(said.word(place) in ("others", "some") for place in range(begin, len(said.tokens)))


def _of_clause(said: Marked, clause: Clause, earlier: Sequence[Opinion], context: Context) -> list[Opinion]:
    polar = [cue for cue in clause.cues if cue.polarity is not None]
    main = [cue for cue in polar if cue.side not in ("left", "right")]
    opinions: list[Opinion] = []
    for zone in zones_of(said, clause, main):
        cue = zone.cue
        preference = cue is not None and any(said.word(at).startswith(_PREFERENCES) for at in range(cue.begin, cue.end))
        passive = preference and cue is not None and cue.side != ">"
        phrases = zone.phrases or (cue is None and context.has_label)
        base: Aspect | None = None
        for aspect in aspects_in(said, zone.begin, zone.end, phrases=phrases, preference=preference, passive=passive):
            take_over(aspect, base, [each.aspect for each in (*context.before, *earlier, *opinions)])
            base = base if aspect.is_title else aspect
            polarity, strength = _polarity_of(said, clause, cue, aspect, opinions or earlier, context)
            if aspect.link == "if" and opinions and polarity == 1 and not aspect.is_title:
                _condition(said, aspect, opinions)
            span = min(clause.begin, aspect.begin), max(clause.end, aspect.end)
            is_exception = aspect.link == "except" or (aspect.link == "if" and _is_unless(said, aspect))
            turned = cue is not None and (is_exception or cue.is_sure)
            plain = polarity not in (None, NOTHING) and (turned or aspect.link == "again")
            opinions.append(Opinion(aspect, polarity, strength, *span, is_plain=plain))
        if cue is not None and cue.side in "<>" and cue.polarity != NOTHING and not _names(opinions, zone.begin):
            _take_back(said, zone.begin, min(clause.end, max(zone.end, cue.end + 1)), cue, opinions)
    is_refusal = _refuses(said, clause, opinions)
    if is_refusal or any(_ends_a_taste(said, cue) for cue in main):
        for opinion in opinions:
            if opinion.polarity == NOTHING:
                opinion.polarity, opinion.strength, opinion.is_plain = -1, 0.75, is_refusal
    if opinions or earlier:
        opinions += excesses(said, clause)
    _turn(said, clause, opinions)
    if _contrary(said, clause):
        for opinion in opinions:
            if opinion.polarity == 0:
                opinion.polarity, opinion.strength, opinion.is_plain = 1, 0.75, True
    scores = [cue for cue in polar if cue.side in ("left", "right")]
    if not opinions and polar:
        _speaks_back(said, clause, polar, [*context.before, *earlier])
    _score(said, opinions or list(earlier), scores)
    return opinions


def _turn(said: Marked, clause: Clause, opinions: Sequence[Opinion]) -> None:
    """No fan of horror until Alien came: now one is."""
    turn = next((place for place in range(clause.begin, clause.end) if _is_turn(said, place)), None)
    if turn is None:
        return
    for opinion in opinions:
        if opinion.aspect.end <= turn and opinion.polarity in (1, -1):
            opinion.polarity = -opinion.polarity


def _contrary(said: Marked, clause: Clause) -> bool:
    """She does not dislike westerns, quite the opposite."""
    words = [said.word(place) for place in range(clause.begin, clause.end)]
    return any(word in ("opposite", "contrary") and words[at - 1] == "the" for at, word in enumerate(words) if at)


def _is_turn(said: Marked, place: int) -> bool:
    word, following = said.word(place), said.word(place + 1)
    if said.taken[place]:
        return False
    if word in ("until", "till"):
        last = said.word(place + 2) if following == "the" else following
        return bool(last) and last not in _TIMES
    return (word == "bis" and following in ("ich", "er", "sie", "wir")) or (word == "hasta" and following == "que")


def _ends_a_taste(said: Marked, cue: Cue) -> bool:
    """Used to like war, but not any more."""
    return cue.polarity == -1 and cue.side == "<" and any(said.word(at) in _ENDS for at in range(cue.begin, cue.end))


def _refuses(said: Marked, clause: Clause, opinions: list[Opinion]) -> bool:
    """My wife adores musicals, I do not; I would rather clean the gutters, of which nothing is stated."""
    open_ones = [opinion for opinion in opinions if opinion.polarity == NOTHING]
    if not open_ones:
        return False
    begin = open_ones[-1].aspect.end
    behind = {said.word(place) for place in range(begin, clause.end)}
    if not behind.isdisjoint(_NOT) and behind <= _DENIAL | _NOT | {",", "but", "and"}:
        return True
    rather = next((place for place in range(begin, clause.end) if said.word(place) in _RATHER), None)
    if rather is None or any(said.taken[rather : clause.end]) or said.word(rather + 1) in _WATCH:
        return False
    opinions[:] = [opinion for opinion in opinions if opinion.aspect.begin < rather]
    return True


def excesses(said: Marked, clause: Clause) -> list[Opinion]:
    """What something is too much of is disliked: too long, too grim."""
    found = []
    for place in range(clause.begin, clause.end - 1):
        word = said.word(place + 1)
        if _is_too(said, place) and word.isalpha() and word not in _AMOUNTS and not said.taken[place + 1]:
            last = place + 1
            while last + 1 < clause.end and said.tokens[last + 1].glued and said.tokens[last + 1].is_word:
                last += 1
            start, end = said.tokens[place].start, said.tokens[last].end
            aspect = Aspect((Facet("phrase", "", said.text[start:end]),), place, place + 2, is_phrase=True)
            found.append(Opinion(aspect, -1, 0.75, clause.begin, clause.end, is_plain=True))
    return found


def _is_too(said: Marked, place: int) -> bool:
    if said.word(place - 1) in links.NEGATORS:
        return False
    following = said.tokens[place + 1]
    if said.language == "de" and said.word(place) == "zu":
        small = following.word in links.DETERMINERS | links.PRONOUNS | links.VERBS
        return not (following.capital or small or _INFINITIVE.search(following.word))
    return said.word(place) in _TOO


def _names(opinions: Sequence[Opinion], begin: int) -> bool:
    return any(opinion.aspect.begin >= begin for opinion in opinions)


def _take_back(said: Marked, begin: int, end: int, cue: Cue, opinions: Sequence[Opinion]) -> None:
    """Used to like war, has had enough of it."""
    if {said.word(place) for place in range(begin, end)} & _BACK:
        for opinion in opinions:
            if opinion.polarity == NOTHING:
                opinion.polarity, opinion.strength = cue.polarity, cue.strength


def _condition(said: Marked, aspect: Aspect, opinions: Sequence[Opinion]) -> None:
    """What is liked only if it has something is mixed."""
    if opinions[-1].polarity == 1 and not _is_unless(said, aspect):
        opinions[-1].polarity = 0


def _is_unless(said: Marked, aspect: Aspect) -> bool:
    """Comedies unless they are French."""
    words = [said.word(place) for place in range(max(0, aspect.begin - 5), aspect.end)]
    return "unless" in words or not _UNLESS.isdisjoint(pairwise(words))


def _polarity_of(
    said: Marked, clause: Clause, cue: Cue | None, aspect: Aspect, earlier: Sequence[Opinion], context: Context
) -> tuple[int | None, float]:
    if cue is None:
        last = earlier[-1] if earlier else context.before[-1] if context.before and _goes_on(said, clause) else None
        if aspect.link in ("flip", "except") and clause.opener == "lead" and earlier:
            return -(earlier[-1].polarity or 0) or None, 0.4
        if aspect.link == "flip" and _is_here(earlier, clause):
            rival = earlier[-1]
            if rival.polarity is None:  # "read for rest, Brown rather than Holmes"
                rival.polarity, rival.strength = 1, 0.4
            return -(rival.polarity or 0), 0.4
        if last and (aspect.link in ("same", "again") or clause.opener in ("(", "—", "–", ")") or not earlier):
            return last.polarity, last.strength
        if last and clause.opener in (";", ":") and aspect.is_title and _is_list(said, clause):
            return last.polarity, 0.4
        if (
            not context.has_label
            and not aspect.is_title
            and "?" not in said.text[said.tokens[0].start : said.tokens[-1].end]
            and _is_list(said, Clause(0, len(said.tokens)))
        ):
            return 1, 0.4  # "Crime, noir.": what somebody names without any verb
        return context.polarity, 0.75
    polarity, strength = cue.polarity, cue.strength
    if cue.is_bare and aspect.end <= cue.begin:
        return 1, 0.4  # "crime, not romance"
    words = {said.word(place) for place in range(clause.begin, clause.end) if not said.taken[place]}
    if words & links.HEDGES:
        strength = min(strength, 0.4)
    elif strength == 0.75 and words & links.STRONG:
        strength = 1.0
    if polarity == NOTHING:
        return polarity, strength
    if aspect.link in ("flip", "except") and polarity:
        return -polarity, min(strength, 0.75)
    if aspect.link == "if" and polarity is not None:
        return -1 if polarity == 1 and _is_unless(said, aspect) else 1, min(strength, 0.75)
    if aspect.link == "aside":
        return NOTHING, strength
    return polarity, strength


def _is_here(earlier: Sequence[Opinion], clause: Clause) -> bool:
    return bool(earlier) and earlier[-1].aspect.begin >= clause.begin and earlier[-1].polarity != NOTHING


def _is_list(said: Marked, clause: Clause) -> bool:
    """Whether words only name, without a verb and without a number."""
    words = [said.word(place) for place in range(clause.begin, clause.end) if not said.taken[place]]
    small = [word for word in words if word[0].isalnum()]
    return len(small) <= 4 and not any(word in links.VERBS or word.isdecimal() or is_number(word) for word in small)


def _goes_on(said: Marked, clause: Clause) -> bool:
    """Whether a sentence only adds to the one before it: "Especially Leone."; "Also westerns."."""
    first = next((place for place in range(clause.begin, clause.end) if said.tokens[place].is_word), clause.begin)
    link = links.link_at(said.tokens, first) if first < len(said.tokens) and not said.taken[first] else None
    return (link is not None and link[1] in ("same", "again")) or said.word(first) in (
        "also",
        "auch",
        "tambien",
        "plus",
        "and",
    )


def _speaks_back(said: Marked, clause: Clause, cues: Sequence[Cue], earlier: Sequence[Opinion]) -> None:
    """They bore him; adored it; never could: said of what stands before and has no opinion of its own."""
    is_note = clause.opener == "(" and len(cues) == 1 and clause.end - clause.begin <= 3
    if is_note and earlier and earlier[-1].aspect.end == clause.begin - 1:
        earlier[-1].polarity, earlier[-1].strength = cues[-1].polarity, cues[-1].strength  # Carpenter (no)
        return
    words = [said.word(place) for place in range(clause.begin, clause.end) if not said.taken[place]]
    short = len([word for word in words if word.isalpha()]) <= 4
    if not earlier or not (set(words) & _BACK or (short and cues[-1].polarity != NOTHING)):
        return
    if set(words) <= _DENIAL and "not" in words and earlier[-1].polarity in (1, -1):
        earlier[-1].polarity = -(earlier[-1].polarity or 0)  # "it says he likes war; he does not"
        return
    open_ones: list[Opinion] = []
    for opinion in reversed(earlier):
        is_heard_otherwise = cues[-1].is_sure and opinion is earlier[-1] and not opinion.is_plain
        if opinion.polarity not in (None, NOTHING) and not is_heard_otherwise:
            break
        open_ones.append(opinion)
    if open_ones and not set(words) & _MANY and not short:
        open_ones = open_ones[:1]
    cue = cues[-1]
    behind = {said.word(place) for place in range(cue.end, clause.end)}
    hardly = cue.polarity == 1 and bool(behind & {"hardly", "few", "none", "little", "neither", "no"})
    for opinion in open_ones:
        opinion.polarity, opinion.strength = -1 if hardly else cue.polarity, cue.strength
        opinion.is_plain = opinion.is_plain or cue.is_sure
        opinion.is_scored = cue.side == "left"


def _behind(said: Marked, score: Cue) -> tuple[str, str]:
    return said.word(score.end), said.word(score.end + 1)


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
            chosen = [opinion for opinion in opinions if opinion.aspect.begin >= score.end]
            chosen = [each for each in chosen if each.aspect.is_title] if "went" in _behind(said, score) else chosen[:1]
        for opinion in chosen:
            opinion.polarity, opinion.strength, opinion.is_scored = score.polarity, 0.75, True
            opinion.is_plain = opinion.is_plain or _is_rated(said, opinion.aspect, score)


def _is_rated(said: Marked, aspect: Aspect, score: Cue) -> bool:
    """Whether a title has its rating right behind it, which no other words outweigh: horror, as in Scream (rated 2)."""
    if not aspect.is_title or score.begin < aspect.end:
        return False
    return all(not each.is_word or each.word in _OF_A_RATING for each in said.tokens[aspect.end : score.begin])
