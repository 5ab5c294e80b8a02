"""What one noun phrase tells of an item is one fact: a thriller by Spielberg, made for television."""

from collections.abc import Sequence
from dataclasses import replace

from recommender.grounding import links
from recommender.grounding.aspects import MADE, Aspect
from recommender.grounding.opinions import Opinion
from recommender.grounding.phrases import Marked, is_small
from recommender.grounding.statements import Facet

_ABOUT = frozenset({"about", "uber", "sobre"})
_JOINTS = (links.JOINTS - {"the", "as", "well"}) | _ABOUT | {"with", "mit", "con"}
_FROM = frozenset({"from", "aus", "first"})
_PARTICIPLES = ("ed", "ado", "ada", "ido", "ida", "ert", "told", "set", "written", "shot")


def joined(said: Marked, opinions: Sequence[Opinion]) -> list[Opinion]:
    """Facts beside each other with nothing but small words between are one, in the order of their places."""
    found: list[Opinion] = []
    for opinion in opinions:
        if _is_fact(opinion):
            opinion.aspect.facets = _without_plot(said, opinion.aspect)
        last = found[-1] if found else None
        if last and _is_fact(last) and _is_fact(opinion) and _is_beside(said, last, opinion):
            facets = tuple(dict.fromkeys((*last.aspect.facets, *opinion.aspect.facets)))
            aspect = replace(last.aspect, facets=facets, end=opinion.aspect.end)
            found[-1] = replace(last, aspect=aspect, end=max(last.end, opinion.end))
        else:
            found.append(opinion)
    return found


def _without_plot(said: Marked, aspect: Aspect) -> tuple[Facet, ...]:
    """A documentary about a strike: what happens in an item is no fact of taste."""
    inside = range(aspect.begin, aspect.end)
    about = next((said.tokens[at].start for at in inside if said.word(at) in _ABOUT and not said.taken[at]), None)
    if about is None or aspect.is_phrase:
        return aspect.facets
    end = said.tokens[aspect.end - 1].end
    return tuple(each for each in aspect.facets if each.kind != "phrase" or each.value not in said.text[about:end])


def _is_fact(opinion: Opinion) -> bool:
    return opinion.polarity is None and opinion.holder == "subject" and not opinion.aspect.is_title


def _is_beside(said: Marked, first: Opinion, second: Opinion) -> bool:
    begin, end = first.aspect.end, second.aspect.begin
    if first.aspect.is_phrase:
        return False
    between = said.tokens[begin:end]
    words = [token.word for token in between if token.is_word]
    marks = [token.word for token in between if not token.is_word]
    if end < begin or len(words) > 4 or _JOINTS.intersection(words) or marks not in ([], [","]):
        return False
    if any(word in links.VERBS and word not in MADE for word in words):
        return False
    if not marks:
        return all(is_small(word) or word in said.nouns or word in MADE for word in words)
    comma = next(at for at in range(begin, end) if not said.tokens[at].is_word)
    opening = said.word(comma + 1)  # ", made in Japan", ", without a word", ", set in Paris"
    return opening in links.KEPT | MADE | _FROM or opening.endswith(_PARTICIPLES)
