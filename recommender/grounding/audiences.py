"""Texts about an item: facts of it, and whom it suits or not, told by what those people like."""

from collections.abc import Sequence

from recommender.grounding import links, tables
from recommender.grounding.aspects import aspects_in
from recommender.grounding.clauses import Clause, clauses_of
from recommender.grounding.cues import NOTHING, Cue, cues_in
from recommender.grounding.labels import Label
from recommender.grounding.negations import all_cues
from recommender.grounding.opinions import Context, Opinion, excesses
from recommender.grounding.opinions import opinions_in as tastes_in
from recommender.grounding.phrases import Marked
from recommender.grounding.scores import scores_in
from recommender.grounding.statements import Holder

_GROUPS = tables.sections("audiences")
_PEOPLE = frozenset(" ".join(_GROUPS["people"]).split())
_ADVERBS = frozenset(" ".join(_GROUPS["adverbs"]).split())
_WHO = frozenset(" ".join(_GROUPS["who"]).split())
_FANS = frozenset(" ".join(_GROUPS["fans"]).split())
_FOR_IT = frozenset(" ".join(_GROUPS["for it"]).split())
_AGAINST_IT = frozenset(" ".join(_GROUPS["against it"]).split())
_BEHIND = frozenset(" ".join(_GROUPS["behind"]).split())
_SHARES = frozenset({"most", "some", "many", "several", "few", "all", "both", "half", "none"})
_WANTS = frozenset(" ".join(_GROUPS["wants"]).split())
_SEARCH = [tuple(line.split()) for line in _GROUPS["in search of"]]


def opinions_in(said: Marked, begin: int, label: Label, before: Holder | None = None) -> list[Opinion]:
    """Facts, and tastes of those who like the item and of those who do not. `before`: who the last sentence is of."""
    cues = [cue for cue in all_cues(said) if cue.begin >= begin]
    found: list[Opinion] = []
    holder: Holder | None = "likers" if label == "likes" else "dislikers" if label == "dislikes" else None
    them = before if _speaks_of_them(said, begin) else None
    for clause in _audience_clauses(said, cues, begin):
        group = _group_in(said, clause)
        if them and holder is None and (group is None or clause.begin == begin):
            found += _tastes(said, clause, group if group is not None else clause.begin, them)
        elif group is None and holder is None:
            found += _facts(said, clause)
        else:
            beside = None
            if found and said.word(clause.begin) in ("and", "or", "nor", "und", "oder", "y", "o", "ni", ","):
                beside = found[-1].holder if found[-1].holder != "subject" else None
            found += _tastes(said, clause, group if group is not None else clause.begin, holder, beside)
        blamed = {opinion.aspect.begin for opinion in found}
        for excess in excesses(said, clause):
            if excess.aspect.begin not in blamed:  # nobody who likes an item says so of it
                excess.holder = holder or "dislikers"
                found.append(excess)
    return [opinion for opinion in found if opinion.polarity != NOTHING]


def holder_of(said: Marked, found: Sequence[Opinion]) -> Holder | None:
    """Whom a sentence that goes on with "they" speaks of."""
    holders = [opinion.holder for opinion in found if opinion.holder != "subject"]
    if holders:
        return holders[-1]
    words = {token.word for token in said.tokens}
    return "likers" if words & _FOR_IT else "dislikers" if words & _AGAINST_IT else None


def _speaks_of_them(said: Marked, begin: int) -> bool:
    """They, some of them, what they: at the begin of a sentence."""
    words = [said.word(place) for place in range(begin, begin + 4)]
    return "they" in words[:2] or (words[0] in _SHARES and words[1:3] == ["of", "them"])


