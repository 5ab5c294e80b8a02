"""Which items meet a phrase: by title and attributes, and by what approved texts about items tell."""

from collections.abc import Iterator

import pytest
from django.utils import timezone

from recommender.grounding.statements import Facet
from recommender.grounding.told import Listed
from recommender.knowledge.service import reject
from recommender.models import Catalog, Item, ListedBy, Turn
from recommender.statements import aspects, service
from tests import builders
from tests.recommender.training.synthetic import approve

pytestmark = pytest.mark.django_db
TEXTS = {
    "i1": "A crew plans one last heist. The robots are played for laughs.",
    "i2": "It is not a heist film, unlike what its title promises.",
    "i3": "Somebody walks into a prison. Years later the bank falls for a plan.",
    "i4": "",
    "i6": "A spy lives through two robberies among zombies.",
}


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    yield
    aspects.KEPT.clear()


@pytest.fixture
def catalog(db: None) -> Catalog:
    catalog = builders.make_catalog()
    for name, text in TEXTS.items():
        title = "The Heist of Naples (1964)" if name == "i4" else ""
        item = builders.make_item(catalog, title, external_id=name)
        if text:
            approve(item, text)
    return catalog


def meeting(catalog: Catalog, phrase: str) -> list[str]:
    aspects.KEPT.clear()  # as if a minute had passed
    found = aspects.aspects_of(catalog)
    return [found.external_ids[place] for place in found.meeting([Facet("phrase", "", phrase)])]


def test_what_is_read_again_and_says_the_same_stays_with_what_it_found(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every text is looked through for a phrase once, not once a minute."""
    monkeypatch.setattr(aspects, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(aspects, "REST_PER_WORK", 0.0)
    aspects.KEPT.clear()
    first = aspects.aspects_of(catalog)
    assert first.meeting([Facet("phrase", "", "heist")]).size
    assert aspects.aspects_of(catalog) is first
    item = Item.objects.get(external_id="i6")
    changes = [
        lambda: Item.objects.filter(pk=item.pk).update(title="Heist"),
        lambda: Item.objects.filter(pk=item.pk).update(attributes={"genres": ["Heist"]}),
        lambda: approve(item, "It is a heist, too.", as_of=3000),
        lambda: Item.objects.filter(pk=item.pk).update(external_id="i7"),
        lambda: builders.make_item(catalog, "", external_id="i8"),
    ]
    for change in changes:
        before = aspects.aspects_of(catalog)
        change()
        now = aspects.aspects_of(catalog)
        assert now is not before
        assert aspects.aspects_of(catalog) is now
    assert "i7" in [now.external_ids[place] for place in now.meeting([Facet("phrase", "", "heist")])]


@pytest.mark.parametrize(
    ("phrase", "items"),
    [
        ("heists", ["i1", "i4", "i6"]),  # not what a text denies; a robbery is one in other words
        ("heist films", ["i1", "i4", "i6"]),
        ("Filme über Raubüberfälle", ["i1", "i6"]),
        ("set in a prison", ["i3"]),
        ("prison plan", []),  # two sentences
        ("spies", ["i6"]),
        ("a bank robbery", []),
        ("robbery", ["i1", "i6"]),
        ("robberies", ["i1", "i6"]),
        ("zombie films", ["i6"]),
        ("without robots", []),
        ("films", []),  # all of them, and nobody asks for that
    ],
)
def test_a_phrase_is_met_by_title_or_by_one_sentence_of_an_approved_text(
    catalog: Catalog, phrase: str, items: list[str]
) -> None:
    assert meeting(catalog, phrase) == items


def test_a_rejected_text_tells_nothing(catalog: Catalog) -> None:
    reject(catalog.knowledge.get(item__external_id="i1").turn)
    assert meeting(catalog, "heists") == ["i4", "i6"]


def listed_by_a_model(item: Item, text: str, *phrases: str) -> Turn:
    """An approved text with what its model listed of it."""
    turn = approve(item, text)
    turn.statements.all().delete()
    said = [Listed(phrase, phrase, "neutral").to_json() for phrase in phrases]
    Turn.objects.filter(pk=turn.pk).update(reader=None, listed={"by": ListedBy.WITH_TEXT, "statements": said})
    service.read(service.unread().filter(pk=turn.pk))
    return turn


def test_a_fact_that_a_model_listed_is_met_whatever_its_sentence_denies_until_it_is_struck(catalog: Catalog) -> None:
    item = builders.make_item(catalog, external_id="i5")
    turn = listed_by_a_model(item, "A slow-burning heist without any violence.", "slow-burning heist", "space travel")
    assert [row.key for row in turn.statements.all() if row.polarity == "neutral"] == ["phrase=slow-burning heist"]
    assert meeting(catalog, "slow-burning heists") == ["i5"]
    assert meeting(catalog, "violence") == []
    turn.statements.update(ended_at=timezone.now())
    assert meeting(catalog, "slow-burning heists") == []
    turn.statements.update(ended_at=None)
    reject(turn)
    assert meeting(catalog, "slow-burning heists") == []


STORY = "A gang tunnels under a casino in Lisbon. It is not set in a prison."


def described(catalog: Catalog) -> Item:
    made = builders.make_item(catalog, external_id="i5", genres=["Crime"], synopsis=STORY)
    aspects.KEPT.clear()
    return made


def test_what_describes_an_item_tells_of_it_like_an_approved_text_and_says_where(catalog: Catalog) -> None:
    described(catalog)
    assert meeting(catalog, "casinos") == ["i5"]
    assert meeting(catalog, "casino prison") == []  # two sentences, and one denies
    assert meeting(catalog, "set in a prison") == ["i3"]
    (casino,) = [Facet("phrase", "", "casinos")]
    found = aspects.aspects_of(catalog)
    sentence = found.sentence([casino], found.external_ids.index("i5"))
    assert sentence is not None
    assert (sentence.turn_id, sentence.attribute) == (None, "synopsis")
    assert sentence.quote == STORY[: sentence.end] == "A gang tunnels under a casino in Lisbon."


def test_of_an_approved_text_and_a_description_the_text_is_cited(catalog: Catalog) -> None:
    approve(described(catalog), "It plays in a casino.")
    aspects.KEPT.clear()
    found = aspects.aspects_of(catalog)
    sentence = found.sentence([Facet("phrase", "", "casino")], found.external_ids.index("i5"))
    assert sentence is not None
    assert sentence.turn_id is not None
    assert (sentence.quote, sentence.attribute) == ("It plays in a casino.", "")


def test_a_description_is_no_value(catalog: Catalog) -> None:
    described(catalog)
    found = aspects.aspects_of(catalog)
    assert set(found.values_of) == {"genres"}
    assert found.attributes[found.external_ids.index("i5")] == {"genres": ["Crime"]}
    assert not len(found.meeting([Facet("attribute", "synopsis", STORY)]))
