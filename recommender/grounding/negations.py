"""The expressions of a sentence with their negations, its ratings and counts among them."""

from collections.abc import Iterator, Sequence

from recommender.grounding import links
from recommender.grounding.cues import NOTHING, Cue, cues_in
from recommender.grounding.phrases import Marked
from recommender.grounding.scores import scores_in
from recommender.grounding.words import DISLIKED_PICTURES, LIKED_PICTURES, word_set

REACH = 4  # words from a negation to what it negates
_STOPS = frozenset({"but", "and", "who", "which", "that", "because", "y", "und", "aber", "pero"})
_WEAK = frozenset({"little", "few", "less"})  # they negate only what stands right behind
_SELDOM = frozenset({"rarely", "seldom", "never", "hardly", "scarcely", "infrequently"})
_PICTURES = frozenset(LIKED_PICTURES + DISLIKED_PICTURES)
_PLUS, _MINUS = frozenset(LIKED_PICTURES + "+✓✔"), frozenset(DISLIKED_PICTURES + "-✗✘")
_BEFORE_NO = frozenset({"please", "bitte", "and", "but", "so", "also", "und", "aber", "y", "pero"})
_MADE = word_set(
    "made released shot produced published filmed written set gedreht gemacht erschienen hecho hecha rodado rodada"
)
_NO = frozenset({"no", "nothing", "keine", "kein", "keinen", "nichts", "sin", "nada"})


def all_cues(said: Marked) -> list[Cue]:
    scores = scores_in(said.tokens, said.taken)
    blocked = list(said.taken)
    for score in scores:
        blocked[score.begin : score.end] = [True] * (score.end - score.begin)
    scores += _symbols(said)
    cues = [
        cue
        for cue in cues_in(said.tokens, blocked, said.language)
        if not _is_preposition(said, cue) and not _says_so_too(said, cue)
    ]
    return _negated(said, sorted([*cues, *scores], key=lambda cue: cue.begin))


def _symbols(said: Marked) -> list[Cue]:
    """+noir -musicals; 👍 westerns; horror 👎 comedy 👍; crime (+); lines that begin with + and -."""
    found = []
    trail = said.tokens[-1].word in _PICTURES and said.tokens[0].word not in _PICTURES
    for place, token in enumerate(said.tokens):
        sign = 1 if token.word in _PLUS else -1 if token.word in _MINUS else 0
        if not sign or token.is_word:
            continue
        following = said.tokens[place + 1] if place + 1 < len(said.tokens) else None
        if following is not None and following.word == token.word:
            continue
        behind = place > 0 and (said.word(place - 1) in (":", "(", "=") or (trail and token.word in _PICTURES))
        if (
            not behind
            and following is not None
            and following.is_word
            and (following.glued or token.word != "-" or not place)
        ):
            found.append(Cue(place, place + 1, sign, ">", 0.75, is_sure=token.word in _PICTURES))
        elif behind or following is None or following.word in ",;)|" or not following.is_word:
            found.append(Cue(place, place + 1, sign, "<", 0.75, is_sure=token.word in _PICTURES))
    return found


def _is_preposition(said: Marked, cue: Cue) -> bool:
    """Whether "like" only compares: thrillers like Heat."""
    if cue.end - cue.begin != 1 or said.word(cue.begin) != "like" or said.language != "en":
        return False
    before = said.word(cue.begin - 1)
    return not (before in links.SUBJECTS or not before or before in ",;:—–-")


def _says_so_too(said: Marked, cue: Cue) -> bool:
    """Most of the romances did, too: nothing is too much of anything."""
    following = said.tokens[cue.end] if cue.end < len(said.tokens) else None
    return said.word(cue.end - 1) == "too" and (following is None or not following.is_word)