def _audience_clauses(said: Marked, cues: Sequence[Cue], begin: int) -> list[Clause]:
    """Clauses, cut as well where the next group of people begins."""
    clauses: list[Clause] = []
    for clause in _with_remarks(said, clauses_of(said, cues, begin)):
        start = clause.begin
        seen = False
        for place in range(clause.begin, clause.end):
            if _is_group(said, place):
                if seen and (cut := _last_join(said, start + 1, place)):
                    clauses.append(Clause(start, cut, clause.opener))
                    start = cut
                seen = True
        clauses.append(Clause(start, clause.end, clause.opener))
    for clause in clauses:
        clause.cues = [cue for cue in cues if clause.begin <= cue.end - 1 < clause.end]
    return clauses


def _with_remarks(said: Marked, clauses: Sequence[Clause]) -> list[Clause]:
    """In order, each with what stands in brackets behind it, "Heat (rated 2) and Ran", unless that names people."""
    found: list[Clause] = []
    is_inside = False  # whether the last one goes on behind its brackets
    for clause in sorted(clauses, key=lambda clause: clause.begin):
        opens = clause.opener == "(" and _group_in(said, clause) is None
        if found and (opens or (is_inside and clause.opener == ")" and _group_in(said, clause) is None)):
            found[-1].end = clause.end
        else:
            found.append(clause)
        is_inside = opens or (is_inside and clause.opener != ")")
    return found


def _last_join(said: Marked, begin: int, end: int) -> int:
    """Where the words that lead to the next group begin: "and disliked by those", "not by those"."""
    for place in range(end - 1, max(begin, end - 6) - 1, -1):
        if said.word(place) in ("and", ",", "or", "und", "y", "but", "not", "nicht", "aber", "pero"):
            return place
    return 0


def _is_group(said: Marked, place: int) -> bool:
    word, following = said.word(place), said.word(place + 1)
    if said.taken[place]:
        return False
    if following == "," and said.language == "de":  # Leute, die Western mögen
        following = said.word(place + 2)
    before = said.word(place - 1)
    if word == "you" and before in ("if", "that"):
        return before == "if"
    if word in _FOR_IT | _AGAINST_IT and before in ("its", "the", "whose"):
        return True
    if word in _FANS and place and said.taken[place - 1]:
        return True
    if word in (
        "those",
        "anyone",
        "everyone",
        "nobody",
        "people",
        "viewers",
        "readers",
        "wer",
        "quienes",
        "someone",
        "whoever",
    ):
        return word != "those" or following in _WHO or following.endswith("ing")
    return word in _PEOPLE and (following in _WHO or following in _BEHIND)


def _group_in(said: Marked, clause: Clause) -> int | None:
    return next((place for place in range(clause.begin, clause.end) if _is_group(said, place)), None)


def _facts(said: Marked, clause: Clause) -> list[Opinion]:
    facts = []
    for aspect in aspects_in(said, clause.begin, clause.end, phrases=False):
        negated = said.word(aspect.begin - 1) in links.NEGATORS
        if not (aspect.is_title or negated or aspect.link in ("flip", "aside")):
            facts.append(Opinion(aspect, None, 0.75, clause.begin, clause.end))
    return facts


