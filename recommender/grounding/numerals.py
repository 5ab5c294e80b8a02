"""Numbers in digits and words, and words for shares, in English, German and Spanish: fractions.py has parts. Pure."""

from itertools import product

from recommender.grounding.cues import Language
from recommender.grounding.fractions import NAMED, bound_before, numerator_before, parts_at, percent_at
from recommender.grounding.phrases import Marked
from recommender.grounding.words import word_set

_UNITS: dict[Language, str] = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen",
    "de": "null ein zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn sechzehn"
    " siebzehn achtzehn neunzehn",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis"
    " diecisiete dieciocho diecinueve",
}
_TENS: dict[Language, str] = {
    "en": "twenty thirty forty fifty",
    "de": "zwanzig dreissig vierzig funfzig",
    "es": "veinte treinta cuarenta cincuenta",
}
_ONE: dict[Language, str] = {"en": "", "de": "eine einen einer eines einem eins", "es": "un una"}
_NUMBERS: dict[Language, dict[str, int]] = {
    language: {word: number for number, word in enumerate(_UNITS[language].split())}
    | {word: number for number, word in zip((20, 30, 40, 50), _TENS[language].split(), strict=True)}
    | dict.fromkeys(_ONE[language].split(), 1)
    for language in _UNITS
}
_NUMBERS["en"]["none"] = 0
_NUMBERS["de"] |= {
    f"{ones}und{tens}": number + ten
    for (number, ones), (ten, tens) in product(
        enumerate(_UNITS["de"].split()[1:10], 1), zip((20, 30, 40, 50), _TENS["de"].split(), strict=True)
    )
}
_LONGEST = 3  # digits
# Which share of something each takes: exactly one, or above the first and up to the second.
ALL, NONE, MOST, FEW, HALF = (1.0, 1.0), (0.0, 0.0), (0.5, 1.0), (-1.0, 0.49), (0.34, 0.66)
SHARES = {
    "all": ALL, "every": ALL, "each": ALL, "both": ALL, "none": NONE, "neither": NONE,
    "most": MOST, "majority": MOST, "bulk": MOST,
    "few": FEW, "minority": (-1.0, 0.5), "handful": (-1.0, 0.6), "half": HALF,
    "nearly all": (0.6, 1.0), "hardly any": (-1.0, 0.34),
} | NAMED  # fmt: skip
_NAMES: dict[Language, dict[str, str]] = {
    "en": {name: name for name in SHARES if " " not in name},
    "de": {
        name: share
        for share, names in {
            "all": "alle allen aller", "every": "jeder jede jedes jeden jedem", "both": "beide beiden",
            "none": "keiner keine keinen keines keinem kein", "most": "meisten mehrzahl", "majority": "mehrheit",
            "few": "wenige wenigen", "minority": "minderheit", "half": "halfte", "handful": "handvoll",
        }.items()
        for name in names.split()
    },
    "es": {
        name: share
        for share, names in {
            "all": "todos todas", "every": "cada", "both": "ambos ambas", "none": "ninguno ninguna ningun",
            "majority": "mayoria", "few": "pocos pocas", "minority": "minoria", "half": "mitad", "handful": "punado",
        }.items()
        for name in names.split()
    },
}  # fmt: skip
_NEARLY = word_set("nearly almost virtually practically fast casi")
_HARDLY = word_set("hardly scarcely barely almost nearly virtually kaum fast casi apenas")
_NO_SHARE = word_set("not a at the above after first about nicht no")  # before "all", "most", "few": something else
_ALL_BUT = (*product(("all",), ("but", "bar", "except")), *product(("todos", "todas"), ("menos", "salvo")))
_ARTICLES = word_set(_ONE["de"] + " ein " + _ONE["es"])  # which count beside these words alone
_BEFORE_ONE = word_set("nur bloss lediglich genau solo solamente")
_BEHIND_ONE = word_set("von der davon de")
_DID = word_set("did do does was were is are have has had can could")
_TIMES = {"once": 1, "twice": 2, "einmal": 1, "zweimal": 2, "dreimal": 3}
_BEFORE_TIMES = word_set("only just but nur bloss gerade")
_EXCEPT = (
    "with the exception of", "except for", "apart from", "but for", "other than", "except", "save for", "save",
    "mit ausnahme von", "bis auf", "ausser", "abgesehen von",
    "con la excepcion de", "a excepcion de", "excepto", "salvo",
)  # fmt: skip
_EXCEPTIONS = word_set("exception exceptions ausnahme ausnahmen excepcion excepciones")
_DOZENS = word_set("dozen dutzend docena")
_HALF_OF_ONE = word_set("half halbes media")
_ONES = word_set("a one full ein das un una")
_OF_ARTICLE = word_set("half handful majority minority bulk halfte mehrheit mehrzahl minderheit handvoll")
_OF_ARTICLE |= word_set("mitad mayoria minoria punado meisten")


