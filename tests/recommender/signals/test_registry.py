from dataclasses import replace

import numpy as np
import pytest

from recommender.artifacts import ranker, writing
from recommender.artifacts.golden import Entry
from recommender.dataset.examples import build, leaking_rows
from recommender.dataset.histories import FROZEN, STREAMING, frozen
from recommender.dataset.split import TEST, split
from recommender.dataset.texts import KnowledgeRows
from recommender.evaluation import full_ranking
from recommender.measures.scores import gauc
from recommender.models import SubjectKind
from recommender.recipe import SIGNALS, SWITCHES, TrainConfig
from recommender.runs.observer import WITH, WITHOUT
from recommender.signals import registry
from recommender.signals.protocol import Candidates
from recommender.signals.registry import Signals
from recommender.signals.sources import Sources
from recommender.training.inputs import Inputs, make_inputs
from tests.recommender.signals.popularity import PopularitySignal
from tests.recommender.signals.sources import CONFIG, fit
from tests.recommender.training.fitting import SMALL, fitted, knowledge_of, prepared
from tests.recommender.training.synthetic import in_memory, rows


@pytest.fixture(scope="module")
def data():
    return in_memory(rows(end_users=60))


@pytest.fixture(scope="module")
def codes(data):
    return split("r4ec", data.end_user, data.liked)


@pytest.fixture(scope="module")
def joined(data, codes):
    return fit(Sources(CONFIG, data, codes), build(data, KnowledgeRows([]), history=5))


def asked(items=(5, -1), met=(3, 4), liked=(1, 0)):
    return Candidates(
        "u001",
        met=np.array(met, dtype=np.int64),
        liked=np.array(liked, dtype=np.int8),
        item=np.array(items),
        end_user_text=0,
        item_text=np.array(items),
    )


def test_signals_alone_rank_what_an_end_user_likes_first(data, codes, joined):
    test = codes == TEST
    score = joined.columns("statistics")[:, 0] + joined.columns("gaussian_process")[:, 0]

    assert gauc(data.liked[test], score[test], data.end_user[test]) > 0.75


def test_stored_signals_read_the_same(joined, tmp_path):
    joined.signals.save(tmp_path)
    loaded = Signals.load(tmp_path, [path.name for path in tmp_path.iterdir()])

    assert list(loaded.fitted) == list(joined.signals.fitted) == ["statistics", "gaussian_process"]
    np.testing.assert_array_equal(loaded.read(asked()), joined.signals.read(asked()))


def test_every_signal_can_be_switched_off(data, codes):
    off = dict.fromkeys(SIGNALS, False)
    bare = build(data, KnowledgeRows([]), history=5)

    assert fit(Sources(CONFIG.but(**off), data, codes), bare).signals.fitted == {}
    for name, width in (("statistics", 3), ("collaborative", 2), ("metadata", 2), ("drift", 1)):
        alone = fit(Sources(CONFIG.but(**off | {name: True}), data, codes), bare)
        assert alone.signals.width == alone.examples.signals.shape[1] == width


def test_a_candidate_reads_as_the_interaction_that_follows_the_same_history(data, joined):
    own = np.flatnonzero(data.end_user == data.end_user[-1])
    last = own[-1]
    past = slice(own[0], joined.examples.before[last])
    candidates = replace(
        asked(items=[data.item[last]], met=data.item[past], liked=data.liked[past]),
        end_user=data.end_users[data.end_user[last]],
    )

    np.testing.assert_allclose(joined.signals.read(candidates)[0], joined.examples.signals[last], atol=1e-5)


def test_leaving_an_entry_out_reads_as_the_shorter_history(joined):
    whole = asked(met=(3, 4, 8), liked=(1, 0, -1))
    shorter = [asked(met=(4, 8), liked=(0, -1)), asked(met=(3, 4), liked=(1, 0))]
    read = joined.signals.read_without(whole, np.array([0, 2]))

    assert read.shape == (3, 2, joined.signals.width)
    np.testing.assert_allclose(read, [joined.signals.read(each) for each in (whole, *shorter)], atol=1e-5)


def with_random_texts(data, codes, known):
    vectors = np.random.default_rng(3).normal(size=(1 + len(known.texts), 8)).astype(np.float32)
    return Sources(CONFIG, data, codes, known=known, vectors=vectors)


