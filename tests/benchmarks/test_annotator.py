import pytest

from benchmarks.annotator import Annotator
from benchmarks.planted import About, Planted, judged
from recommender.catalogs.sample import truth
from recommender.models import Knowledge, Round, RoundState
from recommender.rounds.core.types import Encounter, Subject
from reviews.models import Review
from reviews.room.opening import open_review
from tests import builders

TASTE = next(taste for taste in truth.tastes() if taste.user_id == "u007")  # horror; no musicals; no rule about either
LOVED, AVOIDED = TASTE.loves[0].lower(), TASTE.avoids[0].lower()
RIGHT, WRONG = f"They enjoy {LOVED} movies.", f"They enjoy {AVOIDED} movies."
HISTORY = tuple(
    Encounter(film.title, 4.0, True, {"genres": list(film.genres), "director": film.director})
    for film in truth.films()[:40]
)
SUBJECT = Subject(kind="end_user", item_noun="movie", rating_max=5.0, like_threshold=3.0, history=HISTORY)


@pytest.fixture(scope="module")
def planted():
    return Planted(truth.tastes()[:20])


def test_a_statement_is_held_against_the_planted_taste(planted):
    text = f"{RIGHT} {WRONG} They are said to like {AVOIDED} movies, although the history shown holds no such entry."
    found = judged(planted, About(user_id=TASTE.user_id), text, SUBJECT.to_json())

    assert [said.feature.value.lower() for said in found.true] == [LOVED]
    assert [said.feature.value.lower() for said in found.false] == [AVOIDED]  # what is only reported is not vouched for
    assert [sentence.text for sentence in found.wrong] == [WRONG]


def test_a_feature_that_the_evidence_does_not_show_is_held_against_it_too(planted):
    bare = Subject(kind="end_user", item_noun="movie", rating_max=5.0, like_threshold=3.0)
    found = judged(planted, About(user_id=TASTE.user_id), "They avoid musical movies.", bare.to_json())

    assert (len(found.true), len(found.false)) == (1, 0)


def test_what_a_films_likers_are_said_to_enjoy_is_held_against_all_tastes(planted):
    film = next(film for film in truth.films() if film.genres == ("Horror",))
    subject = Subject(
        kind="item", item_noun="movie", rating_max=5.0, like_threshold=3.0, title=film.title,
        attributes={"genres": list(film.genres)}, liker=HISTORY, disliker=HISTORY,
    )  # fmt: skip
    text = "People who like it enjoy horror movies. People who do not like it enjoy horror movies. It is celebrated."
    found = judged(planted, About(item_id=film.item_id), text, subject.to_json())

    assert [(said.aspect, said.feature.value) for said in found.true] == [("liker", "Horror")]
    assert [sentence.aspect for sentence in found.wrong] == ["disliker", "item"]


def test_the_truth_in_words_is_read_as_true(planted):
    for taste in truth.tastes()[:20]:
        about = About(user_id=taste.user_id)
        (first, second, *_) = planted.text(about).split(". ")
        found = judged(planted, about, f"{first}. {second}.", SUBJECT.to_json())
        assert found.true, about
        assert len(found.false) <= len(found.true)  # an exception may outweigh a love


@pytest.fixture
def annotator(db, broker):
    account = builders.make_account()
    catalog = builders.make_catalog()
    end_user = builders.make_end_user(catalog, TASTE.user_id)

    def decide(text):
        made = builders.make_round(end_user, ("reason", text), ("reflect", ""), rest_reason="reasonable")
        made.evidence = SUBJECT.to_json()
        made.save()
        open_review(made)
        annotator = Annotator(Planted([TASTE]), account)
        assert annotator.work() == 1
        return annotator, made

    return decide


def test_what_is_true_is_approved(annotator):
    one, made = annotator(RIGHT)

    assert dict(one.made) == {"approve": 1}
    assert Knowledge.objects.get(in_force=True).text == RIGHT
    assert Review.objects.get(round=made).state == "done"


def test_what_is_partly_true_is_edited(annotator):
    one, _ = annotator(f"{RIGHT} {WRONG}")

    text = Knowledge.objects.get(in_force=True).text
    assert dict(one.made) == {"edit": 1}
    assert RIGHT in text
    assert WRONG not in text
    assert not judged(Planted([TASTE]), About(user_id=TASTE.user_id), text, SUBJECT.to_json()).false


def test_what_is_mostly_false_goes_back_to_the_actor_once_and_is_then_rejected(annotator):
    one, made = annotator(WRONG)

    critique = made.turns.get(kind="override").text
    assert dict(one.made) == {"override": 1}
    assert f"it is not true that They love {AVOIDED} movies" in critique
    assert "Missing: They love" in critique
    assert Round.objects.get(pk=made.pk).state == RoundState.WAITING
    last = made.turns.create(index=9, kind="refine", text=WRONG, text_hash="x", about=made.turns.get(index=0))
    assert last.is_rationale
    Round.objects.filter(pk=made.pk).update(state=RoundState.RESTING, rest_reason="unchanged")
    open_review(made)
    assert one.work() == 1
    assert dict(one.made) == {"override": 1, "reject": 1}
    assert not Knowledge.objects.exists()
