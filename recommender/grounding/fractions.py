"""Shares told as parts of a whole, "two fifths", "67 %", and what bounds a share or a number: "more than". Pure."""

from recommender.grounding.cues import Language
from recommender.grounding.phrases import Marked
from recommender.grounding.words import word_set

# What a share that has a name of its own may mean: above the first and up to the second.
NAMED = {"a third": (0.2, 0.45), "two thirds": (0.54, 0.8), "a quarter": (0.12, 0.38), "three quarters": (0.6, 0.88)}
_NAMES = {(1, 3): "a third", (2, 3): "two thirds", (1, 4): "a quarter", (3, 4): "three quarters"}
_VALUES = {name: share / of for (share, of), name in _NAMES.items()} | {"half": 0.5}
ROUNDED, OF_HUNDRED = 0.13, 0.06  # by which parts, and percents, may be off
BOUND = 0.02  # by which "more than half" may be less
_WORDS: dict[Language, dict[int, str]] = {
    "en": {3: "third thirds", 4: "quarter quarters", 5: "fifth fifths", 6: "sixth sixths", 8: "eighth eighths"},
    "de": {3: "drittel", 4: "viertel", 5: "funftel", 6: "sechstel", 8: "achtel"},
    "es": {3: "tercio tercios tercera", 4: "cuarto cuartos cuarta cuartas", 5: "quinto quintos quinta quintas"},
}
_PARTS: dict[Language, dict[str, int]] = {
    language: {name: parts for parts, names in of.items() for name in names.split()} for language, of in _WORDS.items()
}
_ONE = word_set("a one ein einem un una la")
_OF = word_set("of der des aller seiner ihrer von de")
_PERCENT = word_set("% percent prozent")
_ARTICLES = word_set("a the about roughly around some two three four five die der das la las los el etwa rund")
_BOUNDS = (
    ("fewer", "no more than/not more than/less than/fewer than/at most/at best/not even/under/below"),
    ("more", "no less than/no fewer than/not less than/more than/better than/at least/well over/over/above/upwards of"),
    ("fewer", "weniger als/nicht mehr als/hochstens/maximal/nicht einmal/unter/knapp unter"),
    ("more", "mehr als/mindestens/uber/nicht weniger als"),
    ("fewer", "menos de/como mucho/no mas de/ni siquiera"),
    ("more", "mas de/al menos/por lo menos/no menos de"),
)
_LEADS = tuple(
    (bound, tuple(lead.split()))
    for bound, leads in _BOUNDS
    for lead in sorted(leads.split("/"), key=lambda each: -len(each.split()))
)


def percent_at(said: Marked, place: int) -> tuple[str, int] | None:
    """67 %, with the token behind it."""
    word = said.word(place)
    if not word.isdecimal() or len(word) > 3 or said.word(place + 1) not in _PERCENT or int(word) > 100:
        return None
    is_glued = said.word(place - 1) in (".", ",") and said.tokens[place].glued
    return None if is_glued else (f"{int(word)}%", place + 2)


def parts_at(said: Marked, place: int, numbers: dict[str, int]) -> tuple[str, int] | None:
    """Two thirds of, ein Viertel der, tres cuartas partes de, from the word that names the parts."""
    of, before = _PARTS[said.language].get(said.word(place)), said.word(place - 1)
    if of is None:
        return None
    end = place + 1 + (said.word(place + 1) in ("parte", "partes"))
    share = 1 if before in _ONE else numbers.get(before, 0)
    is_plural = said.word(place).endswith("s")
    if not 0 < share < of or said.word(end) not in _OF or (said.language != "de" and is_plural is (share == 1)):
        return None
    return _NAMES.get((share, of), f"{share}/{of}"), end


def numerator_before(said: Marked, place: int) -> int:
    """Where "two" of "two thirds" begins, or "the" of "the half"."""
    while said.word(place - 1) in _ARTICLES:
        place -= 1
    return place


def bound_before(said: Marked, place: int) -> str:
    """Whether there are "more" or "fewer" than what begins at a token: "at least", "not even"; empty where exactly."""
    for bound, lead in _LEADS:
        first = place - len(lead)
        if first >= 0 and all(said.word(first + at) == word for at, word in enumerate(lead)):
            return bound
    return ""


def span_of(name: str) -> tuple[float, float]:
    """What share a name may mean, above the first and up to the second: "2/5", "67%", "more than half"."""
    bound, _, rest = name.rpartition(" than ")
    if rest in _VALUES:
        value, off = _VALUES[rest], ROUNDED
    elif rest.endswith("%"):
        value, off = int(rest[:-1]) / 100, OF_HUNDRED
    else:
        share, _, of = rest.partition("/")
        value, off = int(share) / int(of), ROUNDED
    if bound == "more":
        return value - BOUND, 1.0
    return (-1.0, value + BOUND) if bound else (value - off, value + off)
