"""Where a sentence counts what it names: "7 of 11 dramas", "six comedies, two of them liked", "most of the westerns".

Pure. Whether such a count is right: counted.py.
"""

from dataclasses import dataclass, replace

from recommender.grounding import outcomes
from recommender.grounding.counted_nouns import DETERMINERS, Noun, noun_at
from recommender.grounding.numerals import ALL, NONE, SHARES, all_but, excepted, number_at, share_at, times_at
from recommender.grounding.phrases import Marked
from recommender.grounding.words import word_set

_OF = word_set("of von de")
_AMONG = word_set("of among from amongst von unter aus de entre")
_WITHOUT_NOUN = word_set("them which whom those these that ihnen denen ellos ellas")
_OF_THEM = word_set("davon darunter")
_LEADS = word_set(": ( – — - =")  # from what is counted to how many there are
_ONE = word_set("the this that each every which no another any not")  # before "one": that one
REACH = 14  # words and marks between the two numbers of a count
_OUT_OF = ("out", "of")
_ODDS = word_set("in for from")  # between two numbers: one in three, 2 for 4, none from four
_ACROSS = word_set("in from across among amongst of over aus bei de en entre")  # behind an outcome: five likes in eight
_OF_STARS = (4, 5, 10, 100)  # what stands below a slash where stars are told
_GENITIVES = word_set("der seiner ihrer")
_OF_TWO = word_set("both neither")
_PAIRING = word_set("nor and or noch und oder ni y o")
MOST_OF_A_PAIR = 5  # words, with the one that joins
_BARE = ("all", "every", "each", "both", "neither", "nearly all")  # stand before what is counted without "of"


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens `begin` to `end`: so many of so many, or a quantity of them. `before`: what is counted stands before.
    `odds`: its word, where it is told as odds are: one in three, 2 for 4."""

    begin: int
    end: int
    part: int | None
    whole: int | None
    quantity: str
    noun: Noun
    before: bool = False
    odds: str = ""


def counts_of(said: Marked) -> list[Count]:
    """Every count of a sentence, in the order of their places."""
    found: list[Count] = []
    place = 0
    while place < len(said.tokens):
        hit = None if said.taken[place] else _count_at(said, place)
        if hit:
            found.append(hit)
        place = max(place + 1, hit.end if hit else 0)
    left_out = excepted(said) if any(SHARES.get(count.quantity) in (ALL, NONE) for count in found) else None
    return found if left_out is None else [each for count in found if (each := _less_exceptions(count, left_out))]


def _less_exceptions(count: Count, left_out: int) -> Count | None:
    """All eleven, with two exceptions, are nine of eleven; how many are all but Rio Bravo is not told."""
    share = SHARES.get(count.quantity)
    if share not in (ALL, NONE):
        return count
    if count.whole is None or not 0 < left_out <= count.whole:
        return None
    return replace(count, part=count.whole - left_out if share == ALL else left_out, quantity="")


def with_rest(said: Marked, following: Marked | None) -> Marked:
    """A sentence with the next one where that goes on counting: "They rated eleven dramas; seven were liked." "Horror?
    2 out of 10 were liked."

    It does where it names nothing itself and has a number of its own, or a share, and the first names something."""
    if following is None or following.mentions or not said.mentions or _numbers(said) > 1:
        return said
    ahead = range(min(REACH, len(following.tokens)))
    if not any(_exact_number(following, at) or share_at(following, at) for at in ahead):
        return said
    tokens = [*said.tokens, *following.tokens]
    if said.tokens[-1].word in (".", ";") and _numbers(said):
        tokens[len(said.tokens) - 1] = replace(said.tokens[-1], word=",")
    return Marked(said.text, tokens, said.mentions, [*said.taken, *following.taken], said.nouns, said.language)


def _numbers(said: Marked) -> int:
    return sum(_exact_number(said, at) is not None for at in range(len(said.tokens)))


def may_count(said: Marked) -> bool:
    """Whether a sentence has numbers as if it counted, understood or not: "three slow dramas", "5 seen, 2 kept"."""
    places = range(len(said.tokens))
    numbers = [place for place in places if _exact_number(said, place)]
    shares = [at for at in places if (share := share_at(said, at)) and share[0] not in ("every", "each")]
    before = (at in said.mentions for place in (*numbers, *shares) for at in range(place + 1, place + 4))
    return len(numbers) > 1 or any(before)


def _count_at(said: Marked, place: int) -> Count | None:
    return (
        _part_of_whole(said, place)
        or _part_out_of(said, place)
        or _whole_then_part(said, place)
        or _whole_first(said, place)
        or _noun_first(said, place)
        or _quantity_at(said, place)
    )


def _part_of_whole(said: Marked, place: int) -> Count | None:
    """7 of the 11 dramas; seven out of eleven; all but four of the 11; dramas: 7/11 liked, 7 liked out of 11."""
    part = _exact_number(said, place)
    if part is None:
        return None
    at, slash, odds = part[1], said.word(part[1]) == "/", ""
    if slash:
        at += 1
    elif (behind := _behind_out_of(said, at)) is not None:
        at = behind
    elif said.word(at) in _OF or (said.language == "de" and said.word(at) in _GENITIVES and number_at(said, at + 1)):
        at += 1
    elif said.word(at) in _ODDS and number_at(said, at + 1):
        at, odds = at + 1, said.word(at)
    else:
        return None
    while said.word(at) in DETERMINERS:
        at += 1
    whole = number_at(said, at)
    if whole is None or part[0] > whole[0] or not whole[0]:
        return None
    noun = noun_at(said, whole[1])
    if noun is None:
        return None
    lead = all_but(said, place)
    begin, count = (place, part[0]) if lead is None else (lead, whole[0] - part[0])
    if noun.begin < noun.end and not slash:
        return Count(begin, whole[1], count, whole[0], "", noun, odds=odds)
    if odds and whole[1] < len(said.tokens) and said.tokens[whole[1]].is_word:
        return None  # one in three weeks
    rated = said.word(whole[1]) in ("star", "stars", "point", "points")
    lead_noun = Noun(_clause_start(said, begin), begin, begin)
    if rated or (slash and not _is_slashed_count(said, begin, whole)):
        return None
    if slash and outcomes.told(said, range(begin, len(said.tokens))) is None:
        odds = "for"
    return Count(begin, whole[1], count, whole[0], "", lead_noun, before=True, odds=odds)


def _is_slashed_count(said: Marked, begin: int, whole: tuple[int, int]) -> bool:
    """7/11 liked; dramas 7/11; but Fargo 4/5, and dramas 4/5, are stars."""
    behind = [whole[1]] if whole[1] < len(said.tokens) else []
    if outcomes.told(said, behind) is not None:
        return True
    before = [mention for mention in said.mentions.values() if mention.end <= begin]
    return whole[0] not in _OF_STARS and bool(before) and all(mention.role != "title" for mention in before)


def _part_out_of(said: Marked, place: int) -> Count | None:
    """Seven dramas out of eleven; but four times out of four, that may be of anything."""
    part = _exact_number(said, place)
    noun = noun_at(said, part[1]) if part else None
    if part is None or noun is None or (said.word(noun.stop), said.word(noun.stop + 1)) != _OUT_OF:
        return None
    if not any(at in said.mentions or said.word(at) in said.nouns for at in range(noun.begin, noun.end)):
        return None
    at = noun.stop + 2
    while said.word(at) in DETERMINERS:
        at += 1
    whole = number_at(said, at)
    if whole is None or part[0] > whole[0] or whole[1] in said.mentions:
        return None
    return Count(place, whole[1], part[0], whole[0], "", noun)


def _behind_out_of(said: Marked, place: int) -> int | None:
    """The token behind "out of", which may stand behind an outcome: 3 liked out of 4, five likes in eight attempts."""
    for at in range(place, min(place + 3, len(said.tokens))):
        between = list(range(place, at))
        is_told = bool(between) and outcomes.told(said, between) is not None
        if said.word(at) == "out" and said.word(at + 1) == "of":
            return at + 2 if is_told or not between else None
        if is_told and said.word(at) in _ACROSS and number_at(said, at + 1):
            return at + 1
    return None


def _whole_then_part(said: Marked, place: int) -> Count | None:
    """Of the 11 dramas in the history, 7 were liked; out of eleven dramas they took to seven; of the dramas none was
    liked; of dramas they have seen eleven, and liked seven."""
    at = place
    if said.word(at) == "out":
        at += 1
    if said.word(at) not in _AMONG or (at == place and place and number_at(said, place - 1)):
        return None
    at += 1
    while said.word(at) in DETERMINERS:
        at += 1
    whole = number_at(said, at)
    noun = noun_at(said, whole[1] if whole else at)
    if noun is None or (noun.begin == noun.end and whole is None):
        return None
    before = noun.begin == noun.end  # crime stories: of the six, five were liked
    if before:
        noun = Noun(_clause_start(said, place), place, noun.end)
    first = noun.stop if before else noun.end
    for later in range(first, min(first + REACH, len(said.tokens))):
        if said.word(later) in (".", ";", ":", "(") or later in said.mentions:
            break
        share = None if said.taken[later] else share_at(said, later)
        if share and _is_of_them(said, share[1]):
            return Count(place, share[1], None, whole[0] if whole else None, share[0], noun, before=before)
        part = _exact_number(said, later)
        if part is None or not _is_of_them(said, part[1]):
            continue
        if whole is None:
            rest = _part_behind(said, part[1], part[0])
            return _of(place, rest, part[0], noun) if rest else None
        if part[0] <= whole[0]:
            return Count(place, part[1], _less(said, later, part[0], whole[0]), whole[0], "", noun, before=before)
    return None


def _is_of_them(said: Marked, place: int) -> bool:
    """Whether what a number counts is named already: of none, "of them", and no "of the westerns"."""
    return said.word(place) not in _OF or said.word(place + 1) in _WITHOUT_NOUN


def _less(said: Marked, place: int, number: int, whole: int) -> int:
    """What a number counts of so many, where "all but" may stand before it."""
    return number if all_but(said, place) is None else whole - number


def _whole_first(said: Marked, place: int) -> Count | None:
    """Eleven dramas, seven of them liked; the list holds six comedies, and two of those were enjoyed."""
    whole = _exact_number(said, place)
    noun = noun_at(said, whole[1]) if whole else None
    if whole is None or noun is None or noun.begin == noun.end:
        return None
    part = _part_behind(said, noun.end, whole[0])
    return _of(place, part, whole[0], noun) if part else None


def _of(place: int, part: tuple[int | str, int], whole: int, noun: Noun, *, before: bool = False) -> Count:
    """Of so many a part, which is a number or the name of a share."""
    if isinstance(part[0], str):
        return Count(place, part[1], None, whole, part[0], noun, before=before)
    return Count(place, part[1], part[0], whole, "", noun, before=before)


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
        return _of(place, part, first[0], noun, before=True)
    if isinstance(part[0], str) or _outcome_behind(said, part[1]) is not (not outcome):
        return None
    return Count(place, first[1], first[0], first[0] + part[0], "", noun, before=True)


def _part_behind(said: Marked, begin: int, most: int | None) -> tuple[int | str, int] | None:
    """The number of those of which more is said, or the share: "and seven of them", ", 7 liked", "none of which"; with
    the token behind it. `most`: the number of all."""
    for place in range(begin, min(begin + REACH, len(said.tokens))):
        share = None if said.taken[place] or most is None else share_at(said, place)
        if share and _is_told(said, begin, place, share[1]):
            return share[0], _behind_whole(said, share[1], most)
        part = times_at(said, place) if most is not None else None
        part = part or _exact_number(said, place)
        if part is None and (said.word(place) == "." or _names(said, place)):
            return None
        if part is None or (most is not None and part[0] > most):
            continue
        if _is_told(said, begin, place, part[1]):
            return part[0] if most is None else _less(said, place, part[0], most), _behind_whole(said, part[1], most)
    return None


def _behind_whole(said: Marked, place: int, whole: int | None) -> int:
    """The token behind "of the four", where that only says again how many there are."""
    at = place + 1
    while said.word(at) in DETERMINERS:
        at += 1
    number = number_at(said, at)
    return number[1] if said.word(place) in _OF and number and number[0] == whole else place


def _is_told(said: Marked, begin: int, place: int, end: int) -> bool:
    """Whether tokens `place` to `end` count some of what was named, or how it was received stands beside them."""
    of_them = said.word(end) in _OF_THEM or (said.word(end) in _OF and said.word(end + 1) in _WITHOUT_NOUN)
    before = _words_before(said, begin, place)
    return of_them or _outcome_behind(said, end) is not None or outcomes.told(said, before) is not None


def _words_before(said: Marked, begin: int, end: int) -> list[int]:
    """Up to four words right before a token, back to the last mark: "thumbs up for" 2, "with a good word:" 3."""
    end -= end > begin and said.word(end - 1) == ":"
    first = end
    while first > max(begin, end - 4) and said.tokens[first - 1].is_word:
        first -= 1
    return list(range(first, end))


def _names(said: Marked, place: int) -> bool:
    """Whether something else is named here that may be counted; a hit is an outcome."""
    return place in said.mentions or (said.word(place) in said.nouns and said.word(place) not in ("hit", "hits"))


def _exact_number(said: Marked, place: int) -> tuple[int, int] | None:
    """A number, and no "that one" or "every single one"."""
    found = None if said.taken[place] else number_at(said, place)
    if not found or said.word(place) != "one":
        return found
    before = place - 1 - (said.word(place - 1) in ("single", "last"))
    return None if said.word(before) in _ONE or said.word(place - 1) == "last" else found


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
    share = share_at(said, place)
    if share is None:
        return None
    name, at = share
    if said.word(at) in _OF or (said.language == "de" and said.word(at) in _GENITIVES):
        at += 1
    elif name in _OF_TWO and _pairs(said, at):
        return None
    elif name not in _BARE or said.word(at) in (",", ":"):
        after = [at] if at < len(said.tokens) else []
        if said.word(place - 1) == ":" and after and outcomes.told(said, after) is not None:
            return Count(place, at, None, None, name, Noun(_clause_start(said, place), place, place), before=True)
        return None
    while said.word(at) in DETERMINERS:
        at += 1
    whole = 2 if name in _OF_TWO else None
    if number := number_at(said, at):
        whole, at = number
        if said.word(at) in _OF:
            at += 1
            while said.word(at) in DETERMINERS:
                at += 1
    noun = noun_at(said, at)
    return Count(place, noun.end, None, whole, name, noun) if noun and noun.begin < noun.end else None


def _pairs(said: Marked, place: int) -> bool:
    """Neither metal nor novelty songs; both comedies and dramas: two kinds, and no number of them."""
    words = [said.word(at) for at in range(place, place + MOST_OF_A_PAIR)]
    joint = next((at for at, word in enumerate(words) if word in _PAIRING), 0)
    return joint > 0 and all(word[:1].isalnum() for word in words[:joint])


def _clause_start(said: Marked, place: int) -> int:
    """Of the words before a token: the clause, or all of the sentence where the clause names nothing."""
    start = next((at + 1 for at in range(place - 1, -1, -1) if said.word(at) in (";", ".", ",")), 0)
    return start if any(at in said.mentions for at in range(start, place)) else 0