def _tastes(
    said: Marked, clause: Clause, group: int, holder: Holder | None, beside: Holder | None = None
) -> list[Opinion]:
    """What a group likes, held by likers or dislikers of the item. `beside`: who the group is joined to with "or"."""
    outcomes = [cue for cue in cues_in(said.tokens, said.taken, "outcomes") if clause.begin <= cue.begin < clause.end]
    before = [cue for cue in outcomes if cue.end <= group and cue.side == ">"]
    behind = [cue for cue in outcomes if cue.begin > group and cue.side == "<" and not _is_about_else(said, cue)]
    begin, end = _skip_who(said, group, clause.end), clause.end
    sign: int | None = None
    end = _relative_end(said, begin, end)
    if group and said.taken[group - 1] and said.word(group) in _FANS:  # horror fans
        begin, end = clause.begin, group
        before = [cue for cue in before if not any(said.taken[clause.begin : cue.begin])]
    about_item = [cue for cue in behind if cue.begin - group <= 5 and _only_small(said, group + 1, cue.begin)]
    about_item += [cue for cue in scores_in(said.tokens, said.taken) if group < cue.begin < group + 6]
    if said.word(group) in _AGAINST_IT:
        sign = -1
    elif about_item and end == clause.end:  # "those who liked it prefer war"
        sign, begin = _sign(said, about_item[0]), about_item[0].end
    elif before:
        sign = _sign(said, before[-1])
    elif behind:
        sign, end = _sign(said, behind[-1]), min(end, _subject_end(said, behind[-1]))
    elif said.word(group) == "nobody":
        sign = 1
    if said.word(group) == "nobody" and sign is not None:
        sign = abs(sign)
    whose: Holder = holder or (beside if sign is None and beside else "dislikers" if sign == -1 else "likers")
    end = max(end, begin)
    part = Marked(said.text, said.tokens[:end], said.mentions, said.taken[:end], said.nouns, said.language)
    told = [opinion for opinion in _facts(said, Clause(clause.begin, group)) if not before and end == clause.end]
    opinions = [opinion for opinion in tastes_in(part, begin, Context(1, True)) if opinion.aspect.begin >= begin]
    for opinion in opinions:
        opinion.holder = whose
        opinion.begin, opinion.end = clause.begin, clause.end
    return [*told, *opinions]


def _relative_end(said: Marked, begin: int, end: int) -> int:
    """Where a German relative clause ends: behind its verb."""
    if said.language != "de" or said.word(begin - 1) != "die":
        return end
    verbs = {cue.end for cue in all_cues(said) if cue.begin >= begin}
    return next((at for at in range(begin, end) if said.word(at) == "," and at in verbs), end)


def _is_about_else(said: Marked, cue: Cue) -> bool:
    """Bored by letters, not by the item."""
    return said.word(cue.end) in ("by", "of", "with") and said.word(cue.end + 1) not in ("it", "this", "them")


def _only_small(said: Marked, begin: int, end: int) -> bool:
    """Whether nothing is said between: "those who really liked it", not "those who avoid gore will like it"."""
    small = _WHO | _ADVERBS | links.VERBS | links.NEGATORS | links.PRONOUNS | links.INTENSIFIERS | links.DETERMINERS
    return all(not said.taken[at] and said.word(at) in small - _WANTS for at in range(begin, end))


def _sign(said: Marked, outcome: Cue) -> int:
    """With a negation right before it: not recommended for; will not enjoy it."""
    words = [said.word(place) for place in range(max(0, outcome.begin - 3), outcome.begin)]
    polarity = outcome.polarity or 1
    negated = any(word in links.NEGATORS or word == "unlikely" for word in words if word not in ("no", "few", "little"))
    return -polarity if negated and said.word(outcome.begin) not in ("not", "no") else polarity


def _skip_who(said: Marked, group: int, end: int) -> int:
    """Where what a group likes begins: behind "viewers who want", "fans of", "anyone hoping for"."""
    place = group + 1 + (said.language == "de" and said.word(group + 1) == ",")
    while place < end and (said.word(place) in _WHO - _WANTS or said.word(place) in _ADVERBS):
        place += 1
    verb = place < end and said.word(place) in _WANTS
    if verb:
        place += 1
        while place < end and said.word(place) in ("to", "for", "about", "in", "a", "an", "with", "up"):
            place += 1
    elif place < end and said.word(place) in ("of", "von", "de", "with", "who"):
        place += 1
    for words in _SEARCH:
        start = place + (said.word(place) in links.VERBS)
        if words == tuple(said.word(at) for at in range(start, start + len(words))):
            return min(start + len(words), end)
    return min(place, end)


def _subject_end(said: Marked, cue: Cue) -> int:
    """The end of what stands before a predicate: without its auxiliary verbs."""
    place = cue.begin
    while (
        place > 0 and not said.taken[place - 1] and said.word(place - 1) in links.VERBS | links.NEGATORS | {"usually"}
    ):
        place -= 1
    return place