def test_an_example_its_items_text_was_made_from_is_read_without_that_text(data, codes):
    """The witnesses of a text get the readings of the model without knowledge, all others those with it."""
    texts = knowledge_of(data).texts
    shown = next(n for n, text in enumerate(texts) if text.kind == SubjectKind.ITEM)
    witness = int(data.keys[np.flatnonzero(data.item == texts[shown].subject)[0]])
    known = KnowledgeRows([*texts[:shown], replace(texts[shown], shown=frozenset({witness})), *texts[shown + 1 :]])
    bare = build(data, known, history=5)
    without = fit(Sources(CONFIG, data, codes), bare)
    leaking = leaking_rows(bare, known)
    informed = fit(with_random_texts(data, codes, known), bare, without=without)

    assert leaking[np.flatnonzero(data.keys == witness)].all()
    assert 0 < leaking.sum() < len(data)
    np.testing.assert_array_equal(informed.examples.signals[leaking], without.examples.signals[leaking])
    assert (informed.examples.signals[~leaking] != without.examples.signals[~leaking]).any()


def test_a_candidate_that_must_not_see_its_text_is_read_without_knowledge(data, codes):
    known = knowledge_of(data)
    bare = build(data, known, history=5)
    without = fit(Sources(CONFIG, data, codes), bare)
    informed = fit(with_random_texts(data, codes, known), bare, without=without).signals
    leaking = np.array([True, False])
    read = informed.read(asked(items=(3, 6)), leaking=leaking, without=without.signals)

    np.testing.assert_array_equal(read[0], without.signals.read(asked(items=(3, 6)))[0])
    np.testing.assert_array_equal(read[1], informed.read(asked(items=(3, 6)))[1])


def test_what_knowledge_does_not_change_is_fitted_once(data, codes):
    known = knowledge_of(data)
    bare = build(data, known, history=5)
    config = CONFIG.but(knowledge_signal=False)
    without = fit(Sources(config, data, codes), bare)
    informed = fit(replace(with_random_texts(data, codes, known), config=config), bare, without=without)

    assert all(informed.signals.fitted[name] is fitted for name, fitted in without.signals.fitted.items())
    np.testing.assert_array_equal(informed.examples.signals, without.examples.signals)


def test_a_new_signal_is_a_file_and_a_row(monkeypatch, tmp_path):
    """One more row is trained with, ranked with whole catalogs, written, loaded and served."""
    monkeypatch.setitem(registry.REGISTRY, "popularity", PopularitySignal())
    made = fitted(SMALL)
    writing.write(
        tmp_path / "1",
        made.backbone,
        SMALL,
        made.interactions,
        made.knowledge,
        signals=made.signals,
        demographics=made.examples.demographics,
        facts={},
    )
    loaded = ranker.read(tmp_path / "1")
    history = [Entry("i000", 5.0, None), Entry("i004", 1.0, None)]
    still = build(frozen(made.interactions, split_of(made)), made.knowledge, history=SMALL.history)
    inputs = Inputs({FROZEN: made.knowledge}, {FROZEN: still}, made.signals, made.signals)
    lists = full_ranking.make_lists(inputs, made.parts.test, most=3, alive=lambda: None)

    assert list(made.signals.fitted) == ["statistics", "gaussian_process", "popularity"]
    assert made.backbone.sizes.signals == made.examples.signals.shape[1] == lists.signals.shape[2] == 7
    assert "signal_popularity.npz" in [path.name for path in (tmp_path / "1").iterdir()]
    assert loaded.signals.width == 7
    assert np.isfinite(loaded.score("u000", history)).all()
    assert loaded.effects("u000", history, ["i010"])[0].shape == (1, 2)


def split_of(made):
    return split(SMALL.split, made.interactions.end_user, made.interactions.liked)


def test_every_signal_has_switches_in_the_recipe():
    assert {*SIGNALS, "statements", "statement_priors"} <= {*SWITCHES} <= {*TrainConfig.model_fields}


@pytest.mark.parametrize("signals", [{"drift": True}, {}])
def test_without_knowledge_there_is_no_column_that_knowledge_switches_on(signals):
    recipe = CONFIG.but(**dict.fromkeys(SIGNALS, False) | signals | {"knowledge_signal": True})
    made = prepared(end_users=40)
    alone, bare = (
        make_inputs(made, each, WITHOUT, alive=lambda: None) for each in (recipe, recipe.but(knowledge_signal=False))
    )
    informed = make_inputs(made, recipe, WITH, alive=lambda: None)
    assert alone.signals.width == len(signals)
    np.testing.assert_array_equal(alone.examples[STREAMING].signals, bare.examples[STREAMING].signals)
    assert informed.signals.width == informed.without.width == 2 + len(signals)
