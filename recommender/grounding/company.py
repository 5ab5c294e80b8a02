"""Whether a word that may mean a catalog's value has the company that it needs to mean it (lexicon.Role)."""

from recommender.grounding.lexicon import Mention
from recommender.grounding.phrases import Marked

_WHERE = frozenset({"in", "to", "through", "across", "around", "near"})  # before a place where something is set
_MADE = frozenset({"made", "produced", "shot", "gedreht", "hecha", "hecho"})  # where it is made, on the other hand
_SOMETHING = frozenset({"something", "anything", "everything", "nothing", "etwas", "nichts", "alles", "algo", "nada"})
_BEFORE_YEAR = frozenset(
    {"in", "from", "of", "year", "von", "aus", "de", "to", "for", "im", "jahr", "released", ":"}
)  # fmt: skip
_YEARS = frozenset({"year", "released", "release", "jahr", "ano", "published", "date"})
# Before a weak noun: the war, her family.
_OWNERS = frozenset({"the", "his", "her", "their", "my", "our", "der", "die", "das", "of", "world", "civil", "own"})
_COUNTED = frozenset({"war", "family", "history", "crime", "sport", "business", "short", "classic", "science"})


def has_company(said: Marked, mention: Mention, begin: int, end: int, *, is_condition: bool) -> bool:
    """Inside tokens `begin` to `end`. `is_condition`: they say when something is liked ("if they are British")."""
    before, after = said.word(mention.begin - 1), said.word(mention.end) if mention.end < end else ""
    beside = mention.end in said.mentions and mention.end < end
    if mention.begin == begin and mention.role == "weak":
        return True
    if mention.role == "adjective":
        if before in _SOMETHING:
            return True
        if is_condition or (said.language != "en" and mention.end - mention.begin == end - begin):
            return True
        if after in said.nouns or beside or (before in said.nouns and said.language == "es"):
            return True
        if said.language in ("es", "de") and _follows_another(said, mention, begin):
            return True
        later = range(mention.end, min(end, mention.end + 3))
        if any(place in said.mentions or said.word(place) in said.nouns for place in later):
            return True
        return mention.end >= end and said.word(end) in ("and", "or", ",", "und", "oder", "y", "o", "/")
    if mention.role == "weak":
        if after in said.nouns or beside or (after and after.endswith(("films", "filme"))):
            return True
        if before in ("of", "de") and said.word(mention.begin - 2) in said.nouns:
            return True  # films of crime
        return before not in _OWNERS and not (before in ("a", "an") and said.word(mention.begin) in _COUNTED)
    if mention.role == "place":
        two_before = said.word(mention.begin - 2)
        if before in ("the", "der", "den", "los", "las"):
            before, two_before = two_before, said.word(mention.begin - 3)
        return before not in _WHERE or two_before in _MADE
    if mention.role == "year":
        return before in _BEFORE_YEAR or after in said.nouns or beside or _is_listed(said, mention)
    return True


def _is_listed(said: Marked, year: Mention) -> bool:
    """**Year:** 1959; (fast, American, 1938): alone between marks, behind a label or what else is known."""
    last = year.begin - 1
    while last >= 0 and said.word(last) in ("*", ":"):
        last -= 1
    if said.word(year.end)[:1].isalnum() or last < 0 or (last == year.begin - 1 and said.word(last) != ","):
        return False
    ends = {other.end for other in said.mentions.values()}
    return said.word(last) in _YEARS if last < year.begin - 1 else last in ends


def _follows_another(said: Marked, mention: Mention, begin: int) -> bool:
    others = [said.mentions[place] for place in range(begin, mention.begin) if place in said.mentions]
    return any(other.end == mention.begin for other in others)
