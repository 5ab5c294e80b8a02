"""What stands for a kind that is said before, or narrows it."""

import pytest

from recommender.grounding.aspects import Aspect
from recommender.grounding.referring import take_over
from recommender.grounding.statements import Facet

JAPAN, ANIMATION = Facet("attribute", "country", "Japan"), Facet("attribute", "genres", "Animation")
FRANCE = Facet("attribute", "country", "France")
OLD, TALKY, DRAGONS = (Facet("phrase", "", value) for value in ("old", "talky ones", "dragons"))


@pytest.mark.parametrize(
    ("own", "taken"),
    [
        ((DRAGONS,), (JAPAN, ANIMATION, OLD, DRAGONS)),  # old Japanese animation, those with dragons
        ((FRANCE,), (ANIMATION, OLD, FRANCE)),  # those from France are not from Japan
        ((TALKY,), (JAPAN, ANIMATION, Facet("phrase", "", "talky"))),  # nor are talky ones the old ones
        ((ANIMATION,), (ANIMATION,)),  # "if it's animated" says its kind itself
    ],
)
def test_it_has_what_was_said_of_the_kind(own: tuple[Facet, ...], taken: tuple[Facet, ...]) -> None:
    before = Aspect((JAPAN, ANIMATION, OLD), 0, 3)
    aspect = Aspect(own, 5, 6, stands_for=True, is_phrase=own[0].kind == "phrase")
    take_over(aspect, None, [before, Aspect((FRANCE,), 8, 9)])

    assert aspect.facets == taken