def _negated(said: Marked, cues: Sequence[Cue]) -> list[Cue]:
    """Cues that a negation turns round, and negations that are cues of their own."""
    inside = {place for cue in cues for place in range(cue.begin, cue.end)}
    used: set[int] = set()
    turned: list[Cue] = []
    for cue in cues:
        plain = (
            cue.is_sure
            or cue.polarity in (None, NOTHING)
            or cue.side in ("left", "right")
            or not said.tokens[cue.begin].is_word
        )
        negation = None if plain else _before(said, cue, inside)
        if negation is None and not plain:
            negation = _behind(said, cue, inside) if said.language == "de" else _late(said, cue, inside)
        if negation is None or negation in used:
            turned.append(cue)
            continue
        used.add(negation)
        polarity, strength = (-1, 0.75) if cue.polarity == 1 else (0, 0.4)
        begin = negation if negation < cue.begin else cue.begin
        turned.append(Cue(begin, cue.end, polarity, cue.side, strength, cue.gap))
    for place, token in enumerate(said.tokens):
        if token.word in links.NEGATORS and place not in inside and place not in used and not said.taken[place]:
            turned += _alone(said, place)
    return sorted(turned, key=lambda cue: cue.begin)


def _before(said: Marked, cue: Cue, inside: set[int]) -> int | None:
    for place in range(cue.begin - 1, max(-1, cue.begin - 2 - REACH), -1):
        token = said.tokens[place]
        if token.word == "that" and said.word(place - 1) in ("true", "correct", "case", "right"):
            continue
        if said.taken[place] or place in inside or not token.is_word or token.word in _STOPS:
            return None
        if token.word == "not" and said.word(place + 1) in links.ASKED:  # don't they just love it
            return None
        if token.word in links.NEGATORS and (token.word not in _WEAK or place == cue.begin - 1):
            return place
    return None


def _behind(said: Marked, cue: Cue, inside: set[int]) -> int | None:
    """German negates behind the verb: mag Horror nicht."""
    for place in range(cue.end, len(said.tokens)):
        token = said.tokens[place]
        if place in inside or not token.is_word:
            return None
        if token.word in ("nicht", "nie", "niemals", "kaum", "selten") and said.word(place + 1) not in ("nur", "so"):
            return place
    return None


def _late(said: Marked, cue: Cue, inside: set[int]) -> int | None:
    """English may say how often at the end: warms to dramas only rarely."""
    if cue.polarity != 1 or cue.side != ">":
        return None
    for place in range(cue.end, len(said.tokens)):
        token, following = said.tokens[place], said.word(place + 1)
        if token.word in _SELDOM and not said.taken[place] and (following == "if" or not following[:1].isalnum()):
            return place
        if place in inside or not token.is_word or token.word in _STOPS:
            return None
    return None


def _alone(said: Marked, place: int) -> Iterator[Cue]:
    """No horror; not for horror; horror: no; likes no horror; enjoys neither war nor crime."""
    word = said.word(place)
    inner = place + 1
    while inner < len(said.tokens) and not said.taken[inner] and inner - place < 4 and said.tokens[inner].is_word:
        inner += 1
    if inner < len(said.tokens) and said.taken[inner]:
        skipped = [said.word(at) for at in range(place + 1, inner)]
        small = links.VERBS | links.STOPS | (links.PRONOUNS - {"other"})
        if not any(each in small for each in skipped if word not in _NO or each not in _MADE):
            yield Cue(place, place + 1, -1, ">", 0.75, is_bare=True)
            return
    following = said.word(place + 1)
    begins = place == 0 or not said.tokens[place - 1].is_word or said.word(place - 1) in _BEFORE_NO
    if (
        word in _NO
        and begins
        and following.isalpha()
        and following not in links.VERBS | (links.PRONOUNS - {"other", "more"})
    ):
        yield Cue(place, place + 1, -1, ">", 0.75)
    elif word not in ("without", "sin", *_WEAK) and (not following or not following[0].isalnum()):
        yield Cue(place, place + 1, -1, "<", 0.75)
