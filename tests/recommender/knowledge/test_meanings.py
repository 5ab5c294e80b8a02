"""What phrases mean in the words of approved texts: found by a worker, once, and let go of with what it came from."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from numpy.typing import NDArray

from recommender.erasure import service as erasure
from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.knowledge import encoder, meanings
from recommender.knowledge.service import reject
from recommender.models import Account, Catalog, EndUser, Item, PhraseMeaning, SubjectKind, TermVector, Turn
from recommender.runs.errors import EncoderError
from recommender.serving.catalog_index import index_of
from recommender.serving.recommend import preview
from recommender.serving.remembered import Memory, keep_reason
from recommender.serving.steering import steering_of
from recommender.serving.types import OwnStatementReason
from recommender.statements import aspects, own
from recommender.statements.phrases import Sentence
from tests import builders
from tests.recommender.training.synthetic import approve

pytestmark = pytest.mark.django_db
TEXTS = {
    "i1": "Thieves plan the perfect robbery.",
    "i2": "A farmer grows old. There is no robbery.",
    "i3": "A farmer and his dog.",
}
# Two dimensions are enough: robberies, and everything else. Between the two lies what is nearly a robbery.
VAULT = "By night four friends empty a vault, while the guards of the bank are fast asleep."
TOWARDS = {"robbery": 0.0, "überfälle": 0.4, "heists": 0.3, "wetter": -1.2, VAULT.casefold(): 0.9}


class Fake:
    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str], *, done: Any) -> NDArray[np.float32]:
        self.encoded += texts
        angles = np.array([TOWARDS.get(text.casefold(), 1.5) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    made = Fake()
    monkeypatch.setattr(encoder, "load", lambda name: made)
    monkeypatch.setattr(aspects, "other_words", lambda phrase: ())  # what the encoder finds, and no table
    meanings._LOOKED_AT.clear()
    yield made
    aspects.KEPT.clear()


@pytest.fixture
def catalog(db: None) -> Catalog:
    catalog = builders.make_catalog()
    for name, text in TEXTS.items():
        approve(builders.make_item(catalog, external_id=name), text)
    return catalog


def says(catalog: Catalog, phrase: str) -> EndUser:
    end_user = EndUser.objects.filter(catalog=catalog).select_related("catalog").first()
    end_user = end_user or builders.make_end_user(catalog)
    own.say(end_user, [Said((Facet("phrase", "", phrase),), "likes")], quotes=[phrase], now=timezone.now())
    return end_user


def meeting(catalog: Catalog, phrase: str) -> dict[str, float]:
    aspects.KEPT.clear()  # as if a minute had passed
    found = aspects.aspects_of(catalog)
    met = found.met([Facet("phrase", "", phrase)])
    names = [found.external_ids[place] for place in met.places]
    return dict(zip(names, [1.0] * len(names) if met.degrees is None else met.degrees.tolist(), strict=True))


def test_a_phrase_meets_texts_that_say_it_in_other_words_but_less_surely(catalog: Catalog) -> None:
    says(catalog, "Filme über Überfälle")
    assert meeting(catalog, "Filme über Überfälle") == {}

    assert meanings.find(catalog) == 1

    (degree,) = meeting(catalog, "filme über  Überfälle").values()
    assert set(meeting(catalog, "Filme über Überfälle")) == {"i1"}  # i2 lacks one
    assert 0.5 < degree < 1


def test_what_is_unlike_everything_meets_nothing(catalog: Catalog) -> None:
    says(catalog, "Wetter")
    meanings.find(catalog)
    assert PhraseMeaning.objects.get().terms == []
    assert meeting(catalog, "Wetter") == {}


def test_everything_is_encoded_once(catalog: Catalog, fake: Fake) -> None:
    says(catalog, "heists")
    meanings.find(catalog)
    first, fake.encoded = fake.encoded, []
    says(catalog, "Überfälle")
    meanings.find(catalog)
    meanings.find(catalog)

    assert len(first) == len(set(first))
    assert {"heists", "robbery", "dog"} <= set(first)
    assert fake.encoded == ["Überfälle"]


def test_words_that_no_text_has_any_more_are_let_go(catalog: Catalog) -> None:
    says(catalog, "heists")
    meanings.find(catalog)
    reject(catalog.knowledge.get(item__external_id="i3").turn)
    assert TermVector.objects.filter(term="dog").exists()
    meanings.find(catalog)
    assert not TermVector.objects.filter(term="dog").exists()
    reject(catalog.knowledge.get(item__external_id="i1").turn)
    assert meeting(catalog, "heists") == {}


def test_without_its_encoder_phrases_are_met_by_their_own_words(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise EncoderError("not here")

    monkeypatch.setattr(encoder, "load", missing)
    says(catalog, "heists")
    assert meanings.find_missing() == 0
    assert meeting(catalog, "heists") == {}
    assert set(meeting(catalog, "robbery")) == {"i1"}


@pytest.mark.django_db(transaction=True)  # PostgreSQL stamps what was written when it is committed
def test_only_catalogs_that_changed_are_looked_at(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Catalog] = []
    monkeypatch.setattr(meanings, "find", lambda each: looked.append(each) or 0)
    meanings.find_missing()
    meanings.find_missing()
    assert looked == [catalog]
    says(catalog, "heists")
    meanings.find_missing()
    assert looked == [catalog, catalog]


def test_a_list_moves_by_degree_and_its_reason_shows_the_sentence(catalog: Catalog) -> None:
    end_user = says(catalog, "heists")
    meanings.find(catalog)
    aspects.KEPT.clear()

    served = preview(end_user, limit=3, level="full")

    assert served.items[0].item_id == "i1"
    (reason,) = served.items[0].of(OwnStatementReason)
    assert reason.sentence is not None
    assert (reason.sentence.quote, reason.sentence.term) == (TEXTS["i1"], "robbery")
    index = index_of(catalog)
    steering = steering_of(end_user, index, strength=1.0)
    place = int(steering.moves[0].places[0])
    ((weaker,),) = steering.of([place])
    ((full, also),) = steering_of(says(catalog, "robbery"), index, strength=1.0).of([place])
    assert also == weaker  # what weighs most first
    assert 0 < weaker.effect < full.effect


def test_a_replay_has_the_sentence_while_its_text_is_there(catalog: Catalog) -> None:
    said = Sentence(catalog.knowledge.get(item__external_id="i1").turn_id, 0, 33, TEXTS["i1"], "robbery")
    (row,) = own.of(says(catalog, "heists"))
    kept = keep_reason(OwnStatementReason(row.pk, "heists", "likes", "heists", 0.5, 0.25, "for", sentence=said))
    assert TEXTS["i1"] not in str(kept)

    (again,) = Memory.of(catalog, [], [kept], level="full").reasons([kept])
    assert getattr(again, "sentence") == said  # noqa: B009 - one of many kinds of reasons

    Turn.objects.filter(pk=said.turn_id).update(text="")
    (erased,) = Memory.of(catalog, [], [kept], level="full").reasons([kept])
    assert getattr(erased, "sentence") is None  # noqa: B009


def described(catalog: Catalog) -> str:
    told = "A gang of old friends agrees on one more robbery."
    builders.make_item(catalog, external_id="i9", description=told)
    return told


def test_what_describes_an_item_has_terms_like_an_approved_text(catalog: Catalog, fake: Fake) -> None:
    told = described(catalog)
    says(catalog, "heists")
    meanings.find(catalog)
    assert {"robbery", "gang", "friends"} <= set(fake.encoded)
    assert set(meeting(catalog, "heists")) == {"i1", "i9"}
    catalog.knowledge.all().delete()
    meanings.find(catalog)
    assert set(meeting(catalog, "heists")) == {"i9"}
    Item.objects.filter(external_id="i9").update(attributes={"description": told.replace("robbery", "picnic")})
    meanings.find(catalog)
    assert meeting(catalog, "heists") == {}
    assert not TermVector.objects.filter(term="robbery").exists()


@pytest.mark.django_db(transaction=True)  # as above
def test_a_description_that_came_since_is_looked_at(catalog: Catalog) -> None:
    says(catalog, "heists")
    meanings.find_missing()
    described(catalog)
    assert meanings.find_missing() == 1
    assert meanings.find_missing() == 0


def test_a_reason_says_that_the_description_says_so_and_a_replay_says_it_as_it_was(catalog: Catalog) -> None:
    told = described(catalog)
    end_user = says(catalog, "robbery")
    aspects.KEPT.clear()
    listed = {each.item_id: each for each in preview(end_user, limit=9, level="full").items}
    (reason,) = listed["i9"].of(OwnStatementReason)
    assert reason.sentence == Sentence(None, 0, len(told), told, "", "description")

    (row,) = own.of(end_user)
    kept = keep_reason(replace(reason, statement_id=row.pk))
    Item.objects.filter(external_id="i9").update(attributes={})
    (again,) = Memory.of(catalog, [], [kept], level="full").reasons([kept])
    assert getattr(again, "sentence") == reason.sentence  # noqa: B009


@pytest.mark.parametrize("kind", [SubjectKind.END_USER, SubjectKind.ITEM])
def test_nothing_is_left_of_who_or_what_is_erased(catalog: Catalog, kind: SubjectKind) -> None:
    end_user = says(catalog, "heists")
    meanings.find(catalog)
    lead: Account = builders.make_account()
    erasure.erase(catalog, kind, end_user.external_id if kind == SubjectKind.END_USER else "i1", by=lead)
    assert not PhraseMeaning.objects.exists()
    assert TermVector.objects.exists() == (kind == SubjectKind.END_USER)


def test_a_sentence_tells_of_what_no_word_says_where_no_word_is_near(db: None, fake: Fake) -> None:
    catalog = builders.make_catalog()
    told = builders.make_item(catalog, external_id="i1", plot=VAULT)
    builders.make_item(catalog, external_id="i2", plot="A farmer and his dog walk through the rain to the next town.")
    says(catalog, "heists")
    meanings.find(catalog)

    ((name, degree),) = meeting(catalog, "heists").items()
    assert (name, 0.5 < degree < 1) == ("i1", True)
    found = aspects.aspects_of(catalog)
    sentence = found.sentence([Facet("phrase", "", "heists")], found.external_ids.index("i1"))
    assert sentence is not None
    assert (sentence.quote, sentence.term, sentence.attribute) == (VAULT, "", "plot")

    fake.encoded.clear()
    told.attributes = {"plot": "Nothing of the kind happens to anybody in this quiet little film."}
    told.save()
    meanings.find(catalog)
    assert meeting(catalog, "heists") == {}
    assert not TermVector.objects.filter(term=meanings._hashed(VAULT)).exists()
    assert VAULT not in fake.encoded
