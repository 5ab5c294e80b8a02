"""Reasons are tested against the score: what a served item cites raised it, and is so."""

import random
from collections.abc import Iterator

import pytest

from recommender.models import Catalog, EndUser
from recommender.serving.recommend import preview
from recommender.serving.served import ServedItem
from recommender.serving.types import StatementReason
from recommender.statements.queries import acting
from tests.recommender.training import synthetic

pytestmark = [pytest.mark.django_db, pytest.mark.once]

WHOLE = 100  # more than there are films
TEXTS = (
    "They adore westerns and comedies from the 1950s. No more horror, please. Dramas bore them.",
    "They love horror and enjoy films from the 1960s. They avoid comedies. They hate dramas.",
    "She likes dramas from the 1970s, and westerns. She can't stand musicals. Horror leaves her cold.",
)


def citations(item: ServedItem) -> Iterator[tuple[StatementReason, bool]]:
    """Each cited statement, and whether the item is said to stand there for it or in spite of it."""
    return ((reason, reason.direction == "for") for reason in item.of(StatementReason))


def scores(end_user: EndUser, **supposing: object) -> dict[str, float]:
    return {item.item_id: item.score or 0.0 for item in preview(end_user, limit=WHOLE, **supposing).items}


def meets(catalog: Catalog, item_id: str, key: str) -> bool:
    """Whether the film has all facets of a key, by its attributes alone."""
    attributes = catalog.items.get(external_id=item_id).attributes
    found = []
    for facet in key.split(" & "):
        name, _, value = facet.partition("=")
        if name == "year":
            first, last = map(int, value.split("-"))
            found.append(first <= attributes["year"] <= last)
        else:
            found.append(value in attributes[name])
    return all(found)


@pytest.mark.parametrize("text", TEXTS)
def test_taking_a_cited_statement_away_moves_its_item_back(ranked: Catalog, reader: EndUser, text: str) -> None:
    synthetic.approve(reader, text)
    said = acting(reader)
    whole = scores(reader)
    source = random.Random(0)
    checked = 0
    for item in preview(reader, limit=WHOLE, level="full").items:
        cited = list(citations(item))
        others = [one for one in said if one.pk not in {each.statement_id for each, _ in cited}]
        for one, raises in cited:
            without = scores(reader, said=[each for each in said if each.pk != one.statement_id])
            drop = whole[item.item_id] - without[item.item_id]
            assert (drop > 0) if raises else (drop < 0)
            if others:  # nothing else of this text moves the item at all
                other = source.choice(others)
                unmoved = scores(reader, said=[each for each in said if each is not other])
                assert abs(whole[item.item_id] - unmoved[item.item_id]) < abs(drop)
            checked += 1
    assert checked >= 5


@pytest.mark.parametrize("text", TEXTS)
def test_no_reason_contradicts_its_item(ranked: Catalog, reader: EndUser, text: str) -> None:
    synthetic.approve(reader, text)
    key_of = {one.pk: one.said.key for one in acting(reader)}
    cited = [
        (item.item_id, one, raises)
        for item in preview(reader, limit=WHOLE, level="short").items
        for one, raises in citations(item)
    ]
    assert cited
    for item_id, one, raises in cited:
        assert meets(ranked, item_id, key_of[one.statement_id])
        assert (one.polarity, one.effect > 0) == (("likes", True) if raises else ("dislikes", False))
