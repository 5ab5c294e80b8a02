"""Where a sentence counts what it names: "7 of 11 dramas", "six comedies, two of them liked", "most of the westerns".

Pure. Whether such a count is right: counted.py.
"""

from dataclasses import dataclass

from recommender.grounding import outcomes
from recommender.grounding.phrases import Marked
from recommender.grounding.words import word_set

_UNITS = (
    "none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_NUMBERS = {word: number for number, word in enumerate(_UNITS)} | {"zero": 0}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}
_DETERMINERS = word_set("the their his her these those all its your")
_NOUNS = word_set(
    "entries entry ratings rating interactions times cases occasions viewings watches reads encounters attempts tries"
    " outings examples instances items titles"
)
_MET = word_set("rated seen saw watched read met tried judged encountered shown given listed sat finished played heard")
# Words of "11 dramas that they rated in the history shown" that leave the count as it is.
_FILLERS = (
    _DETERMINERS
    | _MET
    | word_set(
        "a an of in on with from by for to at here they he she we you it that which who them history list record"
        " records log came have has had was were been so far opinion sample overall total"
    )
)
# What leaves only some of them, in a way that no row can tell.
_NARROWING = word_set(
    "such these those last latest recent first earliest early late later recently set made featuring starring about"
    " where whose other others remaining rest more further newer older same half second"
)
_WITHOUT_NOUN = word_set("them which whom those these")
_LEADS = word_set(": ( – — - =")  # from what is counted to how many there are
_ONE = word_set("the this that each every which no another any")  # before "one": that one
REACH = 9  # words and marks between the two numbers of a count
_NEARLY = word_set("not nearly almost a at the above after first about")  # before a quantity: another one
# The share that each takes: exactly one, or above the first and up to the second.
QUANTITIES = {
    "all": (1.0, 1.0), "every": (1.0, 1.0), "both": (1.0, 1.0), "none": (0.0, 0.0), "neither": (0.0, 0.0),
    "most": (0.5, 1.0), "majority": (0.5, 1.0), "bulk": (0.5, 1.0), "few": (-1.0, 0.49), "minority": (-1.0, 0.5),
    "half": (0.34, 0.66),
}  # fmt: skip
_OF_ALL = word_set("majority minority bulk")
_OF_TWO = word_set("both neither")
_BARE = word_set("all every both neither")  # stand before what is counted without "of"
_SUBJECTS = word_set("they he she we you")


@dataclass(frozen=True, slots=True)
class Noun:
    """Tokens `begin` to `end` name what is counted; what is said of it begins at `stop`."""

    begin: int
    end: int
    stop: int


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens `begin` to `end`: so many of so many, or a quantity of them. `before`: what is counted stands before."""

    begin: int
    end: int
    part: int | None
    whole: int | None
    quantity: str
    noun: Noun
    before: bool = False


def counts_of(said: Marked) -> list[Count]:
    """Every count of a sentence, in the order of their places."""
    found: list[Count] = []
    place = 0
    while place < len(said.tokens):
        hit = None if said.taken[place] else _count_at(said, place)
        if hit:
            found.append(hit)
        place = max(place + 1, hit.end if hit else 0)
    return found


def may_count(said: Marked) -> bool:
    """Whether a sentence has numbers as if it counted, understood or not: "three slow dramas", "5 seen, 2 kept"."""
    places = range(len(said.tokens))
    numbers = [place for place in places if _exact_number(said, place)]
    shares = [place for place in places if said.word(place) in QUANTITIES]
    before = (at in said.mentions for place in (*numbers, *shares) for at in range(place + 1, place + 4))
    return len(numbers) > 1 or any(before)


def _count_at(said: Marked, place: int) -> Count | None:
    return (
        _part_of_whole(said, place)
        or _whole_then_part(said, place)
        or _whole_first(said, place)
        or _noun_first(said, place)
        or _quantity_at(said, place)
    )


def _part_of_whole(said: Marked, place: int) -> Count | None:
    """7 of the 11 dramas; seven out of eleven; dramas: 7/11 liked."""
    part = number_at(said, place)
    if part is None:
        return None
    at, slash = part[1], said.word(part[1]) == "/"
    if slash:
        at += 1
    elif said.word(at) == "out" and said.word(at + 1) == "of":
        at += 2
    elif said.word(at) == "of":
        at += 1
    else:
        return None
    while said.word(at) in _DETERMINERS:
        at += 1
    whole = number_at(said, at)
    if whole is None or part[0] > whole[0] or not whole[0]:
        return None
    noun = _noun_at(said, whole[1])
    if noun is None:
        return None
    if noun.begin < noun.end and not slash:
        return Count(place, whole[1], part[0], whole[0], "", noun)
    rated = said.word(whole[1]) in ("star", "stars", "point", "points")
    if rated or (slash and outcomes.told(said, [whole[1]] if whole[1] < len(said.tokens) else []) is None):
        return None
    return Count(place, whole[1], part[0], whole[0], "", Noun(_clause_start(said, place), place, place), before=True)


def _whole_then_part(said: Marked, place: int) -> Count | None:
    """Of the 11 dramas in the history, 7 were liked; out of eleven dramas they took to seven."""
    at = place
    if said.word(at) == "out":
        at += 1
    if said.word(at) not in ("of", "among", "from", "amongst") or (
        at == place and place and number_at(said, place - 1)
    ):
        return None
    at += 1
    while said.word(at) in _DETERMINERS:
        at += 1
    whole = number_at(said, at)
    noun = _noun_at(said, whole[1]) if whole else None
    if whole is None or noun is None or noun.begin == noun.end:
        return None
    for later in range(noun.end, min(noun.end + 7, len(said.tokens))):
        if said.word(later) in (".", ";", ":", "("):
            break
        part = None if said.taken[later] else number_at(said, later)
        if part and part[0] <= whole[0] and (said.word(part[1]) != "of" or said.word(part[1] + 1) in _WITHOUT_NOUN):
            return Count(place, part[1], part[0], whole[0], "", noun)
    return None


def _whole_first(said: Marked, place: int) -> Count | None:
    """Eleven dramas, seven of them liked; the list holds six comedies, and two of those were enjoyed."""
    whole = _exact_number(said, place)
    noun = _noun_at(said, whole[1]) if whole else None
    if whole is None or noun is None or noun.begin == noun.end:
        return None
    part = _part_behind(said, noun.end, whole[0])
    return Count(place, part[1], part[0], whole[0], "", noun) if part else None


def _noun_first(said: Marked, place: int) -> Count | None:
    """Dramas: eleven seen, seven enjoyed; dramas (7 liked, 4 not)."""
    first = _exact_number(said, place)
    if first is None or said.word(place - 1) not in _LEADS:
        return None
    begin = _clause_start(said, place)
    noun = Noun(begin, place, place)
    if not any(at in said.mentions for at in range(begin, place)):
        return None
    outcome = _outcome_behind(said, first[1])
    part = _part_behind(said, first[1], None if outcome is not None else first[0])
    if part is None:
        return None
    if outcome is None:
        return Count(place, part[1], part[0], first[0], "", noun, before=True)
    if _outcome_behind(said, part[1]) is not (not outcome):
        return None
    return Count(place, first[1], first[0], first[0] + part[0], "", noun, before=True)


def _part_behind(said: Marked, begin: int, most: int | None) -> tuple[int, int] | None:
    """The number of those of which more is said: "and seven of them", ", 7 liked"; with the token behind it."""
    for place in range(begin, min(begin + REACH, len(said.tokens))):
        part = _exact_number(said, place)
        if part is None and (said.word(place) == "." or _names(said, place)):
            return None
        if part is None or (most is not None and part[0] > most):
            continue
        of_them = said.word(part[1]) == "of" and said.word(part[1] + 1) in _WITHOUT_NOUN
        before = _words_before(said, begin, place)
        if of_them or _outcome_behind(said, part[1]) is not None or outcomes.told(said, before) is not None:
            return part
    return None


def _words_before(said: Marked, begin: int, end: int) -> list[int]:
    """Up to four words right before a token, back to the last mark: "thumbs up for" 2."""
    first = end
    while first > max(begin, end - 4) and said.tokens[first - 1].is_word:
        first -= 1
    return list(range(first, end))


def _names(said: Marked, place: int) -> bool:
    """Whether something else is named here that may be counted; a hit is an outcome."""
    return place in said.mentions or (said.word(place) in said.nouns and said.word(place) not in ("hit", "hits"))


def _exact_number(said: Marked, place: int) -> tuple[int, int] | None:
    """A number, and no "that one"."""
    found = None if said.taken[place] else number_at(said, place)
    return None if found and said.word(place) == "one" and said.word(place - 1) in _ONE else found


def _outcome_behind(said: Marked, place: int) -> bool | None:
    """How what the last number counts was received, told right behind it."""
    behind: list[int] = []
    for at in range(place, min(place + 4, len(said.tokens))):
        if not said.tokens[at].is_word or number_at(said, at) or _names(said, at):
            break
        behind.append(at)
    if [said.word(at) for at in behind] in (["not"], ["were", "not"], ["was", "not"], ["did", "not"]):
        return False
    return outcomes.told(said, behind) if behind else None


def _quantity_at(said: Marked, place: int) -> Count | None:
    """Most of the dramas; all five westerns; all three of them; every comedy; dramas: none liked."""
    word, before = said.word(place), said.word(place - 1)
    if word not in QUANTITIES or (before in _NEARLY and word not in _OF_ALL):
        return None
    at = place + 1
    if said.word(at) == "of":
        at += 1
    elif word not in _BARE or said.word(at) in (",", ":"):
        after = [at] if at < len(said.tokens) else []
        if before == ":" and outcomes.told(said, after) is not None and after:
            return Count(place, at, None, None, word, Noun(_clause_start(said, place), place, place), before=True)
        return None
    while said.word(at) in _DETERMINERS:
        at += 1
    whole = 2 if word in _OF_TWO else None
    if number := number_at(said, at):
        whole, at = number
        if said.word(at) == "of":
            at += 1
            while said.word(at) in _DETERMINERS:
                at += 1
    noun = _noun_at(said, at)
    return Count(place, noun.end, None, whole, word, noun) if noun and noun.begin < noun.end else None


def number_at(said: Marked, place: int) -> tuple[int, int] | None:
    """A whole number, in digits or words, and the token behind it."""
    word = said.word(place)
    if word.isdecimal() and len(word) < 4:
        glued = (
            said.word(place + 1) in (".", ",", "%")
            and said.word(place + 2).isdecimal()
            and said.tokens[place + 2].glued
        )
        return None if glued or said.word(place + 1) == "%" else (int(word), place + 1)
    if word in _TENS:
        ones = _NUMBERS.get(said.word(place + 1), 0)
        return (_TENS[word] + ones, place + 2) if 0 < ones < 10 else (_TENS[word], place + 1)
    return (_NUMBERS[word], place + 1) if word in _NUMBERS else None


def _noun_at(said: Marked, begin: int) -> Noun | None:
    """What is counted, named from a token on; empty where something else follows, None where no row can tell."""
    end = last = begin
    while end < len(said.tokens):
        word = said.word(end)
        if end in said.mentions:
            if said.mentions[end].role == "title":
                break
            end = last = said.mentions[end].end
            continue
        if word in _NARROWING:
            return None
        if word in said.nouns or word in _NOUNS:
            last = end + 1
        elif _goes_on(said, end, after_noun=last > begin):
            break
        end += 1
    if last == begin and end < len(said.tokens) and said.word(end).isalpha() and _leads_to_noun(said, end):
        return None
    return Noun(begin, last, max(end, last))


def _goes_on(said: Marked, place: int, *, after_noun: bool) -> bool:
    """Whether something is said of what was named so far; that they rated it, or have seen it, says nothing of it."""
    word = said.word(place)
    if word in ("was", "were"):
        return True
    if word in _SUBJECTS and after_noun:
        return said.word(place + 1) not in _MET and said.word(place + 2) not in _MET
    return word not in _FILLERS and (word not in ("and", "or") or place + 1 not in said.mentions)


def _leads_to_noun(said: Marked, place: int) -> bool:
    """Whether an unknown word only comes before what is counted: three slow westerns."""
    ahead = range(place + 1, min(place + 3, len(said.tokens)))
    return any(at in said.mentions or said.word(at) in said.nouns or said.word(at) in _NOUNS for at in ahead)


def _clause_start(said: Marked, place: int) -> int:
    """Of the words before a token: the clause, or all of the sentence where the clause names nothing."""
    start = next((at + 1 for at in range(place - 1, -1, -1) if said.word(at) in (";", ".", ",")), 0)
    return start if any(at in said.mentions for at in range(start, place)) else 0
