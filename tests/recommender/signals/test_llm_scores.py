"""An LLM's scores: of which moment they are, what they may move, and when they are believed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.dataset.interactions import read_interactions
from recommender.models import Item, RunState, ScoredRating, ScoringRun
from recommender.recipe import TrainConfig
from recommender.signals import llm_scores
from recommender.signals.llm_scores import MOST, Answered, Blend, Scores
from recommender.signals.stated import CHANCE
from tests.builders import make_catalog, make_end_user, make_interaction, make_item
from tests.recommender.training import synthetic

MADE = synthetic.rows(end_users=4, items=12, each=8)
DATA = synthetic.in_memory(MADE, items=12)
ROWS = np.arange(len(DATA))
NAMES = [f"u{number}" for number in range(400)]


def scores(said):
    end_user, item, as_of, score = np.array(said, dtype=np.float64).reshape(-1, 4).T
    return Scores("s", "m", False, end_user.astype(int), item.astype(int), as_of.astype(int), score)


said_of = st.tuples(st.integers(0, 3), st.integers(0, 11), st.integers(990, 1090), st.floats(-9, 9))


@given(st.lists(said_of, max_size=40, unique_by=lambda one: one[:3]))
@settings(deadline=None)
def test_a_row_gets_the_latest_score_that_was_there_at_its_moment_and_never_a_later_one(said):
    found = scores(said).of(DATA, ROWS)
    for row, value in zip(ROWS, found, strict=True):
        key = int(DATA.end_user[row]), int(DATA.item[row])
        usable = [one for one in said if one[:2] == key and one[2] <= DATA.moment[row]]
        if usable:
            assert value == max(usable, key=lambda one: one[2])[3]
        else:
            assert np.isnan(value)


@given(
    st.floats(0, 50),
    st.floats(-5, 5),
    st.floats(0.01, 5),
    st.lists(st.floats(-1e6, 1e6) | st.just(np.nan), min_size=1, max_size=20),
)
def test_an_offset_grows_with_the_score_is_bounded_and_none_without_one(weight, centre, spread, said):
    said = np.sort(np.array(said))  # NaN last
    offset = Blend("s", weight, centre, spread).offset(said)
    there = ~np.isnan(said)
    assert (np.diff(offset[there]) >= 0).all()
    assert (np.abs(offset) <= MOST).all()
    assert (offset[~there] == 0).all()
    assert Blend("s", weight, centre, spread).offset(np.array([centre]))[0] == 0


def answered(draw, *, people=60, each=8, items=80, use=0.0, of_items=0.0, noise_of_items=0.0, biased=0.0):
    """Ratings where the score tells `use` of what the backbone misses; items have misses of their own (`of_items`), and
    the model opinions about them that mean nothing (`noise_of_items`), as it has about people (`biased`)."""
    end_user = np.repeat(np.arange(people), each)
    item = np.concatenate([draw.permutation(items)[:each] for _ in range(people)])
    missed = draw.normal(size=len(item)) + of_items * draw.normal(size=items)[item]
    logit = draw.normal(size=len(item))
    liked = (draw.random(len(item)) < 1 / (1 + np.exp(-(logit + missed)))).astype(float)
    score = use * missed + draw.normal(size=len(item)) + noise_of_items * draw.normal(size=items)[item]
    return Answered(end_user, item, score + biased * draw.normal(size=people)[end_user] - 7, logit, liked)


def test_scores_that_tell_what_the_backbone_misses_are_believed_and_weighed():
    learned = llm_scores.learn(scores([]), answered(np.random.default_rng(1), use=1.0), NAMES)
    assert learned.chance <= CHANCE
    assert learned.gain > 0.01
    assert 0.2 < learned.blend.weight < 2
    assert learned.blend.centre == pytest.approx(-7, abs=0.3)
    assert (learned.ratings, learned.end_users) == (480, 60)


def test_scores_that_say_the_opposite_of_what_happens_move_nothing():
    rows = answered(np.random.default_rng(1), use=-1.0)
    learned = llm_scores.learn(scores([]), rows, NAMES)
    assert (learned.blend.weight, learned.gain) == (0.0, 0.0)
    assert (learned.blend.offset(rows.score) == 0).all()


@pytest.mark.once
def test_opinions_about_items_and_people_that_mean_nothing_pass_about_as_rarely_as_the_level_says():
    """Items whose likes the backbone misjudges, and a model with opinions about items, are no agreement of both."""
    kinds = {"items": 25, "of_items": 1.5, "noise_of_items": 2.0, "biased": 2.0}
    every = [answered(np.random.default_rng(number), **kinds) for number in range(100)]
    accepted = [llm_scores.chance(rows, exchanges=99) <= CHANCE for rows in every]
    row_by_row = [dealt_row_by_row(rows) <= CHANCE for rows in every]
    assert np.mean(accepted) <= 0.08
    assert np.mean(row_by_row) > 0.12  # what a test that knows neither people nor items would let pass


def dealt_row_by_row(rows):
    residual, draw = rows.liked - 1 / (1 + np.exp(-rows.logit)), np.random.default_rng(3)
    dealt = [residual @ draw.permutation(rows.score) for _ in range(99)]
    return (1 + np.count_nonzero(dealt >= residual @ rows.score)) / 100


@pytest.mark.parametrize("people", [0, 1])
def test_of_fewer_than_two_people_or_equal_scores_nothing_is_learned(people):
    rows = answered(np.random.default_rng(0), people=max(people, 1), use=1.0)
    kept = np.arange(8 * people)
    few = Answered(rows.end_user[kept], rows.item[kept], rows.score[kept], rows.logit[kept], rows.liked[kept])
    assert llm_scores.learn(scores([]), few, NAMES).chance == 1.0
    rows = answered(np.random.default_rng(0), use=1.0)
    same = Answered(rows.end_user, rows.item, np.full(len(rows.item), 2.0), rows.logit, rows.liked)
    assert llm_scores.learn(scores([]), same, NAMES).blend.weight == 0.0


@pytest.mark.django_db
def test_the_latest_finished_run_of_the_split_says_which_scorer_is_read():
    catalog = make_catalog()
    person, item = make_end_user(catalog), make_item(catalog)
    make_interaction(person, item)
    data = read_interactions(catalog)

    def run(scorer, score, *, split="r4ec", state=RunState.DONE, **config):
        made = ScoringRun.objects.create(
            catalog=catalog, state=state, config={"split": split} | config, metrics={"scorer": scorer, "model": "m"}
        )
        if scorer:
            ScoredRating.objects.create(end_user=person, item=item, run=made, scorer=scorer, as_of=5, score=score)

    assert llm_scores.read(catalog, data, TrainConfig()) is None
    run("first", 1.0)
    run("second", 2.0, preference=True)
    run("of another split", 3.0, split="kar")
    run("under way", 4.0, state=RunState.RUNNING)
    run("", 5.0)  # an adapter of which nobody knows what it was tuned on
    found = llm_scores.read(catalog, data, TrainConfig())
    assert found is not None
    assert (found.scorer, found.score.tolist(), found.with_preference) == ("second", [2.0], True)
    run("of given moments", 6.0, split="given:4:9")
    given = TrainConfig(split="given", valid_from=4, test_from=9)
    of_given = llm_scores.read(catalog, data, given)
    assert of_given is not None
    assert of_given.scorer == "of given moments"
    assert llm_scores.read(catalog, data, given.but(test_from=8)) is None
    of_kar = llm_scores.read(catalog, data, TrainConfig(split="kar"))
    assert of_kar is not None
    assert of_kar.score.tolist() == [3.0]
    assert llm_scores.read(catalog, data, TrainConfig(split="kar", fold=1)) is None
    Item.objects.filter(pk=item.pk).delete()
    assert llm_scores.read(catalog, data, TrainConfig()) is None