def number_at(said: Marked, place: int) -> tuple[int, int] | None:
    """A whole number, in digits or words, and the token behind it."""
    word = said.word(place)
    if found := _dozens_at(said, place):
        return found
    if word == "single" and said.word(place - 1) == "a" and said.word(place - 2) != "not":
        return 1, place + 1
    if word.isdecimal() and len(word) <= _LONGEST:
        glued = (
            said.word(place + 1) in (".", ",", "%")
            and said.word(place + 2).isdecimal()
            and said.tokens[place + 2].glued
        )
        return None if glued or percent_at(said, place) else (int(word), place + 1)
    known = _NUMBERS[said.language]
    number = known.get(word)
    if number is None:
        return None
    if word in _ARTICLES and said.word(place - 1) not in _BEFORE_ONE and said.word(place + 1) not in _BEHIND_ONE:
        return None
    if said.language == "en" and number >= 20 and 0 < (ones := known.get(said.word(place + 1), 0)) < 10:
        return number + ones, place + 2
    return number, place + 1


def _dozens_at(said: Marked, place: int) -> tuple[int, int] | None:
    """A dozen, two dozen, half a dozen."""
    word = said.word(place)
    if word in _HALF_OF_ONE:
        end = place + 1 + (said.word(place + 1) == "a")
        return (6, end + 1) if said.word(end) in _DOZENS else None
    if said.word(place + 1) in _DOZENS and (number := _NUMBERS[said.language].get(word, 0)) > 1:
        return 12 * number, place + 2
    before, is_half = said.word(place - 1), said.word(place - 2) in _HALF_OF_ONE
    return (12, place + 1) if word in _DOZENS and before in _ONES and not is_half else None


def share_at(said: Marked, place: int) -> tuple[str, int] | None:
    """The name in SHARES of words that tell a share, and the token behind them: "almost all", "two thirds", "die
    Hälfte"; or a name that span_of knows: "more than half". None where the same words tell another thing: "not all",
    "at most", "a few"."""
    if _dozens_at(said, place):
        return None
    found = percent_at(said, place) or parts_at(said, place, _NUMBERS[said.language]) or _word_at(said, place)
    if found is None or not (found[0] == "half" or found[0][0].isdecimal() or found[0] in NAMED):
        return found
    bound = bound_before(said, numerator_before(said, place))
    return (f"{bound} than {found[0]}", found[1]) if bound else found


def _word_at(said: Marked, place: int) -> tuple[str, int] | None:
    """A share that one word tells, or two."""
    word, before = said.word(place), said.word(place - 1)
    if (word, said.word(place + 1)) in _ALL_BUT or said.word(place + 1) == "bis":
        return None
    name = _NAMES[said.language].get(word)
    if name == "neither" and said.word(place + 1) in _DID:
        return None  # neither did the musicals
    if name == "none" and before in _HARDLY:
        return "hardly any", place + 1
    if word in ("any", "one") and before in (_HARDLY if word == "any" else ("not",)):
        return ("hardly any" if word == "any" else "none"), place + 1
    if (word, said.word(place + 1)) in (("a", "single"), ("ein", "einziger")) and before == "not":
        return "none", place + 2 + (said.word(place + 2) == "one")
    if name in ("all", "every") and before in _NEARLY:
        return "nearly all", place + 1
    if name in ("every", "each"):
        one = place + 1 + (said.word(place + 1) in ("single", "last"))
        return name, one + 1 if said.word(one) == "one" else one
    if name is None or (before in _HARDLY and name != "half") or (before in _NO_SHARE and word not in _OF_ARTICLE):
        return None
    end = place + 1
    if name == "none" and said.word(end) in ("einziger", "einzige", "einzigen", "einziges", "sola", "solo"):
        end += 1
    return name, end


def times_at(said: Marked, place: int) -> tuple[int, int] | None:
    """How often something was so, in one word, and the token behind it: only once, just twice, nur zweimal."""
    number = _TIMES.get(said.word(place))
    return (number, place + 1) if number and said.word(place - 1) in _BEFORE_TIMES else None


def all_but(said: Marked, place: int) -> int | None:
    """Where "all but" before a number begins; None where no such words stand there."""
    before = tuple(said.word(at) for at in (place - 3, place - 2, place - 1))
    if before[1:] in _ALL_BUT:
        return place - 2
    return place - 3 if before in (("alle", "bis", "auf"), ("allen", "bis", "auf")) else None


def excepted(said: Marked) -> int | None:
    """How many a sentence leaves out of what it says of all: "with two exceptions", "bis auf zwei"; 0 where it leaves
    out others than a number of them, None where it leaves out none."""
    for place in range(len(said.tokens)):
        if said.taken[place]:
            continue
        if said.word(place) in _EXCEPTIONS and said.word(place - 1) not in ("without", "ohne", "sin"):
            number = next((n for at in (place - 1, place - 2) if (n := number_at(said, at))), None)
            single = said.word(place - 1) in ("single", "a", "one", "einer", "una")
            return 1 if single else number[0] if number else 0
        words = next((each.split() for each in _EXCEPT if _are(said, place, each.split())), None)
        if words and said.word(place - 1) not in ("all", "alle", "allen"):
            behind = place + len(words)
            behind += said.word(behind) in ("the", "only", "just", "die", "den", "las", "los")
            found = number_at(said, behind)
            return found[0] if found else 0
    return None


def _are(said: Marked, place: int, words: list[str]) -> bool:
    return all(said.word(place + at) == word for at, word in enumerate(words))
